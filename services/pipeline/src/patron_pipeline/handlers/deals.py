"""Use cases of deals: open, change, move, win, lose, reopen, archive, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from patron_events.catalog.pipeline import deals as events
from patron_events.catalog.pipeline.defaults import DEFAULT_ID
from patron_events.decisions import Asked, Committed, Decisions, Unit, Work
from patron_events.journal import AnyDecider, Loaded
from patron_events.rejections import Conflict, VersionMismatch
from patron_pipeline.domain import deal_body, ids
from patron_pipeline.domain.claim import ExternalIdTaken
from patron_pipeline.domain.customer import Link
from patron_pipeline.domain.deal import DEAL, ArchiveDeal, ChangeDeal, Command, EraseDeal, OpenDeal
from patron_pipeline.domain.deal_errors import DealNotFound, ExternalIdFixed
from patron_pipeline.domain.deal_moves import LoseDeal, MoveDeal, ReopenDeal, WinDeal
from patron_pipeline.domain.deal_state import Deal
from patron_pipeline.domain.pipeline import Definition
from patron_pipeline.domain.places import PLACES, GivePlaceUp, TakePlace, places_id
from patron_pipeline.domain.quote import MOST_QUOTES, QUOTE
from patron_pipeline.domain.stages import Mover, Terms, known_stage, stage
from patron_pipeline.handlers.definitions import PipelineHandlers
from patron_pipeline.handlers.finding import (
    CompanyNotFound,
    Finding,
    PersonNotFound,
    Ref,
    company_ref,
    external_key,
    person_ref,
)
from patron_pipeline.handlers.linking import relink
from patron_pipeline.handlers.products import ProductHandlers
from patron_values import moments, money, texts
from patron_values.keys import PEOPLE

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OfLead:
    """The lead that a deal comes of, and who it becomes; contacts may not know them yet, so nobody looks them up."""

    lead_id: str
    person_id: str
    company_id: str | None

    def customer(self) -> Body:
        """State the customer as the body of a deal does."""
        person = {"person_id": self.person_id, "primary": True}
        return {"company_id": self.company_id, "people": [person]}


@dataclass(frozen=True, slots=True)
class DealHandlers:
    """Use cases of deals. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    pipelines: PipelineHandlers
    finding: Finding
    products: ProductHandlers

    async def open(self, body: Body, asked: Asked, mover: Mover) -> Committed:
        """Open a deal; its id is derived from its external id, or else from the command id.

        Raises:
            ExternalIdTaken, what `open_in` raises.
        """
        deal_id = ids.derived_id("deal", asked.command_id)
        if body.get("external_id") is not None:
            deal_id = ids.deal_id(*external_key(body["external_id"], "external_id").value)

        async def work(unit: Unit) -> None:
            if not await self.open_in(unit, deal_id, body, mover):
                raise ExternalIdTaken(field="external_id")

        return await self.decisions.transact(work, asked)

    async def open_in(self, unit: Unit, deal_id: str, body: Body, mover: Mover, *, lead: OfLead | None = None) -> bool:
        """Open a deal as part of a unit of work; answers whether it is new. lead: the lead that it comes of.

        Raises:
            PipelineUnknown, PipelineArchived, what rules of stages and the body of a deal say, and CompanyNotFound,
            PersonNotFound.
        """
        pipeline_id = body.get("pipeline_id") or DEFAULT_ID
        definition = await self.pipelines.to_enter(pipeline_id)
        terms = Terms(pipeline_id, definition, mover)
        known = await self._customers(body) if lead is None else {**body, **lead.customer()}
        changes = deal_body.changes(known, await self.reading(known, definition))
        opened = events.DealOpened(
            name=changes.name or texts.required_text(None, "name"),
            pipeline_id=pipeline_id,
            stage=body.get("stage") or known_stage(definition, None, "open", "stage").id,
            lead_id=None if lead is None else lead.lead_id,
            **_external(body),
        )
        unit.presume_new(DEAL, deal_id)
        at = _when(body, unit, Deal())
        return await self.decide(unit, deal_id, OpenDeal(opened, changes, terms, at), terms)

    async def change(self, deal_id: str, body: Body, asked: Asked) -> Committed:
        """Change what the body states and nothing else.

        Raises:
            DealNotFound, DealArchived, DealClosed, DealErased, AmountOfLines, and the refusals of values.
        """
        if "external_id" in body:
            raise ExternalIdFixed(field="external_id")

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            if deal.status == "absent":
                raise DealNotFound
            known = await self._customers(body)
            reading = await self.reading(body, await self.pipelines.of_deal(deal.pipeline_id), deal)
            command = ChangeDeal(deal_body.changes(known, reading), unit.now)
            await self.decide(unit, deal_id, command, None)

        return await self._told(work, deal_id, asked)

    async def move(self, deal_id: str, body: Body, asked: Asked, mover: Mover) -> Committed:
        """Move a deal into another open stage, of another pipeline too.

        `from` is the stage where the caller saw it.

        Raises:
            DealMovedMeanwhile: somebody else was quicker; what `patron_pipeline.domain.deal_moves.moved` raises.
        """

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            pipeline_id = body.get("pipeline_id") or deal.pipeline_id
            if pipeline_id == deal.pipeline_id:
                terms = await self._terms(deal, mover)
            else:
                terms = Terms(pipeline_id, await self.pipelines.to_enter(pipeline_id), mover)
            command = MoveDeal(body["to"], terms, _when(body, unit, deal), body.get("from"))
            await self.decide(unit, deal_id, command, terms)

        return await self._told(work, deal_id, asked)

    async def win(self, deal_id: str, body: Body, asked: Asked, mover: Mover) -> Committed:
        """Close a deal as won.

        Raises:
            DealAmountMissing, ReasonMissing, ReasonUnknown, and what `move` raises.
        """

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            terms = await self._terms(deal, mover)
            command = WinDeal(
                terms,
                _when(body, unit, deal),
                body.get("stage"),
                await self._agreed(body, deal),
                texts.optional_text(body.get("reason"), "reason"),
                body.get("from"),
            )
            await self.decide(unit, deal_id, command, terms)

        return await self._told(work, deal_id, asked)

    async def lose(self, deal_id: str, body: Body, asked: Asked, mover: Mover) -> Committed:
        """Close a deal as lost; raises as `win` does."""

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            terms = await self._terms(deal, mover)
            command = LoseDeal(
                terms,
                _when(body, unit, deal),
                texts.optional_text(body.get("reason"), "reason"),
                body.get("stage"),
                texts.optional_text(body.get("competitor"), "competitor"),
                body.get("from"),
            )
            await self.decide(unit, deal_id, command, terms)

        return await self._told(work, deal_id, asked)

    async def reopen(self, deal_id: str, body: Body, asked: Asked, mover: Mover) -> Committed:
        """Open a closed deal again; raises DealOpen, ReopenNotAllowed, ReopenTooLate, and what `move` raises."""

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            terms = await self._terms(deal, mover)
            reason = texts.optional_text(body.get("reason"), "reason")
            command = ReopenDeal(terms, _when(body, unit, deal), body.get("to"), reason)
            await self.decide(unit, deal_id, command, terms)

        return await self._told(work, deal_id, asked)

    async def archive(self, deal_id: str, body: Body, asked: Asked) -> Committed:
        """Take a mistake out of everything that is counted; raises DealNotFound."""

        async def work(unit: Unit) -> None:
            reason = texts.optional_text(body.get("reason"), "reason")
            await self.decide(unit, deal_id, ArchiveDeal(unit.now, reason), None)

        return await self.decisions.transact(work, asked)

    async def forget(self, deal_id: str, person_id: str, asked: Asked) -> Committed:
        """Forget an erased person; with the last one the texts of the deal and of its quotes are erased too.

        The keys are destroyed whenever the deal is erased by then, so that a repetition completes it.
        """

        async def work(unit: Unit) -> None:
            await self.decide(unit, deal_id, EraseDeal(person_id, unit.now), None)

        committed = await self.decisions.transact(work, asked)
        if (await self.read(deal_id)).state.erased:
            await self.decisions.journal.vault.destroy(deal_id)
            own: list[tuple[AnyDecider, str]] = [
                (QUOTE, ids.quote_id(deal_id, number)) for number in range(1, MOST_QUOTES + 1)
            ]
            for stream, quote in (await self.decisions.journal.load_each(own)).items():
                if quote.version:
                    await self.decisions.journal.vault.destroy(stream.id)
        return committed

    async def command(self, deal_id: str, command: Command, asked: Asked) -> Committed:
        """Run a command that needs nothing but the deal, such as those of reactions."""

        async def work(unit: Unit) -> None:
            await self.decide(unit, deal_id, command, None)

        return await self.decisions.transact(work, asked)

    async def read(self, deal_id: str) -> Loaded[Deal]:
        """Read a deal from the log as it is now; raises DealNotFound."""
        loaded = await self.decisions.journal.load(DEAL, deal_id)
        if loaded.state.status == "absent":
            raise DealNotFound
        return loaded

    async def decide(self, unit: Unit, deal_id: str, command: Command, terms: Terms | None) -> bool:
        """Decide a command on a deal, with the places of stages and the ties to people that it changes.

        terms: of the pipeline that the deal belongs to afterwards, where it moves; answers whether anything changed.
        """
        before = await unit.state(DEAL, deal_id)
        facts = await unit.decide(DEAL, deal_id, command)
        after = await unit.state(DEAL, deal_id)
        if _standing(before) != _standing(after):
            await self._leave(unit, deal_id, before, terms)
            if after.status == "open" and terms is not None:
                await _enter(unit, deal_id, after, terms)
        # An erased person stays linked: were the key not destroyed yet, a repetition has to find the deal.
        if _people(before) != _people(after) and not isinstance(command, EraseDeal):
            await relink(unit, Link("deal", deal_id), before=_people(before), after=_people(after))
        return bool(facts)

    async def _leave(self, unit: Unit, deal_id: str, deal: Deal, terms: Terms | None) -> None:
        if deal.status != "open":
            return
        same = terms is not None and terms.pipeline_id == deal.pipeline_id
        definition = terms.definition if terms is not None and same else await self.pipelines.of_deal(deal.pipeline_id)
        if _limit(definition, deal.stage) is not None:
            await unit.decide(PLACES, places_id(deal.pipeline_id, deal.stage), GivePlaceUp(deal_id))

    async def _told(self, work: Work, deal_id: str, asked: Asked) -> Committed:
        """Run a unit of work on a deal; a conflict tells the caller where the deal is now."""
        try:
            return await self.decisions.transact(work, asked)
        except (Conflict, VersionMismatch) as refusal:
            loaded = await self.decisions.journal.load(DEAL, deal_id)
            if loaded.state.status != "absent":
                refusal.current = current(loaded)
            raise

    async def _terms(self, deal: Deal, mover: Mover) -> Terms:
        if deal.status == "absent":
            raise DealNotFound
        return Terms(deal.pipeline_id, await self.pipelines.of_deal(deal.pipeline_id), mover)

    async def _currency(self, deal: Deal) -> str | None:
        stated = deal.facet(events.DealValued).currency
        if stated is not None or deal.status == "absent":
            return stated
        return (await self.pipelines.of_deal(deal.pipeline_id)).currency

    async def _agreed(self, body: Body, deal: Deal) -> tuple[int, str] | None:
        if body.get("amount") is None and body.get("currency") is None:
            return None
        currency = deal_body.currency_of(body, deal_body.Reading(await self._currency(deal)))
        return money.minor(body.get("amount"), currency, "amount"), currency

    async def reading(self, body: Body, definition: Definition, deal: Deal | None = None) -> deal_body.Reading:
        """Gather what reading a body depends on; a deal may keep products that were retired since."""
        valued = None if deal is None else deal.facet(events.DealValued).currency
        present = () if deal is None else deal.facet(events.DealLinesChanged).lines
        kept = frozenset(one.product_id for one in present if one.product_id is not None)
        return deal_body.Reading(
            valued or definition.currency, await self.products.named(body.get("lines") or ()), kept
        )

    async def _customers(self, body: Body) -> Body:
        """Replace what names company and people by their ids; raises CompanyNotFound, PersonNotFound."""
        wanted = customer_refs(body)
        return with_customers(body, await self.finding.found(wanted)) if wanted else body


