"""Judging: the statements that tell for one segment who is a member, for some customers or for all.

Both are made by the one compiler of rules. Statements are kept per definition, and PostgreSQL keeps their plans:
200 segments cost 200 executions of a plan that is there already, not 200 times planning.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    FromClause,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from patron_projections.engine.tables import compiled
from patron_projections.segments import sources
from patron_projections.segments.boundaries import next_change
from patron_projections.segments.compiler import NOW, clock_values, compile_rule
from patron_projections.segments.definitions import EXCLUDED, HANDS_VIEW, INCLUDED
from patron_projections.segments.members import MEMBERS
from patron_projections.segments.segment import Segment
from patron_rules.fields import Definitions
from patron_rules.tree import Rule

VERDICTS: Final = Table(
    "verdicts",
    MetaData(),
    Column("segment_id", Text),
    Column("customer_id", UUID),
    Column("holds", Boolean),
    Column("was", Boolean),
    Column("due_at", DateTime(timezone=True)),
)
_STAGE: Final = """
CREATE TEMP TABLE IF NOT EXISTS verdicts (
    segment_id text, customer_id uuid, holds boolean, was boolean, due_at timestamptz
) ON COMMIT DELETE ROWS
"""
_NEVER: Final = null().cast(DateTime(timezone=True))
Condition = ColumnElement[bool]


async def prepare_judging(connection: AsyncConnection) -> None:
    """Make this session's place for verdicts, and let PostgreSQL keep the plans of statements."""
    await connection.execute("SET TimeZone = 'UTC'")
    # A rule's plan hardly depends on the values in it, and planning costs more than judging one customer.
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute("SET jit = off")
    connection.prepared_max = None
    await connection.execute(_STAGE)


@dataclass(frozen=True, slots=True)
class _Statement:
    text: bytes
    values: Mapping[str, Any]

    @classmethod
    def of(cls, chosen: Select[Any]) -> "_Statement":
        text, values = compiled(insert(VERDICTS).from_select(list(VERDICTS.columns.keys()), chosen))
        return cls(text.encode(), values)

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], *, prepare: bool
    ) -> AsyncCursor[TupleRow]:
        return await connection.execute(self.text, {**self.values, **values}, prepare=prepare)


class Judge:
    """The statements of one segment as it is defined; `now` is any moment, for the names of parameters.

    Raises:
        Exception: the rule is of a newer release, or says something that cannot be evaluated.
    """

    def __init__(self, segment: Segment, definitions: Definitions, now: datetime) -> None:
        self.segment = segment
        self._definitions = definitions
        self._source = sources.live(definitions)
        self._compiled_at = now
        self._some = _Statement.of(_some(segment, self._source, now))

    def fits(self, segment: Segment, definitions: Definitions) -> bool:
        """Tell whether the same statements judge a segment as it is defined now, so that none need be compiled."""
        return definitions == self._definitions and _compiled_from(segment) == _compiled_from(self.segment)

    @cached_property
    def _all(self) -> _Statement:
        return _Statement.of(_all(self.segment, self._source, self._compiled_at))

    def _clock(self, now: datetime) -> dict[str, Any]:
        moment = self.segment.moment(now)
        rule = self.segment.judged_rule
        return {NOW: moment} if rule is None else {NOW: moment, **clock_values(rule, moment)}

    async def some(self, connection: AsyncConnection, customers: Collection[str], now: datetime) -> None:
        """Write verdicts about some customers."""
        values = {**self._clock(now), sources.CUSTOMERS: list(customers)}
        await self._some.run(connection, values, prepare=True)

    async def all(self, connection: AsyncConnection, now: datetime) -> None:
        """Write verdicts about all customers: those who are members, or may become it by time alone."""
        await asyncio.to_thread(lambda: self._all)  # compiling takes milliseconds; what runs beside it goes on
        await self._all.run(connection, self._clock(now), prepare=False)


def _compiled_from(segment: Segment) -> tuple[object, ...]:
    """Give all of a segment that its statements depend on; moments are parameters."""
    return segment.id, segment.is_live, segment.archived, segment.judged_rule, segment.hand_decisions > 0


def _some(segment: Segment, source: sources.Source, now: datetime) -> Select[Any]:
    few = source.restricted()
    ids = bindparam(sources.CUSTOMERS, value=[], type_=ARRAY(UUID))
    asked = func.unnest(ids).table_valued(column("id", UUID), name="asked").render_derived()
    people = few.people
    holds = and_(people.c.id.is_not(None), _verdict(segment, few, now))
    joined = asked.outerjoin(people, people.c.id == asked.c.id).outerjoin(MEMBERS, _is_member(segment, asked.c.id))
    was = MEMBERS.c.customer_id.is_not(None)
    due = _due(segment, few, now)
    columns: list[ColumnElement[Any]] = [
        literal(segment.id, Text),
        asked.c.id,
        func.coalesce(holds, false()).label("holds"),
        was.label("was"),
        _NEVER if due is None else case((people.c.id.is_not(None), due)),
    ]
    chosen = select(*columns).select_from(joined)
    return chosen if due is not None else chosen.where(func.coalesce(holds, false()) != was)


def _all(segment: Segment, source: sources.Source, now: datetime) -> Select[Any]:
    people: FromClause = source.people
    due = _due(segment, source, now)
    judged = select(
        people.c.id, _verdict(segment, source, now).label("holds"), (_NEVER if due is None else due).label("due_at")
    ).subquery("judged")
    columns: list[ColumnElement[Any]] = [
        literal(segment.id, Text),
        judged.c.id,
        judged.c.holds,
        null(),
        judged.c.due_at,
    ]
    return select(*columns).where(or_(judged.c.holds, judged.c.due_at.is_not(None)))


def members_of(segment: Segment, definitions: Definitions, now: datetime) -> Select[Any]:
    """Write who is a member by rule and by hand: their ids, as `customer_id`."""
    moment = segment.moment(now)
    source = sources.live(definitions)
    people = source.people
    return select(people.c.id.label("customer_id")).where(_verdict(segment, source, moment))


def _is_member(segment: Segment, customer_id: ColumnElement[Any]) -> Condition:
    return and_(MEMBERS.c.segment_id == segment.id, MEMBERS.c.customer_id == customer_id)


def _verdict(segment: Segment, source: sources.Source, now: datetime) -> Condition:
    """Tell whether a customer is a member: by hand, or else by rule."""
    if segment.archived:
        return false()
    rule = segment.judged_rule
    by_rule: Condition = false() if rule is None else compile_rule(rule, source, now)
    if not segment.hand_decisions:
        return by_rule
    decision = (
        select(HANDS_VIEW.c.decision)
        .where(HANDS_VIEW.c.segment_id == segment.id, HANDS_VIEW.c.customer_id == source.people.c.id)
        .order_by(HANDS_VIEW.c.position.desc(), HANDS_VIEW.c.index.desc())
        .limit(1)
        .scalar_subquery()
    )
    return case((decision == INCLUDED, true()), (decision == EXCLUDED, false()), else_=by_rule)


def _due(segment: Segment, source: sources.Source, now: datetime) -> ColumnElement[datetime | None] | None:
    """Tell when the answer may change by time alone; None where it never does."""
    rule: Rule | None = segment.judged_rule
    if rule is None or not segment.is_live:
        return None
    return next_change(rule, source, now)
