"""Put the use cases together over any log; `app` does it over JetStream, tests over memory."""

from patron_events.decisions import Decisions
from patron_events.journal import Journal
from patron_events.store import EventStore
from patron_events.vault import BlindIndex, KeyVault
from patron_pipeline.api.parts import Parts


def parts(store: EventStore, vault: KeyVault, index: BlindIndex) -> Parts:
    """Build what the routes need. store: holds the contexts pipeline and, to be read only, contacts."""
    decisions = Decisions(Journal(store, vault))
    return Parts(decisions=decisions, index=index)
