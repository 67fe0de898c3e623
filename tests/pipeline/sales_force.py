"""Those who sell, and rules in force, for tests of assignment."""

from typing import Any, Final

from patron_events.decisions import Asked, Decisions
from patron_events.envelope import Actor
from patron_pipeline.domain.rules import RULES, DraftRules, PublishRules
from patron_pipeline.handlers.reps import RepHandlers, SalesTeam

ANYBODY: Final = Actor("user", "tester")


async def record_rep(decisions: Decisions, subject: str, **placed: Any) -> None:
    """Record a representative. placed: team, region, territories, capacity."""
    team = SalesTeam(decisions.journal)
    await RepHandlers(decisions, team).record({"subject": subject, **placed}, Asked(ANYBODY))


async def publish(decisions: Decisions, name: str, document: Any) -> None:
    """Put rules in force."""
    await decisions.run(RULES, name, DraftRules(document), Asked(ANYBODY))
    await decisions.run(RULES, name, PublishRules(), Asked(ANYBODY))
