"""Stays of deals in stages: one row per stage that a deal entered, which tells how long it stood in the one before.

A row with a stage begins a stay there; `was` and `was_since` are the stay that ended with it. The last row of an
archived deal has no stage. The rows of a deal are in the order of time: no stage is entered before the one before it.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple

from sqlalchemy import BigInteger, Column, DateTime, Index, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from patron_events.catalog.pipeline import deals as events
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, line, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of

_ENTERED: Final = Column("occurred_at", DateTime(timezone=True), nullable=False)
_PIPELINE: Final = Column("pipeline_id", Text)
_STAGE: Final = Column("stage", Text)
TABLE: Final = read_model_table(
    "deal_stays",
    1,
    Column("deal_id", UUID, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    # When the stage was entered, and when that was recorded.
    _ENTERED,
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    # opened, moved, won, lost, reopened or archived.
    Column("how", Text, nullable=False),
    _PIPELINE,
    _STAGE,
    # open, won or lost; empty once archived.
    Column("status", Text),
    Column("reason", Text),
    # The stay that ended: where, in which pipeline, how it stood there, and since when.
    Column("was", Text),
    Column("was_pipeline_id", Text),
    Column("was_status", Text),
    Column("was_since", DateTime(timezone=True)),
    indexes=[Index("by_stage", _PIPELINE, _STAGE, _ENTERED)],
)
VIEW: Final = view_of(TABLE)
PLACES: Final = read_model_table(
    "deal_places",
    1,
    Column("id", UUID, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("pipeline_id", Text),
    Column("stage", Text),
    Column("status", Text),
    Column("since", DateTime(timezone=True)),
)
_COLUMNS: Final = written_columns(PLACES)


class _Place(NamedTuple):
    """Where a deal stands, in the order of the columns."""

    pipeline_id: str | None = None
    stage: str | None = None
    status: str | None = None
    since: str | None = None


class _Step(NamedTuple):
    """What a fact makes of a place."""

    how: str
    stage: str | None
    status: str | None
    reason: str | None = None
    pipeline_id: str | None = None


def _step(fact: Fact) -> _Step | None:
    """Tell where a deal went; None for facts about something else."""
    match fact:
        case events.DealOpened(pipeline_id=pipeline_id, stage=stage):
            return _Step("opened", stage, "open", pipeline_id=pipeline_id)
        case events.DealMoved(to=to, pipeline_id=pipeline_id):
            return _Step("moved", to, "open", pipeline_id=pipeline_id)
        case events.DealWon(stage=stage, reason=reason):
            return _Step("won", stage, "won", reason)
        case events.DealLost(stage=stage, reason=reason):
            return _Step("lost", stage, "lost", reason)
        case events.DealReopened(to=to, reason=reason):
            return _Step("reopened", to, "open", reason)
        case events.DealArchived(reason=reason):
            return _Step("archived", None, None, reason)
        case _:
            return None


class DealStays:
    """The read model `deal_stays`."""

    name: ClassVar[str] = "deal_stays"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"deal"})
    kept: ClassVar[Table | None] = PLACES
    added: ClassVar[Table | None] = TABLE
    subject_column: ClassVar[str] = "deal_id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per stage entered."""
        head = commit.head
        place = _Place() if row is None else _Place(*row[2:])
        lines: list[str] = []
        for recorded in commit.events:
            step = _step(recorded.event)
            if step is None:
                continue
            at = time_text(recorded.occurred_at)
            after = _Place(step.pipeline_id or place.pipeline_id, step.stage, step.status, at)
            begin = [head.stream.id, str(head.sequence), str(recorded.index), at, time_text(head.recorded_at)]
            by = [recorded.event_id, head.actor.id, step.how]
            was = [place.stage, place.pipeline_id, place.status, place.since]
            lines.append(line([*begin, *by, after.pipeline_id, after.stage, after.status, step.reason, *was]))
            place = after
        if not lines:
            return Folded(row)
        return Folded([head.stream.id, str(head.sequence), *place], lines)

    def emptied(self, row: Row) -> Row:
        """Give the row back: it holds nothing personal."""
        return row
