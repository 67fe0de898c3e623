"""Unique keys, and who holds them."""

from patron_events.registry import Fact, event_type


@event_type("contacts.key-claimed", version=1)
class KeyClaimed(Fact, frozen=True):
    """A unique key belongs to a live record from now on. kind: email, external-id or custom:<name>."""

    kind: str
    owner: str


@event_type("contacts.key-released", version=1)
class KeyReleased(Fact, frozen=True):
    """The key is free again."""

    owner: str


ClaimEvent = KeyClaimed | KeyReleased
