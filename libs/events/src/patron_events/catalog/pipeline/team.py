"""Facts about those who sell: representatives, their teams, territories, capacity and quotas.

Names and addresses are sealed under the key of the representative.
"""

import msgspec

from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


class Territory(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where somebody sells: country (ISO 3166-1 alpha-2), region, and beginnings of postal codes; None is any."""

    country: str
    region: str | None = None
    postal_prefixes: tuple[str, ...] = ()


@event_type("pipeline.rep-described", version=1)
class RepDescribed(Fact, frozen=True):
    """A representative. subject: the `sub` of their tokens; time_zone: IANA name."""

    subject: str
    name: Personal[str] | None = None
    email: Personal[str] | None = None
    time_zone: str | None = None
    language: str | None = None


@event_type("pipeline.rep-placed", version=1)
class RepPlaced(Fact, frozen=True):
    """Where they work from the time of this fact on. manager: a `sub` too.

    capacity: most open leads (None: any number).
    """

    team: str | None = None
    region: str | None = None
    manager: str | None = None
    territories: tuple[Territory, ...] = ()
    capacity: int | None = None


@event_type("pipeline.rep-availability-changed", version=1)
class RepAvailabilityChanged(Fact, frozen=True):
    """Whether rules may give them leads."""

    available: bool
    reason: str | None = None


@event_type("pipeline.quota-set", version=1)
class QuotaSet(Fact, frozen=True):
    """What they are to win within a period: `2017`, `2017-Q2` or `2017-04`; None takes it back."""

    period: str
    amount_minor: int | None
    currency: str


@event_type("pipeline.rep-retired", version=1)
class RepRetired(Fact, frozen=True):
    """They sell no more."""


@event_type("pipeline.rep-listed", version=1)
class RepListed(Fact, frozen=True):
    """There is such a representative; in the aggregate that knows all of them, with the first fact about each.

    rep_id: the id of the representative's own aggregate.
    """

    subject: str
    rep_id: str


RepEvent = RepDescribed | RepPlaced | RepAvailabilityChanged | QuotaSet | RepRetired
RosterEvent = RepListed
