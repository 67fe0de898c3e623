"""The evaluator: one per installation, it follows what happens to customers and keeps the members of all segments.

Any number of processes may run it; the one that holds the lease works, and another takes over when it falls silent.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import structlog
from psycopg import AsyncConnection

from patron_events.decisions import Decisions
from patron_events.ending import ended
from patron_events.store import LogReader
from patron_projections.engine.companions import Companion
from patron_projections.engine.positions import Fenced
from patron_projections.engine.worker import Connect, Pace
from patron_projections.segments.evaluator_figures import EvaluatorFigures
from patron_projections.segments.evaluator_session import Session
from patron_projections.segments.members import prepare_evaluation
from patron_projections.segments.publisher import publish
from patron_projections.segments.turns import Lease

_QUIET_S: Final = 1.0

_log = structlog.stdlib.get_logger("patron.segments")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class EvaluatorPlace:
    """What an evaluator works with. decisions: over the log, for what it tells; now: the clock that rules look at."""

    connect: Connect
    reader: LogReader
    decisions: Decisions
    figures: EvaluatorFigures
    pace: Pace = field(default_factory=Pace)
    now: Callable[[], datetime] = _now


class Evaluator:
    """Evaluates while it holds the lease, and waits for it otherwise."""

    def __init__(self, place: EvaluatorPlace) -> None:
        self.id = uuid4().hex
        self._place = place
        self._lease = Lease(self.id, place.pace.dead_after_s)
        self._told = asyncio.Event()
        self._idle_since: float | None = None

    @property
    def companion(self) -> Companion:
        """Name it for those who run it."""
        return Companion("segments", self.run)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; raises what PostgreSQL or the log raise."""
        place = self._place
        async with await place.connect() as connection:
            await prepare_evaluation(connection)
            try:
                while not stop.is_set():
                    if await self._lease.take(connection):
                        _log.info("segments.elected", evaluator=self.id)
                        await self._work(connection, stop)
                    await _rest(stop, place.pace.beat_s)
            finally:
                with suppress(Exception):
                    await self._lease.give(connection)

    async def _work(self, connection: AsyncConnection, stop: asyncio.Event) -> None:
        """Evaluate and tell until the lease is lost or `stop` is set; whichever part ends first ends all."""
        over = asyncio.Event()
        parts: list[Coroutine[Any, Any, None]] = [self._hold(connection, stop), self._evaluate(over), self._tell(over)]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            over.set()  # a batch under way is finished, and what it changed is told
            await asyncio.wait(tasks, timeout=_patience_s(self._place))
        finally:
            raised = await ended(*tasks)
        for error in raised:
            if isinstance(error, Fenced):
                self._place.figures.fenced.inc()
                _log.info("segments.fenced", evaluator=self.id)
            elif error is not None:
                raise error

    async def _hold(self, connection: AsyncConnection, stop: asyncio.Event) -> None:
        while not stop.is_set():
            idle_s = None if self._idle_since is None else time.monotonic() - self._idle_since
            if idle_s is not None:
                self._place.figures.lag_seconds.set(idle_s)
            if not await self._lease.take(connection, idle_s):
                _log.info("segments.replaced", evaluator=self.id)
                return
            await _rest(stop, self._place.pace.beat_s)

    async def _evaluate(self, over: asyncio.Event) -> None:
        place = self._place
        async with await place.connect() as connection:
            log = place.reader, place.decisions.journal.store
            session = Session(connection, log, place.figures, place.now)
            async with session.begun():
                while not over.is_set():
                    worked = await session.step()
                    self._told.set()
                    if not worked and session.caught_up:
                        self._idle_since = time.monotonic()
                    if not worked:
                        await session.wait(over, place.pace.settle_s)

    async def _tell(self, over: asyncio.Event) -> None:
        async with await self._place.connect() as connection:
            while True:
                self._told.clear()
                ending = over.is_set()
                while told := await publish(connection, self._place.decisions):
                    self._place.figures.told.inc(told)
                if ending:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(_QUIET_S):
                        await self._told.wait()


def _patience_s(place: EvaluatorPlace) -> float:
    """Tell how long to wait for the parts to end by themselves."""
    return max(place.pace.dead_after_s, _QUIET_S * 2)


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
