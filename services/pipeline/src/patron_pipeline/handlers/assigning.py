"""Use cases of assignment: give a lead to somebody by the rules, take it from somebody, keep the loads right."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from patron_events.catalog.pipeline import leads as events
from patron_events.decisions import Asked, Committed, Decisions, Unit
from patron_events.in_turn import InTurn
from patron_pipeline.domain.assignment import Assignment, Market, Seller, assign
from patron_pipeline.domain.assignment_document import AssignmentRules
from patron_pipeline.domain.lead import LEAD, AssignLead, Lead
from patron_pipeline.domain.lead_fields import LeadFacts
from patron_pipeline.domain.lead_status import OPEN
from patron_pipeline.domain.rotation import (
    FIRST,
    LONGEST,
    MOST_CARRIED,
    ROTATION,
    ContinueRotation,
    EndRotation,
    Rotation,
    Settle,
    TakeTurn,
)
from patron_pipeline.domain.rules_errors import LeadPlaced
from patron_pipeline.domain.scoring import Score
from patron_pipeline.handlers.lead_facts import FactsOfLeads, lead_fields
from patron_pipeline.handlers.scoring import SCORED, Scoring, scored_anew
from patron_pipeline.handlers.sellers import InForce, RulesInForce, Sellers

_AT_ONCE = 64


def rotation_name(number: int) -> str:
    """Name a rotation: the first, the one that continues it, and so on."""
    return FIRST if number == 1 else f"{FIRST}-{number}"


@dataclass(slots=True)
class Rotations:
    """Finds the rotation that turns are recorded in now."""

    decisions: Decisions
    longest: int = LONGEST
    _number: int = 0

    async def current(self, unit: Unit) -> Rotation:
        """Give the present rotation as decisions of this unit see it."""
        return (await self._present(unit))[1]

    async def _present(self, unit: Unit) -> tuple[int, Rotation]:
        if not self._number:
            self._number = await self._newest()
        number = self._number
        while (found := await unit.state(ROTATION, rotation_name(number))).next is not None:
            number += 1
            # The next one may exist in this unit only: it is remembered once the log is known to have it.
            known = self.decisions.journal.cached(ROTATION.stream(rotation_name(number)))
            if known is not None and known.version:
                self._number = number
        return number, found

    async def decide(self, unit: Unit, command: TakeTurn | Settle) -> None:
        """Decide in the present rotation; a long one is continued by a new one in the same batch."""
        number, found = await self._present(unit)
        name, following = rotation_name(number), rotation_name(number + 1)
        if found.length >= self.longest and len(found.owners) <= MOST_CARRIED:
            await unit.decide(ROTATION, name, EndRotation(following))
            await unit.decide(ROTATION, following, ContinueRotation(name, found))
            name = following
        await unit.decide(ROTATION, name, command)

    async def read(self) -> Rotation:
        """Read the present rotation from the log."""
        number = await self._newest()
        return (await self.decisions.journal.load(ROTATION, rotation_name(number))).state

    async def _newest(self) -> int:
        newest, first = 1, 1
        while True:
            asked = {ROTATION.stream(rotation_name(number)): number for number in range(first, first + _AT_ONCE)}
            found = await self.decisions.journal.store.last(tuple(asked))
            newest = max([newest, *(asked[stream] for stream in found)])
            if newest < first + _AT_ONCE - 1:
                return newest
            first += _AT_ONCE


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about one lead. score: what it scores now, where rules for that are in force."""

    lead_id: str
    rules: InForce[AssignmentRules]
    sellers: tuple[Seller, ...]
    now: datetime
    excluded: Collection[str] = ()
    score: tuple[Score, int] | None = None


