"""Tables of the read side: those of builds, the views that queries use, and the engine's own.

A read model is never migrated (DESIGN 4): the table `rm_<view>_v<build>` of one build stands behind a view, so
that another build can take its place in one transaction (ADR 0009).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, quoted_name
from sqlalchemy.util import LRUCache

SCHEMA: Final = "patron"
_LOCK: Final = 0x50A7
_DIALECT: Final = PGDialect_psycopg()
_WRITTEN: Final[LRUCache[Any, Any]] = LRUCache(500)
_COLUMNS: Final = """
SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns
WHERE table_schema = %s AND table_name IN ('positions', 'parked', 'workers') GROUP BY table_name
"""
Statement = tuple[str, dict[str, object]]

_own: Final = MetaData(schema=SCHEMA)

positions: Final = Table(
    "positions",
    _own,
    Column("model", Text, primary_key=True),
    Column("build", SmallInteger, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("partition", SmallInteger, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    # Room on each page keeps the many small changes within their page (heap-only tuples).
    postgresql_with={"fillfactor": 40, "autovacuum_vacuum_threshold": 5000, "autovacuum_vacuum_scale_factor": 0},
)

builds: Final = Table(
    "builds",
    _own,
    Column("model", Text, primary_key=True),
    Column("build", SmallInteger, primary_key=True),
    # Version of the model's code that made it, and what that code looked like; NULL for one that was adopted.
    Column("version", Integer, nullable=False),
    Column("fingerprint", Text),
    # building, serving or retired.
    Column("state", Text, nullable=False),
    # Physical tables by name, with the column that holds the subject's id and its type.
    Column("tables", JSONB, nullable=False),
    Column("began_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("served_at", DateTime(timezone=True)),
    Column("retired_at", DateTime(timezone=True)),
)

# Subjects whose rows in a table without indexes are still to be blanked, all at once.
erasures: Final = Table(
    "erasures",
    _own,
    Column("model", Text, primary_key=True),
    Column("build", SmallInteger, primary_key=True),
    Column("subject", Text, primary_key=True),
)

# Unfinished builds that an erasure has passed over.
unerased: Final = Table(
    "unerased",
    _own,
    Column("model", Text, primary_key=True),
    Column("build", SmallInteger, primary_key=True),
)

parked: Final = Table(
    "parked",
    _own,
    Column("model", Text, primary_key=True),
    Column("build", SmallInteger, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    # Who recorded the commit that failed, when, and which kinds of events it holds.
    Column("envelope", JSONB),
    Column("waiting", BigInteger, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("retry_requested", Boolean, nullable=False, server_default="false"),
)

workers: Final = Table(
    "workers",
    _own,
    Column("id", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    # The newest commit that this worker has heard of, and when it last had nothing left to do.
    Column("log_sequence", BigInteger, nullable=False, server_default="0"),
    Column("caught_up_at", DateTime(timezone=True)),
    # When the last commit that it applied was stored, while more of them wait.
    Column("applied_at", DateTime(timezone=True)),
    Column("events_per_s", Double, nullable=False, server_default="0"),
)


def compiled(statement: ClauseElement, values: Mapping[str, Any] | None = None) -> Statement:
    """Write a SQLAlchemy question or change as text and parameters for psycopg. values: of its `bindparam`s.

    Statements of one form are written once, as SQLAlchemy's own connections do it: writing the three larger questions
    of a board takes 60 ms, and what their parameters are 2 ms; for the very same statements, less than that.
    """
    written, extracted, given, _ = statement._compile_w_cache(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # only connections of SQLAlchemy give it out
        _DIALECT, compiled_cache=_WRITTEN, column_keys=[]
    )
    compiler = cast("SQLCompiler", written)
    known = compiler.construct_params({**(given or {}), **(values or {})}, extracted, _no_postcompile=True)
    state = compiler.construct_expanded_state(known)
    return state.statement, cast("dict[str, object]", state.parameters)


def read_model_table(model: str, version: int, *columns: Column[Any], indexes: Sequence[Index] = ()) -> Table:
    """Describe a table of a read model by the name of its view; each build has one of its own (`table_of_build`).

    version: of the description, for the eye only. indexes: named by their purpose.
    """
    name = f"rm_{model}_v{version}"
    for index in indexes:
        index.name = quoted_name(f"{name}_{index.name}", quote=None)
    return Table(name, MetaData(schema=SCHEMA), *columns, *indexes, info={"view": model})


def view_of(table: Table) -> Table:
    """Describe the view of a read model, with the columns of its table, for use in queries."""
    return table.to_metadata(MetaData(schema=SCHEMA), name=str(table.info["view"]))


def table_of_build(table: Table, build: int) -> Table:
    """Describe the physical table of one build; a negative number is the second fold that proves a build."""
    name = f"rm_{table.info['view']}_v{build}" if build > 0 else f"rm_{table.info['view']}_proof{-build}"
    physical = table.to_metadata(MetaData(schema=SCHEMA), name=name)
    for index in physical.indexes:
        purpose = str(index.name).removeprefix(f"{table.name}_")
        index.name = quoted_name(f"{name}_{purpose}", quote=None)
    return physical


async def create_own_tables(connection: AsyncConnection) -> None:
    """Create schema and tables of the engine that are missing, in the caller's transaction.

    Several processes may start at once: one does the work while the others wait.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    await _bring_up_to_date(connection)
    for table in _own.sorted_tables:
        if not await exists(connection, table.name):
            await connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)).encode())


