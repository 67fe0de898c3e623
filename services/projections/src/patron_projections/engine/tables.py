"""Tables of the read side: physical tables with a version, the views that queries use, and the engine's own.

A read model is never migrated (DESIGN 4): `rm_<model>_v<n>` stands behind a view of the model's name, so
that a rebuilt version can take its place in one transaction.
"""

from collections.abc import Sequence
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
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.elements import ClauseElement, quoted_name

SCHEMA: Final = "patron"
_LOCK: Final = 0x50A7
_DIALECT: Final = PGDialect_psycopg()
Statement = tuple[str, dict[str, object]]

_own: Final = MetaData(schema=SCHEMA)

positions: Final = Table(
    "positions",
    _own,
    Column("model", Text, primary_key=True),
    Column("version", SmallInteger, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("partition", SmallInteger, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    # Room on each page keeps the many small changes within their page (heap-only tuples).
    postgresql_with={"fillfactor": 40, "autovacuum_vacuum_threshold": 5000, "autovacuum_vacuum_scale_factor": 0},
)

parked: Final = Table(
    "parked",
    _own,
    Column("model", Text, primary_key=True),
    Column("version", SmallInteger, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
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
    Column("events_per_s", Double, nullable=False, server_default="0"),
)


def compiled(statement: ClauseElement) -> Statement:
    """Write a SQLAlchemy statement as text and parameters for psycopg."""
    written = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(written), cast("dict[str, object]", written.params)


def read_model_table(model: str, version: int, *columns: Column[Any], indexes: Sequence[Index] = ()) -> Table:
    """Describe the physical table of one version of a read model.

    indexes: named by their purpose; the table's name is put in front.
    """
    name = f"rm_{model}_v{version}"
    for index in indexes:
        index.name = quoted_name(f"{name}_{index.name}", quote=None)
    return Table(name, MetaData(schema=SCHEMA), *columns, *indexes, info={"view": model})


def view_of(table: Table) -> Table:
    """Describe the view of a read model, with the columns of its table, for use in queries."""
    return table.to_metadata(MetaData(schema=SCHEMA), name=str(table.info["view"]))


async def create_tables(connection: AsyncConnection, tables: Sequence[Table]) -> None:
    """Create schema, tables, indexes and views that are missing; repeating is harmless.

    Several processes may start at once: one does the work while the others wait.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for table in (*_own.sorted_tables, *tables):
            await _create(connection, table)


async def _create(connection: AsyncConnection, table: Table) -> None:
    cursor = await connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.{table.name}",))
    if await cursor.fetchone() != (None,):
        return
    await connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)).encode())
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        await connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)).encode())
    if "view" in table.info:
        # A view that stands already serves another version: only a rebuild may turn it (issue 3).
        view = f"{SCHEMA}.{table.info['view']}"
        found = await connection.execute("SELECT to_regclass(%s)", (view,))
        if await found.fetchone() == (None,):
            await connection.execute(
                SQL("CREATE VIEW {} AS SELECT * FROM {}").format(
                    Identifier(SCHEMA, str(table.info["view"])), Identifier(SCHEMA, table.name)
                )
            )
