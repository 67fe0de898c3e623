"""Representatives as rules look at them: folded from their facts; decided elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Never

from patron_events.catalog.pipeline import team as events
from patron_events.decider import Decider
from patron_pipeline.domain.assignment import Seller


@dataclass(frozen=True, slots=True)
class Placed:
    """A representative, and whether they still sell."""

    seller: Seller | None = None
    retired: bool = False


def _never(state: Placed, command: Never) -> Sequence[events.RepEvent]:
    del state, command
    msg = "representatives are decided where they are defined"
    raise TypeError(msg)


def evolve(placed: Placed, event: events.RepEvent, at: datetime) -> Placed:
    """Fold one recorded fact."""
    del at
    seller = placed.seller
    match event:
        case events.RepDescribed(subject=subject):
            known = Seller(subject) if seller is None else replace(seller, subject=subject)
            return Placed(known)
        case events.RepPlaced(team=team, territories=territories, capacity=capacity) if seller is not None:
            return replace(placed, seller=replace(seller, team=team, territories=territories, capacity=capacity))
        case events.RepAvailabilityChanged(available=available) if seller is not None:
            return replace(placed, seller=replace(seller, available=available))
        case events.RepRetired():
            return replace(placed, retired=True)
        case _:
            return placed


SELLER: Final = Decider(category="pipeline.rep", initial=Placed(), decide=_never, evolve=evolve)
"""Read through a journal of its own: the aggregate has another state where it is decided."""
