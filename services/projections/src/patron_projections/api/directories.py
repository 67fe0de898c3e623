"""Routes of the directories: people and companies."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field
from typing_extensions import override

from patron_projections.api.exporting import EXPORTED, PAGE, Exported, Listing, exported, paged
from patron_projections.api.listed_columns import COMPANIES, PEOPLE, Exportable
from patron_projections.api.parts import (
    AS_OF_PROBLEMS,
    READERS,
    Asked,
    AsOfQuery,
    Freshened,
    ListAnswer,
    ListedAsOf,
    RecordNotFound,
)
from patron_projections.directory import Page, SearchInvalid, Snapshot, SortInvalid, Wanted
from patron_projections.documents import company_document, person_document
from patron_projections.filters import FilterInvalid
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["directory"], dependencies=READERS)

_FILTER_TEXT = (
    "`field:operator:value`, repeatable; all must hold. Operators: eq, ne, in (comma-separated), lt, lte, gt, gte, "
    "contains, starts, exists. Custom fields: `custom.<name>`; `consents.<purpose>` "
    "is true while a consent holds. For `email` and `phone`, eq, ne and in look at all "
    "addresses or numbers of a record, however they are spelled."
)
_SORT_TEXT = (
    "Any field with a single value, but no custom field; `-` in front for descending. Rows without a value come last."
)
_PROBLEMS = AS_OF_PROBLEMS | problems(FilterInvalid, SortInvalid, SearchInvalid)
_ONE_PROBLEMS = AS_OF_PROBLEMS | problems(RecordNotFound)


class DirectoryQuery(ListedAsOf, Exported):
    """Parameters of a list of records."""

    q: str | None = Field(None, min_length=1, max_length=200, description="Words to search for; typos are forgiven.")
    filter: list[str] = Field([], max_length=20, description=_FILTER_TEXT, examples=[["tags:eq:vip"]])
    sort: str | None = Field(None, max_length=100, description=_SORT_TEXT, examples=["-updated_at"])
    include_archived: bool = Field(default=False, description="Also archived and erased records.")

    def wanted(self) -> Wanted:
        """Put the parameters together for the directory."""
        return Wanted(self.limit, self.filter, self.q, self.sort, self.cursor, self.include_archived)


class PeopleQuery(DirectoryQuery):
    """Parameters of the list of people."""

    segment: UUID | None = Field(None, description="Only members of this segment; with `as_of`, those of then.")

    @override
    def wanted(self) -> Wanted:
        return replace(super().wanted(), segment=self.segment)


Listed = Annotated[DirectoryQuery, Query()]


@routes.get("/people", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def people(parts: Asked, request: Request, query: Annotated[PeopleQuery, Query()]) -> Response:
    """List people: filtered, sorted or searched."""
    fresh = Freshened(parts, "people")
    await fresh.wait(query)
    if query.segment is not None and query.after is not None:
        await parts.evaluated.wait(query.after, query.left_s, str(query.segment))
    clocks = query.clocks()

    async def listed(wanted: Wanted) -> Listing:
        page = await parts.people.at(clocks).page(wanted)
        linked = {str(one) for row in page.rows for one in row["company_ids"] or ()}
        names = await parts.names.of_companies(linked, clocks)
        return [person_document(row, names) for row in page.rows], page.next_cursor

    return await _answer(fresh, request, query, listed, PEOPLE)


@routes.get("/people/{person_id}", response_model=dict[str, Any], responses=_ONE_PROBLEMS)
async def person(parts: Asked, person_id: UUID, query: AsOfQuery) -> Response:
    """Show one person as the directory knows them."""
    fresh = Freshened(parts, "people")
    await fresh.wait(query)
    clocks = query.clocks()
    row = await _one(parts.people.at(clocks), person_id)
    names = await parts.names.of_companies({str(one) for one in row["company_ids"] or ()}, clocks)
    return await fresh.document(person_document(row, names))


@routes.get("/companies", response_model=ListAnswer, responses=_PROBLEMS | EXPORTED)
async def companies(parts: Asked, request: Request, query: Listed) -> Response:
    """List companies: filtered, sorted or searched, each with the number of its present people."""
    fresh = Freshened(parts, "companies")
    await fresh.wait(query)
    clocks = query.clocks()

    async def listed(wanted: Wanted) -> Listing:
        page = await parts.companies.at(clocks).page(wanted)
        counts = await parts.names.people_counts({str(row["id"]) for row in page.rows}, clocks)
        return [company_document(row, counts) for row in page.rows], page.next_cursor

    return await _answer(fresh, request, query, listed, COMPANIES)


async def _answer(
    fresh: Freshened,
    request: Request,
    query: DirectoryQuery,
    listed: Callable[[Wanted], Awaitable[Listing]],
    export: Exportable,
) -> Response:
    """Answer with one page, or with a file of all pages."""
    wanted = query.wanted()
    form = query.form(request)
    if form is not None:
        pages = paged(lambda cursor: listed(replace(wanted, limit=PAGE, cursor=cursor)))
        return await exported(pages, export.columns, form, export.name, exact=query.exact)
    items, next_cursor = await listed(wanted)
    return await fresh.page(items, Page([], next_cursor))


@routes.get("/companies/{company_id}", response_model=dict[str, Any], responses=_ONE_PROBLEMS)
async def company(parts: Asked, company_id: UUID, query: AsOfQuery) -> Response:
    """Show one company as the directory knows it."""
    fresh = Freshened(parts, "companies")
    await fresh.wait(query)
    clocks = query.clocks()
    row = await _one(parts.companies.at(clocks), company_id)
    return await fresh.document(company_document(row, await parts.names.people_counts({str(row["id"])}, clocks)))


async def _one(records: Snapshot, record_id: UUID) -> dict[str, Any]:
    row = await records.one(record_id)
    if row is None:
        raise RecordNotFound
    return row