async def _bring_up_to_date(connection: AsyncConnection) -> None:
    """Name what older releases called otherwise, and add what they had not; looks first, because changes lock."""
    cursor = await connection.execute(_COLUMNS, (SCHEMA,))
    found: dict[str, list[str]] = dict(await cursor.fetchall())
    for table in (positions.name, parked.name):
        if "version" in found.get(table, []):  # there were no builds then
            await connection.execute(SQL("ALTER TABLE {} RENAME COLUMN version TO build").format(place_of(table)))
    for table, column, kind in ((workers, "applied_at", SQL("timestamptz")), (parked, "envelope", SQL("jsonb"))):
        if table.name in found and column not in found[table.name]:
            add = SQL("ALTER TABLE {} ADD COLUMN {} {}")
            await connection.execute(add.format(place_of(table.name), Identifier(column), kind))


def place_of(name: str) -> Identifier:
    """Name a table or view in the schema of the read side."""
    return Identifier(SCHEMA, name)


async def exists(connection: AsyncConnection, name: str) -> bool:
    """Tell whether a table, view or index of this name is there."""
    cursor = await connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.{name}",))
    return await cursor.fetchone() == (True,)


async def create_table(
    connection: AsyncConnection, table: Table, *, bare: bool = False, unlogged: bool = False
) -> None:
    """Create a table of a build.

    bare: without indexes, to be filled quickly; `create_indexes` makes them later. unlogged: PostgreSQL may lose it.
    """
    await connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)).encode())
    if unlogged:
        await connection.execute(SQL("ALTER TABLE {} SET UNLOGGED").format(place_of(table.name)))
    if bare:
        key = Identifier(f"{table.name}_pkey")
        await connection.execute(SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(place_of(table.name), key))
    else:
        await create_indexes(connection, table)


async def create_key(connection: AsyncConnection, table: Table) -> None:
    """Create the primary key of a table where it is missing."""
    if not await exists(connection, f"{table.name}_pkey"):
        columns = SQL(", ").join([Identifier(column.name) for column in table.primary_key.columns])
        await connection.execute(SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(place_of(table.name), columns))


async def create_indexes(connection: AsyncConnection, table: Table) -> None:
    """Create the primary key and the indexes of a table where they are missing."""
    await create_key(connection, table)
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        await connection.execute(str(CreateIndex(index, if_not_exists=True).compile(dialect=_DIALECT)).encode())


async def create_tables(connection: AsyncConnection, tables: Sequence[Table]) -> None:
    """Create tables that belong to no build, with indexes and views, where they are missing; repeating is harmless."""
    async with connection.transaction():
        await create_own_tables(connection)
        for table in tables:
            if not await exists(connection, table.name):
                await create_table(connection, table)
            if "view" in table.info and not await exists(connection, str(table.info["view"])):
                await turn_view(connection, table)


async def turn_view(connection: AsyncConnection, table: Table) -> None:
    """Let the view of a model show a table of a build, in the caller's transaction; its columns may differ."""
    view = place_of(str(table.info["view"]))
    await connection.execute(SQL("DROP VIEW IF EXISTS {}").format(view))
    await connection.execute(SQL("CREATE VIEW {} AS SELECT * FROM {}").format(view, place_of(table.name)))


def declared(table: Table) -> str:
    """Write everything that PostgreSQL is told of a table and its indexes."""
    indexes = sorted(str(CreateIndex(index).compile(dialect=_DIALECT)) for index in table.indexes)
    return "\n".join([str(CreateTable(table).compile(dialect=_DIALECT)), *indexes])
