"""Those who sell: one row per representative as they are now, one per version of them, and their quotas."""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from patron_events.catalog.pipeline import team as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.personal import known
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, bool_text, line, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import Draft
from patron_projections.sales.folding import (
    FALSE,
    TRUE,
    Telling,
    Told,
    document,
    first_columns,
    nothing,
    number,
    versions_of,
)

_COLUMNS: Final = [
    *first_columns(UUID),
    # `sub` of their tokens: what owners of leads and deals, and assignees, are called.
    Column("subject", Text),
    Column("name", Text),
    Column("email", Text),
    Column("time_zone", Text),
    Column("language", Text),
    Column("team", Text),
    Column("region", Text),
    Column("manager", Text),
    # [{country, region, postal_prefixes}].
    Column("territories", JSONB),
    Column("capacity", Integer),
    Column("placed_at", DateTime(timezone=True)),
    Column("available", Boolean, nullable=False),
    Column("unavailable_reason", Text),
    Column("retired", Boolean, nullable=False),
    Column("retired_at", DateTime(timezone=True)),
]
_BY_NAME: Final = {column.name: column for column in _COLUMNS}
TABLE: Final = read_model_table(
    "sales_team", 1, *_COLUMNS, indexes=[Index("by_subject", _BY_NAME["subject"]), Index("by_team", _BY_NAME["team"])]
)
VIEW: Final = view_of(TABLE)
VERSIONS: Final = read_model_table("sales_team_versions", 1, *versions_of(_COLUMNS))
VERSIONS_VIEW: Final = view_of(VERSIONS)
_SUBJECTS: Final = read_model_table(
    "quota_subjects",
    1,
    Column("id", UUID, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("subject", Text),
)
QUOTAS: Final = read_model_table(
    "quotas",
    1,
    Column("rep_id", UUID, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("subject", Text),
    # 2017, 2017-Q2 or 2017-04.
    Column("period", Text, nullable=False),
    # Empty where the quota was taken back.
    Column("amount_minor", BigInteger),
    Column("currency", Text, nullable=False),
)
QUOTAS_VIEW: Final = view_of(QUOTAS)


def _described(draft: Draft, fact: events.RepDescribed, _: Recorded[Fact]) -> None:
    draft["subject"] = fact.subject
    draft["name"] = known(fact.name, None)
    draft["email"] = known(fact.email, None)
    draft["time_zone"] = fact.time_zone
    draft["language"] = fact.language


def _placed(draft: Draft, fact: events.RepPlaced, recorded: Recorded[Fact]) -> None:
    for name in ("team", "region", "manager"):
        draft[name] = getattr(fact, name)
    draft["territories"] = document(fact.territories)
    draft["capacity"] = number(fact.capacity)
    draft["placed_at"] = time_text(recorded.occurred_at)
    draft["retired"] = FALSE
    draft["retired_at"] = None


def _availability(draft: Draft, fact: events.RepAvailabilityChanged, _: Recorded[Fact]) -> None:
    draft["available"] = bool_text(fact.available)
    draft["unavailable_reason"] = None if fact.available else fact.reason


def _retired(draft: Draft, _: events.RepRetired, recorded: Recorded[Fact]) -> None:
    draft["retired"] = TRUE
    draft["retired_at"] = time_text(recorded.occurred_at)


FOLD: Final = Telling(
    Told(
        columns=written_columns(TABLE),
        apply={
            events.RepDescribed: _described,
            events.RepPlaced: _placed,
            events.RepAvailabilityChanged: _availability,
            events.QuotaSet: nothing,
            events.RepRetired: _retired,
        },
        begins={"available": TRUE, "retired": FALSE},
    )
)


class SalesTeam:
    """The read model `sales_team`."""

    name: ClassVar[str] = "sales_team"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"rep"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = FOLD.blanked

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the representative's row after a commit, and add its versions."""
        return FOLD(row, commit)

    def emptied(self, row: Row) -> Row:
        """Give the row back: no fact erases a representative."""
        return row


class Quotas:
    """The read model `quotas`: every quota that was set; the last one of a representative and period holds."""

    name: ClassVar[str] = "quotas"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"rep"})
    kept: ClassVar[Table | None] = _SUBJECTS
    added: ClassVar[Table | None] = QUOTAS
    subject_column: ClassVar[str] = "rep_id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per quota."""
        head = commit.head
        subject = None if row is None else row[2]
        lines: list[str] = []
        for recorded in commit.events:
            match recorded.event:
                case events.RepDescribed(subject=described):
                    subject = described
                case events.QuotaSet(period=period, amount_minor=amount, currency=currency):
                    place = [head.stream.id, str(head.sequence), str(recorded.index)]
                    times = [time_text(recorded.occurred_at), time_text(head.recorded_at), recorded.event_id]
                    lines.append(line([*place, *times, subject, period, number(amount), currency]))
                case _:
                    pass
        return Folded([head.stream.id, str(head.sequence), subject], lines)

    def emptied(self, row: Row) -> Row:
        """Give the row back: it holds nothing personal."""
        return row
