"""Companies: organisations that people work for, and that belong to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from patron_contacts.domain.errors import NameMissing
from patron_contacts.domain.record import (
    Changes,
    Record,
    RecordCommand,
    added_notes,
    changed_facets,
    check_live,
    decide_record,
    evolve_record,
    with_facet,
)
from patron_events.catalog import contacts as events
from patron_events.decider import Dated, Decider
from patron_events.registry import Fact


@dataclass(frozen=True, slots=True)
class CreateCompany:
    """Record a company that was not known."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class ChangeCompany:
    """Make a known company differ in what is stated, and in nothing else."""

    changes: Changes


CompanyCommand = CreateCompany | ChangeCompany | RecordCommand


def _change(company: Record, changes: Changes) -> Sequence[Fact | Dated]:
    stated = changes.facets.get(events.CompanyNamed, {})
    named = stated["name"] is not None if "name" in stated else events.CompanyNamed in company.facets
    if not named:
        raise NameMissing(field="name")
    return (*changed_facets(company, changes), *added_notes(changes.notes, company))


def decide(company: Record, command: CompanyCommand) -> Sequence[Fact | Dated]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case CreateCompany(changes):
            if company.status != "absent":
                check_live(company)
                return ()  # callers choose the id, so this is their own retry
            return (events.CompanyCreated(), *_change(company, changes))
        case ChangeCompany(changes):
            check_live(company)
            return _change(company, changes)
        case _:
            return decide_record(company, command)


def evolve(company: Record, event: Fact, at: datetime) -> Record:
    """Fold one recorded fact."""
    match event:
        case events.CompanyCreated():
            return structs.replace(company, status="live", created_at=at, changed_at=at)
        case events.CompanyNamed() | events.CompanyDetailsChanged():
            return with_facet(company, event, at)
        case _:
            return evolve_record(company, event, at)


COMPANY = Decider(category="contacts.company", initial=Record(), decide=decide, evolve=evolve)
