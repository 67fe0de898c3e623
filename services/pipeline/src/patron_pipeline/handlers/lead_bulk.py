"""Many leads at once, each with what became of it: every item is decided by itself, and all share the log's batches."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from patron_events.catalog.pipeline import leads as events
from patron_events.decisions import Asked, Committed, Unit, Work
from patron_events.journal import AnyDecider
from patron_events.rejections import Invalid, Rejection
from patron_pipeline.domain.claim import CLAIM, claim_id
from patron_pipeline.domain.customer import CUSTOMER, Link
from patron_pipeline.domain.lead import LEAD, AssignLead, ConvertLead, Lead, MoveLead
from patron_pipeline.domain.lead_body import Terms, happened
from patron_pipeline.handlers.lead_conversion import Stated, customers_of
from patron_pipeline.handlers.lead_drafts import LeadDraft, Origin, lead_draft, matches
from patron_pipeline.handlers.leads import LeadHandlers, lead_id_of
from patron_pipeline.handlers.linking import claims, holder, relink
from patron_values import moments
from patron_values.texts import optional_text

Body = Mapping[str, Any]
CHUNK: Final = 500


class RepeatedInRequest(Invalid):
    """An earlier item of this request has the same id."""

    code: ClassVar[str] = "repeated-in-request"


@dataclass(frozen=True, slots=True)
class Past:
    """One step of a lead's path as it is imported: an owner, a status, or both; `at` None for now."""

    at: datetime | None
    to: str | None
    reason: str | None
    until: datetime | None
    owner: str | None
    path: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item that was read."""

    draft: LeadDraft
    past: tuple[Past, ...]


def past_of(body: Body, now: datetime) -> tuple[Past, ...]:
    """Read what became of a lead: `history`, then the status it has in the end; raises the refusals of values."""
    terms = Terms(now)
    steps: list[tuple[Body, str, str]] = [
        (one, f"history[{number}].", "at") for number, one in enumerate(body.get("history") or ())
    ]
    if body.get("status") not in (None, "new"):
        steps.append(({**body, "to": body["status"], "owner": None}, "", "closed_at"))
    return tuple(_past(one, prefix, time, terms) for one, prefix, time in steps)


def _past(one: Body, prefix: str, time: str, terms: Terms) -> Past:
    try:
        return Past(
            at=happened(one, terms, time),
            to=one.get("to"),
            reason=optional_text(one.get("reason"), "reason"),
            until=None if one.get("until") is None else moments.moment(one["until"], "until"),
            owner=optional_text(one.get("owner"), "owner"),
            path=prefix,
        )
    except Rejection as refusal:
        refusal.field = f"{prefix}{refusal.field}"
        raise


@dataclass(slots=True)
class LeadBulk:
    """Capture or upsert many leads. channel: how they come in."""

    leads: LeadHandlers
    channel: str

    async def run(
        self, bodies: Sequence[Body | Rejection], asked: Asked, *, upsert: bool
    ) -> Sequence[Committed | Rejection]:
        """Decide every item by itself; the answers are in the order of the items.

        bodies: a Rejection stands where an item was not even a body. upsert: an item changes the lead that holds its
        external id, where there is one. A second item with the same external id is refused and not applied.
        """
        now = datetime.now(UTC)
        answers: dict[int, Committed | Rejection] = {}
        seen: set[tuple[str, str]] = set()
        for start in range(0, len(bodies), CHUNK):
            items: dict[int, Item] = {}
            for index in range(start, min(start + CHUNK, len(bodies))):
                try:
                    item = self._read(bodies[index], now)
                    if item.draft.external_id is not None:
                        if item.draft.external_id in seen:
                            raise RepeatedInRequest(field="external_id")
                        seen.add(item.draft.external_id)
                    items[index] = item
                except Rejection as refusal:
                    answers[index] = refusal
            answers |= await self._chunk(items, asked, upsert=upsert)
            await asyncio.sleep(0)  # a long request must not keep others waiting
        return [answers[index] for index in range(len(bodies))]

    def _read(self, body: Body | Rejection, now: datetime) -> Item:
        if isinstance(body, Rejection):
            raise body
        return Item(lead_draft(body, Origin(self.channel, region=self.leads.region)), past_of(body, now))

    async def _chunk(
        self, items: Mapping[int, Item], asked: Asked, *, upsert: bool
    ) -> dict[int, Committed | Rejection]:
        found = dict(zip(items, await matches(self.leads.finding, [one.draft for one in items.values()]), strict=True))
        answers: dict[int, Committed | Rejection] = {}
        works: dict[int, tuple[Work, Asked]] = {}
        for index, item in items.items():
            match found[index]:
                case events.LeadMatched() as matched:
                    one = replace(asked, command_id=f"{asked.command_id}:{index}", expected_version=None)
                    works[index] = (self._upserting(item, matched, one, upsert=upsert), one)
                case Rejection() as refusal:
                    answers[index] = refusal
        people = {one.person_id for one in found.values() if isinstance(one, events.LeadMatched)}
        reads = await self._reads([items[index] for index in works], {one for one in people if one is not None})
        committed = await self.leads.decisions.transact_each(list(works.values()), reads)
        return answers | dict(zip(works, committed, strict=True))

    async def _reads(self, items: Sequence[Item], people: set[str]) -> list[tuple[AnyDecider, str]]:
        """Fetch all claims of the items, and name the leads that they lead to and the people that are spoken of."""
        known = [item.draft.external_id for item in items if item.draft.external_id is not None]
        asked = claims(self.leads.index, "lead", known)
        loaded = await self.leads.decisions.journal.load_each(asked) if asked else {}
        owners = {loaded[CLAIM.stream(claim_id(self.leads.index, "lead", one))].state.owner for one in known}
        reads: list[tuple[AnyDecider, str]] = [(LEAD, one) for one in sorted(one for one in owners if one)]
        return reads + [(CUSTOMER, one) for one in sorted(people)]

    def _upserting(self, item: Item, matched: events.LeadMatched, asked: Asked, *, upsert: bool) -> Work:
        async def work(unit: Unit) -> None:
            draft, lead_id = item.draft, lead_id_of(asked)
            owner = None
            if upsert and draft.external_id is not None:
                owner = await holder(unit, self.leads.index, "lead", draft.external_id)
            if owner is None or owner == lead_id:
                await self.leads.capturing(draft, matched, lead_id)(unit)
            else:
                lead_id = owner
                await self.leads.changing(draft, matched, lead_id)(unit)
                if draft.assign is not None:
                    await unit.decide(LEAD, lead_id, replace(draft.assign, at=None))
            for past in item.past:
                await self._tell(unit, lead_id, past)

        return work

    async def _tell(self, unit: Unit, lead_id: str, past: Past) -> None:
        """Record one step of the past, unless it is on record."""
        lead = await unit.state(LEAD, lead_id)
        if _on_record(lead, past):
            return
        try:
            for command in self._commands(past):
                await unit.decide(LEAD, lead_id, command)
            if past.to == "converted" and lead.status != "converted":
                await self._convert(unit, lead_id, lead, past)
        except Rejection as refusal:
            refusal.field = f"{past.path}{'at' if refusal.field == 'occurred_at' else refusal.field or 'to'}"
            raise

    @staticmethod
    def _commands(past: Past) -> Iterator[AssignLead | MoveLead]:
        if past.owner is not None:
            yield AssignLead(events.LeadAssigned(owner=past.owner), past.at)
        if past.to not in (None, "converted", "assigned" if past.owner is not None else None):
            yield MoveLead(past.to, past.reason, past.until, past.at)

    async def _convert(self, unit: Unit, lead_id: str, lead: Lead, past: Past) -> None:
        known = await customers_of(self.leads.finding, lead_id, lead, Stated())
        command = ConvertLead(known.person_id, known.company_id, None, tuple(sorted(known.created)), past.at)
        await unit.decide(LEAD, lead_id, command)
        after = (await unit.state(LEAD, lead_id)).people
        await relink(unit, Link("lead", lead_id), before=lead.people, after=after)


def _on_record(lead: Lead, past: Past) -> bool:
    """Tell whether a step was told before, so that the same file can be imported again."""
    for fact, at in lead.path:
        if past.at is not None and at != past.at:
            continue
        match fact:
            case events.LeadStatusChanged(to=to) if to == past.to:
                return past.at is not None or lead.status == to
            case events.LeadConverted() if past.to == "converted":
                return True
            case events.LeadAssigned(owner=owner) if past.to is None and owner == past.owner:
                return past.at is not None or lead.owner == owner
            case _:
                continue
    return False
