"""What the contacts context does by itself: leads that were converted become people and companies here."""

from typing import Final

from patron_contacts.handlers.changing import RecordHandlers
from patron_contacts.handlers.conversions import Conversions
from patron_contacts.handlers.fields import FieldHandlers
from patron_contacts.handlers.kinds import PERSON_KIND
from patron_contacts.handlers.records import Records
from patron_events.catalog.pipeline import leads as facts
from patron_reactions.reaction import Happened, Reaction
from patron_reactions.service import Means, Reactions

SERVICE: Final = "contacts"


def all_reactions(means: Means, default_region: str | None = None) -> Reactions:
    """Put them together over any log; `app` does it over JetStream, tests over memory."""
    records = Records(means.decisions, FieldHandlers(means.decisions), means.index, default_region)
    conversions = Conversions(RecordHandlers(records, PERSON_KIND))

    async def converted(happened: Happened) -> None:
        await conversions.convert(happened.stream.id, happened.asked())

    return Reactions(
        SERVICE, reactions=(Reaction("lead-becomes-customer", "pipeline.lead", (facts.LeadConverted,), converted),)
    )
