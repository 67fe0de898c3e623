"""Try rules on history: who would have got which lead, what leads would have scored, and what differs.

The log of this context is read once from its beginning; nothing is recorded. Leads, representatives and loads are those
of the time in question; people and companies of the contacts context are looked at as they are now.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from patron_events.catalog.pipeline import leads as lead_facts
from patron_events.catalog.pipeline import team as team_facts
from patron_events.opening import Opened, open_commits
from patron_events.store import LogReader
from patron_events.vault import KeyVault
from patron_pipeline.domain.assignment import Market, assign
from patron_pipeline.domain.assignment_document import AssignmentRules
from patron_pipeline.domain.lead import LEAD, Lead
from patron_pipeline.domain.lead_status import OPEN
from patron_pipeline.domain.rep import REP, Rep
from patron_pipeline.domain.rotation import ROTATION, Rotation, Settle, TakeTurn
from patron_pipeline.domain.score_document import ScoreRules
from patron_pipeline.domain.scoring import score
from patron_pipeline.handlers.lead_facts import FactsOfLeads
from patron_pipeline.handlers.scoring import kinds_of
from patron_pipeline.handlers.sellers import seller_of

MOST_DIFFERENCES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Span:
    """Leads captured from `since` on and before `until`."""

    since: datetime
    until: datetime

    def holds(self, at: datetime | None) -> bool:
        """Tell whether a lead captured then is looked at."""
        return at is not None and self.since <= at < self.until


@dataclass(slots=True)
class _World:
    """What was known when a commit had been recorded; the rotation is that of the rules that are tried."""

    leads: dict[str, Lead] = field(default_factory=dict[str, Lead])
    reps: dict[str, Rep] = field(default_factory=dict[str, Rep])
    rotation: Rotation = field(default_factory=Rotation)

    def turn(self, command: TakeTurn | Settle, at: datetime) -> None:
        for fact in ROTATION.decide(self.rotation, command):
            self.rotation = ROTATION.evolve(self.rotation, fact, at)  # pyright: ignore[reportArgumentType]  # never dated

    def market(self, at: datetime) -> Market:
        active = sorted((one for one in self.reps.values() if one.status == "active"), key=lambda one: one.subject)
        return Market([seller_of(one) for one in active], self.rotation, at)


@dataclass(frozen=True, slots=True)
class Backtest:
    """Tries rules on the log."""

    log: LogReader
    vault: KeyVault
    facts: FactsOfLeads

    async def _commits(self) -> AsyncIterator[Opened]:
        last = await self.log.last_sequence("pipeline")
        if not last:
            return
        async with aclosing(self.log.follow("pipeline")) as batches:
            async for batch in batches:
                for one in await open_commits(batch.commits, self.vault):
                    if isinstance(one, Opened):
                        yield one
                if batch.through >= last:
                    return

    @staticmethod
    def _fold(world: _World, commit: Opened) -> Lead | None:
        """Take a commit in; answers the lead that it is about."""
        known = commit.head.stream
        lead = world.leads.get(known.id, Lead())
        for recorded in commit.events:
            if known.category == "lead":
                lead = LEAD.evolve(lead, recorded.event, recorded.occurred_at)  # pyright: ignore[reportArgumentType]
            elif isinstance(recorded.event, team_facts.RepEvent):
                rep = world.reps.get(known.id, Rep())
                world.reps[known.id] = REP.evolve(rep, recorded.event, recorded.occurred_at)
        if known.category != "lead":
            return None
        world.leads[known.id] = lead
        return lead

    async def assignment(self, rules: AssignmentRules, span: Span) -> Mapping[str, Any]:
        """Say who would have got the leads of a span when they came in, beside who got them first."""
        world, would = _World(), dict[str, tuple[str | None, str | None]]()
        async for commit in self._commits():
            lead_id, at = commit.head.stream.id, commit.head.recorded_at
            lead = self._fold(world, commit)
            if lead is None:
                continue
            if commit.head.version == 1 and lead.status == "new" and span.holds(lead.captured_at):
                found = assign(rules, await self.facts.of(lead), world.market(at))
                would[lead_id] = (found.owner or (f"queue:{found.queue}" if found.queue else None), found.rule)
                if found.owner is not None:
                    world.turn(TakeTurn(lead_id, found.owner, found.pool), at)
            elif lead_id in would and lead.status not in OPEN:
                world.turn(Settle(lead_id, None), at)
            elif lead_id not in would:
                world.turn(Settle(lead_id, lead.owner if lead.status in OPEN else None), at)
        return _compared(world, would)

    async def score(self, rules: ScoreRules, span: Span) -> Mapping[str, Any]:
        """Say what the leads of a span would score when they were closed, or at the end of the span, by outcome."""
        world = _World()
        async for commit in self._commits():
            self._fold(world, commit)
        outcomes: Counter[tuple[str, str]] = Counter()
        sums: Counter[str] = Counter()
        differences: list[dict[str, Any]] = []
        for lead_id, lead in sorted(world.leads.items()):
            if lead.status == "erased" or not span.holds(lead.captured_at):
                continue
            outcome = lead.status if lead.status in {"converted", "dead"} else "open"
            at = span.until if outcome == "open" or lead.since is None else lead.since
            found = score(rules, await self.facts.of(lead, kinds_of(rules)), at)
            outcomes[found.grade or "", outcome] += 1
            sums[outcome] += int(found.score)
            if (lead.scored and lead.scored.score) != found.score and len(differences) < MOST_DIFFERENCES:
                was = None if lead.scored is None else lead.scored.score
                differences.append({"lead_id": lead_id, "outcome": outcome, "was": was, "would": found.score})
        return _summed(outcomes, sums, differences)


def _compared(world: _World, would: Mapping[str, tuple[str | None, str | None]]) -> Mapping[str, Any]:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    differences: list[dict[str, Any]] = []
    changed = 0
    for lead_id, (owner, rule) in would.items():
        first = _first(world.leads[lead_id])
        before[first or "nobody"] += 1
        after[owner or "nobody"] += 1
        by_rule[rule or "fallback"] += 1
        if first != owner:
            changed += 1
            if len(differences) < MOST_DIFFERENCES:
                differences.append({"lead_id": lead_id, "was": first, "would": owner, "rule": rule})
    names = sorted(before.keys() | after.keys())
    return {
        "leads": len(would),
        "changed": changed,
        "shares": [{"owner": one, "was": before[one], "would": after[one]} for one in names],
        "by_rule": [{"rule": one, "leads": by_rule[one]} for one in sorted(by_rule)],
        "differences": differences,
    }


def _first(lead: Lead) -> str | None:
    """Tell who got a lead first: an owner, or a queue."""
    for step in lead.path:
        if isinstance(step.fact, lead_facts.LeadAssigned):
            return step.fact.owner or (f"queue:{step.fact.queue}" if step.fact.queue else None)
    return None


def _summed(
    outcomes: Counter[tuple[str, str]], sums: Counter[str], differences: list[dict[str, Any]]
) -> Mapping[str, Any]:
    kinds = ("open", "converted", "dead")
    numbers = {kind: sum(number for (_, one), number in outcomes.items() if one == kind) for kind in kinds}
    grades = sorted({grade for grade, _ in outcomes})
    return {
        "leads": sum(numbers.values()),
        "grades": [{"grade": one or None, **{kind: outcomes[one, kind] for kind in kinds}} for one in grades],
        "average": {
            kind: str((Decimal(sums[kind]) / numbers[kind]).quantize(Decimal("0.01"))) if numbers[kind] else None
            for kind in kinds
        },
        "differences": differences,
    }
