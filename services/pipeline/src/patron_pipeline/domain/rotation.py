"""The rotation: whose turn it is in each pool, and which open leads everybody has.

It is one aggregate for the whole installation, appended to in one atomic batch with each assignment: of two replicas
that give leads at the same moment exactly one is first, and the other decides again on what the first one did. So
turns, loads and capacities are exact, whoever hands out. When it has grown long the next rotation continues it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from rpds import HashTrieMap

from patron_events.catalog.pipeline import rules as events
from patron_events.decider import Decider

FIRST: Final = "leads"
LONGEST: Final = 2_000
"""Facts of one rotation before the next one begins: reading all of it takes some 50 ms."""
MOST_CARRIED: Final = 10_000
"""Open leads that one commit carries over (36 bytes each, 1 MB at most); above that a rotation grows longer."""


def _no_turns() -> "HashTrieMap[tuple[str, str], int]":
    return HashTrieMap()


def _nobody() -> "HashTrieMap[str, str]":
    return HashTrieMap()


def _nothing() -> "HashTrieMap[str, int]":
    return HashTrieMap()


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns and loads.

    turns: number of the last turn by pool and owner. taken: how many turns there were. owners: who has each open
    lead. loads: how many open leads each owner has. length: how many facts this rotation has. next: the id of the
    rotation that continues this one, once it has ended.
    """

    turns: "HashTrieMap[tuple[str, str], int]" = field(default_factory=_no_turns)
    taken: int = 0
    owners: "HashTrieMap[str, str]" = field(default_factory=_nobody)
    loads: "HashTrieMap[str, int]" = field(default_factory=_nothing)
    length: int = 0
    next: str | None = None

    def last_turn(self, pool: str, owner: str) -> int:
        """Give the number of an owner's last turn in a pool; 0 for who never had one."""
        return self.turns.get((pool, owner), 0)

    def load(self, owner: str) -> int:
        """Count the open leads of an owner."""
        return self.loads.get(owner, 0)

    def held_by(self, owner: str) -> list[str]:
        """Name the open leads of an owner, sorted."""
        return sorted(lead for lead, has in self.owners.items() if has == owner)


@dataclass(frozen=True, slots=True)
class TakeTurn:
    """Give an open lead to somebody; with a pool it was their turn there."""

    lead_id: str
    owner: str
    pool: str | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """State who has a lead, whoever assigned it: None when it is closed or nobody's."""

    lead_id: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class EndRotation:
    """Go on in the next rotation."""

    next: str


@dataclass(frozen=True, slots=True)
class ContinueRotation:
    """Begin where another rotation ended."""

    was: str
    before: Rotation


Command = TakeTurn | Settle | EndRotation | ContinueRotation


def decide(rotation: Rotation, command: Command) -> Sequence[events.RotationEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case TakeTurn(lead_id, owner, pool):
            return tuple(_given(rotation, lead_id, owner, pool))
        case Settle(lead_id, owner):
            return () if rotation.owners.get(lead_id) == owner else tuple(_given(rotation, lead_id, owner, None))
        case EndRotation(following):
            return () if rotation.next is not None else (events.RotationEnded(next=following),)
        case ContinueRotation(was, before):
            return () if rotation.length else (_carried(was, before),)


def _given(rotation: Rotation, lead_id: str, owner: str | None, pool: str | None) -> Iterator[events.RotationEvent]:
    before = rotation.owners.get(lead_id)
    if before is not None and before != owner:
        yield events.TurnGivenBack(lead_id=lead_id, owner=before)
    if owner is not None:
        yield events.TurnTaken(lead_id=lead_id, owner=owner, pool=pool)


def _carried(was: str, before: Rotation) -> events.RotationContinued:
    pools: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for (pool, owner), number in before.turns.items():
        pools[pool].append((number, owner))
    held: defaultdict[str, list[str]] = defaultdict(list)
    for lead_id, owner in before.owners.items():
        held[owner].append(lead_id)
    return events.RotationContinued(
        was=was,
        pools=tuple(
            events.PoolTurns(pool=pool, owners=tuple(owner for _, owner in sorted(pools[pool])))
            for pool in sorted(pools)
        ),
        held=tuple(events.Held(owner=owner, lead_ids=tuple(sorted(held[owner]))) for owner in sorted(held)),
    )


def evolve(rotation: Rotation, event: events.RotationEvent, at: datetime) -> Rotation:
    """Fold one recorded fact."""
    del at
    return replace(_folded(rotation, event), length=rotation.length + 1)


def _folded(rotation: Rotation, event: events.RotationEvent) -> Rotation:
    match event:
        case events.TurnTaken(lead_id=lead_id, owner=owner, pool=pool):
            return _taken(_released(rotation, lead_id), lead_id, owner, pool)
        case events.TurnGivenBack(lead_id=lead_id):
            return _released(rotation, lead_id)
        case events.RotationContinued(pools=pools, held=held):
            return _begun(pools, held)
        case events.RotationEnded(next=following):
            return replace(rotation, next=following)


def _taken(rotation: Rotation, lead_id: str, owner: str, pool: str | None) -> Rotation:
    owners, loads = rotation.owners.insert(lead_id, owner), rotation.loads.insert(owner, rotation.load(owner) + 1)
    if pool is None:
        return replace(rotation, owners=owners, loads=loads)
    number = rotation.taken + 1
    turns = rotation.turns.insert((pool, owner), number)
    return replace(rotation, owners=owners, loads=loads, turns=turns, taken=number)


def _released(rotation: Rotation, lead_id: str) -> Rotation:
    owner = rotation.owners.get(lead_id)
    if owner is None:
        return rotation
    left = rotation.load(owner) - 1
    loads = rotation.loads.insert(owner, left) if left else rotation.loads.remove(owner)
    return replace(rotation, owners=rotation.owners.remove(lead_id), loads=loads)


def _begun(pools: Sequence[events.PoolTurns], held: Sequence[events.Held]) -> Rotation:
    # Turns keep their order; their numbers begin again, which nobody looks at.
    turns = {(one.pool, owner): place for one in pools for place, owner in enumerate(one.owners, 1)}
    return Rotation(
        turns=HashTrieMap(turns),
        taken=max(turns.values(), default=0),
        owners=HashTrieMap({lead_id: one.owner for one in held for lead_id in one.lead_ids}),
        loads=HashTrieMap({one.owner: len(one.lead_ids) for one in held}),
    )


ROTATION = Decider(category="pipeline.rotation", initial=Rotation(), decide=decide, evolve=evolve)
