"""Routes of pages that somebody who sells works with: the board, their work, the lead inbox."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Path, Query, Response
from pydantic import BaseModel, Field

from patron_projections.api.parts import (
    AS_OF_PROBLEMS,
    READERS,
    Asked,
    Asking,
    AsOfQuery,
    Freshened,
    Parts,
    Reached,
    RecordNotFound,
    wait_for,
)
from patron_projections.directory import SortInvalid
from patron_projections.filters import FilterInvalid
from patron_projections.sales.board import Asked as BoardAsked
from patron_projections.sales.board import PipelineNotFound
from patron_projections.sales.work import TimeZoneUnknown, Whose
from patron_runtime.bodies import router
from patron_runtime.identity import Principal, Role
from patron_runtime.problems import problems
from patron_runtime.requests import requires

routes = router(prefix="/projections/v1", tags=["selling"], dependencies=READERS)

Caller = Annotated[Principal, Depends(requires(Role.READER))]
_FILTERS_TEXT: Final = "Only deals that these filters let through, as in the list of deals."
_BOARD_PROBLEMS = AS_OF_PROBLEMS | problems(PipelineNotFound, FilterInvalid, SortInvalid)
_WORK_PROBLEMS = AS_OF_PROBLEMS | problems(TimeZoneUnknown)


class BoardQuery(Asking):
    """Parameters of a board."""

    filter: list[str] = Field([], max_length=15, description=_FILTERS_TEXT, examples=[["owner:eq:ann"]])
    sort: str = Field("expected_close", max_length=100, description="What the cards of a column are sorted by.")
    limit: int = Field(20, ge=1, le=200, description="Cards per column.")
    currency: str | None = Field(None, pattern="^[A-Z]{3}$", description="Of the totals; else that of the pipeline.")
    closed_days: int = Field(30, ge=0, le=366, description="Won and lost columns count deals closed within so long.")


class WorkQuery(Asking):
    """Parameters of somebody's work."""

    owner: str | None = Field(None, min_length=1, max_length=200, description="`sub` of whose; the caller if absent.")
    time_zone: str | None = Field(None, max_length=60, description="IANA name; that of the representative if absent.")
    ahead_days: int = Field(7, ge=0, le=366, description="How far coming activities are looked for.")
    stale_days: int = Field(7, ge=0, le=366, description="A lead without an event for so long is stale.")
    limit: int = Field(20, ge=1, le=100, description="Items per section.")


class InboxQuery(Asking):
    """Parameters of the lead inbox."""

    filter: list[str] = Field([], max_length=15, description="Only leads that these filters let through.")
    limit: int = Field(20, ge=1, le=100, description="Items per section.")


class SectionAnswer(BaseModel):
    """A part of a page. list: where its records go on: `path`, with `filter`, `sort` and `cursor`."""

    number: int
    items: list[dict[str, Any]]
    list: dict[str, Any]


class BoardAnswer(BaseModel):
    """A board.

    Each column has `deals`, `sums` by currency, and `total` and `weighted` in one currency with the rates that were
    used and their days; open ones also `rotting`, `without_activity`, `overdue` (past their expected close), their WIP
    limit and `cards`. `over_limit`: whether there are more deals than the limit, null on a filtered board. `next`: how
    the list `/deals` goes on behind the cards.
    """

    pipeline: dict[str, Any]
    moment: str
    currency: str | None
    deals: int
    columns: list[dict[str, Any]]
    position: Reached


class WorkAnswer(BaseModel):
    """What somebody has to do."""

    owner: str
    moment: str
    time_zone: str
    overdue: SectionAnswer
    due_today: SectionAnswer
    coming: SectionAnswer
    without_date: SectionAnswer
    deals_without_next_step: SectionAnswer
    deals_rotting: SectionAnswer
    deals_past_close_date: SectionAnswer
    leads_new: SectionAnswer
    leads_stale: SectionAnswer
    position: Reached


class InboxAnswer(BaseModel):
    """Leads that wait. queues: of those that nobody has; unassigned: these; not_begun: assigned and no more."""

    moment: str
    queues: list[dict[str, Any]]
    unassigned: SectionAnswer
    not_begun: SectionAnswer
    position: Reached


@routes.get("/pipelines/{pipeline_id}/board", response_model=BoardAnswer, responses=_BOARD_PROBLEMS)
async def board(
    parts: Asked,
    pipeline_id: Annotated[str, Path(min_length=1, max_length=60)],
    query: Annotated[BoardQuery, Query()],
) -> Response:
    """Show what stands where in a pipeline, now or as of any moment."""
    fresh = Freshened(parts, "deals")
    await fresh.wait(query)
    asked = BoardAsked(pipeline_id, query.filter, query.sort, query.limit, query.currency, query.closed_days)
    return await fresh.report(await parts.sales.boards.board(asked, query.clocks()))


@routes.get("/work", response_model=WorkAnswer, responses=_WORK_PROBLEMS)
async def work(parts: Asked, caller: Caller, query: Annotated[WorkQuery, Query()]) -> Response:
    """Tell what somebody has to do: what is due, deals without a next step, leads that wait."""
    await _wait(parts, query)
    owner = query.owner or caller.subject
    whose = Whose(owner, query.time_zone, query.ahead_days, query.stale_days, query.limit)
    found = await parts.sales.work.of(whose, query.clocks())
    return await Freshened(parts, "planned_activities").report(found)


@routes.get("/leads/inbox", response_model=InboxAnswer, responses=AS_OF_PROBLEMS | problems(FilterInvalid, SortInvalid))
async def inbox(parts: Asked, query: Annotated[InboxQuery, Query()]) -> Response:
    """Tell which leads wait for somebody, the best score first, and which were assigned and not begun."""
    fresh = Freshened(parts, "leads")
    await fresh.wait(query)
    return await fresh.report(await parts.sales.work.inbox(query.clocks(), query.filter, query.limit))


@routes.get("/leads/{lead_id}", response_model=dict[str, Any], responses=AS_OF_PROBLEMS | problems(RecordNotFound))
async def lead(parts: Asked, lead_id: UUID, query: AsOfQuery) -> Response:
    """Show a lead: who it is, who has it and why, its score and what counted, and what is planned for it."""
    fresh = Freshened(parts, "leads")
    await fresh.wait(query)
    found = await parts.sales.lead(lead_id, query.clocks())
    if found is None:
        raise RecordNotFound
    return await fresh.document(found)


async def _wait(parts: Parts, query: Asking) -> None:
    """Wait until every model that a page is made of has what the caller asks for."""
    await wait_for(parts, query, "deals", "leads", "planned_activities")
