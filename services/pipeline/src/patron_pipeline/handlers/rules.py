"""Use cases of rules: check, draft, publish, roll back, read, and try on a lead."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from patron_events.decisions import Asked, Committed, Decisions
from patron_events.journal import Loaded
from patron_events.rejections import Fault
from patron_pipeline.domain.assignment import Assignment
from patron_pipeline.domain.assignment_document import (
    AssignmentRules,
    assignment_document,
    assignment_rules,
    named,
)
from patron_pipeline.domain.document_shapes import RulesFaulty
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.domain.lead_errors import LeadNotFound
from patron_pipeline.domain.lead_fields import LeadFacts, lead_field
from patron_pipeline.domain.rules import NAMES, RULES, Command, DraftRules, PublishRules, RollBack, Rules
from patron_pipeline.domain.rules_errors import (
    LeadUnclear,
    RulesInvalid,
    RulesNotFound,
    RulesUnpublished,
)
from patron_pipeline.domain.score_document import ScoreRules, score_document, score_rules
from patron_pipeline.domain.scoring import Score, score
from patron_pipeline.handlers.assigning import Assigning
from patron_pipeline.handlers.lead_facts import FactsOfLeads
from patron_pipeline.handlers.scoring import kinds_of
from patron_pipeline.handlers.sellers import Sellers
from patron_rules.fields import FieldType
from patron_rules.forms import email_key, number_key
from patron_rules.shapes import Problem
from patron_rules.values import typed

Body = Mapping[str, Any]
AnyRules = AssignmentRules | ScoreRules
_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "plain": lambda value: value,
    "email": email_key,
    "phone": number_key,
}


@dataclass(frozen=True, slots=True)
class RulesHandlers:
    """Use cases of rules. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    sellers: Sellers
    facts: FactsOfLeads
    assigning: Assigning

    async def read(self, name: str) -> Loaded[Rules]:
        """Read all versions of rules from the log; raises RulesNotFound."""
        if name not in NAMES:
            raise RulesNotFound
        return await self.decisions.journal.load(RULES, name)

    async def check(self, name: str, document: object) -> AnyRules:
        """Read rules as somebody wrote them.

        Raises:
            RulesNotFound: of no such name. RulesInvalid: with every fault and its place.
        """
        if name not in NAMES:
            raise RulesNotFound
        try:
            if name == "score":
                return score_rules(document)
            rules = assignment_rules(document)
        except RulesFaulty as faulty:
            raise _invalid(faulty.problems) from None
        unknown = [one async for one in self._unknown(rules)]
        if unknown:
            raise _invalid(unknown)
        return rules

    async def _unknown(self, rules: AssignmentRules) -> AsyncIterator[Problem]:
        sellers = await self.sellers.current(newest=True)
        known = {"rep": {one.subject for one in sellers}, "team": {one.team for one in sellers}}
        texts = {"rep": "Nobody of this name sells.", "team": "Nobody sells in a team of this name."}
        for path, kind, name in named(rules):
            if name not in known[kind]:
                yield Problem(path, f"unknown-{kind}", texts[kind])

    async def draft(self, name: str, body: Body, asked: Asked) -> Committed:
        """Write a new version that does nothing yet; the newest version again changes nothing.

        Raises:
            RulesNotFound, RulesInvalid.
        """
        rules = await self.check(name, body["document"])
        document = assignment_document(rules) if isinstance(rules, AssignmentRules) else score_document(rules)
        return await self._run(name, DraftRules(document, body.get("note")), asked)

    async def publish(self, name: str, number: int | None, asked: Asked) -> Committed:
        """Let a version decide from now on; None is the newest. Raises RulesNotFound, RulesVersionNotFound."""
        return await self._run(name, PublishRules(number), asked)

    async def roll_back(self, name: str, asked: Asked) -> Committed:
        """Let the version before decide again. Raises RulesNotFound, RulesUnpublished, NothingToRollBack."""
        return await self._run(name, RollBack(), asked)

    async def _run(self, name: str, command: Command, asked: Asked) -> Committed:
        if name not in NAMES:
            raise RulesNotFound
        return await self.decisions.run(RULES, name, command, asked)

    async def meant(self, name: str, body: Body) -> AnyRules:
        """Read the rules that a request means: a document, a version by number, or those in force.

        Raises:
            RulesNotFound, RulesInvalid, RulesVersionNotFound, RulesUnpublished.
        """
        if body.get("document") is not None:
            return await self.check(name, body["document"])
        rules = (await self.read(name)).state
        version = rules.in_force if body.get("version") is None else rules.version(body["version"])
        if version is None:
            raise RulesUnpublished
        return assignment_rules(version.document) if name == "assignment" else score_rules(version.document)

    async def try_on(self, name: str, body: Body, now: datetime) -> Assignment | Score:
        """Say what rules would decide about a lead now; nothing is recorded.

        Raises:
            LeadNotFound, LeadUnclear, and what `meant` raises.
        """
        rules = await self.meant(name, body)
        kinds = kinds_of(rules) if isinstance(rules, ScoreRules) else ()
        lead = await self._lead(body, kinds, now)
        if isinstance(rules, ScoreRules):
            return score(rules, lead, now)
        return await self.assigning.explain(lead, rules, now)

    async def _lead(self, body: Body, kinds: Collection[str], now: datetime) -> LeadFacts:
        lead_id, described = body.get("lead_id"), body.get("lead")
        if (lead_id is None) == (described is None):
            raise LeadUnclear(field="lead")
        if lead_id is None:
            return LeadFacts({"captured_at": now, "status": "new", **dict(_fields(described))})
        lead = (await self.decisions.journal.load(LEAD, lead_id)).state
        if lead.status == "absent":
            raise LeadNotFound
        return await self.facts.of(lead, kinds)


def _fields(described: Any) -> Iterator[tuple[str, Any]]:
    """Read fields of a lead that a caller describes; raises LeadUnclear."""
    for name, written in described.items():
        field = lead_field(name)
        if name == "attributes" and isinstance(written, Mapping):
            yield name, written
        elif field is None or field.group:
            raise LeadUnclear(field=f"lead.{name}")
        elif field.type is FieldType.TEXTS and isinstance(written, list):
            yield name, frozenset(str(one) for one in written)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        elif written is not None:
            value = typed(written, field.type)
            if value is None:
                raise LeadUnclear(field=f"lead.{name}")
            yield name, _FORMS[field.form](value)


def _invalid(problems: Sequence[Problem]) -> RulesInvalid:
    faults = [Fault(f"document{one.path[1:]}", one.code, one.message) for one in problems]
    return RulesInvalid(faults=faults, field=faults[0].field)
