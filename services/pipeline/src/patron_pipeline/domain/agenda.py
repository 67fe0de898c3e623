"""Agendas: which open activities a user or a deal has.

The log answers only for one aggregate at a time, so what a user has to do is an aggregate too: one per user and year of
the due date (and one without date), which bounds what a feed must read; one per deal. Those of users are spread over
eight aggregates by the id of the activity, so that many activities of one user can be planned at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from patron_events.catalog.pipeline import agendas as events
from patron_events.decider import Decider
from patron_events.envelope import partition_of
from patron_pipeline.domain.activity_state import Activity

_IDS: Final = UUID("0d6a1f70-4f0c-5b8e-8f1f-6f6f1f2f7b02")
_UNDATED: Final = "undated"
_SPREAD: Final = 8


@dataclass(frozen=True, slots=True)
class Agenda:
    """The open activities by id. emptied_at: since when there are none; None before there ever was one."""

    activities: frozenset[str] = frozenset()
    emptied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EnterActivity:
    """Put an activity in."""

    activity_id: str


@dataclass(frozen=True, slots=True)
class LeaveActivity:
    """Take an activity out."""

    activity_id: str


def decide(agenda: Agenda, command: EnterActivity | LeaveActivity) -> Sequence[events.AgendaEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case EnterActivity(one):
            return () if one in agenda.activities else (events.AgendaEntered(activity_id=one),)
        case LeaveActivity(one):
            return (events.AgendaLeft(activity_id=one),) if one in agenda.activities else ()


def evolve(agenda: Agenda, event: events.AgendaEvent, at: datetime) -> Agenda:
    """Fold one recorded fact."""
    match event:
        case events.AgendaEntered(activity_id=one):
            return Agenda(agenda.activities | {one})
        case events.AgendaLeft(activity_id=one):
            left = agenda.activities - {one}
            return replace(agenda, activities=left, emptied_at=None if left else at)


AGENDA = Decider(category="pipeline.agenda", initial=Agenda(), decide=decide, evolve=evolve)


def of_user(subject: str, years: Sequence[int]) -> list[str]:
    """Name the agendas of a user: those of these years, and those without date."""
    pages = [*(str(year) for year in years), _UNDATED]
    return [_id("user", subject, f"{page}.{spread}") for page in pages for spread in range(_SPREAD)]


def of_deal(deal_id: str) -> str:
    """Name the agenda of a deal."""
    return _id("deal", deal_id, "")


def of_activity(activity_id: str, activity: Activity) -> frozenset[str]:
    """Name the agendas that an activity stands in; none unless it is open."""
    if activity.status != "open":
        return frozenset()
    found: set[str] = set()
    if activity.assignee is not None:
        due_at = activity.schedule.due_at
        page = _UNDATED if due_at is None else str(due_at.year)
        found.add(_id("user", activity.assignee, f"{page}.{partition_of(activity_id) % _SPREAD}"))
    if activity.about.deal_id is not None:
        found.add(of_deal(activity.about.deal_id))
    return frozenset(found)


def _id(kind: str, whose: str, page: str) -> str:
    return str(uuid5(_IDS, f"{kind}|{page}|{whose}"))
