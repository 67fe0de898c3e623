"""Assignment: to whom a lead goes, by which rule, and why; pure: facts, sellers and rotation in, decision out."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from patron_events.catalog.pipeline.team import Territory
from patron_pipeline.domain.assignment_document import (
    Among,
    AnyTarget,
    AssignmentRule,
    AssignmentRules,
    ByCapacity,
    ByTerritory,
    LeastBusy,
    RoundRobin,
    ToQueue,
    ToRep,
)
from patron_pipeline.domain.conditions import fulfilled, words
from patron_pipeline.domain.lead_fields import LeadFacts
from patron_pipeline.domain.rotation import Rotation
from patron_rules.periods import length

NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Seller:
    """A representative as assignment sees them. capacity: most open leads; None is any number."""

    subject: str
    team: str | None = None
    territories: tuple[Territory, ...] = ()
    capacity: int | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """A decision. owner: None in a queue, and where even the fallback found nobody (strategy `fallback`).

    pool: among whom it was a turn. rule: None for the fallback. why: for people, without personal data.
    work_within: how long the owner has to begin.
    """

    owner: str | None
    strategy: str
    why: str
    rule: str | None = None
    team: str | None = None
    queue: str | None = None
    pool: str | None = None
    work_within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """Who could get a lead at a moment. excluded: who must not get it this time, such as who let it lie."""

    sellers: Sequence[Seller]
    rotation: Rotation
    now: datetime
    excluded: Collection[str] = ()

    def takers(self) -> list[Seller]:
        """Give those who are there and have room, in order of their subjects."""
        return sorted((one for one in self.sellers if self._takes(one)), key=lambda one: one.subject)

    def _takes(self, one: Seller) -> bool:
        room = one.capacity is None or self.rotation.load(one.subject) < one.capacity
        return one.available and room and one.subject not in self.excluded


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Whom a target means: somebody and how, or a queue."""

    how: str
    seller: Seller | None = None
    pool: str | None = None


def assign(rules: AssignmentRules, lead: LeadFacts, market: Market) -> Assignment:
    """Decide to whom a lead goes: the first rule that holds and finds somebody, else the fallback."""
    passed: list[str] = []
    takers = market.takers()
    for rule in rules.rules:
        if not fulfilled(rule.when, lead, market.now):
            continue
        found = _by_rule(rule, lead, market, takers)
        if found is not None:
            return replace(found, why=f"{found.why}{_passed(passed)}")
        passed.append(rule.id)
    why = f"no rule gave it to anybody{_passed(passed)}"
    chosen = _chosen(rules.fallback, "fallback", lead, market, takers)
    if chosen is None:
        return Assignment(None, "fallback", f"{why}, and the fallback found nobody either")
    decided = _decided(rules.fallback, chosen, why)
    return replace(decided, strategy="fallback")


def _passed(rules: Sequence[str]) -> str:
    return f" (nobody could take it by {', '.join(rules)})" if rules else ""


def _by_rule(rule: AssignmentRule, lead: LeadFacts, market: Market, takers: list[Seller]) -> Assignment | None:
    chosen = _chosen(rule.to, f"rule:{rule.id}", lead, market, takers)
    if chosen is None:
        return None
    within = None if rule.work_within is None else length(rule.work_within)
    return replace(_decided(rule.to, chosen, words(rule.when)), rule=rule.id, work_within=within)


def _decided(target: AnyTarget, chosen: _Chosen, held: str) -> Assignment:
    strategy: Any = target.__struct_config__.tag
    why = f"{held}: {chosen.how}"
    if isinstance(target, ToQueue):
        return Assignment(None, strategy, why, team=target.team, queue=target.queue)
    seller = chosen.seller
    owner, team = (None, None) if seller is None else (seller.subject, seller.team)
    return Assignment(owner, strategy, why, team=team, pool=chosen.pool)


