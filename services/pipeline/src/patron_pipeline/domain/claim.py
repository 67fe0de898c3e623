"""Claims: an id of another system belongs to one live record of a kind (lead, deal, activity).

A claim is an aggregate of its own whose id is a keyed hash, appended in one atomic batch with the record's own commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from patron_events.catalog.pipeline import claims as events
from patron_events.decider import Decider
from patron_events.rejections import Conflict
from patron_events.vault import BlindIndex


class ExternalIdTaken(Conflict):
    """The id in the other system belongs to another live record of this kind."""

    code: ClassVar[str] = "external-id-taken"


@dataclass(frozen=True, slots=True)
class Claim:
    """Which record holds the id; None when it is free."""

    owner: str | None = None


@dataclass(frozen=True, slots=True)
class TakeId:
    """Claim the id for a record."""

    kind: str
    record_id: str


@dataclass(frozen=True, slots=True)
class ReleaseId:
    """Give the id up."""

    record_id: str


def claim_id(index: BlindIndex, kind: str, external_id: tuple[str, str]) -> str:
    """Name the claim of an id in another system; external_id: source and id."""
    return index.of("pipeline", kind, *external_id)


def decide(claim: Claim, command: TakeId | ReleaseId) -> Sequence[events.ClaimEvent]:
    """Give a free id to whoever asks first."""
    match command:
        case TakeId(kind, record_id):
            if claim.owner is not None and claim.owner != record_id:
                raise ExternalIdTaken(field="external_id")
            return () if claim.owner else (events.ExternalIdClaimed(kind=kind, record_id=record_id),)
        case ReleaseId(record_id):
            return (events.ExternalIdReleased(record_id=record_id),) if claim.owner == record_id else ()


def evolve(claim: Claim, event: events.ClaimEvent, at: datetime) -> Claim:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    match event:
        case events.ExternalIdClaimed(record_id=owner):
            return Claim(owner)
        case events.ExternalIdReleased():
            return Claim()


CLAIM: Final = Decider(category="pipeline.claim", initial=Claim(), decide=decide, evolve=evolve)
