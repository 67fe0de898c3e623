"""Leads: somebody who may become a customer, from capture to conversion, with the whole path on record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import structs

from patron_events.catalog.pipeline import leads as events
from patron_events.decider import Dated, Decider
from patron_events.personal import Erased
from patron_pipeline.domain.lead_errors import (
    LeadClosed,
    LeadEmpty,
    LeadErased,
    LeadMoveNotAllowed,
    LeadNotFound,
    LeadOutOfOrder,
    LeadUnassigned,
    LeadUntilInvalid,
)
from patron_pipeline.domain.lead_status import OPEN, check_move, check_reason

PathFact = events.LeadAssigned | events.LeadStatusChanged | events.LeadConverted


class Step(NamedTuple):
    """One step of a lead's path: an assignment or a change of status, and when it happened."""

    fact: PathFact
    at: datetime


class Lead(msgspec.Struct, frozen=True):
    """A lead as the log tells it.

    status: absent, one of `lead_status.STATUSES`, or erased. path: every assignment and status, the oldest first.
    moved_at: when the newest step of the path happened; since: when the present status was entered.
    """

    status: str = "absent"
    captured: events.LeadCaptured | None = None
    described: events.LeadDescribed = events.LeadDescribed()
    profiled: events.LeadProfiled = events.LeadProfiled()
    matched: events.LeadMatched = events.LeadMatched()
    assigned: events.LeadAssigned | None = None
    scored: events.LeadScored | None = None
    converted: events.LeadConverted | None = None
    reason: str | None = None
    until: datetime | None = None
    path: tuple[Step, ...] = ()
    captured_at: datetime | None = None
    since: datetime | None = None
    moved_at: datetime | None = None
    changed_at: datetime | None = None

    @property
    def owner(self) -> str | None:
        """Who is responsible, as `sub` of their tokens."""
        return None if self.assigned is None else self.assigned.owner

    @property
    def people(self) -> frozenset[str]:
        """The people of the contacts context that the lead speaks of."""
        ids = {self.matched.person_id, None if self.converted is None else self.converted.person_id}
        return frozenset(one for one in ids if one is not None)


Members = Mapping[str, Any]
NOBODY: Final = events.LeadMatched()


@dataclass(frozen=True, slots=True)
class LeadChanges:
    """What is to be different: members of the description and of the profile, by name; None clears."""

    described: Members = field(default_factory=dict[str, Any])
    profiled: Members = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class CaptureLead:
    """A lead became known; `at` is when, None for now."""

    captured: events.LeadCaptured
    changes: LeadChanges
    matched: events.LeadMatched = NOBODY
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeLead:
    """Make a lead differ in what is stated, and in nothing else."""

    changes: LeadChanges


@dataclass(frozen=True, slots=True)
class MatchLead:
    """Take the lead to be this person and company of the contacts context."""

    matched: events.LeadMatched


@dataclass(frozen=True, slots=True)
class AssignLead:
    """Make somebody responsible; `to.was` is filled in. An owner of None puts the lead back, into a queue or not."""

    to: events.LeadAssigned
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MoveLead:
    """Change the status; `until` says when a recycled lead comes back."""

    to: str
    reason: str | None = None
    until: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScoreLead:
    """State the score; `scored.was` is filled in."""

    scored: events.LeadScored
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConvertLead:
    """Turn the lead into a customer. created: which of person, company and deal did not exist before, sorted."""

    person_id: str
    company_id: str | None = None
    deal_id: str | None = None
    created: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RelinkLead:
    """Contacts know the person or company of a converted lead under another id."""

    person_id: str
    company_id: str | None = None


@dataclass(frozen=True, slots=True)
class EraseLead:
    """Erase what is personal. person_id: whose erasure causes it; None when the lead itself is erased."""

    person_id: str | None = None


Command = (
    CaptureLead | ChangeLead | MatchLead | AssignLead | MoveLead | ScoreLead | ConvertLead | RelinkLead | EraseLead
)
_CLOSED: Final = frozenset({"converted", "dead"})


def _dated(facts: Sequence[events.LeadEvent], at: datetime | None) -> Sequence[events.LeadEvent | Dated]:
    return tuple(facts) if at is None else tuple(Dated(fact, at) for fact in facts)


def _changed(lead: Lead, changes: LeadChanges) -> Iterator[events.LeadEvent]:
    for present, members in ((lead.described, changes.described), (lead.profiled, changes.profiled)):
        wanted = structs.replace(present, **members)
        if wanted != present:
            yield wanted


def _identified(captured: events.LeadCaptured, changes: LeadChanges) -> bool:
    members = {**changes.described, **changes.profiled}
    names = ("given_name", "family_name", "email", "phone", "company_name")
    return captured.external_id is not None or any(members.get(name) for name in names)


def _capture(command: CaptureLead) -> Iterator[events.LeadEvent]:
    if not _identified(command.captured, command.changes):
        raise LeadEmpty
    yield command.captured
    yield from _changed(Lead(), command.changes)
    if command.matched != NOBODY:
        yield command.matched


def _check_order(lead: Lead, at: datetime | None) -> None:
    if at is not None and lead.moved_at is not None and at < lead.moved_at:
        raise LeadOutOfOrder(field="occurred_at")