def customer_refs(body: Body) -> Mapping[Ref, str]:
    """Name the company and the people of a body, and where it names them; raises ReferenceNotOne."""
    refs = [company_ref(body)]
    refs += [person_ref(one, f"people[{number}].") for number, one in enumerate(body.get("people") or ())]
    return {ref: ref.path for ref in refs if ref is not None}


def with_customers(body: Body, found: Mapping[Ref, str | None]) -> Body:
    """Put the ids that were found into a body; raises CompanyNotFound, PersonNotFound, ReferenceNotOne."""
    known = dict(body)
    company = company_ref(body)
    if company is not None:
        known["company_id"] = _found(company, found)
    people: list[Body] = []
    for number, one in enumerate(body.get("people") or ()):
        person = person_ref(one, f"people[{number}].")
        if person is None:
            raise PersonNotFound(field=f"people[{number}]")
        people.append({**one, "person_id": _found(person, found)})
    return {**known, "people": people} if people else known


def _found(ref: Ref, found: Mapping[Ref, str | None]) -> str:
    owner = found.get(ref)
    if owner is None:
        raise (PersonNotFound if ref.entity == PEOPLE else CompanyNotFound)(field=ref.path)
    return owner


async def _enter(unit: Unit, deal_id: str, deal: Deal, terms: Terms) -> None:
    limit = _limit(terms.definition, deal.stage)
    if limit is not None:
        place = TakePlace(deal_id, None if terms.told else limit)
        await unit.decide(PLACES, places_id(deal.pipeline_id, deal.stage), place)


