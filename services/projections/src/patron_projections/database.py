"""The way of queries to PostgreSQL: a pool, and a refusal instead of a fault when it is gone."""

import asyncio
import os
import re
import socket
import time
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, ClassVar, Final, Literal

import msgspec
import psycopg
from psycopg import AsyncConnection, AsyncCursor, AsyncServerCursor
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.sql.elements import ClauseElement

from patron_events.rejections import Invalid, Unavailable
from patron_projections.engine.tables import SCHEMA, compiled

Rows = list[DictRow]
Budget = Literal["exports", "answers"]
_CHECKOUT_S: Final = 2.0
_STATEMENT_MS: Final = 15_000
_ANSWER_S: Final = 17.0  # beyond what PostgreSQL allows a statement: only a frozen or lost server takes longer
_CHECK_S: Final = 1.0
_PLACE: Final = re.compile(rf"\b{SCHEMA}\.[a-z_]+")
_SNAPSHOT: Final = "BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ"
_STREAM_MS: Final = 600_000
# An export lasts as long as its reader is slow, an answer is read at once: the ones must not keep the others waiting.
_MOST_STREAMS: Final[Mapping[Budget, int]] = {"exports": 4, "answers": 8}
_CONNECT_S: Final = 5
# How alike a word must be to count as the same one with a typo; "jonh" and "john" share 0.4.
_LIKENESS: Final = 0.4


class ReadModelsUnavailable(Unavailable):
    """The read models cannot be reached now; nothing is lost, ask again."""

    code: ClassVar[str] = "read-models-unavailable"


class StreamsBusy(Unavailable):
    """As many exports, or as many reports, are under way as this process serves at a time; ask again."""

    code: ClassVar[str] = "exports-busy"


class ReadModelRebuilding(Unavailable):
    """The serving build has other columns than this release asks for: its rebuild is under way. Ask again."""

    code: ClassVar[str] = "read-model-rebuilding"


class ValueRefused(Invalid):
    """A value of the query is out of the range that can be stored."""

    code: ClassVar[str] = "value-out-of-range"


