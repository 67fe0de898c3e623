"""The two kinds of records: how a body of each becomes a command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from patron_contacts.domain.company import COMPANY, ChangeCompany, CreateCompany
from patron_contacts.domain.custom_field import unique_key
from patron_contacts.domain.intake import (
    CompanyRef,
    Terms,
    company_changes,
    company_name,
    company_ref,
    person_changes,
    person_stage,
)
from patron_contacts.domain.person import PERSON, ChangePerson, CompanyLink, CreatePerson, StageMove
from patron_contacts.domain.record import Changes
from patron_contacts.handlers.records import Body, RecordDecider
from patron_events.catalog import contacts as events
from patron_events.personal import Erased
from patron_values import moments, texts
from patron_values.contact_points import email_key
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey


@dataclass(frozen=True, slots=True)
class Draft:
    """A body that was read: what it changes, and which companies it names (path, reference, rest of the link).

    owns_emails: whether addresses are unique keys; companies may share them.
    """

    changes: Changes
    stage: StageMove | None
    companies: Sequence[tuple[str, CompanyRef, Mapping[str, Any]]]
    names: Mapping[tuple[str, str], str]
    owns_emails: bool = True

    def company_keys(self) -> Sequence[UniqueKey]:
        """Name the keys by which the body names companies."""
        return [UniqueKey("external-id", ref.external_id) for _, ref, _ in self.companies if ref.external_id]

    def unique_keys(self) -> Sequence[UniqueKey]:
        """Name the unique keys in the body, in the order in which an upsert looks for a match."""
        facets, changes = self.changes.facets, self.changes
        stated = facets.get(events.ExternalIdsChanged, {}).get("external_ids") or ()
        keys = [UniqueKey("external-id", (one.source, one.id)) for one in (*stated, *changes.add_external_ids)]
        emails = facets.get(events.EmailsChanged, {}).get("emails") or ()
        if self.owns_emails and not isinstance(emails, Erased):
            keys += [UniqueKey("email", (email_key(one.value),)) for one in emails]
        for name, value in changes.custom.items():
            definition = changes.definitions.get(name)
            if definition is not None and definition.unique and value is not None:
                keys.append(UniqueKey(f"custom:{name}", (unique_key(definition, value),)))
        return keys


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record.

    read: a body to a draft. command: a draft with the ids of its companies to the command that creates or changes.
    """

    entity: str
    decider: RecordDecider
    read: Callable[[Body, Terms], Draft]
    command: Callable[[Draft, Sequence[str], bool], Any]


def _read_person(body: Body, terms: Terms) -> Draft:
    companies = [
        (path, company_ref(one, path), _link_terms(one, f"{path}."))
        for number, one in enumerate(body.get("companies") or ())
        for path in (f"companies[{number}]",)
    ]
    names = {
        ref.external_id: company_name(one, path)
        for (path, ref, _), one in zip(companies, body.get("companies") or (), strict=True)
        if ref.external_id is not None and one.get("name")
    }
    return Draft(person_changes(body, terms), person_stage(body), companies, names)


def _link_terms(body: Body, prefix: str) -> Mapping[str, Any]:
    return {
        "role": texts.optional_text(body.get("role"), f"{prefix}role"),
        "start": _day(body.get("from"), f"{prefix}from"),
        "end": _day(body.get("to"), f"{prefix}to"),
        "primary": bool(body.get("primary")),
    }


def _day(value: Any, path: str) -> Any:
    return None if value is None else moments.day(value, path)


def link(company_id: str, body: Body) -> CompanyLink:
    """Read the terms of a link to a company."""
    return CompanyLink(company_id, **_link_terms(body, ""))


def _person_command(draft: Draft, company_ids: Sequence[str], new: bool) -> CreatePerson | ChangePerson:  # noqa: FBT001
    links = tuple(
        CompanyLink(company_id, **terms) for company_id, (_, _, terms) in zip(company_ids, draft.companies, strict=True)
    )
    return (CreatePerson if new else ChangePerson)(draft.changes, draft.stage, links)


def _read_company(body: Body, terms: Terms) -> Draft:
    parent = body.get("parent")
    if parent is None:
        return Draft(company_changes(body, terms), None, (), {}, owns_emails=False)
    ref = company_ref(parent, "parent")
    names: dict[tuple[str, str], str] = {}
    if ref.external_id is not None and parent.get("name"):
        names[ref.external_id] = company_name(parent, "parent")
    return Draft(company_changes(body, terms), None, (("parent", ref, {}),), names, owns_emails=False)


def _company_command(draft: Draft, company_ids: Sequence[str], new: bool) -> CreateCompany | ChangeCompany:  # noqa: FBT001
    changes = draft.changes
    if company_ids:
        details = {**changes.facets.get(events.CompanyDetailsChanged, {}), "parent_id": company_ids[0]}
        changes = replace(changes, facets={**changes.facets, events.CompanyDetailsChanged: details})
    return (CreateCompany if new else ChangeCompany)(changes)


PERSON_KIND: Final = Kind(PEOPLE, PERSON, _read_person, _person_command)
COMPANY_KIND: Final = Kind(COMPANIES, COMPANY, _read_company, _company_command)
