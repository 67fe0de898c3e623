"""Routes of segments: their definitions with size and dependencies, members of any moment, history, and proof."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from patron_projections.api.parts import (
    ADMINS,
    LIST_PROBLEMS,
    READERS,
    Asked,
    ListAnswer,
    Listed,
    ListedAsOf,
    Parts,
    PeriodInvalid,
    Strict,
    answered,
    period,
)
from patron_projections.clocks import ClockInvalid
from patron_projections.database import ReadModelsUnavailable
from patron_projections.directory import Page
from patron_projections.freshness import AfterInvalid
from patron_projections.segments.queries import SegmentUnknown, SpanInvalid
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["segments"])

_DAYS: Final = 90
_ONE_PROBLEMS = problems(SegmentUnknown, AfterInvalid, ReadModelsUnavailable)
_MEMBERS_PROBLEMS = LIST_PROBLEMS | problems(SegmentUnknown, ClockInvalid)
_HISTORY_PROBLEMS = problems(SegmentUnknown, PeriodInvalid, SpanInvalid, AfterInvalid, ReadModelsUnavailable)
SegmentId = Annotated[UUID, Path(description="Id of a segment, as campaigns gave it.")]


class SegmentList(Listed):
    """Parameters of the list of segments."""

    include_archived: bool = Field(default=False, description="Also archived segments.")


class HistoryQuery(Strict):
    """Parameters of a segment's history; without them the last 90 days."""

    since: str | None = Field(None, alias="from", max_length=40, examples=["2026-01-01"], description="First day.")
    to: str | None = Field(None, max_length=40, examples=["2026-04-01"], description="End, exclusive.")


class HistoryDay(BaseModel):
    """One day in UTC: how many customers entered and left, and the size at its end."""

    day: str
    entered: int
    left: int
    size: int


class HistoryAnswer(BaseModel):
    """How a segment grew."""

    items: list[HistoryDay]


class SumAnswer(BaseModel):
    """A number of customers, and the sum of the hashes of their ids, in hexadecimal."""

    customers: int
    checksum: str


class EqualityAnswer(BaseModel):
    """Members found in three ways: evaluated anew (not for snapshots), as kept live, as told in the log.

    pending: changes on their way to the log; while there are any, or facts not yet evaluated, the three may differ.
    """

    evaluated: SumAnswer | None
    kept: SumAnswer
    told: SumAnswer
    pending: int
    equal: bool


async def _ready(parts: Parts, query: Strict) -> None:
    if query.after is not None:
        await parts.evaluated.wait(query.after, query.wait_s)


async def _page(parts: Parts, page: Page) -> Response:
    freshness = await parts.evaluated.freshness()
    document = {"items": page.rows, "next_cursor": page.next_cursor, "position": freshness.document()}
    return answered(document, freshness)


@routes.get("/segments", response_model=ListAnswer, dependencies=READERS, responses=LIST_PROBLEMS)
async def segments(parts: Asked, query: Annotated[SegmentList, Query()]) -> Response:
    """List segments by name: definition, size, and which segments each uses and is used by."""
    await _ready(parts, query)
    return await _page(parts, await parts.segments.page(query.limit, query.cursor, archived=query.include_archived))


@routes.get("/segments/{segment_id}", response_model=dict[str, Any], dependencies=READERS, responses=_ONE_PROBLEMS)
async def segment(parts: Asked, segment_id: SegmentId, query: Annotated[Strict, Query()]) -> Response:
    """Show one segment: definition, size, and which segments it uses and is used by."""
    await _ready(parts, query)
    return answered(await parts.segments.one(str(segment_id)), await parts.evaluated.freshness())


@routes.get(
    "/segments/{segment_id}/members", response_model=ListAnswer, dependencies=READERS, responses=_MEMBERS_PROBLEMS
)
async def members(parts: Asked, segment_id: SegmentId, query: Annotated[ListedAsOf, Query()]) -> Response:
    """List the members of a segment, of now or as of any moment, with since when and why."""
    clocks = query.clocks()
    await _ready(parts, query)
    return await _page(parts, await parts.segments.members(str(segment_id), clocks, query.limit, query.cursor))


@routes.get(
    "/segments/{segment_id}/history", response_model=HistoryAnswer, dependencies=READERS, responses=_HISTORY_PROBLEMS
)
async def history(parts: Asked, segment_id: SegmentId, query: Annotated[HistoryQuery, Query()]) -> Response:
    """Tell for each day (UTC) how many customers entered and left a segment, and its size at the end of the day."""
    asked = period(query.since, query.to)
    until = asked.until or datetime.now(UTC)
    since = asked.since or (until - timedelta(days=min(_DAYS, (until - datetime.min.replace(tzinfo=UTC)).days)))
    await _ready(parts, query)
    rows = await parts.segments.history(str(segment_id), since, until)
    return answered({"items": rows}, await parts.evaluated.freshness())


@routes.get(
    "/segments/{segment_id}/equality", response_model=EqualityAnswer, dependencies=ADMINS, responses=_ONE_PROBLEMS
)
async def equality(parts: Asked, segment_id: SegmentId, query: Annotated[Strict, Query()]) -> Response:
    """Evaluate a segment from the beginning, and compare with its members and with the log; for admins."""
    await _ready(parts, query)
    found = await parts.segments.equality(str(segment_id), datetime.now(UTC))
    return answered(found.document(), await parts.evaluated.freshness())


@routes.get(
    "/customers/{customer_id}/segments", response_model=ListAnswer, dependencies=READERS, responses=LIST_PROBLEMS
)
async def of_customer(parts: Asked, customer_id: UUID, query: Annotated[Listed, Query()]) -> Response:
    """List the segments that a customer is in or was in, the newest stay first; `left_at` is null while it lasts."""
    await _ready(parts, query)
    return await _page(parts, await parts.segments.of_customer(customer_id, query.limit, query.cursor))