@dataclass(frozen=True, slots=True)
class Assigning:
    """Gives leads to those who sell. Every use case is safe to repeat.

    Whoever gets a lead is recorded with the lead and in the rotation in one atomic batch, so that two replicas never
    decide on the same turn, load or capacity. Leads that wait in one process share a batch.
    """

    decisions: Decisions
    in_force: RulesInForce
    sellers: Sellers
    facts: FactsOfLeads
    scoring: Scoring
    rotations: Rotations
    line: InTurn

    async def place(self, lead_id: str, asked: Asked, now: datetime, *, newest: bool = False) -> Committed | None:
        """Give a lead that nobody has to somebody by the rules, and score it before; None without published rules.

        newest: ask the log for rules and sellers, whatever is remembered from the last second.

        Raises:
            LeadPlaced: somebody has it, it waits in a queue, or it is not open.
        """
        # That there are no rules is not taken from memory: who publishes the first ones looks at older leads only.
        rules = await self.in_force.assignment(newest=newest) or await self.in_force.assignment(newest=True)
        if rules is None:
            return None
        lead = (await self.decisions.journal.load(LEAD, lead_id)).state
        _check_waiting(lead)
        facts = await self.facts.of(lead)
        score = await self._score(lead, now)
        sellers = tuple(await self.sellers.current(newest=newest))
        question = _Question(lead_id, rules, sellers, now, score=score)

        async def work(unit: Unit) -> None:
            present = await unit.state(LEAD, lead_id)
            _check_waiting(present)
            await self._decide(unit, question, facts)

        return await self.line.transact(work, asked)

    async def replace(self, lead_id: str, asked: Asked, now: datetime, *, instead_of: str) -> Committed | None:
        """Give an open lead of somebody to somebody else by the rules; nobody else: it stays.

        None without published rules. Raises LeadPlaced: it is not open, or somebody else has it already.
        """
        rules = await self.in_force.assignment(newest=True)
        if rules is None:
            return None
        facts = await self.facts.of((await self.decisions.journal.load(LEAD, lead_id)).state)
        sellers = tuple(await self.sellers.current(newest=True))
        question = _Question(lead_id, rules, sellers, now, (instead_of,))

        async def work(unit: Unit) -> None:
            present = await unit.state(LEAD, lead_id)
            if present.status not in OPEN or present.owner != instead_of:
                raise LeadPlaced
            await self._decide(unit, question, facts)

        return await self.line.transact(work, asked)

    async def settle(self, lead_id: str, asked: Asked) -> None:
        """Make the rotation know who has a lead now, whoever assigned, closed or reopened it."""

        async def work(unit: Unit) -> None:
            # The rotation first: who assigns in between changes both, so that the guard of the rotation notices.
            await self.rotations.current(unit)
            lead = (await self.decisions.journal.load(LEAD, lead_id)).state
            await self.rotations.decide(unit, Settle(lead_id, lead.owner if lead.status in OPEN else None))

        await self.line.transact(work, asked, alone=True)

    async def explain(self, lead: LeadFacts, rules: AssignmentRules, now: datetime) -> Assignment:
        """Say to whom a lead would go now; nothing is recorded."""
        market = Market(await self.sellers.current(newest=True), await self.rotations.read(), now)
        return assign(rules, lead, market)

    async def _score(self, lead: Lead, now: datetime) -> tuple[Score, int] | None:
        rules = await self.in_force.score()
        if rules is None or lead.status not in SCORED:
            return None
        return await self.scoring.judge(lead, rules, now), rules.number

    async def _decide(self, unit: Unit, question: _Question, facts: LeadFacts) -> None:
        lead_id = question.lead_id
        if question.score is not None:
            score, number = question.score
            command = scored_anew(await unit.state(LEAD, lead_id), score, number)
            if command is not None:
                await unit.decide(LEAD, lead_id, command)
            facts = replace(facts, fields={**facts.fields, **lead_fields(await unit.state(LEAD, lead_id))})
        market = Market(question.sellers, await self.rotations.current(unit), question.now, question.excluded)
        found = await self._chosen(question.rules.rules, facts, market)
        if found.owner is None and found.queue is None and question.excluded:
            return
        await unit.decide(LEAD, lead_id, AssignLead(_fact(found, question.rules.number)))
        if found.owner is not None:
            await self.rotations.decide(unit, TakeTurn(lead_id, found.owner, found.pool))
        elif question.excluded:
            await self.rotations.decide(unit, Settle(lead_id, None))

    async def _chosen(self, rules: AssignmentRules, facts: LeadFacts, market: Market) -> Assignment:
        """Choose among the remembered sellers; among the newest where the chosen one is not as remembered."""
        found = assign(rules, facts, market)
        if found.owner is None or await self.sellers.at_this_moment(found.owner) in market.sellers:
            return found
        return assign(rules, facts, replace(market, sellers=await self.sellers.current(newest=True)))


def _check_waiting(lead: Lead) -> None:
    queued = lead.assigned is not None and lead.assigned.queue is not None
    if lead.status != "new" or lead.owner is not None or queued:
        raise LeadPlaced


def _fact(found: Assignment, number: int) -> events.LeadAssigned:
    return events.LeadAssigned(
        owner=found.owner,
        team=found.team,
        queue=found.queue,
        rule=found.rule,
        rules_version=number,
        strategy=found.strategy,
        why=found.why,
    )
