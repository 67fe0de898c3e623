"""The worker: follows the log for its partitions, applies batch after batch, and goes on by itself after faults."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import structlog
from psycopg import AsyncConnection

from patron_events.ending import ended
from patron_events.opening import Opened
from patron_projections.engine.builds import ModelChanged, present_builds, standings
from patron_projections.engine.companions import pause
from patron_projections.engine.figures import Figures
from patron_projections.engine.membership import Membership, Pulse
from patron_projections.engine.positions import Fenced
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.reading import Portion, ReadsAggregates, Source, commits_of, reading
from patron_projections.engine.tables import create_own_tables
from patron_projections.engine.unerased import remove_unerased
from patron_projections.engine.writer import Writer

Connect = Callable[[], Awaitable[AsyncConnection]]
_MOST_PAUSE_S: Final = 5.0

_log = structlog.stdlib.get_logger("patron.projections")


@dataclass(frozen=True, slots=True)
class Pace:
    """Periods of a worker, in seconds.

    beat: between signs of life; dead_after: silence after which others take over.
    settle: at most this often all partitions are moved when nothing comes; lag: the same while commits come.
    """

    beat_s: float = 1.0
    dead_after_s: float = 5.0
    settle_s: float = 0.2
    lag_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a worker works with: connections to PostgreSQL, the log, and where single aggregates are read."""

    connect: Connect
    source: Source
    aggregates: ReadsAggregates
    figures: Figures
    pace: Pace = field(default_factory=Pace)


