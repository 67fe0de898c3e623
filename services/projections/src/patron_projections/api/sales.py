"""Routes of the pipeline context: deals, leads, planned activities, and what installations sell by."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from patron_projections.api.exporting import EXPORTED, PAGE, Exported, Listing, exported, paged
from patron_projections.api.listed_columns import DEALS, LEADS, PLANNED, PRODUCTS, TEAM, Exportable
from patron_projections.api.parts import (
    AS_OF_PROBLEMS,
    READERS,
    Asked,
    AsOfQuery,
    Freshened,
    ListAnswer,
    ListedAsOf,
    Reached,
    RecordNotFound,
)
from patron_projections.clocks import Clocks
from patron_projections.database import Rows
from patron_projections.directory import Directory, Page, SearchInvalid, SortInvalid, Wanted
from patron_projections.documents import Document
from patron_projections.filters import FilterInvalid
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["sales"], dependencies=READERS)

_FILTER_TEXT: Final = (
    "`field:operator:value`, repeatable; all must hold. Operators: eq, ne, in (comma-separated), lt, lte, gt, gte, "
    "contains, starts, exists. Amounts: `amount` in major units. Custom fields: `custom.<name>`."
)
_SORT_TEXT: Final = "Any field with a single value; `-` in front for descending. Rows without a value come last."
_PROBLEMS = AS_OF_PROBLEMS | problems(FilterInvalid, SortInvalid, SearchInvalid)
_ONE_PROBLEMS = AS_OF_PROBLEMS | problems(RecordNotFound)
_HIDDEN_TEXT: Final = "Also what is archived, erased or retired."


class RecordsQuery(ListedAsOf, Exported):
    """Parameters of a list of records."""

    filter: list[str] = Field([], max_length=20, description=_FILTER_TEXT, examples=[["status:eq:open"]])
    sort: str | None = Field(None, max_length=100, description=_SORT_TEXT, examples=["expected_close"])
    include_archived: bool = Field(default=False, description=_HIDDEN_TEXT)

    def wanted(self) -> Wanted:
        """Put the parameters together for the directory."""
        return Wanted(self.limit, self.filter, None, self.sort, self.cursor, self.include_archived)


class SearchedQuery(RecordsQuery):
    """Parameters of a list of records that can be searched."""

    q: str | None = Field(None, min_length=1, max_length=200, description="Words to search for; typos are forgiven.")

    def wanted(self) -> Wanted:  # noqa: D102  (as above)
        return replace(super().wanted(), q=self.q)


class SettingsAnswer(BaseModel):
    """All settings of a kind."""

    items: list[dict[str, Any]]
    position: Reached


Searched = Annotated[SearchedQuery, Query()]
Records = Annotated[RecordsQuery, Query()]
Shown = Callable[[Rows, Clocks], Awaitable[list[Document]]]


@routes.get("/deals", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def deals(parts: Asked, request: Request, query: Searched) -> Response:
    """List deals: filtered, sorted or searched, also by the name of their company; with all fields of one deal."""
    fresh = Freshened(parts, "deals")
    return await _listed(fresh, request, query, (parts.sales.deals, parts.sales.deals_shown, DEALS))


@routes.get("/deals/{deal_id}", response_model=dict[str, Any], responses=_ONE_PROBLEMS)
async def deal(parts: Asked, deal_id: UUID, query: AsOfQuery) -> Response:
    """Show a deal with its stays in stages, its quotes and what is planned for it."""
    fresh = Freshened(parts, "deals")
    await fresh.wait(query)
    found = await parts.sales.deal(deal_id, query.clocks())
    if found is None:
        raise RecordNotFound
    return await fresh.document(found)


@routes.get("/leads", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def leads(parts: Asked, request: Request, query: Searched) -> Response:
    """List leads: filtered, sorted or searched."""
    fresh = Freshened(parts, "leads")
    return await _listed(fresh, request, query, (parts.sales.leads, parts.sales.leads_shown, LEADS))


@routes.get("/planned-activities", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def planned_activities(parts: Asked, request: Request, query: Searched) -> Response:
    """List planned calls, meetings, tasks and e-mails: filtered, sorted or searched."""
    fresh = Freshened(parts, "planned_activities")
    return await _listed(fresh, request, query, (parts.sales.planned, parts.sales.planned_shown, PLANNED))


@routes.get("/products", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def products(parts: Asked, request: Request, query: Records) -> Response:
    """List products."""
    fresh = Freshened(parts, "products")
    return await _listed(fresh, request, query, (parts.sales.products, parts.sales.products_shown, PRODUCTS))


@routes.get("/sales-team", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def sales_team(parts: Asked, request: Request, query: Records) -> Response:
    """List representatives: their teams, regions, territories and capacity."""
    fresh = Freshened(parts, "sales_team")
    return await _listed(fresh, request, query, (parts.sales.team, parts.sales.team_shown, TEAM))


@routes.get("/quotas", response_model=SettingsAnswer, responses=AS_OF_PROBLEMS)
async def quotas(parts: Asked, query: AsOfQuery) -> Response:
    """List the quotas of representatives by period."""
    fresh = Freshened(parts, "quotas")
    await fresh.wait(query)
    return await fresh.report({"items": await parts.sales.quotas(query.clocks())})


@routes.get("/pipelines", response_model=SettingsAnswer, responses=AS_OF_PROBLEMS)
async def pipelines(parts: Asked, query: AsOfQuery) -> Response:
    """List pipelines with their stages."""
    fresh = Freshened(parts, "pipelines")
    await fresh.wait(query)
    return await fresh.report({"items": await parts.sales.pipelines(query.clocks())})


@routes.get("/exchange-rates", response_model=SettingsAnswer, responses=AS_OF_PROBLEMS)
async def exchange_rates(parts: Asked, query: AsOfQuery) -> Response:
    """List exchange rates: one unit of `base` costs `rate` of `currency` from `day` on."""
    fresh = Freshened(parts, "exchange_rates")
    await fresh.wait(query)
    return await fresh.report({"items": await parts.sales.rates(query.clocks())})


async def _listed(
    fresh: Freshened, request: Request, query: RecordsQuery, of: tuple[Directory, Shown, Exportable]
) -> Response:
    """Answer with one page, or with a file of all pages. of: the records, how they are shown, their columns."""
    await fresh.wait(query)
    records, shown, export = of
    clocks = query.clocks()

    async def listed(wanted: Wanted) -> Listing:
        page = await records.at(clocks).page(wanted)
        return await shown(page.rows, clocks), page.next_cursor

    wanted = query.wanted()
    form = query.form(request)
    if form is not None:
        pages = paged(lambda cursor: listed(replace(wanted, limit=PAGE, cursor=cursor)))
        return await exported(pages, export.columns, form, export.name, exact=query.exact)
    items, next_cursor = await listed(wanted)
    return await fresh.page(items, Page([], next_cursor))
