"""Facts about the places of stages that have a limit (WIP); the aggregate is `<pipeline>:<stage>`."""

from patron_events.registry import Fact, event_type


@event_type("pipeline.place-taken", version=1)
class PlaceTaken(Fact, frozen=True):
    """This open deal is in the stage, in the same atomic batch as its move."""

    deal_id: str


@event_type("pipeline.place-given-up", version=1)
class PlaceGivenUp(Fact, frozen=True):
    """The deal left the stage, or is archived."""

    deal_id: str


@event_type("pipeline.places-counted", version=1)
class PlacesCounted(Fact, frozen=True):
    """Exactly these deals are in the stage, sorted: counted when the stage got its limit."""

    deal_ids: tuple[str, ...]


PlaceEvent = PlaceTaken | PlaceGivenUp | PlacesCounted
