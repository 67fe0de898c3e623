"""Unfinished builds that an erasure has passed over: they are removed as soon as nobody works on them.

A rebuild under way comes to the erasure itself. One that was cut off may never go on, and would keep what it had read
of the erased person before (GDPR art. 17).
"""

from collections.abc import Collection
from typing import Final

from psycopg import AsyncConnection

from patron_projections.engine.builds import Build
from patron_projections.engine.removal import remove_build

# Only serving builds tell: a build that is being filled comes past all erasures of the log.
_NOTE: Final = """
INSERT INTO patron.unerased (model, build)
SELECT b.model, b.build FROM patron.builds AS b JOIN patron.builds AS own USING (model)
WHERE b.model = %s AND b.state = 'building' AND own.build = %s AND own.state = 'serving'
ON CONFLICT DO NOTHING
"""
_NOTED: Final = "SELECT model, build FROM patron.unerased WHERE model = ANY(%s) ORDER BY model, build"
_STILL: Final = "SELECT FROM patron.builds WHERE model = %s AND build = %s AND state = 'building'"
_FORGET: Final = "DELETE FROM patron.unerased WHERE model = %s AND build = %s"
_LOCK: Final = "SELECT pg_try_advisory_lock(20647, hashtext(%s))"
_LOCK_SHORTLY: Final = "SELECT pg_try_advisory_xact_lock(20647, hashtext(%s))"


async def lock_rebuilds(connection: AsyncConnection, model: str) -> bool:
    """Keep other rebuilds of a model away until the connection ends; False where another one is under way."""
    return await (await connection.execute(_LOCK, (model,))).fetchone() == (True,)


async def note_unerased(connection: AsyncConnection, build: Build) -> None:
    """Note in the transaction of an erasure in a serving build which builds of the model are not finished."""
    await connection.execute(_NOTE, (build.name, build.number))


async def remove_unerased(connection: AsyncConnection, models: Collection[str]) -> list[tuple[str, int]]:
    """Remove builds that were noted and that no rebuild works on now; answers which.

    A build that serves by now applied the erasure before it did.
    """
    removed: list[tuple[str, int]] = []
    for model, number in await (await connection.execute(_NOTED, (list(models),))).fetchall():
        async with connection.transaction():
            if await (await connection.execute(_LOCK_SHORTLY, (model,))).fetchone() != (True,):
                continue
            if await (await connection.execute(_STILL, (model, number))).fetchone() is not None:
                await remove_build(connection, model, number)
                removed.append((model, number))
            await connection.execute(_FORGET, (model, number))
    return removed
