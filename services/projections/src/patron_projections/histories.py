"""Pages of the timeline and of the audit trail: ordered by time and place in the log, in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Select,
    SelectBase,
    Table,
    func,
    literal,
    select,
    tuple_,
    union_all,
)

from patron_projections import audit, timeline
from patron_projections.clocks import LIVE, Clocks
from patron_projections.cursors import CursorInvalid, question, read_cursor, write_cursor
from patron_projections.database import Database, Rows
from patron_projections.directory import Page
from patron_projections.fields import read_time
from patron_projections.sales.events import HAS_TIMELINE, events_of_customer, events_of_record

_ORDER: Final = "contacts.order-placed"
_CONTEXTS: Final = ("contacts", "pipeline")
_INT8: Final = 2**63
_INT2: Final = 2**15


@dataclass(frozen=True, slots=True)
class Period:
    """From a time, inclusive, to a time, exclusive; None is open."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page in which direction. newest_first: the usual order."""

    limit: int
    cursor: str | None = None
    newest_first: bool = True


def within(clock: ColumnElement[Any], period: Period) -> list[ColumnElement[bool]]:
    """Write a period as conditions."""
    since = [] if period.since is None else [clock >= period.since]
    return since + ([] if period.until is None else [clock < period.until])


class _History:
    """One table whose rows are ordered by a time, then by their place in the log."""

    def __init__(self, database: Database, view: Table, *order: str) -> None:
        """Order a table. order: a time, position and index, and what else tells rows apart, as text."""
        self.database = database
        self._view = view
        self._names = order
        self._order: Sequence[Column[Any]] = [view.c[name] for name in order]

    async def page(self, parts: Sequence[SelectBase], turn: Turn, asked: Sequence[object]) -> Page:
        """Give one page of what fits; raises CursorInvalid. parts: what there is, with the columns of the table."""
        key = question(self._view.name, turn.newest_first, *asked)
        place = None if turn.cursor is None else self._place(key, turn.cursor)
        first = [self._first(part.subquery(f"part_{number}"), place, turn) for number, part in enumerate(parts)]
        if len(first) == 1:
            return self._paged(await self.database.rows(first[0]), key, turn.limit)
        whole = union_all(*(select(one.subquery()) for one in first)).subquery(self._view.name)
        rows = await self.database.rows(self._first(whole, None, turn))
        return self._paged(rows, key, turn.limit)

    def _first(self, part: FromClause, place: Sequence[Any] | None, turn: Turn) -> Select[Any]:
        """Select the first rows of a part behind a place."""
        order = [part.c[name] for name in self._names]
        behind = [] if place is None else [self._beyond(order, place, newest_first=turn.newest_first)]
        turns = [column.desc() if turn.newest_first else column.asc() for column in order]
        return select(part).where(*behind).order_by(*turns).limit(turn.limit + 1)

    def _beyond(
        self, order: Sequence[ColumnElement[Any]], place: Sequence[Any], *, newest_first: bool
    ) -> ColumnElement[bool]:
        here = tuple_(*order)
        there = tuple_(*(literal(value, column.type) for value, column in zip(place, self._order, strict=True)))
        return here < there if newest_first else here > there

    def _place(self, key: str, cursor: str) -> Sequence[Any]:
        at, position, index, *rest = read_cursor(key, cursor, len(self._order))
        if not all(isinstance(one, str) for one in rest):
            raise CursorInvalid
        if not isinstance(at, str) or not isinstance(position, int) or not isinstance(index, int):
            raise CursorInvalid
        if not (0 <= position < _INT8 and 0 <= index < _INT2):
            raise CursorInvalid
        try:
            return read_time(at), position, index, *rest
        except (ValueError, OverflowError):
            raise CursorInvalid from None

    def _paged(self, rows: Rows, key: str, limit: int) -> Page:
        if len(rows) <= limit:
            return Page(rows, None)
        last = rows[limit - 1]
        place = [last[self._names[0]].isoformat(), *(last[name] for name in self._names[1:])]
        return Page(rows[:limit], write_cursor(key, place))


@dataclass(frozen=True, slots=True)
class Happenings:
    """What of a customer's history is wanted; empty means everything."""

    types: Sequence[str] = ()
    kinds: Sequence[str] = ()
    channels: Sequence[str] = ()
    actors: Sequence[str] = ()
    period: Period = Period()
    clocks: Clocks = LIVE


def _one_of(column: ColumnElement[Any], values: Sequence[str]) -> list[ColumnElement[bool]]:
    return [column.in_(values)] if values else []


