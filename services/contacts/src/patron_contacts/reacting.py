"""Composition root of the reactions of the contacts context: `python -m patron_contacts.app reactions`.

Apart from `app`, so that the process of reactions does not load the web.
"""

from dataclasses import replace
from functools import partial

from patron_contacts.reactions import SERVICE, all_reactions
from patron_contacts.settings import ContactsSettings
from patron_reactions.process import Reacting, ReactionProcess, run_reactions


def reacting(settings: ContactsSettings) -> Reacting:
    """Say what this service reacts to."""
    return Reacting(SERVICE, partial(all_reactions, default_region=settings.default_region))


def process_of(settings: ContactsSettings, name: str = "contacts-reactions") -> ReactionProcess:
    """Say how a process of reactions reaches the log; leads are read, and never written."""
    log = replace(settings.log(), contexts=("contacts", "pipeline"))
    port = settings.reactions_metrics_port
    return ReactionProcess(name, log, settings.index_key_bytes, settings.runtime(), port)


def serve_reactions(settings: ContactsSettings) -> None:
    """React in this process until SIGTERM."""
    run_reactions(process_of(settings), [reacting(settings)])