class Worker:
    """Keeps several read models up to date with one stream; any number of workers share the partitions.

    share: partitions to own whatever the others do, for tests and for a fixed division of work.
    """

    def __init__(self, place: Workplace, models: Sequence[ReadModel], *, share: frozenset[int] | None = None) -> None:
        self.id = uuid4().hex
        self._place = place
        self._models = models
        self._share = share
        self.owned: frozenset[int] = share or frozenset()
        self._membership = Membership(self.id, place.source.stream, place.pace.dead_after_s)
        self._log_sequence = 0
        self._caught_up_at: float | None = None
        self._applied_at: datetime | None = None
        self._events = 0
        self._retries_wanted = False
        self._writer: Writer | None = None
        self._turned = False

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; faults of PostgreSQL or the log are waited out.

        Raises:
            ModelChanged: a model was changed without a new version.
        """
        beats = asyncio.create_task(self._beats(stop))
        failures = 0
        try:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    await self._session(stop)
                except ModelChanged:
                    raise
                except Exception as error:  # noqa: BLE001  (a worker outlives every fault of its servers)
                    failures = 1 if time.monotonic() - began > _MOST_PAUSE_S else failures + 1
                    self._interrupted("session", error)
                    await pause(stop, failures)
        finally:
            await ended(beats)
            await self._leave()

    def _interrupted(self, part: str, error: Exception) -> None:
        self._place.figures.failures.labels(part).inc()
        _log.warning("projection.interrupted", part=part, error_type=type(error).__name__)

    async def _leave(self) -> None:
        with suppress(Exception):
            async with asyncio.timeout(2), await self._place.connect() as connection:
                await self._membership.leave(connection)

    # -- sign of life ---------------------------------------------------------------------------------------------

    async def _beats(self, stop: asyncio.Event) -> None:
        failures = 0
        while True:
            try:
                async with await self._place.connect() as connection:
                    async with connection.transaction():
                        await create_own_tables(connection)
                    while True:
                        await self._beat(connection)
                        failures = 0
                        await asyncio.sleep(self._place.pace.beat_s)
            except Exception as error:  # noqa: BLE001  (as in `run`)
                failures += 1
                self._interrupted("heartbeat", error)
                await pause(stop, failures)

    async def _beat(self, connection: AsyncConnection) -> None:
        idle_s = None if self._caught_up_at is None else time.monotonic() - self._caught_up_at
        events, self._events = self._events, 0
        rate = events / self._place.pace.beat_s
        owned = await self._membership.beat(connection, Pulse(self._log_sequence, idle_s, rate, self._applied_at))
        self.owned = owned if self._share is None else self._share
        self._retries_wanted = True
        if self._writer is not None:
            await self._look_around(connection, self._writer)

    async def _look_around(self, connection: AsyncConnection, writer: Writer) -> None:
        """Notice builds that were swapped, and tell how far the models are."""
        standing = await standings(connection)
        for model in self._models:
            build = writer.builds.get(model.name)
            current = standing.get(model.name)
            if current is not None and (current.build if current.version == model.version else None) != build:
                self._turned = True
        for name, number in await remove_unerased(connection, writer.builds):
            _log.info("projection.unfinished-removed", model=name, build=number)
        figures = self._place.figures
        for name, count in (await writer.parking.counted(connection, self.owned)).items():
            figures.parked.labels(name).set(count)
        lag_s = 0.0 if self._applied_at is None else (datetime.now(UTC) - self._applied_at).total_seconds()
        for name, lag in writer.positions.lags(self._log_sequence, self.owned).items():
            figures.lag_events.labels(name).set(lag)
            figures.lag_seconds.labels(name).set(lag_s if lag else 0.0)

    # -- work -----------------------------------------------------------------------------------------------------

    async def _session(self, stop: asyncio.Event) -> None:
        self._turned = False
        async with await self._place.connect() as connection:
            present = await present_builds(connection, self._models)
            for model in (*present.outdated, *present.unknown):
                _log.info("projection.other-version", model=model.name, version=model.version)
            self._writer = writer = Writer(connection, present.serving, self._place.source.stream, self._place.figures)
            await writer.prepare()
            while not stop.is_set() and not self._turned:
                owned = self.owned
                if not owned or not present.serving:
                    await asyncio.sleep(0.05)
                    continue
                try:
                    await writer.reload()
                    await self._follow(writer, owned, stop)
                except Fenced:
                    self._place.figures.fenced.inc()
                    _log.info("projection.fenced", partitions=len(owned))
                    await self._look_around(connection, writer)
                    await asyncio.sleep(random.random() * 0.1)  # noqa: S311  (jitter)

    async def _follow(self, writer: Writer, owned: frozenset[int], stop: asyncio.Event) -> None:
        pace = self._place.pace
        through = writer.positions.start(owned)
        settled = through - 1
        settled_at = 0.0
        pending = 1
        async with reading(self._place.source, through, owned) as feed:
            while not stop.is_set() and self.owned == owned and not self._turned:
                wait_s = 0.25 if settled == through else pace.settle_s
                portion = await feed.next(wait_s)
                if portion is not None:
                    through, pending = portion.through, portion.pending
                now = time.monotonic()
                # All partitions at once are many rows: while commits come, those that they touch say enough.
                quiet = pending == 0 and (portion is None or not portion.items)
                due = now - settled_at >= (pace.settle_s if quiet else pace.lag_s)
                reached = dict.fromkeys(owned, through) if due and settled != through else None
                await self._apply(writer, portion, reached)
                if reached is not None:
                    settled, settled_at = through, now
                if portion is not None and portion.heard and pending == 0:
                    self._caught_up_at, self._applied_at = time.monotonic(), None
                elif portion is not None and portion.stored_at is not None:
                    self._applied_at = portion.stored_at
                if self._retries_wanted:
                    self._retries_wanted = False
                    await self._retry(writer, owned)

    async def _apply(self, writer: Writer, portion: Portion | None, reached: dict[int, int] | None) -> None:
        items = [] if portion is None else portion.items
        if not items and reached is None:
            return
        began = time.monotonic()
        if portion is not None:
            # Before it is applied, so that a worker that PostgreSQL holds up shows how far behind it falls.
            self._log_sequence = portion.through + portion.pending
            self._applied_at = portion.stored_at or self._applied_at
        await writer.apply(items, portion.reached() if portion is not None and reached is None else reached or {})
        if portion is None:
            return
        figures = self._place.figures
        figures.batch_seconds.observe(time.monotonic() - began)
        events = sum(place.item.head.size for place in items if isinstance(place.item, Opened))
        figures.events.inc(events)
        self._events += events

    async def _retry(self, writer: Writer, owned: frozenset[int]) -> None:
        for retry in await writer.parking.asked_for(writer.connection, owned):
            last = writer.positions.of(retry.build)[retry.stream.partition]
            items = await commits_of(self._place.source, self._place.aggregates, retry.stream, retry.sequence, last)
            freed = await writer.retry(retry, items)
            _log.info("projection.retried", model=retry.build.name, subject=retry.stream.subject, freed=freed)