def _limit(definition: Definition, stage_id: str) -> int | None:
    found = stage(definition, stage_id)
    return None if found is None else found.wip_limit


def _standing(deal: Deal) -> tuple[str, str] | None:
    return (deal.pipeline_id, deal.stage) if deal.status == "open" else None


def _people(deal: Deal) -> Sequence[str]:
    return [one.person_id for one in deal.facet(events.DealCustomerChanged).people]


def _when(body: Body, unit: Unit, deal: Deal) -> datetime:
    """Tell when something happened: as stated, or now, and not before a newest stage that lies ahead of our clock."""
    if body.get("occurred_at") is not None:
        return moments.instant(body["occurred_at"], "occurred_at", now=unit.now)
    return unit.now if deal.since is None else max(unit.now, deal.since)


def _external(body: Body) -> Mapping[str, str]:
    if body.get("external_id") is None:
        return {}
    source, own = external_key(body["external_id"], "external_id").value
    return {"external_source": source, "external_id": own}


def current(loaded: Loaded[Deal]) -> Mapping[str, Any]:
    """Say where a deal stands, for a caller whose command met another state."""
    deal = loaded.state
    return {
        "id": loaded.stream.id,
        "version": loaded.version,
        "status": deal.status,
        "pipeline_id": deal.pipeline_id,
        "stage": deal.stage,
        "stage_since": deal.since,
        "owner": deal.facet(events.DealOwned).owner,
    }
