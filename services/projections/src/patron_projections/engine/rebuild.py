"""Rebuild of a read model beside the one that serves: fill, index, prove, swap (ADR 0009).

Every step is committed where it stands: a rebuild that was interrupted, however, goes on there, and the serving build
knows nothing of it until the swap.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from psycopg import AsyncConnection
from psycopg.sql import SQL

from patron_events.envelope import PARTITIONS
from patron_projections.engine.builds import BUILDING, Build, Standing, add_build, build_of, present_builds, standings
from patron_projections.engine.checksum import Sums, sums_of
from patron_projections.engine.filling import Fill, Marks
from patron_projections.engine.fingerprint import fingerprint_of
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.reading import Source
from patron_projections.engine.removal import remove_build
from patron_projections.engine.rows import RowWriter
from patron_projections.engine.swap import Swap
from patron_projections.engine.tables import create_indexes, create_key, create_table, exists, place_of
from patron_projections.engine.unerased import lock_rebuilds

_UNDER_WAY: Final = """
SELECT build, version, fingerprint FROM patron.builds WHERE model = %s AND state = 'building' ORDER BY build
"""
_NEWEST: Final = "SELECT coalesce(max(build), 0) FROM patron.builds WHERE model = %s"
_POSITIONS: Final = "SELECT partition, sequence FROM patron.positions WHERE model = %s AND build = %s"
_PROOFS: Final = 3
_LOCK_TRIES: Final = 30
_LOCK_PAUSE_S: Final = 0.1


class RebuildUnderWay(Exception):
    """Another process is rebuilding this model now."""


class NotEqual(Exception):
    """A new build differs from a second fold of the log. It was thrown away, and the serving build goes on."""

    def __init__(self, model: str, partitions: list[int]) -> None:
        self.partitions = partitions
        super().__init__(f"read model {model}: {len(partitions)} partitions differ from a second fold of the log")


class Watch(Protocol):
    """Hears how a rebuild goes on."""

    def begins(self, step: str, total: int) -> None:
        """Hear that a step begins: fill, index, prove or swap; total: messages of the log to read, or 0."""
        ...

    def advanced(self, messages: int, events: int) -> None:
        """Hear that so much more of the log was dealt with."""
        ...


class Proof(NamedTuple):
    """The checksums of a new build, of a second fold, and of the serving build at the same positions.

    serving: None where it has another version or stands behind.
    """

    build: Sums
    second: Sums
    serving: Sums | None


class Rebuilt(NamedTuple):
    """A rebuild that was swapped in. resumed_at: the sequence at which an earlier attempt had ended."""

    model: str
    build: int
    replaced: int | None
    resumed_at: int
    events: int
    proof: Proof


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a rebuild works with. newest: tells the newest sequence of a context; fill: in one process or in several."""

    connect: Callable[[], Awaitable[AsyncConnection]]
    source: Source
    newest: Callable[[str], Awaitable[int]]
    fill: Fill


