"""A rule over history: for whom it held at one moment after another.

Only those are evaluated again for whom something changed since the moment before: facts, versions of their record or of
a company, memberships, or an instant that the rule announced. The answer equals an evaluation of everybody at
every moment; a property test holds that.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import ClauseElement, ColumnElement, FromClause, Select, Table, and_, func, null, select, union

from patron_events.rejections import Invalid
from patron_projections import activities, companies, people
from patron_projections.clocks import Clocks
from patron_projections.database import Database, Rows
from patron_projections.segments.boundaries import next_boundary, next_change
from patron_projections.segments.compiler import compile_rule
from patron_projections.segments.memberships import VIEW as MEMBERSHIPS
from patron_projections.segments.sources import as_of
from patron_rules.fields import Definitions
from patron_rules.looking import looks_at
from patron_rules.tree import Rule

_AT_ONCE: Final = 5_000
_TOO_MANY: Final = 20_000
"""When more customers than this change between two moments, all are evaluated: that is one scan."""


class BacktestTooLong(Invalid):
    """A backtest takes at most two minutes: ask for fewer moments, or a rule that looks at less."""

    code: ClassVar[str] = "backtest-too-long"


@dataclass(frozen=True, slots=True)
class Question:
    """A rule that was checked, by which definitions, and what was known when (None: all that is known now).

    until: when to give up, by the monotonic clock; None for never.
    """

    rule: Rule
    definitions: Definitions
    known_at: datetime | None = None
    until: float | None = None


class Course:
    """Follows one rule through time."""

    def __init__(self, database: Database, question: Question) -> None:
        self._database = database
        self._question = question
        self._looks = looks_at(question.rule, question.definitions)
        self._members: set[UUID] = set()
        self._due: dict[UUID, datetime] = {}
        self._boundary: datetime | None = None
        self._at: datetime | None = None

    async def at(self, moment: datetime) -> frozenset[UUID]:
        """Give the customers for whom the rule holds at a moment; later than the one asked for before.

        Raises:
            BacktestTooLong: the time is over.
        """
        before = self._at
        if before is None or (self._boundary is not None and self._boundary <= moment):
            await self._evaluate(moment, None)
        else:
            changed = await self._changed(before, moment)
            changed |= {one for one, due in self._due.items() if due <= moment}
            if len(changed) > _TOO_MANY:
                await self._evaluate(moment, None)
            else:
                ids = sorted(changed)
                for start in range(0, len(ids), _AT_ONCE):
                    await self._evaluate(moment, ids[start : start + _AT_ONCE])
        self._at = moment
        self._boundary = next_boundary(self._question.rule, moment)
        return frozenset(self._members)

    async def _evaluate(self, moment: datetime, ids: Sequence[UUID] | None) -> None:
        """Evaluate some customers, or all, and remember when they may change next."""
        question = self._question
        source = as_of(Clocks(moment, question.known_at), question.definitions)
        if ids is None:
            self._members.clear()
            self._due.clear()
        else:
            source = source.restricted(ids)
            self._members.difference_update(ids)
            for one in ids:
                self._due.pop(one, None)
        holds = compile_rule(question.rule, source, moment)
        due = next_change(question.rule, source, moment)
        asked = select(source.people.c.id, holds.label("holds"), (null() if due is None else due).label("due"))
        for row in await self._rows(asked):
            if row["holds"]:
                self._members.add(row["id"])
            if row["due"] is not None:
                self._due[row["id"]] = row["due"]

    async def _changed(self, after: datetime, until: datetime) -> set[UUID]:
        """Name the customers about whom something was recorded, or happened, in a stretch of time."""
        versions = people.VERSIONS_VIEW
        parts: list[Select[Any]] = [select(versions.c.id).where(_between(versions.c.recorded_at, after, until))]
        if self._looks.facts:
            parts.append(_subjects(activities.VIEW, after, until))
        if self._looks.segments:
            parts.append(_subjects(MEMBERSHIPS, after, until).where(MEMBERSHIPS.c.segment_id.in_(self._looks.segments)))
        if self._looks.company:
            parts.append(_linked(companies.VERSIONS_VIEW, after, until))
        changes = union(*parts).subquery("changes")
        return {row["id"] for row in await self._rows(select(changes.c[0].label("id")))}

    async def _rows(self, statement: ClauseElement) -> Rows:
        if self._question.until is not None and time.monotonic() > self._question.until:
            raise BacktestTooLong
        return await self._database.rows(statement)


def _between(at: ColumnElement[datetime], after: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(at > after, at <= until)


def _subjects(rows: FromClause, after: datetime, until: datetime) -> Select[Any]:
    return select(rows.c.customer_id).where(_between(rows.c.occurred_at, after, until))


def _linked(versions: Table, after: datetime, until: datetime) -> Select[Any]:
    """Select people who were ever linked to a company that changed."""
    changed = select(versions.c.id).where(_between(versions.c.recorded_at, after, until))
    every = people.VERSIONS_VIEW.alias()
    ids = func.array(changed.scalar_subquery(), type_=every.c.company_ids.type)
    return select(every.c.id).where(every.c.company_ids.op("&&", is_comparison=True)(ids))
