"""What people and companies did."""

from typing import Any

from patron_events.catalog.contacts.values import Attribute, OrderLine
from patron_events.personal import Personal
from patron_events.registry import Fact, event_type, upcasts


@event_type("contacts.interaction-logged", version=2)
class InteractionLogged(Fact, frozen=True):
    """A contact with a customer at the time of this fact.

    kind: email, call, meeting, chat, visit, form, social, note or other; direction: inbound, outbound or None.
    channel: the means in the words of its source, such as `zoom` or `instagram`.
    """

    interaction_id: str
    kind: str
    direction: str | None = None
    channel: str | None = None
    subject: Personal[str] | None = None
    body: Personal[str] | None = None
    duration_s: int | None = None
    company_id: str | None = None
    source: str | None = None
    external_id: str | None = None
    properties: Personal[tuple[Attribute, ...]] = ()


@upcasts(InteractionLogged, from_version=1, personal=("subject", "body"))
def _split_direction_from_kind(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 said `inbound-call`; version 2 keeps kind and direction apart."""
    direction, _, kind = document["kind"].rpartition("-")
    return {**document, "kind": kind, **({"direction": direction} if direction else {})}


@event_type("contacts.order-placed", version=1)
class OrderPlaced(Fact, frozen=True):
    """A customer bought something at the time of this fact. amount_minor: total in minor units of `currency`."""

    order_id: str
    currency: str
    amount_minor: int
    lines: tuple[OrderLine, ...] = ()
    status: str | None = None
    company_id: str | None = None
    source: str | None = None
    external_id: str | None = None


ActivityEvent = InteractionLogged | OrderPlaced
