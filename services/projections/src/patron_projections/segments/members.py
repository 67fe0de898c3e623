"""The evaluator's own tables: who is a member now, what is still to be told, what falls due, and how far it is.

They change together, in transactions that begin by moving `evaluator.turn` (see `fence`).
"""

from typing import Final

from psycopg import AsyncConnection
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Index, Integer, MetaData, Table, Text, func
from sqlalchemy.dialects.postgresql import UUID

from patron_projections.engine.tables import SCHEMA, create_tables

_own: Final = MetaData(schema=SCHEMA)
THE_EVALUATOR: Final = "segments"

MEMBERS: Final = Table(
    "members",
    _own,
    Column("segment_id", Text, primary_key=True),
    Column("customer_id", UUID, primary_key=True),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    Column("cause_id", Text),
    Index("members_by_customer", "customer_id"),
)
OUTBOX: Final = Table(
    "membership_outbox",
    _own,
    # The order in which changes were decided; one evaluator at a time writes, so it is also that of committing.
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    # Id of the command that tells it; never used again, also not after the database was lost and made anew.
    Column("command_id", UUID, nullable=False, server_default=func.gen_random_uuid()),
    Column("segment_id", Text, nullable=False),
    Column("customer_id", UUID, nullable=False),
    Column("entered", Boolean, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    Column("cause_id", Text),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
)
DUE: Final = Table(
    "segment_due",
    _own,
    Column("segment_id", Text, primary_key=True),
    Column("customer_id", UUID, primary_key=True),
    # When the rule may give another answer although nothing happens.
    Column("due_at", DateTime(timezone=True), nullable=False),
    Index("segment_due_by_time", "due_at"),
)
STATES: Final = Table(
    "segment_states",
    _own,
    Column("segment_id", Text, primary_key=True),
    # Of the definition that the members were last judged by as a whole.
    Column("rule_version", Integer, nullable=False),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("evaluated_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True)),
    # When the whole segment is to be judged again although nothing happens.
    Column("boundary_at", DateTime(timezone=True)),
    # The request that a snapshot was taken for.
    Column("snapshot_event_id", Text),
    # Why its members stand still: its rule cannot be evaluated.
    Column("fault", Text),
)
NUDGES: Final = Table(
    "segment_nudges",
    _own,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("customer_id", UUID, nullable=False),
    # What changed without an event: the beginning of a field's name, such as `rfm`.
    Column("aspect", Text, nullable=False),
)
EVALUATOR: Final = Table(
    "evaluator",
    _own,
    Column("id", Text, primary_key=True),
    # Moved by every transaction of an evaluator, by compare-and-set.
    Column("turn", BigInteger, nullable=False, server_default="0"),
    Column("contacts", BigInteger, nullable=False, server_default="0"),
    Column("campaigns", BigInteger, nullable=False, server_default="0"),
    Column("seeded_at", DateTime(timezone=True)),
    postgresql_with={"fillfactor": 10},
)
LEASE: Final = Table(
    "evaluator_lease",
    _own,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    # When the evaluator last had nothing left to do.
    Column("caught_up_at", DateTime(timezone=True)),
    postgresql_with={"fillfactor": 10},
)
TABLES: Final = (MEMBERS, OUTBOX, DUE, STATES, NUDGES, EVALUATOR, LEASE)

_BEGIN: Final = "INSERT INTO patron.evaluator (id) VALUES (%s) ON CONFLICT DO NOTHING"
_NUDGE: Final = """
INSERT INTO patron.segment_nudges (customer_id, aspect) SELECT unnest(%s::uuid[]), %s
"""


async def prepare_evaluation(connection: AsyncConnection) -> None:
    """Create the tables that are missing; repeating is harmless."""
    await create_tables(connection, TABLES)
    await connection.execute(_BEGIN, (THE_EVALUATOR,))


async def nudge(connection: AsyncConnection, aspect: str, customer_ids: list[str]) -> None:
    """Say within the caller's transaction that something about customers changed without an event.

    aspect: the beginning of the fields' names, such as `rfm`. Segments that look at it are evaluated for them.
    """
    await connection.execute(_NUDGE, (customer_ids, aspect))
