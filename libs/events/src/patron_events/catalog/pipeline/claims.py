"""Facts about ids of other systems: one (source, id) belongs to one live lead or activity; kinds apart.

Aliases of products are claimed likewise, under the source `alias`. Deals need none (ADR 13).

The aggregate is a claim, whose id is a keyed hash of kind, source and id.
"""

from patron_events.registry import Fact, event_type


@event_type("pipeline.external-id-claimed", version=1)
class ExternalIdClaimed(Fact, frozen=True):
    """The id belongs to this record from now on. kind: lead, activity or product."""

    kind: str
    record_id: str


@event_type("pipeline.external-id-released", version=1)
class ExternalIdReleased(Fact, frozen=True):
    """The id is free again."""

    record_id: str


ClaimEvent = ExternalIdClaimed | ExternalIdReleased
