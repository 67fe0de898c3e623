"""The rules of companies, told as history, command, outcome."""

from typing import Any

import pytest

from patron_contacts.domain.company import COMPANY, ChangeCompany, CompanyCommand, CreateCompany
from patron_contacts.domain.errors import NameMissing, RecordArchived, RecordErased, RecordNotFound
from patron_contacts.domain.record import AddNote, Archive, Changes, Erase, NewNote, Restore, unique_keys
from patron_events.catalog import contacts as events
from patron_events.registry import Fact
from patron_events.scenarios import given

created = events.CompanyCreated()
named = events.CompanyNamed(name="Acme", legal_name="Acme Inc.")
archived = events.RecordArchived()
erased = events.RecordErased(reason="request")


def stating(kind: type[Fact], **members: Any) -> Changes:
    """State members of one facet."""
    return Changes(facets={kind: members}, custom={}, definitions={})


def test_a_company_is_recorded_with_its_name() -> None:
    given(COMPANY).when(CreateCompany(stating(events.CompanyNamed, name="Acme"))).then(
        created, events.CompanyNamed(name="Acme")
    )


@pytest.mark.parametrize("members", [{}, {"legal_name": "Acme Inc."}, {"name": None}])
def test_a_company_without_a_name_is_refused(members: dict[str, Any]) -> None:
    given(COMPANY).when(CreateCompany(stating(events.CompanyNamed, **members))).then_rejected(NameMissing, field="name")


def test_a_company_cannot_lose_its_name() -> None:
    given(COMPANY, created, named).when(ChangeCompany(stating(events.CompanyNamed, name=None))).then_rejected(
        NameMissing, field="name"
    )


def test_a_change_records_only_what_differs() -> None:
    known = given(COMPANY, created, named)
    known.when(ChangeCompany(stating(events.CompanyNamed, name="Acme"))).then()
    known.when(ChangeCompany(stating(events.CompanyNamed, legal_name=None))).then(events.CompanyNamed(name="Acme"))


def test_creating_again_changes_nothing() -> None:
    given(COMPANY, created, named).when(CreateCompany(stating(events.CompanyNamed, name="Other"))).then()


@pytest.mark.parametrize(
    "command", [ChangeCompany(stating(events.CompanyNamed, name="X")), AddNote(NewNote("n", "x", "ann"))]
)
def test_only_a_live_company_can_be_changed(command: CompanyCommand) -> None:
    given(COMPANY).when(command).then_rejected(RecordNotFound)
    given(COMPANY, created, named, archived).when(command).then_rejected(RecordArchived)
    given(COMPANY, created, named, erased).when(command).then_rejected(RecordErased)


def test_a_company_is_archived_restored_and_erased() -> None:
    given(COMPANY, created, named).when(Archive()).then(archived)
    given(COMPANY, created, named, archived).when(Restore()).then(events.RecordRestored())
    given(COMPANY, created, named).when(Erase()).then(erased)


def test_companies_may_share_an_address() -> None:
    mailed = events.EmailsChanged(emails=(events.EmailAddress("info@example.org"),))
    identified = events.ExternalIdsChanged(external_ids=(events.ExternalId("crm", "1"),))
    company = given(COMPANY, created, named, mailed, identified).state
    assert {key.kind for key in unique_keys(company, {}, emails=False)} == {"external-id"}