class Database:
    """Runs single statements; opens and mends its connections by itself."""

    def __init__(self, url: str, *, most: int = 8) -> None:
        self._url = url
        self._streams: dict[Budget, int] = dict.fromkeys(_MOST_STREAMS, 0)
        self._pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[DictRow],
            kwargs={"autocommit": True, "row_factory": dict_row, "connect_timeout": _CONNECT_S},
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

    async def rows(
        self, statement: ClauseElement | str, values: Mapping[str, Any] | None = None, *, answer_s: float = _ANSWER_S
    ) -> Rows:
        """Run a statement and give its rows; a lost connection is replaced and the statement run once more.

        answer_s: after this the connection is given up.

        Raises:
            ReadModelsUnavailable: PostgreSQL does not answer, or the read models are not there yet.
            ValueRefused: a value is outside of what PostgreSQL can hold.
        """
        text, parameters = (statement, values) if isinstance(statement, str) else compiled(statement, values)
        (found,) = await self._tried([text], parameters, answer_s)
        return found

    async def answers(self, statements: Sequence[str], values: Mapping[str, Any]) -> list[Rows]:
        """Run several statements on one snapshot of the data, in one exchange with the server.

        values: parameters of all of them. Their views are held before the snapshot is taken: turned in between, a view
        would show a later statement another build as of a moment at which that one was behind.

        Raises:
            ReadModelsUnavailable, ValueRefused: as `rows`.
        """
        held = _holding(tuple(statements))
        return (await self._tried([_SNAPSHOT, held, *statements, "COMMIT"], values, _ANSWER_S))[2:-1]

    async def _tried(self, statements: Sequence[str], values: Mapping[str, Any] | None, answer_s: float) -> list[Rows]:
        began = time.monotonic()
        try:
            try:
                return await self._run(statements, values, answer_s)
            except psycopg.OperationalError:
                if time.monotonic() - began >= _CHECKOUT_S:  # it did not answer at all: neither would it now
                    raise
                return await self._run(statements, values, answer_s)
        except psycopg.Error as error:
            raise _refusal(error) from error

    async def batches(self, statement: ClauseElement, size: int, budget: Budget = "exports") -> AsyncGenerator[Rows]:
        """Give all rows of a statement, `size` at a time, as of one moment and in bounded memory.

        The connection is its own, so that slow readers take none from other queries. Close the generator.
        budget: whose number of these is bounded together.

        Raises:
            StreamsBusy: too many of them are under way.
            ReadModelsUnavailable, ValueRefused: as `rows`; also when PostgreSQL is lost on the way.
        """
        if self._streams[budget] >= _MOST_STREAMS[budget]:
            raise StreamsBusy
        self._streams[budget] += 1
        try:
            with _refusing():
                connection = await AsyncConnection[DictRow].connect(
                    self._url, autocommit=True, row_factory=dict_row, connect_timeout=_CONNECT_S
                )
            async with connection:
                with _refusing():
                    cursor = await self._declared(connection, statement)
                while True:
                    with _refusing():
                        rows = await cursor.fetchmany(size)
                    if not rows:
                        return
                    yield rows
        finally:
            self._streams[budget] -= 1

    async def _declared(
        self, connection: AsyncConnection[DictRow], statement: ClauseElement
    ) -> AsyncServerCursor[DictRow]:
        await _configure(connection)
        await connection.execute(f"SET statement_timeout = {_STREAM_MS}".encode())
        await connection.execute(f"SET idle_in_transaction_session_timeout = {_STREAM_MS}".encode())
        # A cursor outside of a transaction would be copied as a whole; this one ends with the connection.
        await connection.execute("BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ")
        text, parameters = compiled(statement)
        cursor = AsyncServerCursor[DictRow](connection, "streamed")
        cursor.row_factory = dict_row
        return await cursor.execute(text.encode(), parameters)

    async def _run(self, statements: Sequence[str], values: Mapping[str, Any] | None, answer_s: float) -> list[Rows]:
        async with self._pool.connection() as connection:
            hanging_up = asyncio.get_running_loop().call_later(answer_s, _hang_up, connection)
            try:
                if len(statements) == 1:
                    return [await _fetched(await connection.execute(statements[0].encode(), values))]
                async with connection.pipeline() as exchange:
                    cursors = [
                        await connection.execute(one.encode(), values if "%(" in one else None) for one in statements
                    ]
                    await exchange.sync()  # a cursor knows only then whether it has rows
                    return [await _fetched(cursor) for cursor in cursors]
            finally:
                hanging_up.cancel()

    async def check(self) -> None:
        """Tell by an exception that PostgreSQL does not answer."""
        await self.rows("SELECT 1", answer_s=_CHECK_S)


@lru_cache(maxsize=100)
def _holding(statements: tuple[str, ...]) -> str:
    """Write the statement that keeps the views of others from being turned; unlike them it takes no snapshot."""
    views = {name for statement in statements for name in _PLACE.findall(statement)}
    return f"LOCK TABLE {', '.join(sorted(views))} IN ACCESS SHARE MODE" if views else "SELECT 1"


async def _fetched(cursor: AsyncCursor[DictRow]) -> Rows:
    return await cursor.fetchall() if cursor.description else []


def _refusal(error: psycopg.Error) -> Exception:
    """Translate what PostgreSQL says; what is nobody's fault but ours stays as it is."""
    match error:
        case psycopg.DataError():
            return ValueRefused()
        case (
            psycopg.OperationalError()
            | psycopg.InterfaceError()
            | psycopg.errors.UndefinedTable()
            | psycopg.errors.InvalidSchemaName()
        ):
            return ReadModelsUnavailable()
        case psycopg.errors.UndefinedColumn():
            return ReadModelRebuilding()
        case _:
            return error


@contextmanager
def _refusing() -> Generator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _refusal(error) from error


def _hang_up(connection: AsyncConnection[DictRow]) -> None:
    """Let whoever waits for an answer on a connection see it end; a cancellation would ask the same mute server."""
    with socket.socket(fileno=os.dup(connection.fileno())) as line, suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


async def _configure(connection: AsyncConnection[DictRow]) -> None:
    set_json_loads(msgspec.json.decode, connection)
    await connection.execute("SET TimeZone = 'UTC'")
    await connection.execute(f"SET statement_timeout = {_STATEMENT_MS}".encode())
    await connection.execute(f"SET pg_trgm.word_similarity_threshold = {_LIKENESS}".encode())
