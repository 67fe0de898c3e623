"""Removal of builds that do not serve: their tables and everything that is noted about them."""

from typing import Final

from psycopg import AsyncConnection
from psycopg.sql import SQL

from patron_projections.engine.builds import Build
from patron_projections.engine.tables import place_of

_NOTES: Final = (
    "DELETE FROM patron.positions WHERE model = %s AND build = %s",
    "DELETE FROM patron.parked WHERE model = %s AND build = %s",
    "DELETE FROM patron.erasures WHERE model = %s AND build = %s",
    "DELETE FROM patron.unerased WHERE model = %s AND build = %s",
)
_REMOVE: Final = "DELETE FROM patron.builds WHERE model = %s AND build = %s AND state <> 'serving' RETURNING tables"
_RETIRED: Final = "SELECT build FROM patron.builds WHERE model = %s AND state = 'retired' ORDER BY build"


async def remove_build(connection: AsyncConnection, model: str, number: int, build: Build | None = None) -> None:
    """Drop a build that does not serve; repeating is harmless. build: drops its tables also where it was not noted."""
    async with connection.transaction():
        cursor = await connection.execute(_REMOVE, (model, number))
        tables = {name for (found,) in await cursor.fetchall() for name in found}
        for name in tables | {table.name for table in (build.tables if build else ())}:
            await connection.execute(SQL("DROP TABLE IF EXISTS {}").format(place_of(name)))
        for statement in _NOTES:
            await connection.execute(statement, (model, number))


async def drop_retired(connection: AsyncConnection, model: str) -> list[int]:
    """Drop all retired builds of a model; answers their numbers."""
    numbers = [row[0] for row in await (await connection.execute(_RETIRED, (model,))).fetchall()]
    for number in numbers:
        await remove_build(connection, model, number)
    return numbers
