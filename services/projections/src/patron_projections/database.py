"""The way of queries to PostgreSQL: a pool, and a refusal instead of a fault when it is gone."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout
from sqlalchemy.sql.elements import ClauseElement

from patron_events.rejections import Invalid, Unavailable
from patron_projections.engine.tables import compiled

Rows = list[DictRow]
_CHECKOUT_S: Final = 2.0
_STATEMENT_MS: Final = 15_000
# How alike a word must be to count as the same one with a typo; "jonh" and "john" share 0.4.
_LIKENESS: Final = 0.4


class ReadModelsUnavailable(Unavailable):
    """The read models cannot be reached now; nothing is lost, ask again."""

    code: ClassVar[str] = "read-models-unavailable"


class ValueRefused(Invalid):
    """A value of the query is out of the range that can be stored."""

    code: ClassVar[str] = "value-out-of-range"


class Database:
    """Runs single statements; opens and mends its connections by itself."""

    def __init__(self, url: str, *, most: int = 8) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[DictRow],
            kwargs={"autocommit": True, "row_factory": dict_row},
            min_size=1,
            max_size=most,
            timeout=_CHECKOUT_S,
            open=False,
            configure=_configure,
            reconnect_timeout=5,
        )

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def rows(self, statement: ClauseElement | str, values: Mapping[str, Any] | None = None) -> Rows:
        """Run a statement and give its rows; a lost connection is replaced and the statement run once more.

        Raises:
            ReadModelsUnavailable: PostgreSQL does not answer, or the read models are not there yet.
            ValueRefused: a value is outside of what PostgreSQL can hold.
        """
        text, parameters = (statement, values) if isinstance(statement, str) else compiled(statement)
        try:
            try:
                return await self._run(text, parameters)
            except psycopg.OperationalError as lost:
                if isinstance(lost, PoolTimeout | psycopg.errors.QueryCanceled):
                    raise
                return await self._run(text, parameters)
        except psycopg.DataError as error:
            raise ValueRefused from error
        except (
            psycopg.OperationalError,
            psycopg.InterfaceError,
            PoolClosed,
            psycopg.errors.UndefinedTable,
            psycopg.errors.InvalidSchemaName,
        ) as error:
            raise ReadModelsUnavailable from error

    async def _run(self, text: str, parameters: Mapping[str, Any] | None) -> Rows:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(text.encode(), parameters)
            return await cursor.fetchall() if cursor.description else []

    async def check(self) -> None:
        """Tell by an exception that PostgreSQL does not answer."""
        await self.rows("SELECT 1")


async def _configure(connection: AsyncConnection[DictRow]) -> None:
    set_json_loads(msgspec.json.decode, connection)
    await connection.execute("SET TimeZone = 'UTC'")
    await connection.execute(f"SET statement_timeout = {_STATEMENT_MS}".encode())
    await connection.execute(f"SET pg_trgm.word_similarity_threshold = {_LIKENESS}".encode())
