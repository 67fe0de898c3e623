"""Reactions to people of the contacts context: who a converted lead is there, and who was erased."""

from typing import Final

from patron_events.catalog import contacts as facts
from patron_events.personal import known
from patron_pipeline.domain.known import PERSON
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.customers import CustomerHandlers
from patron_pipeline.handlers.deals import DealHandlers
from patron_pipeline.handlers.definitions import PipelineHandlers
from patron_pipeline.handlers.finding import Finding
from patron_pipeline.handlers.lead_conversion import Conversion
from patron_pipeline.handlers.leads import LeadHandlers
from patron_pipeline.handlers.products import ProductHandlers
from patron_reactions.reaction import Happened, Reaction
from patron_reactions.service import Means

_LEAD: Final = "lead"
_NONE: Final[tuple[facts.ExternalId, ...]] = ()


def customer_reactions(means: Means) -> list[Reaction]:
    """Put the reactions to people together."""
    decisions, index = means.decisions, means.index
    finding = Finding(decisions.journal, index)
    deals = DealHandlers(decisions, PipelineHandlers(decisions), finding, ProductHandlers(decisions, index))
    conversion = Conversion(LeadHandlers(decisions, finding, index), deals)
    customers = CustomerHandlers(conversion, ActivityHandlers(decisions, index, finding))

    async def identified(happened: Happened) -> None:
        event = happened.event
        if not isinstance(event, facts.ExternalIdsChanged):
            return
        for one in known(event.external_ids, _NONE):
            if one.source == _LEAD:
                await customers.known_as(happened.stream.id, one.id, happened.asked(one.id))

    async def erased(happened: Happened) -> None:
        await customers.forget(happened.stream.id, happened.asked)

    return [
        Reaction("lead-is-known-as", PERSON.category, (facts.ExternalIdsChanged,), identified),
        Reaction("person-is-forgotten", PERSON.category, (facts.RecordErased,), erased),
    ]
