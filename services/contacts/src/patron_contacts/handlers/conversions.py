"""Make the people and companies that converted leads become, or complete those that were known all along."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from patron_contacts.domain import lifecycle
from patron_contacts.domain.claim import CLAIM
from patron_contacts.domain.company import COMPANY, CreateCompany
from patron_contacts.domain.errors import RecordArchived, RecordErased, RecordNotFound
from patron_contacts.domain.lead import LEAD, SOURCE, Lead
from patron_contacts.domain.person import PERSON
from patron_contacts.domain.record import Changes, Record
from patron_contacts.handlers.changing import RecordHandlers
from patron_contacts.handlers.kinds import Draft
from patron_contacts.handlers.records import Target
from patron_events.catalog import contacts as events
from patron_events.decisions import Asked, Committed, Unit
from patron_events.personal import Erased
from patron_values.contact_points import email_key
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey, name_id

Body = dict[str, Any]
_GONE = (RecordArchived, RecordErased, RecordNotFound)


@dataclass(frozen=True, slots=True)
class Conversions:
    """Use cases of converted leads; safe to repeat with the same command id."""

    people: RecordHandlers

    async def convert(self, lead_id: str, asked: Asked) -> Committed | None:
        """Make or complete the person and company of a converted lead, linked to each other and to the lead.

        Who holds the lead's e-mail address is that person, whatever id the lead was converted with. What a known
        person says of themselves is never written over. Answers None where nothing is left to be done: the lead was
        erased, or the person was archived or erased since.
        """
        lead = (await self.people.records.decisions.journal.load(LEAD, lead_id)).state
        converted = lead.converted
        if converted is None:
            return None

        async def work(unit: Unit) -> None:
            company_id = await self._company(unit, lead, converted.company_id)
            person_id = await self._holder(unit, lead) if "person" in converted.created else None
            person_id = person_id or converted.person_id
            person = await unit.state(PERSON, person_id)
            new = person.status == "absent" and "person" in converted.created
            body = _body(lead, lead_id, company_id, person)
            draft = await self._draft(body, asked)
            make = self.people.creating if new else self.people.updating
            await make(draft, person_id)(unit)

        try:
            return await self.people.records.decisions.transact(work, asked)
        except _GONE:
            return None

    async def _draft(self, body: Body, asked: Asked) -> Draft:
        """Read a body; custom fields that records must have are not asked of who exists because of a lead."""
        draft = await self.people.draft(body, asked, adding=True)
        return replace(draft, changes=replace(draft.changes, definitions={}))

    async def _holder(self, unit: Unit, lead: Lead) -> str | None:
        email = lead.described.email
        if email is None or isinstance(email, Erased):
            return None
        claim = self.people.records.claim_id(PEOPLE, UniqueKey("email", (email_key(email),)))
        return (await unit.state(CLAIM, claim)).owner

    async def _company(self, unit: Unit, lead: Lead, company_id: str | None) -> str | None:
        """Make the company if nobody has its name; answers its id, None where it was erased or there is none."""
        if company_id is None:
            return None
        status = (await unit.state(COMPANY, company_id)).status
        name = lead.profiled.company_name
        if status != "absent" or name is None:
            return company_id if status in {"live", "archived"} else None
        source, own = name_id(name)
        holder = await self.people.records.owner(unit, COMPANIES, UniqueKey("external-id", (source, own)))
        if holder is not None:
            return holder
        changes = Changes(
            facets={
                events.CompanyNamed: {"name": name},
                events.ExternalIdsChanged: {"external_ids": (events.ExternalId(source, own),)},
                events.CompanyDetailsChanged: {
                    "industry": lead.profiled.industry,
                    "employees": lead.profiled.employees,
                },
            },
            custom={},
            definitions={},
        )
        await self.people.records.apply(unit, COMPANIES, Target(COMPANY, company_id, {}), CreateCompany(changes))
        return company_id


def _body(lead: Lead, lead_id: str, company_id: str | None, person: Record) -> Body:
    """Say what the person is to have: the lead's id, the company, and what the lead knows and they do not."""
    body: Body = {"external_ids": [{"source": SOURCE, "id": lead_id}]}
    if company_id is not None and company_id not in person.links:
        body["companies"] = [{"company_id": company_id, "role": _known(lead.described.job_title)}]
    named = person.facet(events.PersonNamed)
    described = lead.described
    told: Mapping[str, tuple[Any, Any]] = {
        "given_name": (named.given_name or named.family_name, described.given_name),
        "family_name": (named.given_name or named.family_name, described.family_name),
        "emails": (person.facet(events.EmailsChanged).emails, _items(described.email)),
        "phones": (person.facet(events.PhonesChanged).phones, _items(_known(described.phone_e164) or described.phone)),
        "job_title": (person.facet(events.PersonDetailsChanged).job_title, described.job_title),
        "language": (person.facet(events.PersonDetailsChanged).language, described.language),
        "time_zone": (person.facet(events.PersonDetailsChanged).time_zone, described.time_zone),
        "owner": (person.facet(events.OwnerAssigned).owner, lead.owner.owner),
        "team": (person.facet(events.OwnerAssigned).owner, lead.owner.team),
        "lead_source": (person.facet(events.AcquisitionChanged).lead_source, lead.captured.source),
        "first_touch": (person.facet(events.AcquisitionChanged).first_touch, _touch(lead)),
    }
    body |= {name: value for name, (present, value) in told.items() if not present and _known(value)}
    stage = "opportunity" if lead.converted is not None and lead.converted.deal_id is not None else "sales-qualified"
    if _forward(person.stage, stage):
        body["lifecycle_stage"] = stage
    return body


def _forward(present: str | None, stage: str) -> bool:
    """Tell whether a stage lies ahead; who was a customer once stays one."""
    if present is None or present in lifecycle.OUTSIDE:
        return True
    return lifecycle.FUNNEL.index(present) < lifecycle.FUNNEL.index(stage)


def _known(value: Any) -> Any:
    return None if isinstance(value, Erased) else value


def _items(value: Any) -> list[Body] | None:
    return None if value is None or isinstance(value, Erased) else [{"value": value}]


def _touch(lead: Lead) -> Body | None:
    touch = {name: getattr(lead.captured, name) for name in ("source", "medium", "campaign")}
    if not any(touch.values()) or lead.captured_at is None:
        return None
    return {**touch, "at": lead.captured_at.isoformat()}
