"""Put the use cases together over any log; `app` does it over JetStream, tests over memory."""

from patron_contacts.api.parts import Parts, UseCases
from patron_contacts.domain.activity_body import interaction, order
from patron_contacts.handlers.activities import ActivityHandlers
from patron_contacts.handlers.changing import RecordHandlers
from patron_contacts.handlers.fields import FieldHandlers
from patron_contacts.handlers.kinds import COMPANY_KIND, PERSON_KIND
from patron_contacts.handlers.records import Records
from patron_events.decisions import Decisions
from patron_events.journal import Journal
from patron_events.rehearsal import RehearsalStore, RehearsalVault
from patron_events.store import EventStore
from patron_events.vault import BlindIndex, KeyVault


def use_cases(journal: Journal, index: BlindIndex, default_region: str | None) -> UseCases:
    """Build the use cases over one journal."""
    decisions = Decisions(journal)
    fields = FieldHandlers(decisions)
    records = Records(decisions, fields, index, default_region)
    return UseCases(
        people=RecordHandlers(records, PERSON_KIND),
        companies=RecordHandlers(records, COMPANY_KIND),
        interactions=ActivityHandlers(records, "interaction", interaction),
        orders=ActivityHandlers(records, "order", order),
        fields=fields,
    )


def parts(store: EventStore, vault: KeyVault, index: BlindIndex, default_region: str | None = None) -> Parts:
    """Build what the routes need: the use cases, and how to rehearse them."""

    def rehearse() -> UseCases:
        return use_cases(Journal(RehearsalStore(store), RehearsalVault(vault)), index, default_region)

    return Parts(use_cases(Journal(store, vault), index, default_region), index, rehearse)
