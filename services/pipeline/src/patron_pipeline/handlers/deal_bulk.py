"""Many deals at once, with what happened to them elsewhere: each is decided by itself, in one commit."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import structs

from patron_events.catalog.pipeline import deals as events
from patron_events.catalog.pipeline.defaults import DEFAULT_ID
from patron_events.decisions import Asked, Committed, Unit, Work
from patron_events.journal import AnyDecider
from patron_events.rejections import Rejection
from patron_pipeline.domain import deal_body, ids
from patron_pipeline.domain.claim import ExternalIdTaken
from patron_pipeline.domain.customer import CUSTOMER
from patron_pipeline.domain.deal import DEAL, ChangeDeal, OpenDeal
from patron_pipeline.domain.deal_errors import RepeatedInRequest
from patron_pipeline.domain.deal_history import Happened, command, happened_at, history, on_record, placed
from patron_pipeline.domain.deal_moves import MoveDeal
from patron_pipeline.domain.deal_state import Changes, Deal
from patron_pipeline.domain.lines import Offered
from patron_pipeline.domain.pipeline import Definition
from patron_pipeline.domain.places import PLACES, places_id
from patron_pipeline.domain.stages import Mover, Terms, known_stage
from patron_pipeline.handlers.deals import DealHandlers, customer_refs, with_customers
from patron_pipeline.handlers.finding import Ref, external_key
from patron_values import texts

Body = Mapping[str, Any]
Answer = Committed | Rejection
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that items come from, by a name without personal data, and the row of each item."""

    file: str
    rows: Sequence[int]

    def marked(self, asked: Asked, index: int) -> Asked:
        """Write file and row of an item into its correlation id; an item beyond the rows keeps the request's."""
        if index >= len(self.rows):
            return asked
        cause = structs.replace(asked.cause, correlation_id=f"import:{self.file}:{self.rows[index]}")
        return replace(asked, cause=cause)


@dataclass(frozen=True, slots=True)
class Draft:
    """An item that was read: what it states, and what happened to the deal. at: when it was opened."""

    deal_id: str
    known: bool
    changes: Changes
    opened: events.DealOpened
    at: datetime
    terms: Terms
    happened: Sequence[Happened]
    moves: bool


