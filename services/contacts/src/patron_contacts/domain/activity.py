"""Activity: what one customer did, as facts without rules between them.

All of a customer's interactions and orders stand on one stream (DESIGN 2, cardinality). The only rule is
that (source, external id) is recorded once per customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rpds import HashTrieMap

from patron_events.catalog import contacts as events
from patron_events.decider import Dated, Decider

Ref = tuple[str, str, str]


def _nothing() -> "HashTrieMap[Ref, str]":
    return HashTrieMap()


@dataclass(frozen=True, slots=True)
class Activity:
    """Which facts are on record: kind, source and external id -> id of the interaction or order."""

    known: "HashTrieMap[Ref, str]" = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class RecordActivity:
    """Record facts that are not on record yet, each at the time it happened."""

    facts: Sequence[Dated]


def ref_of(event: events.ActivityEvent) -> Ref:
    """Name a fact by its source and external id; by its own id where it has none."""
    match event:
        case events.InteractionLogged(interaction_id=own):
            kind = "interaction"
        case events.OrderPlaced(order_id=own):
            kind = "order"
    if event.source is None or event.external_id is None:
        return (kind, "", own)
    return (kind, event.source, event.external_id)


def decide(activity: Activity, command: RecordActivity) -> Sequence[Dated]:
    """Record what is new; repeating it records nothing."""
    fresh: dict[Ref, Dated] = {}
    for dated in command.facts:
        match dated.fact:
            case events.InteractionLogged() | events.OrderPlaced() as fact:
                ref = ref_of(fact)
                if ref not in activity.known and ref not in fresh:
                    fresh[ref] = dated
            case other:
                msg = f"{type(other).__name__} is no activity"
                raise TypeError(msg)
    return tuple(fresh.values())


def evolve(activity: Activity, event: events.ActivityEvent, at: datetime) -> Activity:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    own = event.interaction_id if isinstance(event, events.InteractionLogged) else event.order_id
    return Activity(activity.known.insert(ref_of(event), own))


ACTIVITY = Decider(category="contacts.activity", initial=Activity(), decide=decide, evolve=evolve)
