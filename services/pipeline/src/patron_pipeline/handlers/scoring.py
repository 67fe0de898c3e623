"""Use cases of scores: score a lead anew, and say what it would score."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_events.catalog.pipeline import leads as events
from patron_events.decisions import Asked, Decisions, Unit
from patron_pipeline.domain.lead import LEAD, Lead, ScoreLead
from patron_pipeline.domain.lead_status import OPEN
from patron_pipeline.domain.score_document import ScoreRules
from patron_pipeline.domain.scoring import Score, score
from patron_pipeline.handlers.lead_facts import FactsOfLeads
from patron_pipeline.handlers.sellers import InForce, RulesInForce

SCORED: Final = OPEN | {"recycled"}
"""Leads that still may become customers; the score of the others stays as it was."""


def kinds_of(rules: ScoreRules) -> Sequence[str]:
    """Name the kinds of facts that rules look at, sorted."""
    return sorted({one.facts.fact for one in rules.rules if one.facts is not None})


def scored_anew(lead: Lead, found: Score, number: int) -> ScoreLead | None:
    """Say what is to be recorded: None where nothing that anybody sees has changed."""
    known = lead.scored
    if known is not None and (known.score, known.grade, known.rules_version) == (found.score, found.grade, number):
        return None
    return ScoreLead(
        events.LeadScored(
            score=found.score,
            rules_version=number,
            grade=found.grade,
            parts=found.parts,
            next_at=found.next_at,
        )
    )


@dataclass(frozen=True, slots=True)
class Scoring:
    """Scores leads by the rules in force. Every use case is safe to repeat."""

    decisions: Decisions
    in_force: RulesInForce
    facts: FactsOfLeads

    async def rescore(self, lead_id: str, asked: Asked, now: datetime) -> datetime | None:
        """Score a lead as of a moment; answers when it changes next by time alone, None for never.

        Does nothing without published rules, and for leads that are closed or nobody knows.
        """
        # That there are no rules is not taken from memory: who publishes the first ones looks at older leads only.
        rules = await self.in_force.score() or await self.in_force.score(newest=True)
        lead = (await self.decisions.journal.load(LEAD, lead_id)).state
        if rules is None or lead.status not in SCORED:
            return None
        found = await self.judge(lead, rules, now)
        command = scored_anew(lead, found, rules.number)
        if command is None:
            return found.next_at

        async def work(unit: Unit) -> None:
            await unit.decide(LEAD, lead_id, command)

        await self.decisions.transact(work, asked)
        return found.next_at

    async def judge(self, lead: Lead, rules: InForce[ScoreRules], now: datetime) -> Score:
        """Say what a lead scores by some rules."""
        return score(rules.rules, await self.facts.of(lead, kinds_of(rules.rules)), now)
