"""What rules look at, gathered: the lead, the person and company it is matched with, and what happened."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Never

from patron_events.catalog import contacts as facts
from patron_events.currencies import decimals
from patron_events.decider import Decider
from patron_events.journal import Journal
from patron_events.personal import Erased
from patron_events.registry import Fact
from patron_pipeline.domain.known import Known
from patron_pipeline.domain.lead import Lead
from patron_pipeline.domain.lead_fields import Happened, LeadFacts
from patron_pipeline.handlers.finding import COMPANIES, PEOPLE, Finding
from patron_rules.forms import email_key, number_key

_MOST: Final = 1_000
"""Newest facts of a customer that count: more would make a score slow, and none of them matter to a salesperson."""
NOTHING_KNOWN: Final = Known()


def _never(state: tuple[Happened, ...], command: Never) -> Sequence[Fact]:
    del state, command
    msg = "what customers do is recorded by the contacts context"
    raise TypeError(msg)


def _evolve(done: tuple[Happened, ...], event: Fact, at: datetime) -> tuple[Happened, ...]:
    match event:
        case facts.InteractionLogged():
            properties = () if isinstance(event.properties, Erased) else event.properties
            fields: Mapping[str, Any] = {
                "kind": event.kind,
                "channel": event.channel,
                "direction": event.direction,
                "duration_s": event.duration_s,
                "source": event.source,
                "company_id": event.company_id,
                "properties": {one.name: one.value for one in properties},
            }
            return (*done, Happened("interaction", at, fields))[-_MOST:]
        case facts.OrderPlaced():
            bought: Mapping[str, Any] = {
                "amount_minor": Decimal(event.amount_minor),
                "currency": event.currency,
                "status": event.status,
                "source": event.source,
                "company_id": event.company_id,
                "quantity": sum((Decimal(one.quantity) for one in event.lines), Decimal(0)),
                "sku": frozenset(one.sku for one in event.lines if one.sku is not None),
            }
            return (*done, Happened("purchase", at, bought))[-_MOST:]
        case _:
            return done


_NOTHING: Final[tuple[Happened, ...]] = ()
DONE: Final = Decider(category="contacts.activity", initial=_NOTHING, decide=_never, evolve=_evolve)


@dataclass(frozen=True, slots=True)
class FactsOfLeads:
    """Gathers what is known of leads. own: a journal that nobody else decides through."""

    finding: Finding
    own: Journal

    async def of(self, lead: Lead, kinds: Collection[str] = ()) -> LeadFacts:
        """Gather what is known of a lead now. kinds: the kinds of facts that rules look at; others are not read."""
        matched = lead.matched
        people = await self.finding.known(PEOPLE, [] if matched.person_id is None else [matched.person_id])
        person = people.get(matched.person_id or "", NOTHING_KNOWN)
        company_id = matched.company_id or person.primary_company
        companies = await self.finding.known(COMPANIES, [] if company_id is None else [company_id])
        company = companies.get(company_id or "", NOTHING_KNOWN)
        happened: list[Happened] = []
        if "capture" in kinds:
            happened += captures(lead)
        if matched.person_id is not None and not {"interaction", "purchase"}.isdisjoint(kinds):
            happened += (await self.own.load(DONE, matched.person_id)).state
        return LeadFacts({**lead_fields(lead), **_person(person), **_company(company)}, happened)


def captures(lead: Lead) -> list[Happened]:
    """Give the capture of a lead as something that happened."""
    captured, at = lead.captured, lead.captured_at
    if captured is None or at is None:
        return []
    names = ("channel", "source", "medium", "campaign", "form_id")
    return [Happened("capture", at, {name: getattr(captured, name) for name in names})]


def lead_fields(lead: Lead) -> dict[str, Any]:
    """Give the fields of a lead by the names that rules use; what was erased is not known."""
    captured, profiled, assigned, scored = lead.captured, lead.profiled, lead.assigned, lead.scored
    amount, currency = profiled.amount_minor, profiled.currency
    found: dict[str, Any] = {
        **{name: getattr(captured, name, None) for name in ("channel", "source", "medium", "campaign", "form_id")},
        **{name: getattr(profiled, name) for name in _PROFILED},
        **{name: getattr(assigned, name, None) for name in ("owner", "team", "queue")},
        "amount": None if amount is None or currency is None else Decimal(amount).scaleb(-decimals(currency)),
        "attributes": {one.name: one.value for one in profiled.attributes},
        "language": lead.described.language,
        "time_zone": lead.described.time_zone,
        "status": lead.status,
        "captured_at": lead.captured_at,
        "score": None if scored is None else Decimal(scored.score),
        "grade": None if scored is None else scored.grade,
        "known_person": lead.matched.person_id is not None,
        "known_company": lead.matched.company_id is not None,
    }
    return found | _described(lead)


_PROFILED: Final = (
    "company_name", "industry", "employees", "country", "region", "postal_code", "product_interest", "currency",
)  # fmt: skip


def _described(lead: Lead) -> dict[str, Any]:
    described = lead.described
    found = {name: _open(getattr(described, name)) for name in ("given_name", "family_name", "job_title", "message")}
    email, phone = _open(described.email), _open(described.phone_e164) or _open(described.phone)
    if email is not None:
        found |= {"email": email_key(email), "email_domain": email_key(email).rpartition("@")[2]}
    if phone is not None:
        found["phone"] = number_key(phone)
    return found


def _open(value: Any) -> Any:
    return None if isinstance(value, Erased) else value


def _person(person: Known) -> dict[str, Any]:
    if person.status != "live":
        return {}
    owned, details = person.facet(facts.OwnerAssigned), person.facet(facts.PersonDetailsChanged)
    found = person.facet(facts.AcquisitionChanged)
    return {
        "person.owner": getattr(owned, "owner", None),
        "person.team": getattr(owned, "team", None),
        "person.lifecycle_stage": person.stage,
        "person.lead_source": getattr(found, "lead_source", None),
        "person.language": getattr(details, "language", None),
        "person.time_zone": getattr(details, "time_zone", None),
        "person.department": getattr(details, "department", None),
        "person.country": _country(person),
        "person.tags": getattr(person.facet(facts.TagsChanged), "tags", ()),
    }


def _company(company: Known) -> dict[str, Any]:
    if company.status != "live":
        return {}
    owned, details = company.facet(facts.OwnerAssigned), company.facet(facts.CompanyDetailsChanged)
    return {
        "company.name": getattr(company.facet(facts.CompanyNamed), "name", None),
        "company.industry": getattr(details, "industry", None),
        "company.employees": getattr(details, "employees", None),
        "company.owner": getattr(owned, "owner", None),
        "company.team": getattr(owned, "team", None),
        "company.country": _country(company),
        "company.tags": getattr(company.facet(facts.TagsChanged), "tags", ()),
    }


def _country(known: Known) -> str | None:
    found = known.facet(facts.AddressesChanged)
    if found is None or isinstance(found.addresses, Erased):
        return None
    listed = sorted(found.addresses, key=lambda one: not one.primary)
    return listed[0].country if listed else None