def _stored_names(types: Sequence[str]) -> list[str]:
    return [one for name in types for one in ([name] if "." in name else [f"{of}.{name}" for of in _CONTEXTS])]


class TimelineQueries:
    """Questions about what customers did and what was done with them."""

    def __init__(self, database: Database) -> None:
        self._history = _History(database, timeline.VIEW, "occurred_at", "position", "index", "stream")
        self._sales = False

    async def page(self, customer: UUID, wanted: Happenings, turn: Turn) -> Page:
        """Give one page of a customer's history."""
        view = timeline.VIEW
        parts = [select(view).where(view.c.customer_id == customer, *self._wanted(view, wanted))]
        if await self._has_sales():
            sales = events_of_customer(customer, wanted.clocks)
            parts.append(select(*(sales.c[one.name] for one in view.columns)).where(*self._wanted(sales, wanted)))
        return await self._history.page(parts, turn, [customer, wanted])

    async def page_of(self, kind: str, record: UUID, wanted: Happenings, turn: Turn) -> Page:
        """Give one page of what happened with a deal or lead, its planned activities and its quotes."""
        sales = events_of_record(kind, record, wanted.clocks)
        shown = [sales.c[one.name] for one in timeline.VIEW.columns]
        part = select(*shown).where(*self._wanted(sales, wanted))
        return await self._history.page([part], turn, [kind, record, wanted])

    def _wanted(self, view: FromClause, wanted: Happenings) -> list[ColumnElement[bool]]:
        return [
            *_one_of(view.c.type, _stored_names(wanted.types)),
            *_one_of(view.c.kind, wanted.kinds),
            *_one_of(view.c.channel, wanted.channels),
            *_one_of(view.c.actor_id, wanted.actors),
            *within(view.c.occurred_at, wanted.period),
            *wanted.clocks.happened(view),
        ]

    async def _has_sales(self) -> bool:
        """Tell whether a worker of the pipeline context has made its tables."""
        if not self._sales:
            (found,) = await self._history.database.rows(HAS_TIMELINE)
            self._sales = found["has"]
        return self._sales

    async def knows(self, customer: UUID, clocks: Clocks = LIVE) -> bool:
        """Tell whether anything about a customer had happened and was known."""
        view = timeline.VIEW
        known = select(literal(1)).select_from(view).where(view.c.customer_id == customer, *clocks.happened(view))
        if await self._history.database.rows(known.limit(1)):
            return True
        if not await self._has_sales():
            return False
        sales = events_of_customer(customer, clocks)
        sold = select(literal(1)).select_from(sales).where(*clocks.happened(sales))
        return bool(await self._history.database.rows(sold.limit(1)))

    async def purchases(self, period: Period, clocks: Clocks = LIVE) -> Rows:
        """Sum up orders by currency: number, distinct customers, amount, first and last time."""
        view = timeline.VIEW
        where = [
            view.c.type == _ORDER,
            view.c.customer_id == view.c.record_id,
            *within(view.c.occurred_at, period),
            *clocks.happened(view),
        ]
        query = (
            select(
                view.c.currency,
                func.count().label("orders"),
                func.count(view.c.customer_id.distinct()).label("customers"),
                func.sum(view.c.amount_minor).label("amount_minor"),
                func.min(view.c.occurred_at).label("first_at"),
                func.max(view.c.occurred_at).label("last_at"),
            )
            .where(*where)
            .group_by(view.c.currency)
            .order_by(view.c.currency)
        )
        return await self._history.database.rows(query)


@dataclass(frozen=True, slots=True)
class Changes:
    """Which changes are wanted; empty means all. known_at: the latest time of recording; None for now."""

    records: Sequence[str] = ()
    actors: Sequence[str] = ()
    types: Sequence[str] = ()
    period: Period = Period()
    known_at: datetime | None = None


class AuditQueries:
    """Questions about who changed what."""

    def __init__(self, database: Database) -> None:
        self._history = _History(database, audit.VIEW, "recorded_at", "position", "index")

    async def page(self, wanted: Changes, turn: Turn) -> Page:
        """Give one page of the audit trail."""
        view = audit.VIEW
        where = [
            *_one_of(view.c.record_id, wanted.records),
            *_one_of(view.c.actor_id, wanted.actors),
            *_one_of(view.c.type, _stored_names(wanted.types)),
            *within(view.c.recorded_at, wanted.period),
            *([] if wanted.known_at is None else [view.c.recorded_at <= wanted.known_at]),
        ]
        return await self._history.page([select(view).where(*where)], turn, [wanted])
