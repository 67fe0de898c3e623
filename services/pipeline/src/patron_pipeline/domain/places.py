"""The places of a stage with a limit: which open deals are in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_events.catalog.pipeline import places as events
from patron_events.decider import Decider
from patron_pipeline.domain.deal_errors import StageFull

Places = frozenset[str]


@dataclass(frozen=True, slots=True)
class TakePlace:
    """A deal enters the stage; limit: None takes it whatever the limit is."""

    deal_id: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class GivePlaceUp:
    """A deal leaves the stage."""

    deal_id: str


@dataclass(frozen=True, slots=True)
class CountPlaces:
    """State which deals are in the stage."""

    deal_ids: frozenset[str]


Command = TakePlace | GivePlaceUp | CountPlaces


def places_id(pipeline_id: str, stage: str) -> str:
    """Name the places of a stage; neither id has a colon."""
    return f"{pipeline_id}:{stage}"


def decide(places: Places, command: Command) -> Sequence[events.PlaceEvent]:
    """Give a place to whoever asks first, as long as there is one."""
    match command:
        case TakePlace(deal_id, limit):
            if deal_id in places:
                return ()
            if limit is not None and len(places) >= limit:
                raise StageFull(f"At most {limit} open deals may be in this stage.")
            return (events.PlaceTaken(deal_id=deal_id),)
        case GivePlaceUp(deal_id):
            return (events.PlaceGivenUp(deal_id=deal_id),) if deal_id in places else ()
        case CountPlaces(deal_ids):
            return () if deal_ids == places else (events.PlacesCounted(deal_ids=tuple(sorted(deal_ids))),)


def evolve(places: Places, event: events.PlaceEvent, at: datetime) -> Places:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    match event:
        case events.PlaceTaken(deal_id=deal_id):
            return places | {deal_id}
        case events.PlaceGivenUp(deal_id=deal_id):
            return places - {deal_id}
        case events.PlacesCounted(deal_ids=deal_ids):
            return frozenset(deal_ids)


_NONE: Places = frozenset()
PLACES: Final = Decider(category="pipeline.places", initial=_NONE, decide=decide, evolve=evolve)
