"""List of builds for operators: what there is of each read model, in which state, how large and since when."""

from datetime import datetime
from typing import Final, NamedTuple

from psycopg import AsyncConnection
from psycopg.sql import SQL

from patron_projections.engine.tables import builds, exists, place_of

_LIST: Final = """
SELECT model, build, version, state, tables, coalesce(retired_at, served_at, began_at) FROM patron.builds
WHERE build > 0 ORDER BY model, build
"""


class BuildState(NamedTuple):
    """One build. state: building, serving or retired, since then; rows: of all its tables, counted now."""

    model: str
    build: int
    version: int
    state: str
    rows: int
    since: datetime


async def list_builds(connection: AsyncConnection) -> list[BuildState]:
    """List all builds by model and number, as of one moment; none before a worker ever ran."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        if not await exists(connection, builds.name):
            return []
        found: list[BuildState] = []
        for model, build, version, state, tables, since in await (await connection.execute(_LIST)).fetchall():
            rows = 0
            for table in tables:
                count = SQL("SELECT count(*) FROM {}").format(place_of(table))
                ((number,),) = await (await connection.execute(count)).fetchall()
                rows += number
            found.append(BuildState(model, build, version, state, rows, since))
        return found