class Rebuild:
    """One rebuild of one model."""

    def __init__(self, shop: Workshop, model: ReadModel, watch: Watch) -> None:
        self._shop = shop
        self._model = model
        self._watch = watch
        self._events = 0

    async def run(self) -> Rebuilt:
        """Build, prove and swap. Repeat it after any interruption.

        Raises:
            ModelChanged: the model was changed without a new version.
            RebuildUnderWay: another process is at it.
            NotEqual: the build is not what a second fold gives.
            ChainBroken: the log was altered.
            SwapImpossible: the views could not be turned.
        """
        async with await self._shop.connect() as connection:
            await connection.execute("SET TimeZone = 'UTC'")
            await connection.execute("SET maintenance_work_mem = '128MB'")
            await present_builds(connection, [self._model])
            await self._lock(connection)
            old = (await standings(connection)).get(self._model.name)
            build = await self._begun(connection)
            resumed_at = min((await positions_of(connection, build)).values(), default=0)
            await self._fill("fill", build)
            build = await self._indexed(connection, build)
            proof = await self._proved(connection, build, old)
            self._watch.begins("swap", 0)
            await Swap(connection, self._shop.source, lambda: self._catch_up(build)).to(build)
            return Rebuilt(
                build.name, build.number, None if old is None else old.build, resumed_at, self._events, proof
            )

    async def _lock(self, connection: AsyncConnection) -> None:
        """Be the only rebuild of this model; PostgreSQL may need a moment to notice that one was killed."""
        for _ in range(_LOCK_TRIES):
            if await lock_rebuilds(connection, self._model.name):
                return
            await asyncio.sleep(_LOCK_PAUSE_S)
        raise RebuildUnderWay(self._model.name)

    async def _begun(self, connection: AsyncConnection) -> Build:
        """Find the build of an earlier attempt with the same code, or begin a new one."""
        model, fingerprint = self._model, fingerprint_of(self._model)
        cursor = await connection.execute(_UNDER_WAY, (model.name,))
        for number, version, found in await cursor.fetchall():
            if (version, found) == (model.version, fingerprint):
                build = build_of(model, number)
                bare = build.added is not None and not await exists(connection, f"{build.added.name}_pkey")
                return build_of(model, number, bare=bare)
            await remove_build(connection, model.name, number)
        ((newest,),) = await (await connection.execute(_NEWEST, (model.name,))).fetchall()
        build = build_of(model, newest + 1, bare=True)
        async with connection.transaction():
            await _create(connection, build)
            await add_build(connection, build, Standing(build.number, model.version, fingerprint), BUILDING)
        return build

    async def _fill(self, step: str, build: Build, marks: Marks | None = None) -> None:
        async with await self._shop.connect() as connection:
            present = await positions_of(connection, build)
        if marks is None:
            marks = dict.fromkeys(range(PARTITIONS), await self._shop.newest(self._model.context))
        self._watch.begins(step, max(0, max(marks.values()) - min(present.values())))
        await self._shop.fill(build, marks, self._counted if step == "fill" else self._watch.advanced)

    def _counted(self, messages: int, events: int) -> None:
        self._events += events
        self._watch.advanced(messages, events)

    async def _indexed(self, connection: AsyncConnection, build: Build) -> Build:
        """Make the indexes, and carry out the erasures that waited for them."""
        self._watch.begins("index", 0)
        for table in build.tables:
            await create_indexes(connection, table)
        build = build_of(self._model, build.number)
        async with connection.transaction():
            await RowWriter(build).blank_noted(connection)
        for table in build.tables:
            await connection.execute(SQL("VACUUM (ANALYZE) {}").format(place_of(table.name)))
        return build

    async def _proved(self, connection: AsyncConnection, build: Build, old: Standing | None) -> Proof:
        """Compare a build with a second fold up to the same marks.

        Where they differ both go on to the end of the log once more: somebody may have been erased in between, whose
        key is gone while the commit that blanks the rows lies beyond the marks.
        """
        second = build_of(self._model, -build.number, bare=True)
        await remove_build(connection, second.name, second.number, second)
        async with connection.transaction():
            await _create(connection, second, unlogged=True)
            await add_build(connection, second, Standing(second.number, 0, None), BUILDING)
        try:
            differing: list[int] = []
            for _ in range(_PROOFS):
                await self._fill("catch up", build)
                marks, serving = await self._serving(connection, build, old)
                await self._fill("catch up", build, marks)
                await self._fill("prove", second, marks)
                async with connection.transaction():
                    await RowWriter(second).blank_noted(connection)
                proof = Proof(await sums_of(connection, build), await sums_of(connection, second), serving)
                differing = proof.build.differing(proof.second)
                if not differing:
                    return proof
        finally:
            await remove_build(connection, second.name, second.number, second)
        await remove_build(connection, build.name, build.number, build)
        raise NotEqual(self._model.name, differing)

    async def _serving(
        self, connection: AsyncConnection, build: Build, old: Standing | None
    ) -> tuple[dict[int, int], Sums | None]:
        """Add up the serving build, and tell up to where that holds."""
        own = await positions_of(connection, build)
        if old is None or old.version != self._model.version:
            return own, None
        serving = build_of(self._model, old.build)
        async with connection.transaction():
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            marks = await positions_of(connection, serving)
            if any(marks.get(partition, 0) < reached for partition, reached in own.items()):
                return own, None
            return marks, await sums_of(connection, serving)

    async def _catch_up(self, build: Build) -> None:
        newest = await self._shop.newest(self._model.context)
        await self._shop.fill(build, dict.fromkeys(range(PARTITIONS), newest), _nobody)


def _nobody(_messages: int, _events: int) -> None:
    """Tell nobody."""


async def positions_of(connection: AsyncConnection, build: Build) -> dict[int, int]:
    """Read how far a build is in each partition."""
    return dict(await (await connection.execute(_POSITIONS, (build.name, build.number))).fetchall())


async def _create(connection: AsyncConnection, build: Build, *, unlogged: bool = False) -> None:
    """Create the tables of a build; rows that change are found by their key, so that one is made at once."""
    for table in build.tables:
        await create_table(connection, table, bare=True, unlogged=unlogged)
    if build.kept is not None:
        await create_key(connection, build.kept)
