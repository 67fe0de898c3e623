"""Routes of the histories: a customer's timeline, the audit trail, sums of purchases."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from patron_projections.api.exporting import EXPORTED, PAGE, Exported, Listing, exported, paged
from patron_projections.api.listed_columns import AUDIT, TIMELINE, Exportable
from patron_projections.api.parts import (
    AS_OF_PROBLEMS,
    KNOWN_AT,
    READERS,
    Asked,
    Asking,
    AsOf,
    Freshened,
    ListAnswer,
    Listed,
    Parts,
    PeriodInvalid,
    RecordNotFound,
    period,
    wait_for,
)
from patron_projections.clocks import read_clocks
from patron_projections.directory import Page
from patron_projections.documents import change_document, happening_document, purchases_document
from patron_projections.histories import Changes, Happenings, Turn
from patron_runtime.bodies import router
from patron_runtime.identity import Principal, Role
from patron_runtime.problems import problems
from patron_runtime.requests import requires

routes = router(prefix="/projections/v1", tags=["history"], dependencies=READERS)

Caller = Annotated[Principal, Depends(requires(Role.READER))]
Word = Annotated[str, StringConstraints(min_length=1, max_length=300)]
_PROBLEMS = AS_OF_PROBLEMS | problems(PeriodInvalid)
_FROM = Field(None, alias="from", max_length=40, description="RFC 3339 time or date, inclusive.")
_TO = Field(None, max_length=40, description="RFC 3339 time or date, exclusive.")
_SOLD = ("deals", "leads", "planned_activities", "quotes", "sales_timeline")
_TYPE_TEXT = "Stored name, such as `contacts.order-placed` or `order-placed`; repeatable."


class _Ordered(Listed, Exported):
    order: Literal["newest", "oldest"] = "newest"
    since: str | None = _FROM
    to: str | None = _TO

    def turn(self) -> Turn:
        """Say which page is wanted, in which direction."""
        return Turn(self.limit, self.cursor, self.order == "newest")


class TimelineQuery(_Ordered, AsOf):
    """Parameters of a customer's history."""

    type: list[Word] = Field([], max_length=50, description=_TYPE_TEXT)
    kind: list[Word] = Field([], max_length=50, description="Kind of interaction, or `order`.")
    channel: list[Word] = Field([], max_length=50)
    actor: list[Word] = Field([], max_length=50, description="Id of who recorded it.")

    def wanted(self) -> Happenings:
        """Put the filters together."""
        when = period(self.since, self.to), self.clocks()
        return Happenings(tuple(self.type), tuple(self.kind), tuple(self.channel), tuple(self.actor), *when)


class AuditQuery(_Ordered):
    """Parameters of the audit trail. It has one clock: what changed is what was recorded."""

    known_at: str | None = KNOWN_AT
    record: list[Word] = Field([], max_length=50, description="Id of a person, company or catalogue of fields.")
    actor: list[Word] = Field([], max_length=50, description="Id of who did it.")
    type: list[Word] = Field([], max_length=50, description=_TYPE_TEXT)

    def wanted(self) -> Changes:
        """Put the filters together."""
        known_at = read_clocks(None, self.known_at).known_at
        when = period(self.since, self.to), known_at
        return Changes(tuple(self.record), tuple(self.actor), tuple(self.type), *when)


class PurchasesQuery(Asking):
    """Parameters of sums of purchases."""

    since: str | None = _FROM
    to: str | None = _TO


class PurchaseSum(BaseModel):
    """Orders of one currency. customers: different ones; amount: decimal text."""

    currency: str
    orders: int
    customers: int
    amount: str
    first_at: str
    last_at: str


class PurchasesAnswer(BaseModel):
    """Sums of purchases, one per currency."""

    sums: list[PurchaseSum]


