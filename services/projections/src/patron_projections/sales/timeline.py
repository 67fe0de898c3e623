"""History of the pipeline context: one row per event of a lead, deal, planned activity or quote, when it happened.

Rows are kept by record, not by customer: whom a deal is about may change, and its whole history goes with it. Scores
and reminders are left out, because they say nothing that somebody did.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog.pipeline import activities, deals, leads, quotes
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.erasures import ERASING
from patron_projections.engine.read_model import (
    PERSONAL_PART,
    Blank,
    Folded,
    Row,
    array_text,
    bool_text,
    line,
    time_text,
)
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.facts import Parts, parts_of

TABLE: Final = read_model_table(
    "sales_timeline",
    1,
    Column("record_id", UUID, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("stream", Text, nullable=False),
    # lead, deal, activity or quote.
    Column("category", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("commit_id", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("authority", ARRAY(Text), nullable=False),
    Column("correlation_id", Text),
    Column("causation_id", Text),
    # The category, but of a planned activity what it is: call, meeting …, as far as the fact says so.
    Column("kind", Text),
    Column("channel", Text),
    Column("direction", Text),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    # Of a quote: the deal that it is for, as far as the fact says so.
    Column("deal_id", UUID),
    Column("details", JSONB, nullable=False),
    Column("personal", JSONB),
    Column("erased", Boolean, nullable=False),
)
VIEW: Final = view_of(TABLE)
_LEFT_OUT: Final = (leads.LeadScored, activities.ActivityReminded, activities.ActivityReminderFailed)


def _amount(fact: Fact) -> tuple[str | None, str | None]:
    match fact:
        case deals.DealValued(amount_minor=int() as minor, currency=currency):
            return str(minor), currency
        case (
            deals.DealWon(amount_minor=minor, currency=currency)
            | quotes.QuoteDrafted(net_minor=minor, currency=currency)
        ):
            return str(minor), currency
        case _:
            return None, None


def _parts(category: str, fact: Fact) -> Parts:
    """Split a fact; what is personal of a quote is sealed under its deal's key, and is not kept here."""
    parts = parts_of(fact)
    return Parts(parts.open, None, erased=False) if category == "quote" else parts


class SalesTimeline:
    """The read model `sales_timeline`."""

    name: ClassVar[str] = "sales_timeline"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"lead", "deal", "activity", "quote"})
    kept: ClassVar[Table | None] = None
    added: ClassVar[Table | None] = TABLE
    subject_column: ClassVar[str] = "record_id"
    blanked: ClassVar[Mapping[str, Blank]] = PERSONAL_PART

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per event."""
        del row
        head = commit.head
        category = head.stream.category
        shared = [head.stream.context, category, str(head.version), head.commit_id, time_text(head.recorded_at)]
        by = [head.actor.kind, head.actor.id, array_text(head.actor.authority)]
        cause = [head.cause.correlation_id, head.cause.causation_id]
        lines: list[str] = []
        erases = False
        for recorded in commit.events:
            fact = recorded.event
            if isinstance(fact, _LEFT_OUT):
                continue
            parts = _parts(category, fact)
            kind = fact.kind if isinstance(fact, activities.ActivityPlanned) else category
            channel = fact.channel if isinstance(fact, leads.LeadCaptured) else None
            deal = fact.deal_id if isinstance(fact, quotes.QuoteDrafted) else None
            place = [head.stream.id, time_text(recorded.occurred_at), str(head.sequence), str(recorded.index)]
            said = [kind, channel, None, *_amount(fact), deal, parts.open, parts.personal, bool_text(parts.erased)]
            lines.append(line([*place, *shared, recorded.type, *by, *cause, *said]))
            erases = erases or type(fact) in ERASING
        return Folded(None, lines, erases)

    def emptied(self, row: Row) -> Row:
        """Give the row back: this model keeps none."""
        return row
