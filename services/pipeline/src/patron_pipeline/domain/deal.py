"""A deal: one chance to sell, from opening to won or lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import structs

from patron_events.catalog.pipeline import deals as events
from patron_events.decider import Dated, Decider
from patron_events.registry import Fact
from patron_pipeline.domain.deal_body import check_splits
from patron_pipeline.domain.deal_errors import AmountOfLines, DealArchived, DealClosed, DealErased, DealNotFound
from patron_pipeline.domain.deal_moves import LoseDeal, Move, MoveDeal, ReopenDeal, WinDeal, moved
from patron_pipeline.domain.deal_state import Changes, Deal, changed, evolve, has
from patron_pipeline.domain.stages import Entry, Terms, check_entry, known_stage

_FIXED_WHEN_CLOSED: Final = (events.DealValued, events.DealExpected, events.DealLinesChanged)


@dataclass(frozen=True, slots=True)
class OpenDeal:
    """Open a deal; `opened` says in which stage of which pipeline, `at` when."""

    opened: events.DealOpened
    changes: Changes
    terms: Terms
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeDeal:
    """Change what is stated."""

    changes: Changes
    at: datetime


@dataclass(frozen=True, slots=True)
class ArchiveDeal:
    """Take a mistake out of everything that is counted."""

    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EraseDeal:
    """Forget a person: the deal names them no more; with the last one its texts are erased."""

    person_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TellRotting:
    """The deal has stood in the stage for longer than `days`; nothing where it has left or that was told."""

    stage: str
    since: datetime
    days: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TellIdle:
    """The open deal has no planned activity since then; nothing where it is closed or that was told."""

    since: datetime
    at: datetime


Command = OpenDeal | ChangeDeal | ArchiveDeal | EraseDeal | TellRotting | TellIdle | Move


def decide(deal: Deal, command: Command) -> Sequence[Dated]:
    """Answer a command with the facts it creates; none when they already hold."""
    return tuple(Dated(fact, command.at) for fact in _facts(deal, command))


def _facts(deal: Deal, command: Command) -> Sequence[Fact]:
    match deal.status, command:
        case "absent", OpenDeal():
            return _opened(command)
        case "absent", _:
            raise DealNotFound
        case _, OpenDeal():
            return ()  # callers derive the id from the command or the external id, so this is a repetition
        case _, EraseDeal(person_id):
            return _forgotten(deal, person_id)
        case "archived", ArchiveDeal() | TellRotting() | TellIdle():
            return ()
        case "archived", _:
            raise DealArchived
        case _, MoveDeal() | WinDeal() | LoseDeal() | ReopenDeal():
            return moved(deal, command)
        case _, ArchiveDeal(reason=reason):
            return (events.DealArchived(reason=reason),)
        case _, ChangeDeal(changes):
            return _restated(deal, changes)
        case "open", TellRotting(stage, since, days):
            due = not deal.rotted and (deal.stage, deal.since) == (stage, since)
            return (events.DealRotted(stage=stage, since=since, days=days),) if due else ()
        case "open", TellIdle(since):
            return (events.DealLeftWithoutActivity(since=since),) if deal.idle_since != since else ()
        case _, TellRotting() | TellIdle():
            return ()


def _opened(command: OpenDeal) -> Sequence[Fact]:
    terms = command.terms
    facts = changed({}, command.changes)
    _check(facts)
    facets = {type(fact): fact for fact in facts}
    to = known_stage(terms.definition, command.opened.stage, "open", "stage")
    check_entry(terms, Entry(None, to, (), lambda name: has(facets, name)), "stage")
    return (command.opened, *facts)


def _check(facts: Sequence[Fact]) -> None:
    for fact in facts:
        if isinstance(fact, events.DealOwned):
            check_splits(fact)


def _restated(deal: Deal, changes: Changes) -> Sequence[Fact]:
    # A file that is told again states what a deal was worth before it was won: that is no change.
    facts = [fact for fact in changed(deal.facets, changes) if fact != deal.valued]
    _check(facts)
    for fact in facts:
        if deal.status != "open" and isinstance(fact, _FIXED_WHEN_CLOSED):
            raise DealClosed("Amount, lines and expectations of a closed deal are fixed; reopen it first.")
        if isinstance(fact, events.DealDescribed) and deal.erased:
            raise DealErased
        if isinstance(fact, events.DealValued) and fact.basis == "stated" and _has_lines(deal, changes):
            raise AmountOfLines(field="amount")
    if changes.name is not None and changes.name != deal.name:
        return (events.DealRenamed(name=changes.name, was=deal.name), *facts)
    return facts


def _has_lines(deal: Deal, changes: Changes) -> bool:
    stated = changes.facets.get(events.DealLinesChanged)
    return bool(deal.facet(events.DealLinesChanged).lines if stated is None else stated["lines"])


def _forgotten(deal: Deal, person_id: str) -> Sequence[Fact]:
    customer = deal.facet(events.DealCustomerChanged)
    left = tuple(one for one in customer.people if one.person_id != person_id)
    if len(left) == len(customer.people):
        return ()
    without = structs.replace(customer, people=left)
    return (without,) if left or deal.erased else (without, events.DealErased(person_id=person_id))


DEAL = Decider(category="pipeline.deal", initial=Deal(), decide=decide, evolve=evolve)