@routes.get(
    "/timeline/{customer_id}", response_model=ListAnswer, responses=_PROBLEMS | problems(RecordNotFound) | EXPORTED
)
async def timeline(
    parts: Asked, customer_id: UUID, request: Request, query: Annotated[TimelineQuery, Query()]
) -> Response:
    """Tell the history of a person or company, deals and leads too; late facts stand at their own time."""
    fresh = Freshened(parts, "timeline")
    await wait_for(parts, query, "timeline", *_SOLD)
    wanted = query.wanted()

    async def listed(turn: Turn) -> Listing:
        page = await parts.timeline.page(customer_id, wanted, turn)
        if not page.rows and not await parts.timeline.knows(customer_id, wanted.clocks):
            raise RecordNotFound
        return [happening_document(row) for row in page.rows], page.next_cursor

    return await _answer(fresh, request, query, listed, TIMELINE)


@routes.get(
    "/deals/{deal_id}/timeline", response_model=ListAnswer, responses=_PROBLEMS | problems(RecordNotFound) | EXPORTED
)
async def deal_timeline(
    parts: Asked, deal_id: UUID, request: Request, query: Annotated[TimelineQuery, Query()]
) -> Response:
    """Tell the history of a deal, with its planned activities and quotes."""
    return await _timeline_of(parts, ("deal", deal_id), request, query)


@routes.get(
    "/leads/{lead_id}/timeline", response_model=ListAnswer, responses=_PROBLEMS | problems(RecordNotFound) | EXPORTED
)
async def lead_timeline(
    parts: Asked, lead_id: UUID, request: Request, query: Annotated[TimelineQuery, Query()]
) -> Response:
    """Tell the history of a lead, with its planned activities."""
    return await _timeline_of(parts, ("lead", lead_id), request, query)


async def _timeline_of(parts: Parts, of: tuple[str, UUID], request: Request, query: TimelineQuery) -> Response:
    fresh = Freshened(parts, "sales_timeline")
    await wait_for(parts, query, *_SOLD)
    wanted = query.wanted()
    kind, record = of
    records = parts.sales.deals if kind == "deal" else parts.sales.leads

    async def listed(turn: Turn) -> Listing:
        page = await parts.timeline.page_of(kind, record, wanted, turn)
        if not page.rows and await records.at(wanted.clocks).one(record) is None:
            raise RecordNotFound
        return [happening_document(row) for row in page.rows], page.next_cursor

    return await _answer(fresh, request, query, listed, TIMELINE)


@routes.get("/audit", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def audit(parts: Asked, caller: Caller, request: Request, query: Annotated[AuditQuery, Query()]) -> Response:
    """Tell who changed what, when and from where, with the values before and after.

    `actor.address` is in answers to admins only.
    """
    fresh = Freshened(parts, "audit")
    await fresh.wait(query)
    wanted = query.wanted()
    admin = caller.may(Role.ADMIN)

    async def listed(turn: Turn) -> Listing:
        page = await parts.audit.page(wanted, turn)
        return [change_document(row, with_address=admin) for row in page.rows], page.next_cursor

    return await _answer(fresh, request, query, listed, AUDIT)


async def _answer(
    fresh: Freshened,
    request: Request,
    query: _Ordered,
    listed: Callable[[Turn], Awaitable[Listing]],
    export: Exportable,
) -> Response:
    """Answer with one page, or with a file of all pages."""
    turn = query.turn()
    form = query.form(request)
    if form is not None:
        pages = paged(lambda cursor: listed(replace(turn, limit=PAGE, cursor=cursor)))
        return await exported(pages, export.columns, form, export.name, exact=query.exact)
    items, next_cursor = await listed(turn)
    return await fresh.page(items, Page([], next_cursor))


@routes.get("/purchases/summary", response_model=PurchasesAnswer, responses=_PROBLEMS)
async def purchases(parts: Asked, query: Annotated[PurchasesQuery, Query()]) -> Response:
    """Sum up all orders: their number, their customers and their amount per currency."""
    fresh = Freshened(parts, "timeline")
    await fresh.wait(query)
    rows = await parts.timeline.purchases(period(query.since, query.to), query.clocks())
    return await fresh.document({"sums": [purchases_document(row) for row in rows]})
