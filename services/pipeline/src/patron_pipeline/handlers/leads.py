"""Use cases of single leads: capture, change, match, assign by hand, move, erase, read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from patron_events.catalog.pipeline import leads as events
from patron_events.decisions import Asked, Committed, Decisions, Unit, Work
from patron_events.journal import Loaded
from patron_events.vault import BlindIndex
from patron_pipeline.domain.customer import Link
from patron_pipeline.domain.lead import (
    LEAD,
    AssignLead,
    CaptureLead,
    ChangeLead,
    Command,
    EraseLead,
    Lead,
    MatchLead,
    MoveLead,
)
from patron_pipeline.domain.lead_body import Terms, happened
from patron_pipeline.domain.lead_errors import LeadNotFound, LeadUntilInvalid
from patron_pipeline.handlers.finding import Finding, company_ref, person_ref
from patron_pipeline.handlers.lead_drafts import LeadDraft, Origin, joined, lead_draft, match
from patron_pipeline.handlers.linking import ExternalId, release_id, relink, take_id
from patron_values import moments
from patron_values.texts import optional_text

Body = Mapping[str, Any]
_IDS: Final = UUID("0e6a3b54-9a6f-5c02-a0a1-1f7f6f0a7c31")


def lead_id_of(asked: Asked) -> str:
    """Derive the id of a new lead from the command that captures it, so that a repetition finds the same lead."""
    return str(uuid5(_IDS, asked.command_id))


@dataclass(frozen=True, slots=True)
class LeadHandlers:
    """Use cases of leads. Every one of them is safe to repeat with the same command id.

    region: ISO 3166 region of phone numbers in national form where a lead says no country.
    """

    decisions: Decisions
    finding: Finding
    index: BlindIndex
    region: str | None = None

    async def read(self, lead_id: str) -> Loaded[Lead]:
        """Read a lead from the log as it is now; raises LeadNotFound."""
        loaded = await self.decisions.journal.load(LEAD, lead_id)
        if loaded.state.status == "absent":
            raise LeadNotFound
        return loaded

    async def capture(self, body: Body, asked: Asked, *, channel: str, form_id: str | None = None) -> Committed:
        """Record a lead, matched with who it is about and assigned if the body says to whom.

        Raises:
            LeadEmpty, ExternalIdTaken, PersonNotFound, CompanyNotFound, ReferenceNotOne, and the refusals of values.
        """
        draft = lead_draft(body, Origin(channel, form_id, self.region))
        found = await match(self.finding, draft)
        return await self.decisions.transact(self.capturing(draft, found, lead_id_of(asked)), asked)

    def capturing(self, draft: LeadDraft, found: events.LeadMatched, lead_id: str) -> Work:
        """Make the unit of work that records a lead."""

        async def work(unit: Unit) -> None:
            unit.presume_new(LEAD, lead_id)
            if not await unit.decide(LEAD, lead_id, CaptureLead(draft.captured, draft.changes, found, draft.at)):
                return
            if draft.assign is not None:
                await unit.decide(LEAD, lead_id, draft.assign)
            lead = await unit.state(LEAD, lead_id)
            await relink(unit, Link("lead", lead_id), before=(), after=lead.people)
            if draft.external_id is not None:
                await take_id(unit, self.index, Link("lead", lead_id), draft.external_id)

        return work

    async def change(self, lead_id: str, body: Body, asked: Asked) -> Committed:
        """Change what the body states and nothing else; who is known by a new address or name is matched.

        Raises:
            LeadNotFound, LeadErased, and the refusals of values.
        """
        draft = lead_draft(body, Origin("api", region=self.region))
        found = await match(self.finding, draft)
        return await self.decisions.transact(self.changing(draft, found, lead_id), asked)

    def changing(self, draft: LeadDraft, found: events.LeadMatched, lead_id: str) -> Work:
        """Make the unit of work that changes a lead."""

        async def work(unit: Unit) -> None:
            await unit.decide(LEAD, lead_id, ChangeLead(draft.changes))
            before = await unit.state(LEAD, lead_id)
            if before.converted is None:
                await self._rematch(unit, lead_id, joined(before.matched, found))

        return work

    async def match(self, lead_id: str, body: Body, asked: Asked) -> Committed:
        """Take the lead to be who the body names; None for nobody.

        Raises:
            LeadNotFound, LeadErased, PersonNotFound, CompanyNotFound, ReferenceNotOne.
        """
        person_id = await self.finding.one(person_ref(body))
        company_id = await self.finding.one(company_ref(body))

        async def work(unit: Unit) -> None:
            await self._rematch(unit, lead_id, events.LeadMatched(person_id=person_id, company_id=company_id))

        return await self.decisions.transact(work, asked)

    async def _rematch(self, unit: Unit, lead_id: str, matched: events.LeadMatched) -> None:
        before = (await unit.state(LEAD, lead_id)).people
        await unit.decide(LEAD, lead_id, MatchLead(matched))
        after = (await unit.state(LEAD, lead_id)).people
        await relink(unit, Link("lead", lead_id), before=before, after=after)

    async def assign(self, lead_id: str, body: Body, asked: Asked) -> Committed:
        """Make somebody responsible by hand; an owner of None puts the lead back, into a queue or not.

        Raises:
            LeadNotFound, LeadErased, LeadClosed, LeadOutOfOrder, and the refusals of values.
        """
        to = events.LeadAssigned(
            owner=optional_text(body.get("owner"), "owner"),
            team=optional_text(body.get("team"), "team"),
            queue=optional_text(body.get("queue"), "queue"),
            why=optional_text(body.get("why"), "why", 1_000),
        )
        at = happened(body, Terms(datetime.now(UTC)))
        return await self._run(lead_id, AssignLead(to, at), asked)

    async def move(self, lead_id: str, body: Body, asked: Asked) -> Committed:
        """Change the status of a lead.

        Raises:
            LeadNotFound, LeadErased, LeadMoveNotAllowed, LeadReasonMissing, LeadReasonInvalid, LeadUntilInvalid,
            LeadUnassigned, LeadOutOfOrder, and the refusals of values.
        """
        now = datetime.now(UTC)
        at = happened(body, Terms(now))
        until = None if body.get("until") is None else moments.moment(body["until"], "until")
        if until is not None and until <= (at or now):
            raise LeadUntilInvalid(field="until")
        command = MoveLead(body["to"], optional_text(body.get("reason"), "reason"), until, at)
        return await self._run(lead_id, command, asked)

    async def erase(self, lead_id: str, asked: Asked, *, person_id: str | None = None) -> Committed:
        """Erase what is personal: the fact first, then the key, so that a repetition completes it.

        person_id: whose erasure causes it; None when the lead itself is asked for. Raises LeadNotFound.
        """

        async def work(unit: Unit) -> None:
            before = await unit.state(LEAD, lead_id)
            if not await unit.decide(LEAD, lead_id, EraseLead(person_id)):
                return
            link = Link("lead", lead_id)
            if person_id is None:  # an erased person stays linked: a repetition that is to destroy the key finds it so
                await relink(unit, link, before=before.people, after=())
            known = before.captured
            if known is not None and known.external_source is not None and known.external_id is not None:
                await release_id(unit, self.index, link, ExternalId(known.external_source, known.external_id))

        committed = await self.decisions.transact(work, asked)
        await self.decisions.journal.vault.destroy(lead_id)
        return committed

    async def _run(self, lead_id: str, command: Command, asked: Asked) -> Committed:
        return await self.decisions.run(LEAD, lead_id, command, asked)