def _chosen(target: AnyTarget, own_pool: str, lead: LeadFacts, market: Market, takers: list[Seller]) -> _Chosen | None:
    """Choose by a target; None when nobody can take it. own_pool: the pool of sellers who are named one by one."""
    match target:
        case ToQueue(queue=queue):
            return _Chosen(f"waits in queue {queue}")
        case ToRep(rep=rep, owner_of=owner_of):
            subject = rep if owner_of is None else lead.fields.get(f"{owner_of}.owner")
            seller = next((one for one in takers if one.subject == subject), None)
            how = "named by the rule" if owner_of is None else f"owns the {owner_of} already"
            return None if seller is None else _Chosen(how, seller)
        case Among():
            return _among(target, own_pool, lead, market, takers)


def _among(
    target: RoundRobin | LeastBusy | ByTerritory | ByCapacity,
    own_pool: str,
    lead: LeadFacts,
    market: Market,
    takers: list[Seller],
) -> _Chosen | None:
    named = None if target.reps is None else frozenset(target.reps)
    those = [one for one in takers if _meant(one, target.team, named)]
    pool = own_pool if named is not None else "all" if target.team is None else f"team:{target.team}"
    whom = f"{len(those)} in team {target.team}" if target.team is not None else f"{len(those)} who could"
    match target:
        case RoundRobin():
            return _first(those, pool, market, f"next in turn of {whom}", lambda _: 0)
        case LeastBusy():
            how = f"fewest open leads of {whom}"
            return _first(those, pool, market, how, lambda one: market.rotation.load(one.subject))
        case ByCapacity():
            how = f"lowest share of capacity in use of {whom}"
            return _first(those, pool, market, how, lambda one: _share(one, market.rotation))
        case ByTerritory():
            near = [(closeness(one.territories, lead), one) for one in those]
            best = max((fit for fit, _ in near), default=(0, 0))
            if best == (0, 0):
                return None
            closest = [one for fit, one in near if fit == best]
            how = f"territory fits by {_BY[best[0]]}, next in turn of {len(closest)}"
            return _first(closest, f"{pool}:territory", market, how, lambda _: 0)


def _meant(one: Seller, team: str | None, named: frozenset[str] | None) -> bool:
    return one.subject in named if named is not None else team is None or one.team == team


def _first(
    those: Sequence[Seller], pool: str, market: Market, how: str, rank: Callable[[Seller], Any]
) -> _Chosen | None:
    """Take the lowest in rank; among equals the one whose last turn in the pool is longest ago, then by name."""
    if not those:
        return None
    best = min(those, key=lambda one: (rank(one), market.rotation.last_turn(pool, one.subject), one.subject))
    return _Chosen(how, best, pool)


def _share(one: Seller, rotation: Rotation) -> tuple[int, Fraction]:
    """Rank by the share of capacity in use; who has no capacity stated comes after all who have, by open leads."""
    if one.capacity is None:
        return (1, Fraction(rotation.load(one.subject)))
    return (0, Fraction(rotation.load(one.subject), one.capacity))


_BY: Final = {1: "country", 2: "region", 3: "postal code"}


def closeness(territories: Sequence[Territory], lead: LeadFacts) -> tuple[int, int]:
    """Tell how closely the best of some territories fits a lead: 0 not at all, 1 country, 2 region, 3 postal code.

    The second number is the length of the postal prefix. A territory fits when all that it states does.
    """
    return max((_closeness(one, lead) for one in territories), default=(0, 0))


def _closeness(territory: Territory, lead: LeadFacts) -> tuple[int, int]:
    if lead.fields.get("country") != territory.country:
        return (0, 0)
    region = lead.fields.get("region")
    if territory.region is not None and (region is None or _same(region) != _same(territory.region)):
        return (0, 0)
    if territory.postal_prefixes:
        code = _same(lead.fields.get("postal_code") or "")
        prefix = max((len(_same(one)) for one in territory.postal_prefixes if code.startswith(_same(one))), default=0)
        return (3, prefix) if prefix else (0, 0)
    return (1, 0) if territory.region is None else (2, 0)


def _same(text: str) -> str:
    """Fold what does not tell regions and postal codes apart: case, blanks and hyphens."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
