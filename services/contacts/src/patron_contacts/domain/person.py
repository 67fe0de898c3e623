"""People: who they are, where they work, and how far they are along the customer lifecycle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from msgspec import structs

from patron_contacts.domain import lifecycle
from patron_contacts.domain.consent import GiveConsent, WithdrawConsent, decide_consent, evolve_consents
from patron_contacts.domain.errors import LinkDatesReversed, LinkNotFound, RecordEmpty
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
class CompanyLink:
    """The link that a person is to have to a company; dates are inclusive."""

    company_id: str
    role: str | None = None
    start: date | None = None
    end: date | None = None
    primary: bool = False


@dataclass(frozen=True, slots=True)
class StageMove:
    """A move along the lifecycle; `at` is when it happened, None for now."""

    to: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreatePerson:
    """Record a person that was not known."""

    changes: Changes
    stage: StageMove | None = None
    links: tuple[CompanyLink, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangePerson:
    """Make a known person differ in what is stated, and in nothing else."""

    changes: Changes
    stage: StageMove | None = None
    links: tuple[CompanyLink, ...] = ()


@dataclass(frozen=True, slots=True)
class MoveStage:
    """Move a person along the lifecycle."""

    move: StageMove


@dataclass(frozen=True, slots=True)
class LinkCompany:
    """Link a person to a company, or change that link."""

    link: CompanyLink


@dataclass(frozen=True, slots=True)
class UnlinkCompany:
    """Remove a link that was a mistake."""

    company_id: str


PersonCommand = (
    CreatePerson
    | ChangePerson
    | MoveStage
    | LinkCompany
    | UnlinkCompany
    | GiveConsent
    | WithdrawConsent
    | RecordCommand
)

_IDENTIFYING: Final = (events.PersonNamed, events.EmailsChanged, events.PhonesChanged, events.ExternalIdsChanged)


def _link(record: Record, link: CompanyLink) -> Iterator[events.CompanyLinked]:
    if link.start is not None and link.end is not None and link.end < link.start:
        raise LinkDatesReversed(field="to")
    wanted = events.CompanyLinked(
        company_id=link.company_id, role=link.role, start=link.start, end=link.end, primary=link.primary
    )
    if record.links.get(link.company_id) != wanted:
        yield wanted


def _once_each(links: Sequence[CompanyLink]) -> Sequence[CompanyLink]:
    """Join the links to one company, which cards name once per department; what is stated first holds."""
    found: dict[str, CompanyLink] = {}
    for link in links:
        first = found.setdefault(link.company_id, link)
        dated = first if first.start or first.end else link  # dates of different entries may contradict each other
        role, primary = first.role or link.role, first.primary or link.primary
        found[link.company_id] = CompanyLink(link.company_id, role, dated.start, dated.end, primary)
    return tuple(found.values())


def _move(record: Record, move: StageMove) -> Iterator[Fact | Dated]:
    if move.to == record.stage:
        return
    lifecycle.check_move(record.stage, move.to, "lifecycle_stage")
    fact = events.LifecycleStageChanged(to=move.to, was=record.stage)
    yield fact if move.at is None else Dated(fact, move.at)


def _change(record: Record, command: CreatePerson | ChangePerson) -> Iterator[Fact | Dated]:
    yield from changed_facets(record, command.changes)
    yield from added_notes(command.changes.notes, record)
    if command.stage is not None:
        yield from _move(record, command.stage)
    for link in _once_each(command.links):
        yield from _link(record, link)


def decide(person: Record, command: PersonCommand) -> Sequence[Fact | Dated]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case CreatePerson():
            if person.status != "absent":
                check_live(person)
                return ()  # callers choose the id, so this is their own retry
            facts = tuple(_change(person, command))
            if not any(isinstance(fact, _IDENTIFYING) for fact in facts):
                raise RecordEmpty
            return (events.PersonCreated(), *facts)
        case ChangePerson():
            check_live(person)
            return tuple(_change(person, command))
        case MoveStage(move):
            check_live(person)
            return tuple(_move(person, move))
        case LinkCompany(link):
            check_live(person)
            return tuple(_link(person, link))
        case UnlinkCompany(company_id):
            check_live(person)
            if company_id not in person.links:
                raise LinkNotFound
            return (events.CompanyUnlinked(company_id=company_id),)
        case GiveConsent() | WithdrawConsent():
            check_live(person)
            return decide_consent(person.consents, command)
        case _:
            return decide_record(person, command)


def evolve(person: Record, event: Fact, at: datetime) -> Record:
    """Fold one recorded fact."""
    match event:
        case events.PersonCreated():
            return structs.replace(person, status="live", created_at=at, changed_at=at)
        case events.LifecycleStageChanged(to=to):
            return structs.replace(person, stage=to, stages={**person.stages, to: at}, changed_at=at)
        case events.CompanyLinked(company_id=company_id):
            return structs.replace(person, links={**person.links, company_id: event}, changed_at=at)
        case events.CompanyUnlinked(company_id=gone):
            links = {company_id: link for company_id, link in person.links.items() if company_id != gone}
            return structs.replace(person, links=links, changed_at=at)
        case events.ConsentGiven() | events.ConsentWithdrawn():
            consents = evolve_consents(person.consents, event, at)
            return structs.replace(person, consents=consents, changed_at=at)
        case events.PersonNamed() | events.PersonDetailsChanged() | events.PreferencesChanged():
            return with_facet(person, event, at)
        case events.AcquisitionChanged():
            return with_facet(person, event, at)
        case _:
            return evolve_record(person, event, at)


PERSON = Decider(category="contacts.person", initial=Record(), decide=decide, evolve=evolve)
