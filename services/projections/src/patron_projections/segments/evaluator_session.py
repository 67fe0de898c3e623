"""A session of the evaluator: what one connection does from the election to the next fault."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from patron_events.store import EventStore, LogReader
from patron_projections.segments.arrivals import OF_CAMPAIGNS, OF_CONTACTS, arrived
from patron_projections.segments.custom_fields import custom_fields
from patron_projections.segments.definition_changes import DefinitionChanges
from patron_projections.segments.dirty import A_COMPANY, SCORES, Because, Dirt
from patron_projections.segments.evaluation import Evaluation, Work
from patron_projections.segments.evaluator_figures import EvaluatorFigures
from patron_projections.segments.following import Following, following
from patron_projections.segments.judging import prepare_judging
from patron_projections.segments.seeding import seed

_MOST_CUSTOMERS: Final = 1_000
_MOST_DUE: Final = 2_000
_MEND_AFTER_S: Final = 60.0
_COLLEAGUES: Final = "SELECT id::text FROM patron.people WHERE company_ids && %s::uuid[]"
_STATES: Final = "SELECT segment_id, rule_version, size, snapshot_event_id, fault FROM patron.segment_states"
_DUE: Final = """
SELECT segment_id, customer_id::text, due_at FROM patron.segment_due WHERE due_at <= %s ORDER BY due_at LIMIT %s
"""
_BOUNDARIES: Final = "SELECT segment_id, boundary_at FROM patron.segment_states WHERE boundary_at <= %s"
_FORGET: Final = "DELETE FROM patron.segment_due WHERE segment_id = ANY(%s)"
_NUDGED: Final = "SELECT number, customer_id::text FROM patron.segment_nudges ORDER BY number LIMIT %s"
_HEARD: Final = "DELETE FROM patron.segment_nudges WHERE number = ANY(%s)"


class Session:
    """Reads what happened, and evaluates step by step."""

    def __init__(
        self,
        connection: AsyncConnection,
        log: tuple[LogReader, EventStore],
        figures: EvaluatorFigures,
        now: Callable[[], datetime],
    ) -> None:
        self._connection = connection
        self._reader, self._store = log
        self._now = now
        self._news = asyncio.Event()
        self._contacts: Following | None = None
        self._campaigns: Following | None = None
        self._mended_at = time.monotonic()
        self.evaluation = Evaluation(connection, figures)

    @property
    def caught_up(self) -> bool:
        """Tell whether everything that the log holds was evaluated."""
        return not any(one is None or one.behind for one in (self._contacts, self._campaigns))

    @asynccontextmanager
    async def begun(self) -> AsyncGenerator[None]:
        """Read where the work stands, bring what is behind up to date, and follow the log while the block runs."""
        turns, roster = self.evaluation.turns, self.evaluation.roster
        await prepare_judging(self._connection)
        await turns.reload(self._connection)
        again = not turns.seeded and await seed(self._connection, self._reader, turns)
        roster.definitions = await custom_fields(self._store)
        await self.evaluation.load(self._now())
        await self._mend(at=self._now() if again else None)
        async with (
            following(self._reader, "contacts", turns.contacts, self._news) as self._contacts,
            following(self._reader, "campaigns", turns.campaigns, self._news) as self._campaigns,
        ):
            yield

    async def wait(self, over: asyncio.Event, seconds: float) -> None:
        """Wait for news, at most so long; the clock goes on without them."""
        if over.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def step(self) -> bool:
        """Evaluate what has come; answers whether anything had."""
        self._news.clear()
        if self.evaluation.roster.faults and time.monotonic() - self._mended_at > _MEND_AFTER_S:
            await self.evaluation.load(self._now())
            await self._mend()
        worked = [await self._segments(), await self._customers(), await self._nudged(), await self._time()]
        return any(worked)

    async def _mend(self, at: datetime | None = None) -> None:
        """Judge the segments that were never judged as they are defined now.

        at: since when what differs holds; None for since they were defined so.
        """
        roster = self.evaluation.roster
        self._mended_at = time.monotonic()
        cursor = await self._connection.execute(_STATES)
        states = {row[0]: row[1:] for row in await cursor.fetchall()}
        wanted: dict[str, Because] = {}
        for segment in roster.segments.values():
            version, size, snapshot, fault = states.get(segment.id, (None, 0, None, None))
            stands = version == segment.rule_version and fault is None
            if segment.kind == "snapshot":
                stands = version is not None and snapshot == segment.snapshot_event_id
            if segment.archived:
                stands = version is not None and not size
            if not stands or segment.id in roster.faults:
                wanted[segment.id] = Because("rule", segment.stated_by, at or segment.stated_at)
        await self.evaluation.judge_all(wanted, self._now())

    # -- what the logs say ----------------------------------------------------------------------------------------

    async def _segments(self) -> bool:
        """Take in what was said about segments."""
        batches = self._campaigns.take() if self._campaigns is not None else []
        changes = DefinitionChanges()
        for batch in batches:
            changes.add(batch.commits, batch.through)
        evaluation = self.evaluation
        if not batches or changes.through <= evaluation.turns.campaigns:
            return False
        if changes.touched:
            await arrived(self._connection, OF_CAMPAIGNS, changes.reached)
            now = self._now()
            await evaluation.load(now, changes.touched)
            await self._by_hand(changes, now)
            await evaluation.judge_all(self._whole(changes), now)
        await evaluation.move(campaigns=changes.through)
        return bool(changes.touched)

    def _whole(self, changes: DefinitionChanges) -> dict[str, Because]:
        """Choose the segments to be judged as a whole: a snapshot when it is asked for, others when they change."""
        segments = self.evaluation.roster.segments
        snapshots = {one for one in changes.touched if one in segments and segments[one].kind == "snapshot"}
        wanted = {one: why for one, why in changes.snapshots.items() if one in snapshots}
        stated = {one: why for one, why in changes.whole.items() if one in segments}
        return wanted | {one: why for one, why in stated.items() if one not in snapshots or segments[one].archived}

    async def _by_hand(self, changes: DefinitionChanges, now: datetime) -> None:
        for segment_id, customers, because in changes.hands:
            for start in range(0, len(customers), _MOST_CUSTOMERS):

                def why(segment: str, customer: str, by: Because = because, of: str = segment_id) -> Because | None:
                    del customer
                    return by if segment == of else None

                work = Work(why)
                work.add(segment_id, customers[start : start + _MOST_CUSTOMERS])
                await self.evaluation.judge(work, now)

    async def _customers(self) -> bool:
        """Take in what happened to customers."""
        batches = self._contacts.take() if self._contacts is not None else []
        dirt = Dirt()
        for batch in batches:
            dirt.add(batch.commits, batch.through)
        evaluation = self.evaluation
        if not batches or dirt.through <= evaluation.turns.contacts:
            return False
        if dirt.fields:
            evaluation.roster.definitions = await custom_fields(self._store)
            await evaluation.load(self._now())
            await self._mend()
            await evaluation.judge_all(self._redefined(dirt), self._now())
        if dirt.reached:  # also without any segment: the first one will be judged over the rows of these customers
            await arrived(self._connection, OF_CONTACTS, dirt.reached)
        await self._judge(dirt, dirt.through)
        return bool(dirt.commits)

    def _redefined(self, dirt: Dirt) -> dict[str, Because]:
        """Choose the segments that read a field which was defined: with another type the same values say other things.

        By what the log says and not by what differs from before, so that a restart in between loses nothing.
        """
        wanted: dict[str, Because] = {}
        for segment in self.evaluation.roster.segments.values():
            looked = [why for name, why in dirt.fields.items() if name in segment.fields]
            if looked:
                wanted[segment.id] = looked[-1]
        return wanted

    async def _judge(self, dirt: Dirt, through: int | None) -> None:
        """Judge the customers of a stretch of the log in parts; the position moves with the last part."""
        evaluation = self.evaluation
        for company, because in dirt.companies.items():
            if not evaluation.roster.woken((A_COMPANY,)):
                break
            cursor = await self._connection.execute(_COLLEAGUES, ([company],))
            dirt.touch([row[0] for row in await cursor.fetchall()], A_COMPANY, because)
        customers = list(dirt.customers) if evaluation.roster.judges else []
        parts = [customers[start : start + _MOST_CUSTOMERS] for start in range(0, len(customers), _MOST_CUSTOMERS)]
        for number, part in enumerate(parts, 1):
            work = evaluation.work_of(dirt, part)
            await evaluation.judge(work, self._now(), contacts=through if number == len(parts) else None)
        if not parts and through is not None:
            await evaluation.move(contacts=through)

    # -- what no event says ---------------------------------------------------------------------------------------

    async def _nudged(self) -> bool:
        """Take in what other parts of the read side computed anew."""
        cursor = await self._connection.execute(_NUDGED, (_MOST_CUSTOMERS,))
        nudges = await cursor.fetchall()
        if not nudges:
            return False
        dirt = Dirt()
        dirt.touch([row[1] for row in nudges], SCORES, Because("time", None, self._now()))
        await self._judge(dirt, None)
        await self._connection.execute(_HEARD, ([row[0] for row in nudges],))
        return True

    async def _time(self) -> bool:
        """Judge whom the clock alone may have changed."""
        now, evaluation = self._now(), self.evaluation
        cursor = await self._connection.execute(_BOUNDARIES, (now,))
        passed = {one: Because("time", None, at) for one, at in await cursor.fetchall()}
        await evaluation.judge_all({one: why for one, why in passed.items() if one in evaluation.roster.judges}, now)
        cursor = await self._connection.execute(_DUE, (now, _MOST_DUE))
        due = {(segment, customer): at for segment, customer, at in await cursor.fetchall()}
        idle = {segment for segment, _ in due} - evaluation.roster.judges.keys()
        if idle:
            await self._connection.execute(_FORGET, (list(idle),))

        def why(segment: str, customer: str) -> Because | None:
            at = due.get((segment, customer))
            return None if at is None else Because("time", None, at)

        work = Work(why)
        for segment, customer in due:
            if segment not in idle:
                work.add(segment, (customer,))
        if work.customers:
            await evaluation.judge(work, now)
        return bool(due) or bool(passed.keys() & evaluation.roster.judges.keys())
