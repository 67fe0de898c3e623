"""Facts about the rules of the pipeline context (assignment, score), and about whose turn it is."""

from typing import Any

import msgspec

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


class PoolTurns(msgspec.Struct, frozen=True):
    """Who had turns in one pool, the one whose last turn is longest ago first."""

    pool: str
    owners: tuple[str, ...]


class Held(msgspec.Struct, frozen=True):
    """The open leads of one owner, sorted."""

    owner: str
    lead_ids: tuple[str, ...]


@event_type("pipeline.turn-taken", version=1)
class TurnTaken(Fact, frozen=True):
    """This owner has this open lead from now on; by a rule in the same atomic batch as the assignment itself.

    pool: among whom it was a turn, such as `team:emea` or `rule:big`; None where no rotation decided.
    """

    lead_id: str
    owner: str
    pool: str | None = None


@event_type("pipeline.turn-given-back", version=1)
class TurnGivenBack(Fact, frozen=True):
    """The lead left this owner: it is closed, or somebody else's now."""

    lead_id: str
    owner: str


@event_type("pipeline.rotation-continued", version=1)
class RotationContinued(Fact, frozen=True):
    """This rotation goes on where another one ended, so that nobody has to read the whole of it.

    was: id of the one before. pools in order of name, held in order of owner.
    """

    was: str
    pools: tuple[PoolTurns, ...] = ()
    held: tuple[Held, ...] = ()


@event_type("pipeline.rotation-ended", version=1)
class RotationEnded(Fact, frozen=True):
    """Turns are recorded in another rotation from now on, begun in the same atomic batch."""

    next: str


RulesEvent = RulesDrafted | RulesPublished
RotationEvent = TurnTaken | TurnGivenBack | RotationContinued | RotationEnded
