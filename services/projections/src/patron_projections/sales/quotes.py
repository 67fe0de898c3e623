"""Quotes: one row per quote as it is now, and one per version of it; terms are sealed with the deal and not kept."""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Column, Date, DateTime, Index, Integer, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog.pipeline import quotes as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import Draft, texts
from patron_projections.sales.folding import Apply, Telling, Told, document, first_columns, moment, versions_of

_COLUMNS: Final = [
    *first_columns(UUID),
    Column("deal_id", UUID),
    Column("quote_version", Integer),
    # draft, submitted, approved, rejected, sent, accepted or declined: of this version of the quote.
    Column("status", Text),
    Column("status_since", DateTime(timezone=True)),
    Column("reason", Text),
    Column("currency", Text),
    Column("lines", JSONB),
    Column("discount_percent", Numeric),
    Column("net_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("valid_until", Date),
    # Whom the rules ask for approval; who drafted this version, and who approved it.
    Column("needs", ARRAY(Text)),
    Column("drafted_by", Text),
    Column("approved_by", Text),
]
_DEAL: Final = next(column for column in _COLUMNS if column.name == "deal_id")
TABLE: Final = read_model_table("quotes", 1, *_COLUMNS, indexes=[Index("by_deal", _DEAL)])
VIEW: Final = view_of(TABLE)
VERSIONS: Final = read_model_table("quote_versions", 1, *versions_of(_COLUMNS))
VERSIONS_VIEW: Final = view_of(VERSIONS)


def _stands(draft: Draft, status: str, recorded: Recorded[Fact], reason: str | None = None) -> None:
    draft["status"] = status
    draft["status_since"] = time_text(recorded.occurred_at)
    draft["reason"] = reason


def _drafted(draft: Draft, fact: events.QuoteDrafted, recorded: Recorded[Fact]) -> None:
    _stands(draft, "draft", recorded)
    for name in ("deal_id", "currency", "discount_percent"):
        draft[name] = getattr(fact, name)
    for name in ("quote_version", "net_minor", "tax_minor"):
        draft[name] = str(getattr(fact, name))
    draft["lines"] = document(fact.lines)
    draft["valid_until"] = moment(fact.valid_until)
    draft["needs"] = draft["approved_by"] = None
    draft["drafted_by"] = recorded.commit.actor.id


def _submitted(draft: Draft, fact: events.QuoteSubmitted, recorded: Recorded[Fact]) -> None:
    _stands(draft, "submitted", recorded)
    draft["needs"] = texts(fact.needs)


def _approved(draft: Draft, _: events.QuoteApproved, recorded: Recorded[Fact]) -> None:
    _stands(draft, "approved", recorded)
    draft["approved_by"] = recorded.commit.actor.id


def _rejected(draft: Draft, fact: events.QuoteRejected, recorded: Recorded[Fact]) -> None:
    _stands(draft, "rejected", recorded, fact.reason)


def _declined(draft: Draft, fact: events.QuoteDeclined, recorded: Recorded[Fact]) -> None:
    _stands(draft, "declined", recorded, fact.reason)


def _plainly(status: str) -> Apply:
    def apply(draft: Draft, _: Fact, recorded: Recorded[Fact]) -> None:
        _stands(draft, status, recorded)

    return apply


FOLD: Final = Telling(
    Told(
        columns=written_columns(TABLE),
        apply={
            events.QuoteDrafted: _drafted,
            events.QuoteSubmitted: _submitted,
            events.QuoteApproved: _approved,
            events.QuoteRejected: _rejected,
            events.QuoteSent: _plainly("sent"),
            events.QuoteAccepted: _plainly("accepted"),
            events.QuoteDeclined: _declined,
        },
        begins={},
    )
)


class Quotes:
    """The read model `quotes`."""

    name: ClassVar[str] = "quotes"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"quote"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the quote's row after a commit, and add its versions."""
        return FOLD(row, commit)

    def emptied(self, row: Row) -> Row:
        """Give the row back: it holds nothing personal."""
        return row
