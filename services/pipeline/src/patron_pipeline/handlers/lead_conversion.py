"""Turn a lead into a customer: person, company and deal, decided in one unit with the lead.

Who does not exist yet gets an id that is derived here; the contacts context makes them by reaction, and says so where
it knew them under another id all along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import structs

from patron_events.catalog.pipeline import deals
from patron_events.decisions import Asked, Committed, Unit
from patron_events.rejections import Rejection
from patron_pipeline.domain import ids
from patron_pipeline.domain.customer import Link
from patron_pipeline.domain.deal import DEAL, ChangeDeal
from patron_pipeline.domain.deal_state import Changes
from patron_pipeline.domain.lead import LEAD, ConvertLead, Lead, RelinkLead, readable_email
from patron_pipeline.domain.lead_body import Terms, happened
from patron_pipeline.domain.stages import Mover
from patron_pipeline.handlers.deals import DealHandlers, OfLead
from patron_pipeline.handlers.finding import USABLE, Finding, company_named, company_ref, person_ref
from patron_pipeline.handlers.leads import LeadHandlers
from patron_pipeline.handlers.linking import relink
from patron_values.contact_points import email_key
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey, company_by_name, person_of_lead
from patron_values.money import decimal_text

Body = Mapping[str, Any]
_COMPANY = ("company_id", "company_external_id")


class Customers(NamedTuple):
    """The customer that a lead becomes. created: which of them did not exist before."""

    person_id: str
    company_id: str | None
    created: frozenset[str]


class Stated(NamedTuple):
    """What the caller says about the customer; `no_company` where a body says null."""

    person_id: str | None = None
    company_id: str | None = None
    no_company: bool = False


async def customers_of(finding: Finding, lead_id: str, lead: Lead, stated: Stated) -> Customers:
    """Say who a lead becomes: who is stated, else who it was matched with, else who holds its address or its name."""
    created: set[str] = set()
    person_id = stated.person_id or await _usable(finding, PEOPLE, lead.matched.person_id)
    email = readable_email(lead)
    if person_id is None and email is not None:
        key = UniqueKey("email", (email_key(email),))
        person_id = (await finding.holders(PEOPLE, {key})).get(key)
    if person_id is None:
        person_id = person_of_lead(lead_id)
        created.add("person")
    company_id = stated.company_id
    if company_id is None and not stated.no_company:
        company_id = await _usable(finding, COMPANIES, lead.matched.company_id)
        name = lead.profiled.company_name
        if company_id is None and name is not None:
            key = company_named(name)
            company_id = (await finding.holders(COMPANIES, {key})).get(key)
            if company_id is None:
                company_id = company_by_name(key)
                created.add("company")
    return Customers(person_id, company_id, frozenset(created))


async def _usable(finding: Finding, entity: str, known_id: str | None) -> str | None:
    if known_id is None:
        return None
    return known_id if (await finding.known(entity, [known_id]))[known_id].status in USABLE else None


@dataclass(frozen=True, slots=True)
class Conversion:
    """Use cases of converting leads."""

    leads: LeadHandlers
    deals: DealHandlers

    async def convert(self, lead_id: str, body: Body, asked: Asked, mover: Mover) -> Committed:
        """Turn a lead into a customer, with a deal where the body asks for one; all of it or nothing.

        Raises:
            LeadNotFound, LeadErased, LeadClosed, LeadOutOfOrder, PersonNotFound, CompanyNotFound, ReferenceNotOne,
            and what opening a deal raises, with its place under `deal`.
        """
        finding = self.leads.finding
        stated = Stated(
            await finding.one(person_ref(body)),
            await finding.one(company_ref(body)),
            no_company=any(name in body and body[name] is None for name in _COMPANY),
        )
        at = happened(body, Terms(datetime.now(UTC)))
        deal_id = None if body.get("deal") is None else ids.derived_id("deal-of-lead", lead_id)

        async def work(unit: Unit) -> None:
            lead = await unit.state(LEAD, lead_id)
            found = await customers_of(finding, lead_id, lead, stated)
            created = found.created if deal_id is None else found.created | {"deal"}
            command = ConvertLead(found.person_id, found.company_id, deal_id, tuple(sorted(created)), at)
            if not await unit.decide(LEAD, lead_id, command):
                return
            after = await unit.state(LEAD, lead_id)
            await relink(unit, Link("lead", lead_id), before=lead.people, after=after.people)
            if deal_id is not None:
                of = OfLead(lead_id, found.person_id, found.company_id)
                await self._open(unit, deal_id, _deal(body, lead), of, mover)

        return await self.leads.decisions.transact(work, asked)

    async def _open(self, unit: Unit, deal_id: str, body: Body, of: OfLead, mover: Mover) -> None:
        """Open the deal; a refusal blames its place under `deal`."""
        try:
            await self.deals.open_in(unit, deal_id, body, mover, lead=of)
        except Rejection as refusal:
            if refusal.field is not None:
                refusal.field = f"deal.{refusal.field}"
            raise

    async def relinked(self, lead_id: str, command: RelinkLead, asked: Asked) -> Committed:
        """Take over the ids under which contacts know who a lead became; raises LeadNotFound, LeadErased."""

        async def work(unit: Unit) -> None:
            before = await unit.state(LEAD, lead_id)
            await unit.decide(LEAD, lead_id, command)
            after = await unit.state(LEAD, lead_id)
            await relink(unit, Link("lead", lead_id), before=before.people, after=after.people)
            if before.converted is not None and before.converted.deal_id is not None:
                await self._follow(unit, before.converted.deal_id, before.converted.person_id, command)

        return await self.leads.decisions.transact(work, asked)

    async def _follow(self, unit: Unit, deal_id: str, was: str, command: RelinkLead) -> None:
        """Put the person and company that contacts know into the deal, in the place of those who never came to be."""
        deal = await unit.state(DEAL, deal_id)
        customer = deal.facet(deals.DealCustomerChanged)
        if deal.status != "open" or all(one.person_id != was for one in customer.people):
            return
        people = {one.person_id: one for one in customer.people if one.person_id not in (was, command.person_id)}
        moved = [structs.replace(one, person_id=command.person_id) for one in customer.people if one.person_id == was]
        fields = {"company_id": command.company_id, "people": (*moved, *people.values())}
        changes = Changes({deals.DealCustomerChanged: fields})
        await self.deals.decide(unit, deal_id, ChangeDeal(changes, unit.now), None)


def _deal(body: Body, lead: Lead) -> Body:
    """Complete the body of a deal with what the lead says."""
    captured, profiled = lead.captured, lead.profiled
    told: dict[str, Any] = {
        "name": profiled.company_name,
        "owner": lead.owner,
        "team": None if lead.assigned is None else lead.assigned.team,
        "occurred_at": body.get("occurred_at"),
    }
    if profiled.amount_minor is not None and profiled.currency is not None and "amount" not in body["deal"]:
        told |= {"amount": decimal_text(profiled.amount_minor, profiled.currency), "currency": profiled.currency}
    if captured is not None:
        told |= {"source": captured.source, "medium": captured.medium, "campaign": captured.campaign}
    return {**{name: value for name, value in told.items() if value is not None}, **body["deal"]}
