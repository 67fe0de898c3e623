"""A quote: what is offered for a deal, in versions, with approval."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from msgspec import structs

from patron_events.catalog.pipeline import quotes as events
from patron_events.catalog.pipeline.deals import LineItem
from patron_events.catalog.pipeline.settings import Approval
from patron_events.decider import Decider
from patron_pipeline.domain.quote_errors import (
    ApproverNotAsked,
    OwnQuote,
    QuoteExpired,
    QuoteNotFound,
    QuoteStateWrong,
)
from patron_pipeline.domain.stages import Mover

Status = Literal["absent", "draft", "submitted", "approved", "rejected", "sent", "accepted", "declined"]
MOST_QUOTES: Final = 100
"""Of one deal."""
_WHOLE: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Quote:
    """The state of one quote; status, needs and approved are those of the newest version.

    versions: every draft with what became of it, the oldest first; replaced: a newer one was drafted.
    """

    status: Status = "absent"
    draft: events.QuoteDrafted | None = None
    needs: tuple[str, ...] = ()
    approved: frozenset[str] = frozenset()
    reason: str | None = None
    versions: tuple[tuple[events.QuoteDrafted, str], ...] = ()
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DraftQuote:
    """State a version as a whole; its number is given here."""

    draft: events.QuoteDrafted


@dataclass(frozen=True, slots=True)
class SubmitQuote:
    """Ask for approval by the rules of the deal's pipeline."""

    rules: Sequence[Approval]


@dataclass(frozen=True, slots=True)
class ApproveQuote:
    """Approve for every group that was asked and that the caller belongs to."""

    mover: Mover


@dataclass(frozen=True, slots=True)
class RejectQuote:
    """Refuse approval."""

    mover: Mover
    reason: str


@dataclass(frozen=True, slots=True)
class SendQuote:
    """The buyer gets it. on: today."""

    on: date


@dataclass(frozen=True, slots=True)
class AcceptQuote:
    """The buyer accepts. on: today."""

    on: date


@dataclass(frozen=True, slots=True)
class DeclineQuote:
    """The buyer declines, or it is withdrawn."""

    reason: str | None = None


Command = DraftQuote | SubmitQuote | ApproveQuote | RejectQuote | SendQuote | AcceptQuote | DeclineQuote


def totals(lines: Sequence[LineItem], discount: str) -> tuple[int, int]:
    """Add lines up after a discount on every one: net and tax in minor units, rounded half up line by line."""
    nets = [_rounded(one.net_minor * (_WHOLE - Decimal(discount)) / _WHOLE) for one in lines]
    taxes = [_rounded(net * Decimal(one.tax_percent) / _WHOLE) for net, one in zip(nets, lines, strict=True)]
    return sum(nets), sum(taxes)


def _rounded(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP))


def needs(draft: events.QuoteDrafted, rules: Sequence[Approval]) -> tuple[str, ...]:
    """Name the groups whose approval a version needs, sorted."""
    gross = sum(Decimal(one.quantity) * one.unit_price_minor for one in draft.lines)
    discount = (gross - draft.net_minor) / gross * _WHOLE if gross else Decimal(0)
    return tuple(sorted({one.group for one in rules if _asks(one, draft, discount)}))


def _asks(rule: Approval, draft: events.QuoteDrafted, discount: Decimal) -> bool:
    if rule.discount_above is None and rule.net_above_minor is None:
        return True
    if rule.discount_above is not None and discount > Decimal(rule.discount_above):
        return True
    # Amounts of different currencies are not compared: rather ask once too often.
    limit = rule.net_above_minor
    return limit is not None and (rule.currency != draft.currency or draft.net_minor > limit)


