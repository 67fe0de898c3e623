"""Claims: one unique key (e-mail address, external id, unique custom field) belongs to one live record.

A claim is an aggregate of its own whose id is a keyed hash of the key, so the log shows no address. It is
appended in one atomic batch with the record's own commit (DESIGN 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from patron_contacts.domain.errors import CustomValueTaken, EmailTaken, ExternalIdTaken, KeyTaken
from patron_events.catalog import contacts as events
from patron_events.decider import Decider
from patron_values.keys import UniqueKey


@dataclass(frozen=True, slots=True)
class Claim:
    """Who holds the key; None when it is free."""

    owner: str | None = None


@dataclass(frozen=True, slots=True)
class TakeKey:
    """Claim the key for a record."""

    key: UniqueKey
    owner: str


@dataclass(frozen=True, slots=True)
class ReleaseKey:
    """Give the key up."""

    owner: str


def taken(key: UniqueKey) -> KeyTaken:
    """Refuse a key that another record holds."""
    refusals = {"email": EmailTaken, "external-id": ExternalIdTaken}
    return refusals.get(key.kind, CustomValueTaken)(field=key.field)


def decide(claim: Claim, command: TakeKey | ReleaseKey) -> Sequence[events.ClaimEvent]:
    """Give a free key to whoever asks first."""
    match command:
        case TakeKey(key, owner):
            if claim.owner is not None and claim.owner != owner:
                raise taken(key)
            return () if claim.owner == owner else (events.KeyClaimed(kind=key.kind, owner=owner),)
        case ReleaseKey(owner):
            return (events.KeyReleased(owner=owner),) if claim.owner == owner else ()


def evolve(claim: Claim, event: events.ClaimEvent, at: datetime) -> Claim:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    match event:
        case events.KeyClaimed(owner=owner):
            return Claim(owner)
        case events.KeyReleased():
            return Claim()


CLAIM = Decider(category="contacts.claim", initial=Claim(), decide=decide, evolve=evolve)
