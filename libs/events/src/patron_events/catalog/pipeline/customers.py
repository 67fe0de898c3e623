"""Facts about which records of this context speak of a customer; the aggregate is the customer's id in contacts.

They are what an erasure finds the leads, deals and activities of a person by.
"""

from patron_events.registry import Fact, event_type


@event_type("pipeline.customer-linked", version=1)
class CustomerLinked(Fact, frozen=True):
    """A record speaks of this customer. kind: lead, deal or activity."""

    kind: str
    record_id: str


@event_type("pipeline.customer-unlinked", version=1)
class CustomerUnlinked(Fact, frozen=True):
    """The record speaks of this customer no more."""

    kind: str
    record_id: str


CustomerEvent = CustomerLinked | CustomerUnlinked