@dataclass(slots=True)
class DealBulk:
    """One bulk request.

    mover: who asks; what happened is taken as an administrator tells it, and by the rules of stages from others.
    """

    handlers: DealHandlers
    asked: Asked
    mover: Mover
    upsert: bool = True
    origin: Origin | None = None
    _definitions: dict[str, Definition | Rejection] = field(default_factory=dict[str, Definition | Rejection])
    _products: dict[str, Offered] = field(default_factory=dict[str, Offered])
    _found: dict[Ref, str | None] = field(default_factory=dict[Ref, str | None])

    async def run(self, bodies: Sequence[Body | Rejection]) -> Sequence[Answer]:
        """Decide every item by itself; the answers are in the order of the items.

        bodies: a Rejection stands where an item was not even a body. A second item about the same deal is refused
        with RepeatedInRequest, unless the first was refused.
        """
        answers: dict[int, Answer] = {}
        first: dict[str, int] = {}
        for start in range(0, len(bodies), CHUNK):
            waiting: Sequence[int] = range(start, min(start + CHUNK, len(bodies)))
            await self._look_up([body for index in waiting if not isinstance(body := bodies[index], Rejection)])
            while waiting:
                waiting = await self._pass({index: bodies[index] for index in waiting}, first, answers)
            await asyncio.sleep(0)  # a long request must not keep others waiting
        return [answers[index] for index in range(len(bodies))]

    async def _pass(
        self, bodies: Mapping[int, Body | Rejection], first: dict[str, int], answers: dict[int, Answer]
    ) -> Sequence[int]:
        """Decide items side by side; answers those whose deal another item was about, of which nothing came."""
        drafts: dict[int, Draft] = {}
        repeated: list[tuple[int, int, str]] = []
        for index, body in bodies.items():
            try:
                draft = await self._draft(index, body)
            except Rejection as refusal:
                answers[index] = refusal
                continue
            earlier = first.setdefault(draft.deal_id, index)
            if earlier == index:
                drafts[index] = draft
            else:
                repeated.append((index, earlier, draft.deal_id))
        answers |= await self._stored(drafts)
        again: list[int] = []
        for index, earlier, deal_id in repeated:
            if isinstance(answers[earlier], Rejection):
                first.pop(deal_id, None)
                again.append(index)
            else:
                answers[index] = RepeatedInRequest(field="external_id")
        return again

    async def _look_up(self, bodies: Sequence[Body]) -> None:
        """Find customers and products that the items name, together; an item that cannot be read is refused later."""
        lines = [line for body in bodies for line in body.get("lines") or ()]
        unseen = [one for one in lines if (one.get("product_id") or one.get("sku")) not in self._products]
        self._products |= await self.handlers.products.named(unseen)
        wanted: set[Ref] = set()
        for body in bodies:
            try:
                wanted |= customer_refs(body).keys() - self._found.keys()
            except Rejection:
                continue
        found = await self.handlers.finding.found(wanted)
        self._found |= {ref: found.get(ref) for ref in wanted}

    async def _definition(self, pipeline_id: str) -> Definition:
        known = self._definitions.get(pipeline_id)
        if known is None:
            pipelines = self.handlers.pipelines
            try:
                known = await (pipelines.of_deal if self.mover.boss else pipelines.to_enter)(pipeline_id)
            except Rejection as refusal:
                known = refusal
            self._definitions[pipeline_id] = known
        if isinstance(known, Rejection):
            raise known
        return known

    async def _draft(self, index: int, body: Body | Rejection) -> Draft:
        if isinstance(body, Rejection):
            raise body
        pipeline_id = body.get("pipeline_id") or DEFAULT_ID
        definition = await self._definition(pipeline_id)
        now = datetime.now(UTC)
        terms = Terms(pipeline_id, definition, self.mover)
        told = history(body.get("history") or (), terms, now)
        reading = deal_body.Reading(definition.currency, self._products, None if told else frozenset())
        changes = deal_body.changes(with_customers(body, self._found), reading)
        opened_in = told[0].stage if told else known_stage(definition, body.get("stage"), "open", "stage").id
        at = told[0].at if told else now
        if not told and body.get("occurred_at") is not None:
            at = happened_at(body["occurred_at"], "occurred_at", now)
        key = None if body.get("external_id") is None else external_key(body["external_id"], "external_id").value
        opened = events.DealOpened(
            name=changes.name or texts.required_text(None, "name"),
            pipeline_id=pipeline_id,
            stage=opened_in or "",
            external_source=None if key is None else key[0],
            external_id=None if key is None else key[1],
        )
        deal_id = ids.derived_id("deal", self._item(index).command_id) if key is None else ids.deal_id(*key)
        if told:
            terms = replace(terms, told=self.mover.boss)
        moves = not told and body.get("stage") is not None
        return Draft(deal_id, key is not None, changes, opened, at, terms, told, moves)

    def _item(self, index: int) -> Asked:
        """Give an item a command id of its own, the same when the request is repeated."""
        one = replace(self.asked, command_id=f"{self.asked.command_id}:{index}", expected_version=None)
        return one if self.origin is None else self.origin.marked(one, index)

    async def _stored(self, drafts: Mapping[int, Draft]) -> Mapping[int, Answer]:
        reads = {one[0].stream(one[1]): one for draft in drafts.values() for one in _reads(draft)}
        works = [(self._work(draft), self._item(index)) for index, draft in drafts.items()]
        answers = await self.handlers.decisions.transact_each(works, list(reads.values()))
        return dict(zip(drafts, answers, strict=True))

    def _work(self, draft: Draft) -> Work:
        async def work(unit: Unit) -> None:
            if not draft.known:
                unit.presume_new(DEAL, draft.deal_id)
            opening = OpenDeal(draft.opened, draft.changes, draft.terms, draft.at)
            new = await self.handlers.decide(unit, draft.deal_id, opening, draft.terms)
            if not new:
                if not self.upsert:
                    raise ExternalIdTaken(field="external_id")
                await self._restate(unit, draft)
            for happened in draft.happened[1:]:
                await self._tell(unit, draft, happened)

        return work

    async def _restate(self, unit: Unit, draft: Draft) -> None:
        deal = await unit.state(DEAL, draft.deal_id)
        await self.handlers.decide(unit, draft.deal_id, ChangeDeal(draft.changes, unit.now), None)
        if draft.moves and (deal.pipeline_id, deal.stage) != (draft.terms.pipeline_id, draft.opened.stage):
            at = unit.now if deal.since is None else max(unit.now, deal.since)
            moving = MoveDeal(draft.opened.stage, draft.terms, at)
            await self.handlers.decide(unit, draft.deal_id, moving, draft.terms)

    async def _tell(self, unit: Unit, draft: Draft, happened: Happened) -> None:
        deal = await unit.state(DEAL, draft.deal_id)
        if on_record(deal, happened):
            return
        telling = command(happened, draft.terms, _currency(deal, draft.terms.definition))
        try:
            await self.handlers.decide(unit, draft.deal_id, telling, draft.terms)
        except Rejection as refusal:
            raise placed(refusal, happened) from None


def _currency(deal: Deal, definition: Definition) -> str | None:
    lines = deal.facet(events.DealLinesChanged).currency
    return deal.facet(events.DealValued).currency or lines or definition.currency


def _reads(draft: Draft) -> list[tuple[AnyDecider, str]]:
    """Name what an item is going to read: its deal, the people it names, the places of limited stages."""
    reads: list[tuple[AnyDecider, str]] = [(DEAL, draft.deal_id)] if draft.known else []
    customer = draft.changes.facets.get(events.DealCustomerChanged, {})
    reads += [(CUSTOMER, one.person_id) for one in customer.get("people", ())]
    pipeline_id, stages = draft.terms.pipeline_id, draft.terms.definition.stages
    return reads + [(PLACES, places_id(pipeline_id, one.id)) for one in stages if one.wip_limit is not None]
