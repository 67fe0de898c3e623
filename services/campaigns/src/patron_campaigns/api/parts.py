"""The parts that routes reach through the application's state, as typed dependencies."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Path, Request

from patron_campaigns.api.bodies import Id
from patron_campaigns.handlers.segments import SegmentHandlers
from patron_events.vault import BlindIndex


@dataclass(frozen=True, slots=True)
class Parts:
    """The use cases, and the keyed hash by which repeated requests are told from others with the same key."""

    segments: SegmentHandlers
    index: BlindIndex


async def parts_of(request: Request) -> Parts:
    """Give the parts of the application that serves this request; async, or FastAPI would use a thread for it."""
    return cast("Parts", request.app.state.campaigns)


Using = Annotated[Parts, Depends(parts_of)]
SegmentId = Annotated[Id, Path(description="UUID of the segment", examples=["6e0bd8a4-57b5-4d2e-9b49-3c3f40d7ad63"])]
