"""Activities: one narrow row per interaction and order, for segments, figures and sums.

The rows of one customer lie together in the primary key in the order of time. A full scan stays cheap because
a row has only what is compared, counted or summed; the words of an interaction are in the timeline.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, Numeric, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog import contacts as events
from patron_events.opening import Opened
from patron_events.personal import Erased, known
from patron_events.registry import Fact
from patron_projections.engine.read_model import (
    PERSONAL_PART,
    Blank,
    Folded,
    Row,
    array_text,
    bool_text,
    json_text,
    line,
)
from patron_projections.engine.tables import read_model_table, view_of

TABLE: Final = read_model_table(
    "activities",
    1,
    Column("customer_id", UUID, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # Id of the event behind the row: commit id and index.
    Column("event_id", Text, nullable=False),
    # purchase or interaction.
    Column("fact", Text, nullable=False),
    # Kind of an interaction: email, call, meeting …
    Column("kind", Text),
    Column("channel", Text),
    Column("direction", Text),
    Column("duration_s", Integer),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    # Sum of the quantities of an order's lines; 1 where an order has none.
    Column("quantity", Numeric),
    Column("status", Text),
    Column("skus", ARRAY(Text)),
    Column("company_id", UUID),
    Column("source", Text),
    # Properties of an interaction by name.
    Column("personal", JSONB),
    Column("erased", Boolean, nullable=False),
)
VIEW: Final = view_of(TABLE)


def _interaction(fact: events.InteractionLogged) -> list[str | None]:
    # Sealed fields are erased together, so a row must tell that something personal was said, properties or not.
    said = (fact.subject, fact.body, fact.properties)
    erased = any(type(value) is Erased for value in said)
    personal = None
    if not erased and said != (None, None, ()):
        personal = json_text({one.name: one.value for one in known(fact.properties, ())})
    duration = None if fact.duration_s is None else str(fact.duration_s)
    return [
        *("interaction", fact.kind, fact.channel, fact.direction, duration, None, None, None, None, None),
        *(fact.company_id, fact.source, personal, bool_text(erased)),
    ]


def _order(fact: events.OrderPlaced) -> list[str | None]:
    quantity = sum((Decimal(one.quantity) for one in fact.lines), Decimal(0)) if fact.lines else Decimal(1)
    skus = [one.sku for one in fact.lines if one.sku is not None]
    return [
        *("purchase", None, None, None, None, str(fact.amount_minor), fact.currency, str(quantity), fact.status),
        *(array_text(skus) if skus else None, fact.company_id, fact.source, None, bool_text(False)),
    ]


def _columns_of(fact: Fact) -> list[str | None] | None:
    match fact:
        case events.InteractionLogged():
            return _interaction(fact)
        case events.OrderPlaced():
            return _order(fact)
        case _:
            return None


class Activities:
    """The read model `activities`."""

    name: ClassVar[str] = "activities"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "contacts"
    categories: ClassVar[frozenset[str]] = frozenset({"person", "company", "activity"})
    kept: ClassVar[Table | None] = None
    added: ClassVar[Table | None] = TABLE
    subject_column: ClassVar[str] = "customer_id"
    blanked: ClassVar[Mapping[str, Blank]] = PERSONAL_PART

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per interaction and order."""
        del row
        head = commit.head
        lines: list[str] = []
        erases = False
        for recorded in commit.events:
            columns = _columns_of(recorded.event)
            if columns is not None:
                place = [head.stream.id, recorded.occurred_at.isoformat(), str(head.sequence), str(recorded.index)]
                lines.append(line([*place, head.recorded_at.isoformat(), recorded.event_id, *columns]))
            elif type(recorded.event) is events.RecordErased:
                erases = True
        return Folded(None, lines, erases)

    def emptied(self, row: Row) -> Row:
        """Give the row back: this model keeps none."""
        return row
