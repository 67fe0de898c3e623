"""Definitions of segments: one row per segment as it is now, and one row per customer put in or left out by hand.

Hand lists may be long (tens of thousands) and grow one by one, so they are not a column of the segment's row, which
each change would write again: every decision by hand adds a row, and the last one about a customer holds.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from patron_events.catalog import campaigns as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import (
    Blank,
    Folded,
    Row,
    bool_text,
    json_text,
    line,
    time_text,
    written_columns,
)
from patron_projections.engine.tables import read_model_table, view_of

INCLUDED: Final = "included"
EXCLUDED: Final = "excluded"
RELEASED: Final = "released"
TABLE: Final = read_model_table(
    "segment_definitions",
    1,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    # static, dynamic or snapshot.
    Column("kind", Text),
    Column("name", Text),
    Column("description", Text),
    Column("rule", JSONB),
    Column("rule_version", Integer, nullable=False),
    # The event that stated the rule, and when it was recorded.
    Column("rule_event_id", Text),
    Column("rule_changed_at", DateTime(timezone=True)),
    # The last request of a snapshot.
    Column("snapshot_event_id", Text),
    Column("snapshot_at", DateTime(timezone=True)),
    Column("archived", Boolean, nullable=False),
    Column("archived_at", DateTime(timezone=True)),
    Column("archived_event_id", Text),
    # How many decisions about customers were ever made by hand; 0 saves evaluations the look at `segment_hands`.
    Column("hand_decisions", BigInteger, nullable=False),
)
VIEW: Final = view_of(TABLE)
HANDS: Final = read_model_table(
    "segment_hands",
    1,
    Column("segment_id", Text, primary_key=True),
    Column("customer_id", UUID, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # included, excluded or released.
    Column("decision", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("reason", Text),
)
HANDS_VIEW: Final = view_of(HANDS)
_PLACES: Final = {name: place for place, name in enumerate(written_columns(TABLE))}
_BY_HAND: Final[dict[type[Fact], str]] = {
    events.CustomersIncluded: INCLUDED,
    events.CustomersExcluded: EXCLUDED,
    events.CustomersReleased: RELEASED,
}
ByHand = events.CustomersIncluded | events.CustomersExcluded | events.CustomersReleased


def _begun(commit: Opened) -> Row:
    row: Row = [None] * len(_PLACES)
    begun = {
        "id": commit.head.stream.id,
        "created_at": time_text(commit.head.recorded_at),
        "rule_version": "0",
        "archived": bool_text(False),
        "hand_decisions": "0",
    }
    for name, value in begun.items():
        row[_PLACES[name]] = value
    return row


def _changes(recorded: Recorded[Fact]) -> dict[str, str | None]:
    """Tell which columns a fact states, other than a decision by hand."""
    at = time_text(recorded.commit.recorded_at)
    match recorded.event:
        case events.SegmentCreated(kind=kind):
            return {"kind": kind}
        case events.SegmentDescribed(name=name, description=description):
            return {"name": name, "description": description}
        case events.SegmentRuleChanged(rule_version=version, rule=rule):
            stated = {"rule": json_text(rule), "rule_version": str(version)}
            return {**stated, "rule_event_id": recorded.event_id, "rule_changed_at": at}
        case events.SnapshotRequested():
            return {"snapshot_event_id": recorded.event_id, "snapshot_at": at}
        case events.SegmentArchived():
            return {"archived": bool_text(True), "archived_at": at, "archived_event_id": recorded.event_id}
        case _:
            msg = f"{recorded.type} says nothing about a segment"
            raise KeyError(msg)


def _hand_lines(recorded: Recorded[Fact], fact: ByHand) -> list[str]:
    head = recorded.commit
    # A list that names a customer twice says it once.
    shared = [str(head.sequence), str(recorded.index), time_text(head.recorded_at), _BY_HAND[type(fact)]]
    reason = None if isinstance(fact, events.CustomersReleased) else fact.reason
    end = [recorded.event_id, head.actor.id, reason]
    return [line([head.stream.id, customer, *shared, *end]) for customer in dict.fromkeys(fact.customer_ids)]


class SegmentDefinitions:
    """The read model `segment_definitions`."""

    name: ClassVar[str] = "segment_definitions"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "campaigns"
    categories: ClassVar[frozenset[str]] = frozenset({"segment"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = HANDS
    subject_column: ClassVar[str] = "customer_id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the segment's row after a commit, and a line per customer decided about by hand."""
        after = _begun(commit) if row is None else list(row)
        lines: list[str] = []
        for recorded in commit.events:
            fact = recorded.event
            if isinstance(fact, ByHand):
                lines += _hand_lines(recorded, fact)
                continue
            for name, value in _changes(recorded).items():
                after[_PLACES[name]] = value
        head = commit.head
        decisions = int(after[_PLACES["hand_decisions"]] or 0) + len(lines)
        stands = {"position": head.sequence, "version": head.version, "hand_decisions": decisions}
        for name, value in stands.items():
            after[_PLACES[name]] = str(value)
        after[_PLACES["updated_at"]] = time_text(head.recorded_at)
        return Folded(after, lines)

    def emptied(self, row: Row) -> Row:
        """Give the row back: a definition holds nothing personal."""
        return row
