"""Representatives on record as their own use cases leave them, and rules in force, for tests of assignment."""

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from patron_events.catalog.pipeline import team as events
from patron_events.decider import Decider
from patron_events.decisions import Asked, Decisions, Unit
from patron_events.envelope import Actor
from patron_events.registry import Fact
from patron_pipeline.domain.roster import ROSTER, ROSTER_ID, ListRep
from patron_pipeline.domain.rules import RULES, DraftRules, PublishRules

ANYBODY: Final = Actor("user", "tester")
_STATED: Decider[None, Fact, Fact] = Decider(
    "pipeline.rep", None, lambda _, fact: (fact,), lambda _state, _event, _at: None
)


async def record_rep(decisions: Decisions, subject: str, *facts: Fact) -> None:
    """Record a representative with these facts beside the description."""
    rep_id = str(uuid5(NAMESPACE_URL, subject))

    async def work(unit: Unit) -> None:
        for fact in (events.RepDescribed(subject=subject), *facts):
            await unit.decide(_STATED, rep_id, fact)
        await unit.decide(ROSTER, ROSTER_ID, ListRep(subject, rep_id))

    await decisions.transact(work, Asked(ANYBODY))


async def publish(decisions: Decisions, name: str, document: Any) -> None:
    """Put rules in force."""
    await decisions.run(RULES, name, DraftRules(document), Asked(ANYBODY))
    await decisions.run(RULES, name, PublishRules(), Asked(ANYBODY))


def placed(team: str | None = None, capacity: int | None = None) -> events.RepPlaced:
    """Place a representative."""
    return events.RepPlaced(team=team, capacity=capacity)
