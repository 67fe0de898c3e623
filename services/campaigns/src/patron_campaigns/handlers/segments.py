"""Use cases of segments: define, change, archive, put customers in or out by hand, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from patron_campaigns.domain.errors import InvalidRule, NameMissing, RuleNeeded, SegmentNotFound
from patron_campaigns.domain.segment import (
    SEGMENT,
    ArchiveSegment,
    ChangeSegment,
    Command,
    CreateSegment,
    PutByHand,
    Segment,
    TakeSnapshot,
)
from patron_campaigns.domain.segment_catalogue import CATALOGUE, CATALOGUE_ID, Catalogue, ListSegment, UnlistSegment
from patron_campaigns.handlers.custom_fields import CustomFields
from patron_events.decisions import Asked, Committed, Decisions, Unit
from patron_events.journal import Loaded
from patron_events.rejections import Fault
from patron_rules.checking import RuleInvalid, check
from patron_rules.looking import references
from patron_rules.tree import Rule, read_rule, rule_document

_IDS: Final = UUID("5b1d6a0e-2f0c-5c39-8f5e-64a3cf6f1c22")


@dataclass(frozen=True, slots=True)
class SegmentHandlers:
    """Use cases of segments. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    fields: CustomFields

    async def checked(self, document: object) -> Rule:
        """Read a rule by the custom fields that are defined now; raises RuleInvalid.

        A field that is not known is looked up again before it is refused: it may be a second old.
        """
        try:
            return check(document, await self.fields.current())
        except RuleInvalid as refused:
            if all(one.code != "unknown-field" for one in refused.problems):
                raise
        return check(document, await self.fields.current(newest=True))

    async def create(self, body: Mapping[str, Any], asked: Asked) -> Committed:
        """Define a segment; its id is derived from the command id, so a repetition finds the same segment.

        Raises:
            NameMissing, InvalidRule, RuleNeeded, RuleNotAllowed: the body contradicts itself.
            SegmentNameTaken, UnknownSegment: refused by the catalogue of live segments.
        """
        rule = await self._rule(body)
        command = CreateSegment(body["kind"], _name(body["name"]), body.get("description"), rule)
        return await self._define(str(uuid5(_IDS, asked.command_id)), command, asked)

    async def change(self, segment_id: str, body: Mapping[str, Any], asked: Asked) -> Committed:
        """Change what the body states: name, description (null clears), rule.

        Raises:
            SegmentNotFound, SegmentArchived, RuleNotAllowed, SegmentCycle, and what `create` raises.
        """
        if "rule" in body and body["rule"] is None:
            raise RuleNeeded(field="rule")
        command = ChangeSegment(
            _name(body["name"]) if "name" in body else None,
            body.get("description"),
            describe="description" in body,
            rule=await self._rule(body),
        )
        return await self._define(segment_id, command, asked)

    async def archive(self, segment_id: str, asked: Asked) -> Committed:
        """Take a segment out of use; raises SegmentNotFound, SegmentInUse."""

        async def work(unit: Unit) -> None:
            if await unit.decide(SEGMENT, segment_id, ArchiveSegment()):
                await unit.decide(CATALOGUE, CATALOGUE_ID, UnlistSegment(segment_id))

        return await self.decisions.transact(work, asked)

    async def put(self, segment_id: str, command: PutByHand, asked: Asked) -> Committed:
        """Put customers in or leave them out by hand; raises SegmentNotFound, SegmentArchived."""
        return await self.decisions.run(SEGMENT, segment_id, command, asked)

    async def take_snapshot(self, segment_id: str, asked: Asked) -> Committed:
        """Take the members of a snapshot anew; raises SegmentNotFound, SegmentArchived, NotASnapshot."""
        return await self.decisions.run(SEGMENT, segment_id, TakeSnapshot(), asked)

    async def read(self, segment_id: str) -> Loaded[Segment]:
        """Read a segment from the log as it is now; raises SegmentNotFound."""
        loaded = await self.decisions.journal.load(SEGMENT, segment_id)
        if loaded.state.status == "absent":
            raise SegmentNotFound
        return loaded

    async def catalogue(self) -> Loaded[Catalogue]:
        """Read the catalogue of live segments from the log as it is now."""
        return await self.decisions.journal.load(CATALOGUE, CATALOGUE_ID)

    async def _define(self, segment_id: str, command: Command, asked: Asked) -> Committed:
        async def work(unit: Unit) -> None:
            if not await unit.decide(SEGMENT, segment_id, command):
                # Only a commit of its own guards the segment: without one it may have been archived meanwhile, and
                # stating it in the catalogue would bring it back there.
                return
            segment = await unit.state(SEGMENT, segment_id)
            named = () if segment.rule is None else tuple(references(read_rule(segment.rule)))
            await unit.decide(CATALOGUE, CATALOGUE_ID, ListSegment(segment_id, segment.name, named))

        return await self.decisions.transact(work, asked)

    async def _rule(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if body.get("rule") is None:
            return None
        try:
            return rule_document(await self.checked(body["rule"]))
        except RuleInvalid as refused:
            faults = [Fault(f"rule{one.path[1:]}", one.code, one.message) for one in refused.problems]
            raise InvalidRule(faults=faults, field=faults[0].field) from None


def _name(text: str | None) -> str:
    """Read a name: blanks at its ends do not count, and something must be left."""
    name = (text or "").strip()
    if not name:
        raise NameMissing(field="name")
    return name


def users_of(catalogue: Catalogue, segment_id: str) -> Sequence[str]:
    """Name the live segments whose rules look at this one, by id, sorted."""
    return sorted(known for known, one in catalogue.items() if segment_id in one.uses)