def decide(quote: Quote, command: Command) -> Sequence[events.QuoteEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    draft = quote.draft
    if isinstance(command, DraftQuote):
        return _drafted(quote, command.draft)
    if draft is None:
        raise QuoteNotFound
    version = draft.quote_version
    match quote.status, command:
        case "draft", SubmitQuote(rules):
            return (events.QuoteSubmitted(quote_version=version, needs=needs(draft, rules)),)
        case "submitted" | "approved", SubmitQuote():
            return ()
        case "submitted", ApproveQuote(mover):
            return [events.QuoteApproved(quote_version=version, group=one) for one in _asked(quote, mover)]
        case "approved", ApproveQuote():
            return ()
        case "submitted", RejectQuote(mover, reason):
            _asked(quote, mover)
            return (events.QuoteRejected(quote_version=version, reason=reason),)
        case "approved", SendQuote(on):
            _check_valid(draft, on)
            return (events.QuoteSent(quote_version=version),)
        case "sent", AcceptQuote(on):
            _check_valid(draft, on)
            return (events.QuoteAccepted(quote_version=version),)
        case "draft" | "submitted" | "approved" | "rejected" | "sent", DeclineQuote(reason):
            return (events.QuoteDeclined(quote_version=version, reason=reason),)
        case ("sent", SendQuote()) | ("accepted", AcceptQuote()) | ("declined", DeclineQuote()):
            return ()
        case status, _:
            raise QuoteStateWrong(f"The quote is {status}.")


def _drafted(quote: Quote, draft: events.QuoteDrafted) -> Sequence[events.QuoteEvent]:
    if quote.status == "accepted":
        raise QuoteStateWrong("The quote is accepted; write another one.")
    present = quote.draft
    version = 1 if present is None else present.quote_version + 1
    if present is not None and quote.status == "draft":
        unchanged = structs.replace(draft, quote_version=present.quote_version, drafted_by=present.drafted_by)
        if unchanged == present:
            return ()
    return (structs.replace(draft, quote_version=version),)


def _asked(quote: Quote, mover: Mover) -> Sequence[str]:
    """Name the groups that are still asked and that the caller speaks for; raises OwnQuote, ApproverNotAsked."""
    if quote.draft is not None and quote.draft.drafted_by == mover.subject:
        raise OwnQuote
    found = [one for one in quote.needs if one not in quote.approved and (mover.boss or one in mover.groups)]
    if not found:
        raise ApproverNotAsked
    return found


def _check_valid(draft: events.QuoteDrafted, on: date) -> None:
    if draft.valid_until is not None and draft.valid_until < on:
        raise QuoteExpired


def evolve(quote: Quote, event: events.QuoteEvent, at: datetime) -> Quote:
    """Fold one recorded fact."""
    folded = replace(_folded(quote, event), changed_at=at)
    if folded.draft is None:
        return folded
    older = folded.versions if isinstance(event, events.QuoteDrafted) else folded.versions[:-1]
    if isinstance(event, events.QuoteDrafted) and older:
        before, became = older[-1]
        older = (*older[:-1], (before, became if became in ("rejected", "declined") else "replaced"))
    return replace(folded, versions=(*older, (folded.draft, folded.status)))


def _folded(quote: Quote, event: events.QuoteEvent) -> Quote:
    match event:
        case events.QuoteDrafted():
            blank = replace(quote, needs=(), approved=frozenset[str](), reason=None)
            return replace(blank, status="draft", draft=event)
        case events.QuoteSubmitted(needs=asked):
            return replace(quote, status="submitted" if asked else "approved", needs=asked)
        case events.QuoteApproved(group=group):
            approved = quote.approved | {group}
            return replace(
                quote, approved=approved, status="approved" if approved >= set(quote.needs) else quote.status
            )
        case events.QuoteRejected(reason=reason):
            return replace(quote, status="rejected", reason=reason)
        case events.QuoteSent():
            return replace(quote, status="sent")
        case events.QuoteAccepted():
            return replace(quote, status="accepted")
        case events.QuoteDeclined(reason=reason):
            return replace(quote, status="declined", reason=reason)


QUOTE: Final = Decider(category="pipeline.quote", initial=Quote(), decide=decide, evolve=evolve)
