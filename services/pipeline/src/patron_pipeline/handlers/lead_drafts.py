"""What a body asks of a lead, read and matched with the people and companies that the contacts context knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from patron_events.catalog.pipeline import leads as events
from patron_events.rejections import Rejection
from patron_pipeline.domain.lead import NOBODY, AssignLead, LeadChanges
from patron_pipeline.domain.lead_body import Terms, captured, happened, lead_changes
from patron_pipeline.handlers.finding import (
    CompanyNotFound,
    Finding,
    PersonNotFound,
    Ref,
    company_named,
    company_ref,
    person_ref,
)
from patron_pipeline.handlers.linking import ExternalId
from patron_values.contact_points import email_key
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey
from patron_values.texts import optional_text

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """How leads come in. channel: api, file, form or email; form_id: the web form; region: of national numbers."""

    channel: str
    form_id: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class LeadDraft:
    """A body that was read. person, company: as the body names them, None where it does not."""

    captured: events.LeadCaptured
    changes: LeadChanges
    at: datetime | None
    person: Ref | None
    company: Ref | None
    assign: AssignLead | None

    @property
    def external_id(self) -> ExternalId | None:
        """The id in another system."""
        source, own = self.captured.external_source, self.captured.external_id
        return None if source is None or own is None else ExternalId(source, own)

    @property
    def email(self) -> UniqueKey | None:
        """The e-mail address as a key of people."""
        address = self.changes.described.get("email")
        return None if address is None else UniqueKey("email", (email_key(address),))

    @property
    def company_name(self) -> UniqueKey | None:
        """The company's name as a key of companies."""
        name = self.changes.profiled.get("company_name")
        return None if name is None else company_named(name)


def lead_draft(body: Body, origin: Origin) -> LeadDraft:
    """Read the body of a lead; raises the refusals of values, ReferenceNotOne."""
    terms = Terms(datetime.now(UTC), origin.region)
    at = happened(body, terms, "captured_at")
    owner = optional_text(body.get("owner"), "owner")
    team = optional_text(body.get("team"), "team")
    assign = None
    if owner is not None or team is not None:
        assign = AssignLead(events.LeadAssigned(owner=owner, team=team), at)
    return LeadDraft(
        captured(body, origin.channel, origin.form_id),
        lead_changes(body, terms),
        at,
        person_ref(body),
        company_ref(body),
        assign,
    )


async def matches(finding: Finding, drafts: Sequence[LeadDraft]) -> Sequence[events.LeadMatched | Rejection]:
    """Find whom each draft is about, asking for all of them together; answers in order.

    A person is who the draft names, else who holds its e-mail address; a company is the one that it names, else the
    one that the person works for, else the one that has its name. Who is named and not found is a refusal.
    """
    found = await finding.found([ref for draft in drafts for ref in (draft.person, draft.company) if ref is not None])
    unnamed = [draft for draft in drafts if draft.person is None]
    held = await finding.holders(PEOPLE, {draft.email for draft in unnamed if draft.email is not None})
    people = [_person(draft, found, held) for draft in drafts]
    known = await finding.known(PEOPLE, {one for one in people if one is not None})
    named = await finding.holders(
        COMPANIES, {draft.company_name for draft in drafts if draft.company is None and draft.company_name is not None}
    )
    answers: list[events.LeadMatched | Rejection] = []
    for draft, person_id in zip(drafts, people, strict=True):
        if draft.person is not None and person_id is None:
            answers.append(PersonNotFound(field=draft.person.path))
        elif draft.company is not None and draft.company not in found:
            answers.append(CompanyNotFound(field=draft.company.path))
        else:
            company_id = None if draft.company is None else found[draft.company]
            if company_id is None and person_id is not None:
                company_id = known[person_id].primary_company
            if company_id is None and draft.company_name is not None:
                company_id = named.get(draft.company_name)
            answers.append(events.LeadMatched(person_id=person_id, company_id=company_id))
    return answers


def _person(draft: LeadDraft, found: Mapping[Ref, str], held: Mapping[UniqueKey, str]) -> str | None:
    if draft.person is not None:
        return found.get(draft.person)
    return None if draft.email is None else held.get(draft.email)


async def match(finding: Finding, draft: LeadDraft) -> events.LeadMatched:
    """Find whom one draft is about; raises PersonNotFound, CompanyNotFound."""
    (answer,) = await matches(finding, [draft])
    if isinstance(answer, Rejection):
        raise answer
    return answer


def joined(present: events.LeadMatched, found: events.LeadMatched) -> events.LeadMatched:
    """Add what was found to a match, without taking anything back."""
    if present == NOBODY:
        return found
    return events.LeadMatched(
        person_id=present.person_id or found.person_id, company_id=present.company_id or found.company_id
    )
