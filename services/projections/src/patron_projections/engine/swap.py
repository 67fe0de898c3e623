"""The swap: a finished build takes the place of the serving one in a single transaction.

For a moment no worker moves a position. What the serving build has and the new one has not is applied in the same
transaction, so that no answer goes back in time; the positions of the old build are deleted, so that every worker
that still writes to it is fenced and finds the new build when it looks again.
"""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.sql import SQL

from patron_projections.engine.builds import Build, standings
from patron_projections.engine.figures import Figures
from patron_projections.engine.positions import Fenced
from patron_projections.engine.reading import Source, reading
from patron_projections.engine.tables import create_own_tables, place_of, turn_view
from patron_projections.engine.writer import Placed, Writer
from patron_runtime.metrics import Metrics

_POSITIONS_WAIT_MS: Final = 3_000
# Whoever asks while we wait for the view waits behind us, so the first attempts are short.
_VIEW_WAIT_MS: Final = 150
_VIEW_WAIT_MOST_MS: Final = 2_000
_LONGEST_S: Final = 180.0
_MOST_COMMITS: Final = 20_000
_READ_S: Final = 3.0
_POSITIONS: Final = "SELECT partition, sequence FROM patron.positions WHERE model = %s AND build = %s"
_RETIRE: Final = """
UPDATE patron.builds SET state = 'retired', retired_at = now() WHERE model = %s AND build = %s RETURNING tables
"""
_SERVE: Final = "UPDATE patron.builds SET state = 'serving', served_at = now() WHERE model = %s AND build = %s"
_FORGET: Final = (
    "DELETE FROM patron.positions WHERE model = %s AND build = %s",
    "DELETE FROM patron.parked WHERE model = %s AND build = %s",
)
_TABLE: Final = re.compile(r"rm_(.+)_v[0-9]+")


class SwapImpossible(Exception):
    """The views were in use all the time, or the log did not answer; the serving build goes on."""


class _TooFar(Exception):
    """The serving build is further ahead than can be applied while everybody waits."""


@dataclass(frozen=True, slots=True)
class Swap:
    """What a swap needs. catch_up: brings the new build near the end of the log, outside of any transaction."""

    connection: AsyncConnection
    source: Source
    catch_up: Callable[[], Awaitable[None]]

    async def to(self, build: Build) -> None:
        """Let a build serve; repeats what does not succeed at once, with pauses.

        Raises:
            SwapImpossible: it did not succeed within three minutes.
        """
        deadline = time.monotonic() + _LONGEST_S
        view_wait_ms = _VIEW_WAIT_MS
        while True:
            await self.catch_up()
            try:
                await self._once(build, view_wait_ms)
            except (LockNotAvailable, DeadlockDetected, _TooFar, Fenced, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise SwapImpossible(f"{build.name}: {type(error).__name__}") from error
                view_wait_ms = min(_VIEW_WAIT_MOST_MS, view_wait_ms * 3 // 2)
                await asyncio.sleep(0.05 + random.random() * 0.3)  # noqa: S311  (jitter)
            else:
                return

    async def _once(self, build: Build, view_wait_ms: int) -> None:
        connection = self.connection
        writer = Writer(connection, [build], self.source.stream, Figures(Metrics()))
        await writer.prepare()
        async with connection.transaction():
            await create_own_tables(connection)
            await _wait_at_most(connection, _POSITIONS_WAIT_MS)
            await connection.execute("SET LOCAL synchronous_commit = on")
            await connection.execute("LOCK TABLE patron.positions IN SHARE ROW EXCLUSIVE MODE")
            old = (await standings(connection)).get(build.name)
            if old is not None:
                await self._follow(writer, build, old.build)
            await _wait_at_most(connection, view_wait_ms)
            for table in build.tables:
                await turn_view(connection, table)
            if old is not None:
                await _retire(connection, build, old.build)
            await connection.execute(_SERVE, (build.name, build.number))

    async def _follow(self, writer: Writer, build: Build, old: int) -> None:
        """Apply what the serving build has and the new one has not."""
        cursor = await self.connection.execute(_POSITIONS, (build.name, old))
        marks: dict[int, int] = dict(await cursor.fetchall())
        await writer.reload()
        own = writer.positions.of(build)
        ahead = {partition: mark for partition, mark in marks.items() if mark > own[partition]}
        if not ahead:
            return
        items: list[Placed] = []
        through, last = min(own[partition] for partition in ahead), max(ahead.values())
        async with asyncio.timeout(_READ_S), reading(self.source, through, frozenset(ahead)) as feed:
            while through < last:
                portion = await feed.next(_READ_S)
                if portion is None:
                    continue
                through = portion.through
                items += [place for place in portion.items if place.sequence <= ahead[place.partition]]
                if len(items) > _MOST_COMMITS:
                    raise _TooFar
        await writer.apply(items, ahead)


async def _wait_at_most(connection: AsyncConnection, wait_ms: int) -> None:
    await connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{wait_ms}ms",))


async def _retire(connection: AsyncConnection, build: Build, old: int) -> None:
    ((tables,),) = await (await connection.execute(_RETIRE, (build.name, old))).fetchall()
    shown = {str(table.info["view"]) for table in build.tables}
    for table in tables:
        found = _TABLE.fullmatch(table)
        if found is not None and found[1] not in shown:
            await connection.execute(SQL("DROP VIEW IF EXISTS {}").format(place_of(found[1])))
    for statement in _FORGET:
        await connection.execute(statement, (build.name, old))
