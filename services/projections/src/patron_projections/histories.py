"""Pages of the timeline and of the audit trail: ordered by time and place in the log, in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, func, literal, select, tuple_

from patron_projections import audit, timeline
from patron_projections.clocks import LIVE, Clocks
from patron_projections.cursors import CursorInvalid, question, read_cursor, write_cursor
from patron_projections.database import Database, Rows
from patron_projections.directory import Page
from patron_projections.fields import read_time

_ORDER: Final = "contacts.order-placed"
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


class _History:
    """One table whose rows are ordered by a time, then by their place in the log."""

    def __init__(self, database: Database, view: Table, clock: str) -> None:
        self.database = database
        self._view = view
        self._order: Sequence[Column[Any]] = [view.c[clock], view.c.position, view.c.index]

    async def page(self, where: Sequence[ColumnElement[bool]], turn: Turn, asked: Sequence[object]) -> Page:
        """Give one page of what fits; raises CursorInvalid."""
        key = question(self._view.name, turn.newest_first, *asked)
        conditions = list(where)
        if turn.cursor is not None:
            conditions.append(self._beyond(self._place(key, turn.cursor), newest_first=turn.newest_first))
        turns = [column.desc() if turn.newest_first else column.asc() for column in self._order]
        query = select(self._view).where(*conditions).order_by(*turns).limit(turn.limit + 1)
        rows = await self.database.rows(query)
        return self._paged(rows, key, turn.limit)

    def within(self, period: Period) -> list[ColumnElement[bool]]:
        """Write a period as conditions."""
        clock = self._order[0]
        since = [] if period.since is None else [clock >= period.since]
        return since + ([] if period.until is None else [clock < period.until])

    def _beyond(self, place: Sequence[Any], *, newest_first: bool) -> ColumnElement[bool]:
        here = tuple_(*self._order)
        there = tuple_(*(literal(value, column.type) for value, column in zip(place, self._order, strict=True)))
        return here < there if newest_first else here > there

    def _place(self, key: str, cursor: str) -> Sequence[Any]:
        at, position, index = read_cursor(key, cursor, 3)
        if not isinstance(at, str) or not isinstance(position, int) or not isinstance(index, int):
            raise CursorInvalid
        if not (0 <= position < _INT8 and 0 <= index < _INT2):
            raise CursorInvalid
        try:
            return read_time(at), position, index
        except (ValueError, OverflowError):
            raise CursorInvalid from None

    def _paged(self, rows: Rows, key: str, limit: int) -> Page:
        if len(rows) <= limit:
            return Page(rows, None)
        last = rows[limit - 1]
        place = [last[self._order[0].name].isoformat(), last["position"], last["index"]]
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


def _one_of(column: Column[Any], values: Sequence[str]) -> list[ColumnElement[bool]]:
    return [column.in_(values)] if values else []


def _stored_names(types: Sequence[str]) -> list[str]:
    return [name if "." in name else f"contacts.{name}" for name in types]


class TimelineQueries:
    """Questions about what customers did and what was done with them."""

    def __init__(self, database: Database) -> None:
        self._history = _History(database, timeline.VIEW, "occurred_at")

    async def page(self, customer: UUID, wanted: Happenings, turn: Turn) -> Page:
        """Give one page of a customer's history."""
        view = timeline.VIEW
        where = [
            view.c.customer_id == customer,
            *_one_of(view.c.type, _stored_names(wanted.types)),
            *_one_of(view.c.kind, wanted.kinds),
            *_one_of(view.c.channel, wanted.channels),
            *_one_of(view.c.actor_id, wanted.actors),
            *self._history.within(wanted.period),
            *wanted.clocks.happened(view),
        ]
        return await self._history.page(where, turn, [customer, wanted])

    async def knows(self, customer: UUID, clocks: Clocks = LIVE) -> bool:
        """Tell whether anything about a customer had happened and was known."""
        view = timeline.VIEW
        known = select(literal(1)).select_from(view).where(view.c.customer_id == customer, *clocks.happened(view))
        return bool(await self._history.database.rows(known.limit(1)))

    async def purchases(self, period: Period, clocks: Clocks = LIVE) -> Rows:
        """Sum up orders by currency: number, distinct customers, amount, first and last time."""
        view = timeline.VIEW
        where = [
            view.c.type == _ORDER,
            view.c.customer_id == view.c.record_id,
            *self._history.within(period),
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
        self._history = _History(database, audit.VIEW, "recorded_at")

    async def page(self, wanted: Changes, turn: Turn) -> Page:
        """Give one page of the audit trail."""
        view = audit.VIEW
        where = [
            *_one_of(view.c.record_id, wanted.records),
            *_one_of(view.c.actor_id, wanted.actors),
            *_one_of(view.c.type, _stored_names(wanted.types)),
            *self._history.within(wanted.period),
            *([] if wanted.known_at is None else [view.c.recorded_at <= wanted.known_at]),
        ]
        return await self._history.page(where, turn, [wanted])
