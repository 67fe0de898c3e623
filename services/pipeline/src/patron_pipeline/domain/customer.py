"""Which leads, deals and activities speak of a person: what the erasure of that person finds them by.

One aggregate per person of the contacts context, with that person's id. Companies have none: nothing personal of a
record hangs on a company, and one company can have thousands of deals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from patron_events.catalog.pipeline import customers as events
from patron_events.decider import Decider


class Link(NamedTuple):
    """A record that speaks of the person. kind: lead, deal or activity."""

    kind: str
    record_id: str


Customer = frozenset[Link]


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """State that a record speaks of this person."""

    link: Link


@dataclass(frozen=True, slots=True)
class UnlinkRecord:
    """State that a record speaks of this person no more."""

    link: Link


def decide(customer: Customer, command: LinkRecord | UnlinkRecord) -> Sequence[events.CustomerEvent]:
    """Record what is not on record yet."""
    match command:
        case LinkRecord(link):
            return () if link in customer else (events.CustomerLinked(kind=link.kind, record_id=link.record_id),)
        case UnlinkRecord(link):
            return (events.CustomerUnlinked(kind=link.kind, record_id=link.record_id),) if link in customer else ()


def evolve(customer: Customer, event: events.CustomerEvent, at: datetime) -> Customer:  # noqa: ARG001 - one shape
    """Fold one recorded fact."""
    link = Link(event.kind, event.record_id)
    return customer | {link} if isinstance(event, events.CustomerLinked) else customer - {link}


_NONE: Customer = frozenset()
CUSTOMER: Final = Decider(category="pipeline.customer", initial=_NONE, decide=decide, evolve=evolve)
