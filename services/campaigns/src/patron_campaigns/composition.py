"""Put the use cases together over any log; `app` does it over JetStream, tests over memory."""

from patron_campaigns.api.parts import Parts
from patron_campaigns.handlers.custom_fields import CustomFields
from patron_campaigns.handlers.segments import SegmentHandlers
from patron_events.decisions import Decisions
from patron_events.journal import Journal
from patron_events.store import EventStore
from patron_events.vault import BlindIndex, KeyVault


def parts(store: EventStore, vault: KeyVault, index: BlindIndex) -> Parts:
    """Build what the routes need. store: holds the contexts campaigns and, to be read only, contacts."""
    journal = Journal(store, vault)
    return Parts(SegmentHandlers(Decisions(journal), CustomFields(journal)), index)
