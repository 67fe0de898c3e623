"""Facts of the campaigns context: segments, their rules, and who is put in or left out by hand."""

from typing import Any

from patron_events.registry import Fact, event_type


@event_type("campaigns.segment-created", version=1)
class SegmentCreated(Fact, frozen=True):
    """A segment exists. kind: static (by hand only), dynamic (by rule, live) or snapshot (by rule, taken once)."""

    kind: str


@event_type("campaigns.segment-described", version=1)
class SegmentDescribed(Fact, frozen=True):
    """What the segment is called, and what it is for."""

    name: str
    description: str | None = None


@event_type("campaigns.segment-rule-changed", version=1)
class SegmentRuleChanged(Fact, frozen=True):
    """The rule from now on. rule: a tree of `patron_rules.tree`; rule_version: 1, 2, 3 … of this segment."""

    rule_version: int
    rule: dict[str, Any]


@event_type("campaigns.snapshot-requested", version=1)
class SnapshotRequested(Fact, frozen=True):
    """The members of a snapshot are to be taken from its rule as of the time of this fact."""

    rule_version: int


@event_type("campaigns.customers-included", version=1)
class CustomersIncluded(Fact, frozen=True):
    """These customers are members by hand, whatever the rule says; ids sorted."""

    customer_ids: tuple[str, ...]
    reason: str | None = None


@event_type("campaigns.customers-excluded", version=1)
class CustomersExcluded(Fact, frozen=True):
    """These customers are no members, whatever the rule says; ids sorted."""

    customer_ids: tuple[str, ...]
    reason: str | None = None


@event_type("campaigns.customers-released", version=1)
class CustomersReleased(Fact, frozen=True):
    """For these customers the rule alone decides again; ids sorted."""

    customer_ids: tuple[str, ...]


@event_type("campaigns.segment-archived", version=1)
class SegmentArchived(Fact, frozen=True):
    """The segment is out of use: it has no members any more and its name is free."""


@event_type("campaigns.segment-listed", version=1)
class SegmentListed(Fact, frozen=True):
    """In the catalogue of all live segments: a segment's name, and the segments that its rule uses; ids sorted."""

    segment_id: str
    name: str
    uses: tuple[str, ...] = ()


@event_type("campaigns.segment-unlisted", version=1)
class SegmentUnlisted(Fact, frozen=True):
    """The segment left the catalogue of live segments."""

    segment_id: str


SegmentEvent = (
    SegmentCreated
    | SegmentDescribed
    | SegmentRuleChanged
    | SnapshotRequested
    | CustomersIncluded
    | CustomersExcluded
    | CustomersReleased
    | SegmentArchived
)
SegmentCatalogueEvent = SegmentListed | SegmentUnlisted
