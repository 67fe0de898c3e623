"""Facts about quotes: what was offered for a deal, in versions, and who approved it."""

from datetime import date

from patron_events.catalog.pipeline.deals import LineItem
from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


@event_type("pipeline.quote-drafted", version=1)
class QuoteDrafted(Fact, frozen=True):
    """A new version of the quote, as a whole; approvals of earlier ones count no more.

    number: of the quote among those of the deal, from 1. quote_version: 1, 2, 3 … drafted_by: who may not approve it.
    discount_percent: exact decimal in text, on every line; net_minor, tax_minor: after it.
    """

    deal_id: str
    quote_version: int
    currency: str
    lines: tuple[LineItem, ...]
    number: int = 1
    drafted_by: str | None = None
    discount_percent: str = "0"
    net_minor: int = 0
    tax_minor: int = 0
    valid_until: date | None = None
    terms: Personal[str] | None = None


@event_type("pipeline.quote-submitted", version=1)
class QuoteSubmitted(Fact, frozen=True):
    """Somebody asked for approval. needs: groups that the rules ask for, sorted; without any it is approved."""

    quote_version: int
    needs: tuple[str, ...] = ()


@event_type("pipeline.quote-approved", version=1)
class QuoteApproved(Fact, frozen=True):
    """Somebody other than the drafter approved for a group (role or team) that was asked; all that were must."""

    quote_version: int
    group: str


@event_type("pipeline.quote-rejected", version=1)
class QuoteRejected(Fact, frozen=True):
    """It may not be sent so. reason: what has to change."""

    quote_version: int
    reason: str


@event_type("pipeline.quote-sent", version=1)
class QuoteSent(Fact, frozen=True):
    """The buyer has it."""

    quote_version: int


@event_type("pipeline.quote-accepted", version=1)
class QuoteAccepted(Fact, frozen=True):
    """The buyer accepted this version."""

    quote_version: int


@event_type("pipeline.quote-declined", version=1)
class QuoteDeclined(Fact, frozen=True):
    """The buyer declined, or the quote was withdrawn."""

    quote_version: int
    reason: str | None = None


QuoteEvent = QuoteDrafted | QuoteSubmitted | QuoteApproved | QuoteRejected | QuoteSent | QuoteAccepted | QuoteDeclined
