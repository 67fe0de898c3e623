"""Routes of segments: their definitions with size and dependencies, members of any moment, history, and proof."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from patron_projections.api.exporting import EXPORTED, PAGE, Exported, Listing, exported, paged
from patron_projections.api.listed_columns import GROWTH, MEMBERS, SEGMENTS, STAYS, Exportable
from patron_projections.api.parts import (
    ADMINS,
    LIST_PROBLEMS,
    READERS,
    Asked,
    AsOf,
    ListAnswer,
    Listed,
    Parts,
    PeriodInvalid,
    Strict,
    answered,
    period,
)
from patron_projections.clocks import ClockInvalid
from patron_projections.database import ReadModelRebuilding, ReadModelsUnavailable, Rows
from patron_projections.directory import Page
from patron_projections.freshness import AfterInvalid
from patron_projections.segments.queries import SegmentUnknown, SpanInvalid
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["segments"])

_DAYS: Final = 90
_ONE_PROBLEMS = problems(SegmentUnknown, AfterInvalid, ReadModelsUnavailable, ReadModelRebuilding)
_MEMBERS_PROBLEMS = LIST_PROBLEMS | problems(SegmentUnknown, ClockInvalid)
_HISTORY_PROBLEMS = problems(
    SegmentUnknown, PeriodInvalid, SpanInvalid, AfterInvalid, ReadModelsUnavailable, ReadModelRebuilding
)
_Lister = Callable[[int, str | None], Awaitable[Page]]  # by limit and cursor
SegmentId = Annotated[UUID, Path(description="Id of a segment, as campaigns gave it.")]


class _Exportable(Listed, Exported):
    pass


class SegmentList(_Exportable):
    """Parameters of the list of segments."""

    include_archived: bool = Field(default=False, description="Also archived segments.")


class MembersQuery(_Exportable, AsOf):
    """Parameters of the members of a segment."""


class StaysQuery(_Exportable):
    """Parameters of the segments of a customer."""


class HistoryQuery(Strict, Exported):
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


async def _whole(rows: Rows) -> AsyncGenerator[list[dict[str, Any]]]:
    yield rows


async def _ready(parts: Parts, query: Strict, segment_id: UUID | None = None) -> None:
    if query.after is not None:
        segment = None if segment_id is None else str(segment_id)
        await parts.evaluated.wait(query.after, query.left_s, segment)


async def _answer(
    parts: Parts,
    request: Request,
    query: _Exportable,
    listed: Callable[[int, str | None], Awaitable[Page]],
    export: Exportable,
) -> Response:
    """Answer with one page, or with a file of all pages."""
    await _ready(parts, query)
    form = query.form(request)
    if form is None:
        return await _page(parts, await listed(query.limit, query.cursor))

    async def items(cursor: str | None) -> Listing:
        page = await listed(PAGE, cursor)
        return page.rows, page.next_cursor

    return await exported(paged(items), export.columns, form, export.name, exact=query.exact)


async def _page(parts: Parts, page: Page) -> Response:
    freshness = await parts.evaluated.freshness()
    document = {"items": page.rows, "next_cursor": page.next_cursor, "position": freshness.document()}
    return answered(document, freshness)


@routes.get("/segments", response_model=ListAnswer, dependencies=READERS, responses=LIST_PROBLEMS | EXPORTED)
async def segments(parts: Asked, request: Request, query: Annotated[SegmentList, Query()]) -> Response:
    """List segments by name: definition, size, and which segments each uses and is used by."""

    async def listed(limit: int, cursor: str | None) -> Page:
        return await parts.segments.page(limit, cursor, archived=query.include_archived)

    return await _answer(parts, request, query, listed, SEGMENTS)


@routes.get("/segments/{segment_id}", response_model=dict[str, Any], dependencies=READERS, responses=_ONE_PROBLEMS)
async def segment(parts: Asked, segment_id: SegmentId, query: Annotated[Strict, Query()]) -> Response:
    """Show one segment: definition, size, and which segments it uses and is used by."""
    await _ready(parts, query, segment_id)
    return answered(await parts.segments.one(str(segment_id)), await parts.evaluated.freshness())


@routes.get(
    "/segments/{segment_id}/members",
    response_model=ListAnswer,
    dependencies=READERS,
    responses=_MEMBERS_PROBLEMS | EXPORTED,
)
async def members(
    parts: Asked, segment_id: SegmentId, request: Request, query: Annotated[MembersQuery, Query()]
) -> Response:
    """List the members of a segment, of now or as of any moment, with since when and why."""
    clocks = query.clocks()

    async def listed(limit: int, cursor: str | None) -> Page:
        return await parts.segments.members(str(segment_id), clocks, limit, cursor)

    await _ready(parts, query, segment_id)
    return await _answer(parts, request, query, listed, MEMBERS)


@routes.get(
    "/segments/{segment_id}/history",
    response_model=HistoryAnswer,
    dependencies=READERS,
    responses=_HISTORY_PROBLEMS | EXPORTED,
)
async def history(
    parts: Asked, segment_id: SegmentId, request: Request, query: Annotated[HistoryQuery, Query()]
) -> Response:
    """Tell for each day (UTC) how many customers entered and left a segment, and its size at the end of the day."""
    asked = period(query.since, query.to)
    until = asked.until or datetime.now(UTC)
    since = asked.since or (until - timedelta(days=min(_DAYS, (until - datetime.min.replace(tzinfo=UTC)).days)))
    await _ready(parts, query, segment_id)
    rows = await parts.segments.history(str(segment_id), since, until)
    form = query.form(request)
    if form is not None:
        return await exported(_whole(rows), GROWTH.columns, form, GROWTH.name, exact=query.exact)
    return answered({"items": rows}, await parts.evaluated.freshness())


@routes.get(
    "/segments/{segment_id}/equality", response_model=EqualityAnswer, dependencies=ADMINS, responses=_ONE_PROBLEMS
)
async def equality(parts: Asked, segment_id: SegmentId, query: Annotated[Strict, Query()]) -> Response:
    """Evaluate a segment from the beginning, and compare with its members and with the log; for admins."""
    await _ready(parts, query, segment_id)
    found = await parts.segments.equality(str(segment_id), datetime.now(UTC))
    return answered(found.document(), await parts.evaluated.freshness())


@routes.get(
    "/customers/{customer_id}/segments",
    response_model=ListAnswer,
    dependencies=READERS,
    responses=LIST_PROBLEMS | EXPORTED,
)
async def of_customer(
    parts: Asked, customer_id: UUID, request: Request, query: Annotated[StaysQuery, Query()]
) -> Response:
    """List the segments that a customer is in or was in, the newest stay first; `left_at` is null while it lasts."""

    async def listed(limit: int, cursor: str | None) -> Page:
        return await parts.segments.of_customer(customer_id, limit, cursor)

    return await _answer(parts, request, query, listed, STAYS)