def _assign(lead: Lead, command: AssignLead) -> Iterator[events.LeadEvent]:
    if lead.status in _CLOSED:
        raise LeadClosed
    to = command.to
    present = lead.assigned or events.LeadAssigned(owner=None)
    if (to.owner, to.team, to.queue) == (present.owner, present.team, present.queue):
        return
    _check_order(lead, command.at)
    yield structs.replace(to, was=present.owner)
    if to.owner is not None and lead.status in {"new", "recycled"}:
        yield events.LeadStatusChanged(to="assigned", was=lead.status)
    elif to.owner is None and lead.status in OPEN - {"new"}:
        yield events.LeadStatusChanged(to="new", was=lead.status)


def _move(lead: Lead, command: MoveLead) -> Iterator[events.LeadEvent]:
    to, was = command.to, lead.status
    if to == was and (command.reason, command.until) == (lead.reason, lead.until):
        return
    if not (to == was == "recycled"):  # a recycled lead may be told to come back at another time
        check_move(was, to)
    check_reason(was, to, command.reason)
    _check_order(lead, command.at)
    if command.until is not None and (to != "recycled" or (command.at is not None and command.until <= command.at)):
        raise LeadUntilInvalid(field="until")
    if to == "assigned" and lead.owner is None:
        raise LeadUnassigned(field="to")
    if to == "new" and lead.owner is not None:
        yield events.LeadAssigned(owner=None, was=lead.owner)
    yield events.LeadStatusChanged(to=to, was=was, reason=command.reason, until=command.until)


def _score(lead: Lead, scored: events.LeadScored) -> Iterator[events.LeadEvent]:
    before = lead.scored
    wanted = structs.replace(scored, was=None if before is None else before.score)
    if before is None or structs.replace(before, was=None) != structs.replace(wanted, was=None):
        yield wanted


def _convert(lead: Lead, command: ConvertLead) -> Iterator[events.LeadEvent]:
    if lead.status == "converted":
        return
    if lead.status == "dead":
        raise LeadClosed
    _check_order(lead, command.at)
    yield events.LeadConverted(
        was=lead.status,
        person_id=command.person_id,
        company_id=command.company_id,
        deal_id=command.deal_id,
        created=command.created,
    )


def _relink(lead: Lead, command: RelinkLead) -> Iterator[events.LeadEvent]:
    known = lead.converted
    if known is None:
        raise LeadMoveNotAllowed("Only a converted lead is linked to a person for good.")
    if (known.person_id, known.company_id) != (command.person_id, command.company_id):
        yield events.LeadConversionRelinked(person_id=command.person_id, company_id=command.company_id)


def decide(lead: Lead, command: Command) -> Sequence[events.LeadEvent | Dated]:
    """Answer a command with the facts it creates; none when they already hold."""
    match lead.status, command:
        case "absent", CaptureLead():
            return _dated(tuple(_capture(command)), command.at)
        case "absent", _:
            raise LeadNotFound
        case "erased", EraseLead():
            return ()
        case "erased", _:
            raise LeadErased
        case _, CaptureLead():
            return ()  # callers choose the id, so this is their own retry
        case _, ChangeLead(changes):
            return tuple(_changed(lead, changes))
        case _, MatchLead(matched):
            return () if matched == lead.matched else (matched,)
        case _, AssignLead():
            return _dated(tuple(_assign(lead, command)), command.at)
        case _, MoveLead():
            return _dated(tuple(_move(lead, command)), command.at)
        case _, ScoreLead(scored):
            return _dated(tuple(_score(lead, scored)), command.at)
        case _, ConvertLead():
            return _dated(tuple(_convert(lead, command)), command.at)
        case _, RelinkLead():
            return tuple(_relink(lead, command))
        case _, EraseLead(person_id):
            return (events.LeadErased(person_id=person_id),)


def _step(
    lead: Lead, fact: events.LeadAssigned | events.LeadStatusChanged | events.LeadConverted, at: datetime
) -> Lead:
    return structs.replace(lead, path=(*lead.path, Step(fact, at)), moved_at=at, changed_at=at)


def evolve(lead: Lead, event: events.LeadEvent, at: datetime) -> Lead:
    """Fold one recorded fact."""
    match event:
        case events.LeadCaptured():
            return Lead("new", captured=event, captured_at=at, since=at, moved_at=at, changed_at=at)
        case events.LeadDescribed():
            return structs.replace(lead, described=event, changed_at=at)
        case events.LeadProfiled():
            return structs.replace(lead, profiled=event, changed_at=at)
        case events.LeadMatched():
            return structs.replace(lead, matched=event, changed_at=at)
        case events.LeadAssigned():
            return structs.replace(_step(lead, event, at), assigned=event)
        case events.LeadStatusChanged(to=to, reason=reason, until=until):
            return structs.replace(_step(lead, event, at), status=to, reason=reason, until=until, since=at)
        case events.LeadScored():
            return structs.replace(lead, scored=event, changed_at=at)
        case events.LeadConverted():
            done = _step(lead, event, at)
            return structs.replace(done, status="converted", converted=event, reason=None, until=None, since=at)
        case events.LeadConversionRelinked(person_id=person_id, company_id=company_id):
            if lead.converted is None:
                return lead
            converted = structs.replace(lead.converted, person_id=person_id, company_id=company_id)
            return structs.replace(lead, converted=converted, changed_at=at)
        case events.LeadErased():
            kept = lead.converted
            return Lead("erased", captured=lead.captured, converted=kept, captured_at=lead.captured_at, changed_at=at)


def readable_email(lead: Lead) -> str | None:
    """Give the e-mail address, where there is one that can still be read."""
    return None if isinstance(lead.described.email, Erased) else lead.described.email


LEAD: Final = Decider(category="pipeline.lead", initial=Lead(), decide=decide, evolve=evolve)
