"""Interaction history: one row per event of a customer, at the time at which it happened.

The rows of one customer lie together in the primary key, in the order in which they are shown. A company's
history also has what its people did in its name; those rows carry no personal part, so that erasing the
person leaves nothing behind.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog import contacts as events
from patron_events.envelope import Cause, CommitHead
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import NULL, PERSONAL_PART, Blank, Folded, Row, array_text, escaped
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.facts import Parts, parts_of

TABLE: Final = read_model_table(
    "timeline",
    2,
    Column("customer_id", UUID, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("record_id", UUID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("commit_id", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    # With the role that was used, the story that the commit belongs to, and the event that led to it.
    Column("authority", ARRAY(Text), nullable=False),
    Column("correlation_id", Text),
    Column("causation_id", Text),
    Column("kind", Text),
    Column("channel", Text),
    Column("direction", Text),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    Column("details", JSONB, nullable=False),
    Column("personal", JSONB),
    Column("erased", Boolean, nullable=False),
)
VIEW: Final = view_of(TABLE)
_OF_COMPANIES: Final = (
    events.InteractionLogged,
    events.OrderPlaced,
    events.CompanyLinked,
    events.CompanyUnlinked,
)
_NOTHING: Final = f"{NULL}\t{NULL}\t{NULL}\t{NULL}\t{NULL}"


@lru_cache(maxsize=10_000)
def _text(value: str | None) -> str:
    """Escape a text of which there are few different ones, such as a channel."""
    return NULL if value is None else escaped(value)


@lru_cache(maxsize=10_000)
def _actor(kind: str, actor_id: str, authority: tuple[str, ...]) -> str:
    return f"{escaped(kind)}\t{escaped(actor_id)}\t{escaped(array_text(authority))}"


def _cause(cause: Cause) -> str:
    correlation = NULL if cause.correlation_id is None else escaped(cause.correlation_id)
    return f"{correlation}\t{_text(cause.causation_id)}"


def _columns_of(fact: Fact) -> str:
    """Write kind, channel, direction, amount and currency of what a customer did."""
    if isinstance(fact, events.InteractionLogged):
        return f"{_text(fact.kind)}\t{_text(fact.channel)}\t{_text(fact.direction)}\t{NULL}\t{NULL}"
    if isinstance(fact, events.OrderPlaced):
        return f"order\t{NULL}\t{NULL}\t{fact.amount_minor}\t{_text(fact.currency)}"
    return _NOTHING


def _company_of(fact: Fact) -> str | None:
    """Name the company whose history an event belongs to as well."""
    return fact.company_id if isinstance(fact, _OF_COMPANIES) else None


def _common(head: CommitHead, record: str) -> tuple[str, str]:
    """Write what all rows of a commit share, from stream to recorded_at; the last of them also by itself."""
    stream = head.stream
    recorded_at = head.recorded_at.isoformat()
    text = (
        f"{_text(stream.context)}\t{_text(stream.category)}\t{record}\t{head.version}\t"
        f"{escaped(head.commit_id)}\t{recorded_at}"
    )
    return text, recorded_at


def _end(parts: Parts) -> str:
    details = parts.open.replace("\\", "\\\\") if "\\" in parts.open else parts.open
    if parts.personal is None:
        return f"{details}\t{NULL}\t{'t' if parts.erased else 'f'}\n"
    personal = parts.personal.replace("\\", "\\\\") if "\\" in parts.personal else parts.personal
    return f"{details}\t{personal}\tf\n"


class Timeline:
    """The read model `timeline`."""

    name: ClassVar[str] = "timeline"
    version: ClassVar[int] = 2
    context: ClassVar[str] = "contacts"
    categories: ClassVar[frozenset[str]] = frozenset({"person", "company", "activity"})
    kept: ClassVar[Table | None] = None
    added: ClassVar[Table | None] = TABLE
    subject_column: ClassVar[str] = "customer_id"
    blanked: ClassVar[Mapping[str, Blank]] = PERSONAL_PART

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per event and customer."""
        del row
        head = commit.head
        customer = escaped(head.stream.id)
        common, recorded_at = _common(head, customer)
        by = f"{_actor(head.actor.kind, head.actor.id, head.actor.authority)}\t{_cause(head.cause)}"
        moment, moment_text = head.recorded_at, recorded_at
        lines: list[str] = []
        erases = False
        for recorded in commit.events:
            fact = recorded.event
            if recorded.occurred_at != moment:
                moment = recorded.occurred_at
                moment_text = moment.isoformat()
            place = f"{moment_text}\t{head.sequence}\t{recorded.index}\t{common}"
            middle = f"{_text(recorded.type)}\t{by}\t{_columns_of(fact)}"
            parts = parts_of(fact)
            lines.append(f"{customer}\t{place}\t{middle}\t{_end(parts)}")
            company = _company_of(fact)
            if company is not None and company != head.stream.id:
                lines.append(f"{escaped(company)}\t{place}\t{middle}\t{_end(Parts(parts.open, None, erased=False))}")
            if type(fact) is events.RecordErased:
                erases = True
        return Folded(None, lines, erases)

    def emptied(self, row: Row) -> Row:
        """Give the row back: this model keeps none."""
        return row
