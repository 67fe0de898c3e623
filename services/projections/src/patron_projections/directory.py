"""Lists of a directory: filtered, sorted or ranked, and paged by the last row's place, so that depth costs nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, Numeric, Select, func, literal, select, tuple_

from patron_events.rejections import Invalid
from patron_projections.belonging import members_as_of
from patron_projections.clocks import LIVE, Clocks
from patron_projections.cursors import CursorInvalid, question, read_cursor, write_cursor
from patron_projections.database import Database, Rows
from patron_projections.fields import ID, Field, Fields, read_decimal
from patron_projections.filters import Condition, conditions, names
from patron_projections.records import ALWAYS_THERE
from patron_projections.search import searched, words_of

ARCHIVED_AND_ERASED: Final = ("archived", "erased")
"""States whose records a list leaves out unless it is asked for them."""
DEFAULT_SORT: Final = "-created_at"


class SortInvalid(Invalid):
    """`sort` takes a field with a single value; sets, documents and custom fields cannot be sorted by."""

    code: ClassVar[str] = "sort-invalid"


class SearchInvalid(Invalid):
    """`q` has no word to search for."""

    code: ClassVar[str] = "search-invalid"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for. sort: a field, with `-` in front for descending; None for the usual order.

    segment: only who belonged to it at the moment.
    """

    limit: int
    filters: Sequence[str] = ()
    q: str | None = None
    sort: str | None = None
    cursor: str | None = None
    include_archived: bool = False
    segment: UUID | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, and the cursor of the next one, if there is one."""

    rows: Rows
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Order:
    """What rows are sorted by before their id."""

    by: ColumnElement[Any]
    descending: bool
    kind: Field | None
    nullable: bool = field(default=True)

    def read(self, value: str) -> Any:
        """Read the value of a cursor."""
        return read_decimal(value) if self.kind is None else self.kind.kind.read(value)


Records = Callable[[Clocks], FromClause]


class Directory:
    """Answers about one kind of record as of any moment.

    records: selects them. companies: selects the companies whose names also find records.
    hidden: columns of states that a list leaves out unless it is asked for them.
    """

    def __init__(
        self,
        database: Database,
        records: Records,
        companies: Records | None = None,
        hidden: Sequence[str] = ARCHIVED_AND_ERASED,
    ) -> None:
        self._database = database
        self._hidden = hidden
        self._records = records
        self._companies = companies
        self._live = self._listing(LIVE)

    def at(self, clocks: Clocks) -> "Snapshot":
        """Give the records as they were at a moment."""
        return self._live if clocks.live else self._listing(clocks)

    def _listing(self, clocks: Clocks) -> "Snapshot":
        companies = None if self._companies is None else self._companies(clocks)
        return Snapshot(self._database, self._records(clocks), companies, clocks, self._hidden)


class Snapshot:
    """Answers about the records of one moment."""

    def __init__(
        self,
        database: Database,
        view: FromClause,
        companies: FromClause | None = None,
        clocks: Clocks = LIVE,
        hidden: Sequence[str] = ARCHIVED_AND_ERASED,
    ) -> None:
        self._database = database
        self._view = view
        self._companies = companies
        self._clocks = clocks
        self._hidden = hidden
        self._fields = Fields(view, clocks.as_of)
        self._shown = [column for column in view.c if column.name not in {"search", "search_text"}]

    @property
    def sortable(self) -> list[str]:
        """Name the fields that a list can be sorted by."""
        return self._fields.sortable

    async def one(self, record_id: Any) -> dict[str, Any] | None:
        """Find one row by its id."""
        rows = await self._database.rows(select(*self._shown).where(self._view.c.id == record_id))
        return rows[0] if rows else None

    async def page(self, wanted: Wanted) -> Page:
        """Give one page.

        Rows without a value come last in both directions: they are a second list behind the first.

        Raises:
            FilterInvalid, SortInvalid, SearchInvalid, CursorInvalid: the question is wrong.
        """
        where = self._shown_to(wanted)
        if wanted.segment is not None:
            members = members_as_of(self._clocks)
            inside = select(members.c.customer_id).where(members.c.segment_id == str(wanted.segment))
            where.append(self._view.c.id.in_(inside))
        order = self._order(wanted, where)
        asked = self._asked(wanted)
        value, last_id, absent = self._place(order, asked, wanted.cursor)
        rows: Rows = []
        if not absent:
            rows = await self._part(order, [*where, *self._after(order, value, last_id)], wanted.limit + 1)
            last_id = None
        if order.nullable and len(rows) <= wanted.limit:
            rest = [order.by.is_(None), *([] if last_id is None else [self._id_after(order, last_id)])]
            rows += await self._part(order, [*where, *rest], wanted.limit + 1 - len(rows))
        return self._paged(rows, asked, wanted.limit)

    async def count(self, wanted: Wanted) -> int:
        """Count what a list without a search has; raises FilterInvalid."""
        query = select(func.count()).select_from(self._view).where(*self._shown_to(wanted))
        ((number,),) = [row.values() for row in await self._database.rows(query)]
        return int(number)

    def _shown_to(self, wanted: Wanted) -> list[Condition]:
        """Write the filters as conditions, and leave out what is hidden unless a filter asks for it."""
        where = conditions(self._fields, wanted.filters)
        shown = {*self._hidden, *(f"{state}_at" for state in self._hidden)}
        if not wanted.include_archived and shown.isdisjoint(names(wanted.filters)):
            where += [self._view.c[state].is_(False) for state in self._hidden]
        return where

    def cursor_behind(self, wanted: Wanted, row: Mapping[str, Any]) -> str:
        """Write the cursor of the page behind a row that was found another way.

        row: has the columns of the records. wanted: the list that goes on, with an order.
        """
        value = row[(wanted.sort or DEFAULT_SORT).removeprefix("-")]
        return write_cursor(self._asked(wanted), [_shown(value), str(row["id"])])

    def turns(self, sort: str, view: FromClause) -> list[ColumnElement[Any]]:
        """Write the order of a list: rows without a value last, then the id. view: has the columns of the records.

        Raises:
            SortInvalid: it cannot be sorted by this.
        """
        name = sort.removeprefix("-")
        chosen = self._fields.find(name)
        if chosen is None or not chosen.kind.sortable or name not in view.c:
            raise SortInvalid(field="sort")
        column, last = view.c[name], view.c.id
        return [column.desc().nulls_last(), last.desc()] if sort.startswith("-") else [column.asc().nulls_last(), last]

    def _asked(self, wanted: Wanted) -> str:
        return question(
            *(self._view.description, self._clocks, *wanted.filters, wanted.q, wanted.sort, wanted.include_archived),
            wanted.segment,
        )

    def _order(self, wanted: Wanted, where: list[Condition]) -> _Order:
        if wanted.q is not None:
            words = words_of(wanted.q)
            if not words:
                raise SearchInvalid(field="q")
            found = searched(self._view, words, self._companies)
            where.append(found.condition)
            if wanted.sort is None:
                return _Order(found.score, descending=True, kind=None, nullable=False)
        text = wanted.sort or DEFAULT_SORT
        name = text.removeprefix("-")
        chosen = self._fields.find(name)
        if chosen is None or not chosen.kind.sortable:
            raise SortInvalid(field="sort")
        return _Order(chosen.expression, text.startswith("-"), chosen, nullable=name not in ALWAYS_THERE)

    def _place(self, order: _Order, asked: str, cursor: str | None) -> tuple[Any, Any, bool]:
        """Read where to go on: the value, the id, and whether the rows without a value have begun."""
        if cursor is None:
            return None, None, False
        value, last_id = read_cursor(asked, cursor, 2)
        try:
            place = ID.read(str(last_id))
            return (None, place, True) if value is None else (order.read(str(value)), place, False)
        except (ValueError, KeyError, OverflowError):
            raise CursorInvalid from None

    def _after(self, order: _Order, value: Any, last_id: Any) -> list[Condition]:
        if last_id is None:
            return [order.by.is_not(None)] if order.nullable else []
        kind = Numeric() if order.kind is None else order.by.type
        place = tuple_(literal(value, kind), literal(last_id, self._view.c.id.type))
        here = tuple_(order.by, self._view.c.id)
        return [here < place if order.descending else here > place]

    def _id_after(self, order: _Order, last_id: Any) -> Condition:
        return self._view.c.id < last_id if order.descending else self._view.c.id > last_id

    async def _part(self, order: _Order, where: Sequence[Condition], limit: int) -> Rows:
        turns = [one.desc() if order.descending else one.asc() for one in (order.by, self._view.c.id)]
        query: Select[Any] = (
            select(*self._shown, order.by.label("sorted_by")).where(*where).order_by(*turns).limit(limit)
        )
        return await self._database.rows(query)

    def _paged(self, rows: Rows, asked: str, limit: int) -> Page:
        if len(rows) <= limit:
            return Page(rows, None)
        last = rows[limit - 1]
        return Page(rows[:limit], write_cursor(asked, [_shown(last["sorted_by"]), str(last["id"])]))


def _shown(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else str(value)
