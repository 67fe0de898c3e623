"""Facts about the rules of the pipeline context (assignment, score), and about whose turn it is."""

from typing import Any

from patron_events.registry import Fact, event_type


@event_type("pipeline.rules-drafted", version=1)
class RulesDrafted(Fact, frozen=True):
    """A new version exists and does nothing yet.

    rules_version: 1, 2, 3 …; document: as `docs/pipeline-rules.md` says.
    """

    rules_version: int
    document: dict[str, Any]
    note: str | None = None


@event_type("pipeline.rules-published", version=1)
class RulesPublished(Fact, frozen=True):
    """This version decides from now on; an earlier one when it is rolled back. was: the one before, if any."""

    rules_version: int
    was: int | None = None


@event_type("pipeline.turn-taken", version=1)
class TurnTaken(Fact, frozen=True):
    """In a rotation, this owner got this lead, in the same atomic batch as the assignment itself."""

    lead_id: str
    owner: str


@event_type("pipeline.turn-given-back", version=1)
class TurnGivenBack(Fact, frozen=True):
    """The lead left this owner: it is closed, or somebody else's now."""

    lead_id: str
    owner: str


RulesEvent = RulesDrafted | RulesPublished
RotationEvent = TurnTaken | TurnGivenBack
