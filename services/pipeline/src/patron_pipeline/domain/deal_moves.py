"""What moves a deal: into another stage, to won, to lost, and open again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from patron_events.catalog.pipeline import deals as events
from patron_events.catalog.pipeline.settings import Stage
from patron_events.registry import Fact
from patron_pipeline.domain.deal_errors import (
    DealAmountMissing,
    DealClosed,
    DealMovedMeanwhile,
    DealOpen,
    HappenedBefore,
    ReasonMissing,
    ReasonUnknown,
    ReopenNotAllowed,
    ReopenTooLate,
)
from patron_pipeline.domain.deal_state import Deal, has
from patron_pipeline.domain.stages import Entry, Terms, check_entry, check_mover, known_stage, stage


@dataclass(frozen=True, slots=True)
class MoveDeal:
    """Move into another open stage; the terms are those of the pipeline that it belongs to afterwards.

    seen: the stage that the caller saw it in.
    """

    to: str
    terms: Terms
    at: datetime
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class WinDeal:
    """The buyer accepted. amount_minor: None takes the amount of the deal. stage: None is the first won one."""

    terms: Terms
    at: datetime
    stage: str | None = None
    amount: tuple[int, str] | None = None
    reason: str | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class LoseDeal:
    """The chance is gone. stage: None is the first lost one."""

    terms: Terms
    at: datetime
    reason: str | None = None
    stage: str | None = None
    competitor: str | None = None
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class ReopenDeal:
    """A closed deal is open again. to: None is the stage it was closed from, or else the first open one."""

    terms: Terms
    at: datetime
    to: str | None = None
    reason: str | None = None


Move = MoveDeal | WinDeal | LoseDeal | ReopenDeal


def moved(deal: Deal, command: Move) -> Sequence[Fact]:
    """Answer a move of a deal that exists and is not archived; nothing when it is already where it should be.

    Raises:
        DealMovedMeanwhile: the deal left the stage that the caller saw. DealClosed, DealOpen: as they say.
        HappenedBefore: `at` lies before the newest stage. And what the rules of stages say.
    """
    if _there(deal, command):
        return ()
    if isinstance(command, ReopenDeal):
        return _reopened(deal, command)
    if command.seen is not None and command.seen != deal.stage:
        raise DealMovedMeanwhile
    if deal.status != "open":
        raise DealClosed
    if deal.since is not None and command.at < deal.since:
        raise HappenedBefore(field="occurred_at")
    match command:
        case MoveDeal():
            return _entered(deal, command)
        case WinDeal():
            return _won(deal, command)
        case LoseDeal():
            return _lost(deal, command)


def _there(deal: Deal, command: Move) -> bool:
    match command, deal.closing:
        case MoveDeal(to=to, terms=terms), None:
            return (deal.pipeline_id, deal.stage) == (terms.pipeline_id, to)
        case WinDeal(stage=stage, amount=amount, reason=reason), events.DealWon() as won:
            agreed = (won.amount_minor, won.currency)
            return stage in (None, won.stage) and amount in (None, agreed) and reason in (None, won.reason)
        case LoseDeal(stage=stage, reason=reason, competitor=competitor), events.DealLost() as lost:
            return stage in (None, lost.stage) and reason == lost.reason and competitor in (None, lost.competitor)
        case _:
            return False


def _entry(deal: Deal, terms: Terms, to: Stage, amount_given: bool = False) -> Entry:  # noqa: FBT001, FBT002
    same = deal.pipeline_id == terms.pipeline_id
    visited = {one.stage for one in deal.stays if one.pipeline_id == terms.pipeline_id}
    held: Callable[[str], bool] = lambda name: (amount_given and name == "amount") or has(deal.facets, name)  # noqa: E731
    return Entry(deal.stage if same else None, to, visited, held)


def _entered(deal: Deal, command: MoveDeal) -> Sequence[Fact]:
    terms = command.terms
    to = known_stage(terms.definition, command.to, "open", "to")
    check_entry(terms, _entry(deal, terms, to), "to")
    other = terms.pipeline_id if terms.pipeline_id != deal.pipeline_id else None
    return (events.DealMoved(to=to.id, was=deal.stage, pipeline_id=other),)


def _won(deal: Deal, command: WinDeal) -> Sequence[Fact]:
    terms = command.terms
    to = known_stage(terms.definition, command.stage, "won", "stage")
    _check_reason(terms, command.reason, terms.definition.won_reasons, needed=terms.definition.won_reason_required)
    check_entry(terms, _entry(deal, terms, to, amount_given=command.amount is not None), "stage")
    minor, currency = command.amount or _amount(deal)
    won = events.DealWon(stage=to.id, was=deal.stage, amount_minor=minor, currency=currency, reason=command.reason)
    return (won,)


def _amount(deal: Deal) -> tuple[int, str]:
    valued = deal.facet(events.DealValued)
    if valued.amount_minor is None or valued.currency is None:
        raise DealAmountMissing(field="amount")
    return valued.amount_minor, valued.currency


def _lost(deal: Deal, command: LoseDeal) -> Sequence[Fact]:
    terms = command.terms
    to = known_stage(terms.definition, command.stage, "lost", "stage")
    if command.reason is None:
        raise ReasonMissing("A lost deal needs a reason.", field="reason")
    _check_reason(terms, command.reason, terms.definition.lost_reasons, needed=True)
    check_entry(terms, _entry(deal, terms, to), "stage")
    lost = events.DealLost(stage=to.id, was=deal.stage, reason=command.reason, competitor=command.competitor)
    return (lost,)


def _check_reason(terms: Terms, reason: str | None, known: Sequence[str], *, needed: bool) -> None:
    if terms.told:
        return
    if reason is None and needed:
        raise ReasonMissing(field="reason")
    if reason is not None and known and reason not in known:
        raise ReasonUnknown(f"One of {', '.join(known)} was expected here.", field="reason")


def _reopened(deal: Deal, command: ReopenDeal) -> Sequence[Fact]:
    terms = command.terms
    if deal.closing is None:
        raise DealOpen
    if deal.since is not None and command.at < deal.since:
        raise HappenedBefore(field="occurred_at")
    if not terms.told:
        _check_reopening(deal, command)
    to = _reopened_to(deal, command)
    check_mover(terms, to, "to")
    return (events.DealReopened(to=to.id, was=deal.stage, reason=command.reason),)


def _reopened_to(deal: Deal, command: ReopenDeal) -> Stage:
    definition = command.terms.definition
    if command.to is not None:
        return known_stage(definition, command.to, "open", "to")
    before = None if deal.closing is None else stage(definition, deal.closing.was)
    return before if before is not None and before.kind == "open" else known_stage(definition, None, "open", "to")


def _check_reopening(deal: Deal, command: ReopenDeal) -> None:
    definition, mover = command.terms.definition, command.terms.mover
    match definition.reopen:
        case "nobody":
            raise ReopenNotAllowed
        case "admin" if not mover.boss:
            raise ReopenNotAllowed
        case "owner" if not mover.boss and deal.facet(events.DealOwned).owner != mover.subject:
            raise ReopenNotAllowed
        case _:
            pass
    days = definition.reopen_days
    if days is not None and deal.since is not None and command.at - deal.since > timedelta(days=days):
        raise ReopenTooLate
