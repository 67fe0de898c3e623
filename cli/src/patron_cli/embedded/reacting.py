"""The process of reactions of embedded mode: those of every service, over one connection to the log."""

from patron_contacts.reacting import reacting as of_contacts
from patron_contacts.settings import ContactsSettings
from patron_pipeline.reacting import process_of
from patron_pipeline.reacting import reacting as of_pipeline
from patron_pipeline.settings import PipelineSettings
from patron_reactions.process import run_reactions


def react() -> int:
    """React until SIGTERM; gives the exit code."""
    pipeline = PipelineSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    contacts = ContactsSettings()  # pyright: ignore[reportCallIssue]  # as above
    # The pipeline's log has both contexts.
    run_reactions(process_of(pipeline, "reactions"), [of_contacts(contacts), of_pipeline(pipeline)])
    return 0
