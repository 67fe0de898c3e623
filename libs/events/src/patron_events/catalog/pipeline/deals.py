"""Facts about deals: one chance to sell, from opening to won or lost, each at the time when it happened.

Amounts are in minor units (cents) of their currency (ISO 4217); exact decimals are texts. A deal's texts are sealed
under the key of the deal, which is destroyed with the last person of the deal who is erased.
"""

from datetime import date, datetime

import msgspec

from patron_events.catalog.contacts import Attribute
from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


class Split(msgspec.Struct, frozen=True):
    """The share of one owner. percent: exact decimal in text; the shares of a deal make 100."""

    owner: str
    percent: str


class DealPerson(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person of the buyer. role: decision-maker, champion, evaluator, influencer, blocker, user or other."""

    person_id: str
    role: str = "other"
    primary: bool = False


class LineItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line. net_minor: quantity x unit price less discount, rounded half up; tax_minor: on top of it.

    quantity, discount_percent, tax_percent: exact decimals in text.
    """

    name: str
    unit_price_minor: int
    net_minor: int
    tax_minor: int = 0
    quantity: str = "1"
    product_id: str | None = None
    sku: str | None = None
    discount_percent: str = "0"
    tax_percent: str = "0"


@event_type("pipeline.deal-opened", version=1)
class DealOpened(Fact, frozen=True):
    """A chance to sell began at the time of this fact, in this stage of this pipeline.

    name: what it is called; no place for personal data. external_source, external_id: unique together.
    """

    name: str
    pipeline_id: str
    stage: str
    lead_id: str | None = None
    external_source: str | None = None
    external_id: str | None = None


@event_type("pipeline.deal-described", version=1)
class DealDescribed(Fact, frozen=True):
    """The texts about the deal."""

    description: Personal[str] | None = None
    next_step: Personal[str] | None = None


@event_type("pipeline.deal-renamed", version=1)
class DealRenamed(Fact, frozen=True):
    """The deal is called otherwise."""

    name: str
    was: str


@event_type("pipeline.deal-valued", version=1)
class DealValued(Fact, frozen=True):
    """What it may bring. basis: stated by somebody, the sum of its lines (net), or the quote that was accepted."""

    amount_minor: int | None
    currency: str | None
    basis: str = "stated"


@event_type("pipeline.deal-expected", version=1)
class DealExpected(Fact, frozen=True):
    """When it is expected to close.

    forecast_category: pipeline, best-case, commit or omitted; None: that of its stage.
    """

    close_date: date | None = None
    forecast_category: str | None = None


@event_type("pipeline.deal-owned", version=1)
class DealOwned(Fact, frozen=True):
    """Who sells it. owner: responsible; splits: all owners with their shares, empty when the owner has it all."""

    owner: str | None
    team: str | None = None
    splits: tuple[Split, ...] = ()


@event_type("pipeline.deal-customer-changed", version=1)
class DealCustomerChanged(Fact, frozen=True):
    """Who may buy: a company, and people with roles; at most one of them is primary."""

    company_id: str | None = None
    people: tuple[DealPerson, ...] = ()


@event_type("pipeline.deal-sourced", version=1)
class DealSourced(Fact, frozen=True):
    """Where it came from, as in UTM."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None


@event_type("pipeline.deal-competitors-changed", version=1)
class DealCompetitorsChanged(Fact, frozen=True):
    """All who compete for it, sorted."""

    competitors: tuple[str, ...]


@event_type("pipeline.deal-lines-changed", version=1)
class DealLinesChanged(Fact, frozen=True):
    """All lines, in order; amounts in `currency`."""

    currency: str
    lines: tuple[LineItem, ...]


@event_type("pipeline.deal-attributes-changed", version=1)
class DealAttributesChanged(Fact, frozen=True):
    """All other attributes in order of name; not personal."""

    attributes: tuple[Attribute, ...]


@event_type("pipeline.deal-moved", version=1)
class DealMoved(Fact, frozen=True):
    """The deal entered another open stage at the time of this fact. pipeline_id: where that changed too."""

    to: str
    was: str
    pipeline_id: str | None = None


@event_type("pipeline.deal-won", version=1)
class DealWon(Fact, frozen=True):
    """The buyer accepted at the time of this fact. amount_minor: agreed value."""

    stage: str
    was: str
    amount_minor: int
    currency: str
    reason: str | None = None


@event_type("pipeline.deal-lost", version=1)
class DealLost(Fact, frozen=True):
    """The chance was gone at the time of this fact. reason: one of the pipeline's reasons."""

    stage: str
    was: str
    reason: str
    competitor: str | None = None


@event_type("pipeline.deal-reopened", version=1)
class DealReopened(Fact, frozen=True):
    """A closed deal is open again, in this stage."""

    to: str
    was: str
    reason: str | None = None


@event_type("pipeline.deal-rotted", version=1)
class DealRotted(Fact, frozen=True):
    """The deal has stood in this stage for longer than its threshold. since: when it entered."""

    stage: str
    since: datetime
    days: int


@event_type("pipeline.deal-left-without-activity", version=1)
class DealLeftWithoutActivity(Fact, frozen=True):
    """The open deal has no planned activity any more. since: when the last one ended, or the deal was opened."""

    since: datetime


@event_type("pipeline.deal-archived", version=1)
class DealArchived(Fact, frozen=True):
    """The deal was a mistake, such as a duplicate: it counts nowhere any more."""

    reason: str | None = None


@event_type("pipeline.deal-erased", version=1)
class DealErased(Fact, frozen=True):
    """The key of the deal's texts was destroyed (GDPR art. 17); amounts, stages and times stay."""

    person_id: str | None = None


DealEvent = (
    DealOpened
    | DealDescribed
    | DealRenamed
    | DealValued
    | DealExpected
    | DealOwned
    | DealCustomerChanged
    | DealSourced
    | DealCompetitorsChanged
    | DealLinesChanged
    | DealAttributesChanged
    | DealMoved
    | DealWon
    | DealLost
    | DealReopened
    | DealRotted
    | DealLeftWithoutActivity
    | DealArchived
    | DealErased
)
