"""Who belongs to which segment, now and as of any moment."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, FromClause, MetaData, SmallInteger, Table, Text, select
from sqlalchemy.dialects.postgresql import UUID, distinct_on

from patron_projections.clocks import Clocks
from patron_projections.engine.tables import SCHEMA

_READ: Final = MetaData(schema=SCHEMA)
# As far as it is looked at here: the evaluator owns the one, the model `memberships` the other.
MEMBERS: Final = Table("members", _READ, Column("segment_id", Text), Column("customer_id", UUID))
_MEMBERSHIPS: Final = Table(
    "memberships",
    _READ,
    Column("segment_id", Text),
    Column("customer_id", UUID),
    Column("position", BigInteger),
    Column("index", SmallInteger),
    Column("occurred_at", DateTime(timezone=True)),
    Column("recorded_at", DateTime(timezone=True)),
    Column("entered", Boolean),
)


def members_as_of(clocks: Clocks) -> FromClause:
    """Select who was a member of which segment, by what the segments told then; the members of now for now."""
    if clocks.live:
        return MEMBERS
    told = _MEMBERSHIPS
    last = (
        select(told.c.segment_id, told.c.customer_id, told.c.entered)
        .ext(distinct_on(told.c.segment_id, told.c.customer_id))
        .where(*clocks.happened(told))
        .order_by(told.c.segment_id, told.c.customer_id, told.c.position.desc(), told.c.index.desc())
        .subquery()
    )
    return select(last.c.segment_id, last.c.customer_id).where(last.c.entered).subquery("members")
