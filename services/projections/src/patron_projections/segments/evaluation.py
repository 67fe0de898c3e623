"""One step of evaluation: customers or whole segments are judged and what changed is written, in one transaction.

A segment is judged after those that its rule uses, so that one step is enough however they depend on each other.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import psycopg
import structlog
from psycopg import AsyncConnection

from patron_projections.segments.boundaries import next_boundary
from patron_projections.segments.changes import Change, Whole, apply, apply_all, differences, schedule
from patron_projections.segments.dirty import Because, Dirt, last_that_matters
from patron_projections.segments.evaluator_figures import EvaluatorFigures
from patron_projections.segments.roster import Roster
from patron_projections.segments.segment import Segment
from patron_projections.segments.turns import Moved, Turns

_FAULT: Final = """
INSERT INTO patron.segment_states AS s (segment_id, rule_version, evaluated_at, fault) VALUES (%s, 0, %s, %s)
ON CONFLICT (segment_id) DO UPDATE SET fault = excluded.fault
"""
# What PostgreSQL says when a rule is to blame: its values, or what it asks for.
_FAULTS: Final = (psycopg.DataError, psycopg.ProgrammingError)
_UNSAFE: Final = "SET LOCAL synchronous_commit = off"

_log = structlog.stdlib.get_logger("patron.segments")


@dataclass(slots=True)
class Work:
    """Who is to be judged: customers by segment, and why.

    why: the reason for one customer, None where only another segment's change is one.
    """

    why: Callable[[str, str], Because | None]
    customers: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    by_segment: dict[tuple[str, str], Because] = field(default_factory=dict[tuple[str, str], Because])

    def add(self, segment_id: str, customers: Iterable[str]) -> None:
        """Have customers judged by a segment."""
        self.customers.setdefault(segment_id, set()).update(customers)


class Evaluation:
    """Judges through one connection, and moves the positions with what it writes."""

    def __init__(self, connection: AsyncConnection, figures: EvaluatorFigures) -> None:
        self.connection = connection
        self.roster = Roster()
        self.turns = Turns()
        self._figures = figures

    async def load(self, now: datetime, ids: Collection[str] | None = None) -> None:
        """Read definitions again, of all segments or of some, and write down which of them must stand still."""
        await self.roster.load(self.connection, now, ids)
        for one, reason in self.roster.faults.items():
            if ids is None or one in ids:
                await self._write_fault(one, reason, now)

    # -- some customers -------------------------------------------------------------------------------------------

    def work_of(self, dirt: Dirt, customers: Sequence[str]) -> Work:
        """Find the segments that look at what touched these customers."""

        def why(segment_id: str, customer: str) -> Because | None:
            return last_that_matters(dirt.customers.get(customer, {}), self.roster.woken_by[segment_id])

        work = Work(why)
        alike: dict[frozenset[str], list[str]] = {}
        for customer in customers:
            alike.setdefault(frozenset(dirt.customers[customer]), []).append(customer)
        for kinds, ones in alike.items():
            for segment_id in self.roster.woken(kinds):
                work.add(segment_id, ones)
        return work

    async def judge(
        self, work: Work, now: datetime, *, contacts: int | None = None, campaigns: int | None = None
    ) -> int:
        """Judge some customers and write what changed; answers how many entered or left.

        Raises:
            Fenced: another evaluator was there; nothing was written.
        """
        began = time.monotonic()
        while True:
            asked = {one: set(customers) for one, customers in work.customers.items()}
            try:
                async with self.connection.transaction():
                    moved = await self.turns.move(self.connection, contacts=contacts, campaigns=campaigns)
                    changes = await self._judge(work, now)
            except _FAULTS:
                work.customers, work.by_segment = asked, {}
                if not await self._blame(work, now):
                    raise
                continue
            break
        self._settled(moved, began, changes)
        return changes

    async def _judge(self, work: Work, now: datetime) -> int:
        changes = 0
        for level in self.roster.levels:
            judged = [one for one in level if work.customers.get(one) and one in self.roster.judges]
            if not judged:
                continue
            async with self.connection.pipeline():
                for one in judged:
                    await self.roster.judges[one].some(self.connection, sorted(work.customers[one]), now)
            found = [
                Change(one, customer, holds, self.roster.segments[one].rule_version, self._because(work, one, customer))
                for one, customer, holds in await differences(self.connection, judged)
            ]
            await apply(self.connection, found)
            for change in found:
                for user in self.roster.users_of(change.segment_id):
                    work.add(user, (change.customer_id,))
                    because = Because("segment", change.segment_id, change.because.at)
                    work.by_segment[user, change.customer_id] = because
            changes += len(found)
        if work.customers:
            await schedule(self.connection)
        if not changes:
            # Nothing is told to anybody, so a crash of PostgreSQL may lose it: it is done again.
            await self.connection.execute(_UNSAFE)
        return changes

    def _because(self, work: Work, segment_id: str, customer: str) -> Because:
        found = work.why(segment_id, customer) or work.by_segment.get((segment_id, customer))
        if found is None:
            msg = f"{segment_id} was judged for no reason"
            raise LookupError(msg)
        return found

    async def _blame(self, work: Work, now: datetime) -> bool:
        """Find the segments whose rule PostgreSQL cannot execute, and let them stand still; False for none."""
        guilty: list[tuple[str, str]] = []
        for one in self.roster.ordered(self.roster.judges):
            customers = set[str]().union(*work.customers.values())
            try:
                async with self.connection.transaction(force_rollback=True):
                    await self.roster.judges[one].some(self.connection, sorted(customers), now)
            except _FAULTS as error:
                guilty.append((one, f"PostgreSQL {error.sqlstate}"))
        for one, reason in guilty:
            await self.suspend(one, reason, now)
        return bool(guilty)

    async def suspend(self, segment_id: str, reason: str, now: datetime) -> None:
        """Let a segment stand still, and write down why."""
        self.roster.suspend(segment_id, reason)
        await self._write_fault(segment_id, reason, now)

    async def _write_fault(self, segment_id: str, reason: str, now: datetime) -> None:
        self._figures.faults.inc()
        await self.connection.execute(_FAULT, (segment_id, now, reason))

    # -- whole segments -------------------------------------------------------------------------------------------

    async def judge_all(self, wanted: Mapping[str, Because], now: datetime) -> int:
        """Judge whole segments, each in a transaction of its own, and those that use what changed.

        Repeating it changes nothing. Answers how many entered or left.

        Raises:
            Fenced: another evaluator was there.
        """
        because = dict(wanted)
        changes = 0
        for level in self.roster.levels:
            for one in level:
                reason = because.get(one)
                if reason is None:
                    continue
                found = await self._judge_whole(self.roster.segments[one], reason, now)
                changes += found
                for user in self.roster.users_of(one) if found else ():
                    because.setdefault(user, Because("segment", one, reason.at))
        return changes

    async def _judge_whole(self, segment: Segment, because: Because, now: datetime) -> int:
        judge = self.roster.judges.get(segment.id)
        if judge is None:  # it stands still, and `load` has written down why
            return 0
        rule = segment.judged_rule
        boundary = next_boundary(rule, now) if rule is not None and segment.is_live else None
        whole = Whole(segment.id, segment.rule_version, because, now, boundary, segment.snapshot_event_id)
        began = time.monotonic()
        try:
            async with self.connection.transaction():
                moved = await self.turns.move(self.connection)
                if not segment.archived:
                    await judge.all(self.connection, now)
                entered, left = await apply_all(self.connection, whole)
        except _FAULTS as error:
            await self.suspend(segment.id, f"PostgreSQL {error.sqlstate}", now)
            return 0
        self._settled(moved, began, entered + left)
        seconds = round(time.monotonic() - began, 3)
        _log.info(
            "segment.evaluated", segment=segment.id, cause=because.cause, entered=entered, left=left, seconds=seconds
        )
        return entered + left

    async def move(self, *, contacts: int | None = None, campaigns: int | None = None) -> None:
        """Move positions past what changes nobody."""
        async with self.connection.transaction():
            moved = await self.turns.move(self.connection, contacts=contacts, campaigns=campaigns)
            await self.connection.execute(_UNSAFE)
        self.turns.settle(moved)

    def _settled(self, moved: Moved, began: float, changes: int) -> None:
        self.turns.settle(moved)
        self._figures.seconds.observe(time.monotonic() - began)
        self._figures.changes.inc(changes)
