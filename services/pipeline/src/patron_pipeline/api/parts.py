"""The parts that routes reach through the application's state, as typed dependencies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from patron_events.decisions import Decisions
from patron_events.vault import BlindIndex
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.calendars import CalendarHandlers
from patron_pipeline.handlers.deals import DealHandlers
from patron_pipeline.handlers.definitions import PipelineHandlers
from patron_pipeline.handlers.forms import FormHandlers
from patron_pipeline.handlers.lead_conversion import Conversion
from patron_pipeline.handlers.leads import LeadHandlers
from patron_pipeline.handlers.products import ProductHandlers
from patron_pipeline.handlers.quotes import QuoteHandlers
from patron_pipeline.handlers.rates import RateHandlers
from patron_pipeline.handlers.replies import ReplyHandlers
from patron_pipeline.handlers.reps import RepHandlers
from patron_pipeline.handlers.routing import Routing


@dataclass(frozen=True, slots=True)
class Parts:
    """The use cases, and the keyed hash by which repeated requests are told from others with the same key.

    rehearse: makes the same over a scratch log that is thrown away (dry runs).
    public_url: where callers outside reach the service; None: where the request came to.
    """

    decisions: Decisions
    index: BlindIndex
    leads: LeadHandlers
    forms: FormHandlers
    conversion: Conversion
    pipelines: PipelineHandlers
    deals: DealHandlers
    products: ProductHandlers
    quotes: QuoteHandlers
    rates: RateHandlers
    reps: RepHandlers
    rehearse: Callable[[], "Parts"]
    activities: ActivityHandlers
    calendars: CalendarHandlers
    replies: ReplyHandlers
    routing: Routing
    public_url: str | None = None


async def parts_of(request: Request) -> Parts:
    """Give the parts of the application that serves this request; async, or FastAPI would use a thread for it."""
    return cast("Parts", request.app.state.pipeline)


Using = Annotated[Parts, Depends(parts_of)]
