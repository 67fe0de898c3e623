"""Memberships: one row per time that a customer entered or left a segment, folded from the SEGMENTS stream.

It answers who was a member at any time, by both clocks, and how a segment grew.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from patron_events.catalog import segments as events
from patron_events.opening import Opened
from patron_projections.engine.read_model import Blank, Folded, Row, bool_text, line
from patron_projections.engine.tables import read_model_table, view_of

_SEGMENT: Final = Column("segment_id", Text, primary_key=True)
_CUSTOMER: Final = Column("customer_id", UUID, primary_key=True)
_AT: Final = Column("occurred_at", DateTime(timezone=True), nullable=False)
TABLE: Final = read_model_table(
    "memberships",
    1,
    _SEGMENT,
    _CUSTOMER,
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    _AT,
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("entered", Boolean, nullable=False),
    # 0 for static segments.
    Column("rule_version", Integer, nullable=False),
    # event, time, rule, hand or segment.
    Column("cause", Text, nullable=False),
    Column("cause_id", Text),
    indexes=[Index("by_customer", _CUSTOMER), Index("by_time", _SEGMENT, _AT)],
)
VIEW: Final = view_of(TABLE)


class Memberships:
    """The read model `memberships`."""

    name: ClassVar[str] = "memberships"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "segments"
    categories: ClassVar[frozenset[str]] = frozenset({"member"})
    kept: ClassVar[Table | None] = None
    added: ClassVar[Table | None] = TABLE
    subject_column: ClassVar[str] = "customer_id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per segment entered or left."""
        del row
        head = commit.head
        lines: list[str] = []
        for recorded in commit.events:
            fact = recorded.event
            if not isinstance(fact, events.MemberEvent):
                msg = f"{recorded.type} says nothing about a membership"
                raise KeyError(msg)
            place = [fact.segment_id, head.stream.id, str(head.sequence), str(recorded.index)]
            times = [recorded.occurred_at.isoformat(), head.recorded_at.isoformat(), recorded.event_id]
            entered = bool_text(isinstance(fact, events.MemberEntered))
            lines.append(line([*place, *times, entered, str(fact.rule_version), fact.cause, fact.cause_id]))
        return Folded(None, lines)

    def emptied(self, row: Row) -> Row:
        """Give the row back: this model keeps none."""
        return row
