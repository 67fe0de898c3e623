"""The writer: one transaction per batch moves the positions, folds the commits and writes the rows of all models."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.errors import ProgramLimitExceeded

from patron_events.envelope import StreamId
from patron_events.opening import Opened, Unreadable
from patron_projections.engine.builds import Build, retired_tables
from patron_projections.engine.erasures import ERASING
from patron_projections.engine.figures import Figures
from patron_projections.engine.parking import Failure, Parking, Retry, envelope_of, reason_of
from patron_projections.engine.positions import Move, Positions
from patron_projections.engine.read_model import Row
from patron_projections.engine.rows import RowWriter, forget_rows
from patron_projections.engine.unerased import note_unerased

Item = Opened | Unreadable
Reasons = Mapping[tuple[str, int], str]
_CACHED_ROWS: Final = 8_000
_TURN: Final = 32
# What PostgreSQL says when the content of a row is to blame: classes 22, 23 and 54 of its error codes.
_CONTENT: Final = (psycopg.DataError, psycopg.IntegrityError, ProgramLimitExceeded)

_log = structlog.stdlib.get_logger("patron.projections")


class _RowRefused(Exception):
    """PostgreSQL does not accept a row of this model."""

    def __init__(self, build: Build, error: Exception) -> None:
        super().__init__(build.name)
        self.build = build
        self.error = error


@dataclass(slots=True)
class _Outcome:
    """What folding a batch for one model gave."""

    rows: dict[str, Row] = field(default_factory=dict[str, Row])
    lines: list[str] = field(default_factory=list[str])
    erased: list[str] = field(default_factory=list[str])
    gone: list[str] = field(default_factory=list[str])
    emptied: set[str] = field(default_factory=set[str])
    parked: dict[StreamId, Failure] = field(default_factory=dict[StreamId, Failure])
    waiting: dict[StreamId, int] = field(default_factory=dict[StreamId, int])


def erases(item: Item) -> bool:
    """Tell whether a commit records the erasure of its aggregate."""
    return isinstance(item, Opened) and any(type(recorded.event) in ERASING for recorded in item.events)


class Placed(NamedTuple):
    """A commit with its place in the log, worked out once for all models."""

    item: Item
    stream: StreamId
    sequence: int
    partition: int


def placed(item: Item) -> Placed:
    """Find the place of a commit, also of an unreadable one."""
    if isinstance(item, Opened):
        stream = item.head.stream
        return Placed(item, stream, item.head.sequence, stream.partition)
    stream = item.stored.stream
    return Placed(item, stream, item.stored.sequence, stream.partition)


class Writer:
    """Applies batches through one connection.

    Rows of aggregates that were changed lately are remembered. That is safe as long as this worker's own
    moves are the only ones, which the fence proves with every batch; `reload` forgets them.
    """

    def __init__(self, connection: AsyncConnection, builds: Sequence[Build], stream: str, figures: Figures) -> None:
        self.connection = connection
        self._builds = builds
        self.builds: Mapping[str, int] = {build.name: build.number for build in builds}
        self._figures = figures
        self._writers = {build.name: RowWriter(build) for build in builds}
        self._cache: dict[str, OrderedDict[str, Row]] = {build.name: OrderedDict() for build in builds}
        self.positions = Positions(stream, builds)
        self.parking = Parking(stream, builds)
        self._retired: Mapping[str, Mapping[str, Sequence[str]]] = {}

    async def prepare(self) -> None:
        """Make this session's staging tables, and read where the work stands."""
        # A crash of PostgreSQL may then lose the last moments: positions and rows together, so they are done again.
        await self.connection.execute("SET synchronous_commit = off")
        await self.connection.execute("SET TimeZone = 'UTC'")
        for writer in self._writers.values():
            await writer.prepare(self.connection)
        await self.reload()

    async def reload(self) -> None:
        """Read positions and parked aggregates again, after another worker had a hand in them."""
        for cache in self._cache.values():
            cache.clear()
        self._retired = await retired_tables(self.connection, self.builds.keys())
        await self.positions.reload(self.connection)
        await self.parking.reload(self.connection)

    async def apply(self, items: Sequence[Placed], reached: Mapping[int, int]) -> None:
        """Apply commits in order and move the positions to what was reached.

        Where PostgreSQL refuses a row, the batch is halved until the commit to blame is found and parked.

        Raises:
            Fenced: another worker owns one of the partitions; nothing was written.
        """
        try:
            await self._apply(items, reached, {})
        except _RowRefused as refused:
            if len(items) == 1:
                await self._apply_one(items[0], reached, refused)
                return
            half = len(items) // 2
            first = {place.partition: place.sequence for place in items[:half]}
            await self.apply(items[:half], first)
            await self.apply(items[half:], reached)

    async def _apply_one(self, item: Placed, reached: Mapping[int, int], refused: _RowRefused) -> None:
        """Apply a commit that some models cannot take, and park it for those."""
        reasons: dict[tuple[str, int], str] = {}
        for _ in self._builds:
            reasons[refused.build.name, item.sequence] = reason_of(refused.error)
            try:
                await self._apply([item], reached, reasons)
            except _RowRefused as again:
                refused = again
            else:
                return

    async def _apply(self, items: Sequence[Placed], reached: Mapping[int, int], reasons: Reasons) -> None:
        moves = self.positions.moves_to(reached)
        if not moves:
            return
        async with self.connection.transaction():
            await self.positions.move(self.connection, moves)
            outcomes = await self._fold_and_write(items, reasons)
        self._settle(moves, outcomes)

    async def _fold_and_write(self, items: Sequence[Placed], reasons: Reasons) -> list[tuple[Build, _Outcome]]:
        """Fold one model while PostgreSQL writes the rows of the one before."""
        work = [(build, fresh) for build in self._builds if (fresh := self._fresh(build, items))]
        standing = [await self._standing(build, fresh) for build, fresh in work]
        outcomes: list[tuple[Build, _Outcome]] = []
        writing: asyncio.Task[None] | None = None
        try:
            for (build, fresh), rows in zip(work, standing, strict=True):
                outcome = await self._folded(build, fresh, rows, reasons)
                if writing is not None:
                    await writing
                writing = asyncio.create_task(self._write(build, outcome))
                outcomes.append((build, outcome))
            if writing is not None:
                await writing
        finally:
            if writing is not None and not writing.done():
                await asyncio.wait([writing])  # the connection belongs to it until then
        return outcomes

    def _fresh(self, build: Build, items: Sequence[Placed]) -> list[Placed]:
        known = self.positions.of(build)
        categories = build.model.categories
        return [
            place for place in items if place.stream.category in categories and place.sequence > known[place.partition]
        ]

    async def _folded(
        self, build: Build, items: Sequence[Placed], rows: dict[str, Row], reasons: Reasons, *, held: bool = True
    ) -> _Outcome:
        """Fold commits for one model over its standing rows. held: commits of parked aggregates wait."""
        outcome = _Outcome()
        if build.name in self._retired:
            # The right to erasure holds in builds that are only kept for a while, too.
            outcome.gone += [place.stream.id for place in items if erases(place.item)]
        for number, (item, stream, sequence, _) in enumerate(items):
            if number % _TURN == 0:
                await asyncio.sleep(0)  # lets the rows of another model flow to PostgreSQL meanwhile
            if stream in outcome.parked or (held and self.parking.holds(build, stream)):
                outcome.waiting[stream] = outcome.waiting.get(stream, 0) + 1
                self._erase_unfolded(build, item, stream.id, rows, outcome)
                continue
            reason = reasons.get((build.name, sequence)) if reasons else None
            if isinstance(item, Unreadable):
                reason = reason_of(item.reason)
            elif reason is None:
                try:
                    folded = build.model.fold(rows.get(stream.id), item)
                except Exception as error:  # noqa: BLE001  (whatever a fold raises, only this aggregate waits)
                    reason = reason_of(error)
                else:
                    if folded.kept is not None:
                        rows[stream.id] = outcome.rows[stream.id] = folded.kept
                    outcome.lines += folded.added
                    if folded.erases:
                        outcome.erased.append(stream.id)
            if reason is not None:
                outcome.parked[stream] = Failure(sequence, reason, envelope_of(item))
                self._erase_unfolded(build, item, stream.id, rows, outcome)
        return outcome

    def _erase_unfolded(
        self, build: Build, item: Item, aggregate: str, rows: dict[str, Row], outcome: _Outcome
    ) -> None:
        """Carry out an erasure at once although its commit cannot be folded yet: the right to it does not wait."""
        if not erases(item):
            return
        outcome.erased.append(aggregate)
        row = rows.get(aggregate)
        if row is not None:
            rows[aggregate] = outcome.rows[aggregate] = build.model.emptied(row)
            outcome.emptied.add(aggregate)

    async def _standing(self, build: Build, items: Sequence[Placed]) -> dict[str, Row]:
        """Find the present rows of the aggregates of a batch; what begins in this batch has none yet."""
        if build.kept is None:
            return {}
        cache = self._cache[build.name]
        found: dict[str, Row] = {}
        missing: set[str] = set()
        begun: set[str] = set()
        for item, stream, _, _ in items:
            aggregate = stream.id
            if aggregate in found or aggregate in begun:
                continue
            if isinstance(item, Opened) and item.head.version == 1:
                begun.add(aggregate)
                continue
            row = cache.get(aggregate)
            if row is None:
                missing.add(aggregate)
            else:
                found[aggregate] = row
        return found | await self._writers[build.name].load(self.connection, missing)

    async def _write(self, build: Build, outcome: _Outcome) -> None:
        writer = self._writers[build.name]
        try:
            await writer.add(self.connection, outcome.lines)
            await writer.keep(self.connection, outcome.rows, outcome.emptied)
        except _CONTENT as error:
            raise _RowRefused(build, error) from error
        await writer.blank(self.connection, outcome.erased)
        if outcome.erased:
            await note_unerased(self.connection, build)
        if outcome.gone:
            await forget_rows(self.connection, self._retired[build.name], outcome.gone)
        for stream, failure in outcome.parked.items():
            await self.parking.park(self.connection, build, stream, failure)
        for stream, commits in outcome.waiting.items():
            await self.parking.count(self.connection, build, stream, commits)

    def _settle(self, moves: Sequence[Move], outcomes: Sequence[tuple[Build, _Outcome]]) -> None:
        self.positions.settle(moves)
        for build, outcome in outcomes:
            cache = self._cache[build.name]
            for aggregate, row in outcome.rows.items():
                cache[aggregate] = row
                cache.move_to_end(aggregate)
            while len(cache) > _CACHED_ROWS:
                cache.popitem(last=False)
            self.parking.settle([(build.name, stream) for stream in outcome.parked])
            for stream, failure in outcome.parked.items():
                self._figures.parkings.labels(build.name).inc()
                _log.error(
                    "projection.parked",
                    model=build.name,
                    subject=stream.subject,
                    sequence=failure.sequence,
                    reason=failure.reason,
                )
            if outcome.waiting:
                self._figures.waiting.labels(build.name).inc(sum(outcome.waiting.values()))

    async def retry(self, retry: Retry, items: Sequence[Placed]) -> bool:
        """Apply a parked aggregate's commits from the one that failed; answers whether it goes on from now.

        items: its commits from `retry.sequence` up to the position of its partition, in order.

        Raises:
            Fenced: another worker owns the partition by now.
        """
        build, partition = retry.build, retry.stream.partition
        position = self.positions.of(build)[partition]
        fence = [Move(build, partition, position, position)]
        reasons: dict[tuple[str, int], str] = {}
        for _ in (*items, None):
            try:
                async with self.connection.transaction():
                    await self.positions.move(self.connection, fence)
                    await self.parking.free(self.connection, build, retry.stream)
                    rows = await self._standing(build, items)
                    outcome = await self._folded(build, items, rows, reasons, held=False)
                    await self._write(build, outcome)
            except _RowRefused as refused:
                # Which of the commits is to blame is not known: the first one waits again, and says why.
                reasons[build.name, retry.sequence] = reason_of(refused.error)
                continue
            self.parking.settle([], [(build.name, retry.stream)])
            self._settle([], [(build, outcome)])
            return not outcome.parked
        return False

    def forget(self, models: Collection[str]) -> None:
        """Drop remembered rows of some models."""
        for name in models:
            self._cache[name].clear()
