"""The state of a planned activity, folded from its facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal

from patron_events.catalog.pipeline import activities as events
from patron_events.catalog.pipeline.activities import Reminder
from patron_events.personal import known
from patron_pipeline.domain.schedule import NO_TIME, Schedule

Kind = Literal["call", "meeting", "task", "email"]
Status = Literal["absent", "open", "completed", "cancelled", "erased"]
Sent = tuple[datetime, int, str]
"""What a reminder is told by: its occurrence, the minutes before it, its channel."""
_REMEMBERED: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Texts:
    """What an activity is about, all of it personal."""

    summary: str | None = None
    notes: str | None = None
    location: str | None = None
    attendees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What an activity belongs to, by id; it stays so."""

    deal_id: str | None = None
    lead_id: str | None = None
    person_id: str | None = None
    company_id: str | None = None
    external_id: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attendee answered to the invitation of a sequence; occurrence: only to that one."""

    attendee: str
    answer: str
    sequence: int
    at: datetime
    occurrence: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """The state of one activity.

    left_out: occurrences that were cancelled, of the present schedule. revision: of what attendees have to know;
    told_revision: what they were told, and told_attendees who. sent: reminders that were sent or given up.
    restated: how often its time or reminders were stated, or it was reopened: reminders that were past by then are not
    owed. told_at: of the newest fact about its status. answers: the newest ones by (attendee, occurrence).
    """

    status: Status = "absent"
    kind: str = ""
    priority: int = 0
    about: About = About()
    texts: Texts = Texts()
    schedule: Schedule = NO_TIME
    sequence: int = 0
    left_out: frozenset[datetime] = frozenset()
    assignee: str | None = None
    reminders: tuple[Reminder, ...] = ()
    sent: frozenset[Sent] = frozenset()
    restated: int = 0
    revision: int = 0
    told_revision: int = 0
    told_attendees: tuple[str, ...] = ()
    answers: Mapping[tuple[str, datetime | None], Answer] = field(default_factory=lambda: MappingProxyType({}))
    outcome: str | None = None
    reason: str | None = None
    interaction_id: str | None = None
    planned_at: datetime | None = None
    closed_at: datetime | None = None
    told_at: datetime | None = None
    changed_at: datetime | None = None


def evolve(activity: Activity, event: events.ActivityEvent, at: datetime) -> Activity:
    """Fold one recorded fact."""
    if isinstance(event, events.ActivityReminded | events.ActivityReminderFailed | events.ActivityInvited):
        return _served(activity, event)
    return replace(_folded(activity, event, at), changed_at=at)


def _folded(activity: Activity, event: events.ActivityEvent, at: datetime) -> Activity:
    match event:
        case events.ActivityPlanned():
            return _planned(event, at)
        case events.ActivityDescribed():
            texts = Texts(
                known(event.summary, None),
                known(event.notes, None),
                known(event.location, None),
                known(event.attendees, ()),
            )
            return replace(activity, texts=texts, revision=activity.revision + 1)
        case events.ActivityScheduled():
            return _scheduled(activity, event)
        case events.ActivityAssigned(assignee=assignee):
            return replace(activity, assignee=assignee)
        case events.ActivityPrioritised(priority=priority):
            return replace(activity, priority=priority)
        case events.ActivityRemindersSet(reminders=reminders):
            return replace(activity, reminders=reminders, restated=activity.restated + 1)
        case events.ActivityErased():
            # What it was about stays, as ids, so that its deal can be asked for what is left; the external id is free.
            about = replace(activity.about, external_id=None)
            return Activity("erased", activity.kind, about=about, planned_at=activity.planned_at, closed_at=at)
        case _:
            return _closed(activity, event, at)


def _closed(activity: Activity, event: events.ActivityEvent, at: datetime) -> Activity:
    told = replace(activity, told_at=at)
    match event:
        case events.ActivityCompleted(outcome=outcome, occurrence=occurrence, interaction_id=interaction_id):
            done = replace(told, outcome=outcome, interaction_id=interaction_id)
            return done if occurrence is not None else replace(done, status="completed", closed_at=at)
        case events.ActivityCancelled(reason=reason, occurrence=occurrence):
            changed = replace(told, sequence=activity.sequence + 1, revision=activity.revision + 1)
            if occurrence is not None:
                return replace(changed, left_out=activity.left_out | {occurrence})
            return replace(changed, status="cancelled", reason=reason, closed_at=at)
        case events.ActivityReopened():
            restated = activity.restated + 1
            again = replace(told, status="open", closed_at=None, reason=None, outcome=None, restated=restated)
            if activity.status != "cancelled":
                return again
            return replace(again, sequence=activity.sequence + 1, revision=activity.revision + 1)
        case events.ActivityAnswered(attendee=attendee, answer=answer, sequence=sequence, occurrence=occurrence):
            who = known(attendee, "")
            answered = {**activity.answers, (who, occurrence): Answer(who, answer, sequence, at, occurrence)}
            return replace(activity, answers=MappingProxyType(answered))
        case _:
            return activity


def _planned(event: events.ActivityPlanned, at: datetime) -> Activity:
    external_id = None
    if event.external_source is not None and event.external_id is not None:
        external_id = (event.external_source, event.external_id)
    about = About(event.deal_id, event.lead_id, event.person_id, event.company_id, external_id)
    return Activity("open", event.kind, event.priority, about, planned_at=at, told_at=at)


def _scheduled(activity: Activity, event: events.ActivityScheduled) -> Activity:
    schedule = Schedule(
        event.due_at, event.starts_at, event.duration_minutes, event.all_day, event.time_zone, event.recurrence
    )
    if activity.schedule.moved_to(event.due_at) == schedule:  # the same series went on
        return replace(activity, schedule=schedule, sequence=event.sequence)
    return replace(
        activity,
        schedule=schedule,
        sequence=event.sequence,
        left_out=frozenset(),
        answers=MappingProxyType({}),
        restated=activity.restated + 1,
        revision=activity.revision + 1,
    )


Served = events.ActivityReminded | events.ActivityReminderFailed | events.ActivityInvited


def _served(activity: Activity, event: Served) -> Activity:
    match event:
        case events.ActivityInvited(revision=revision, attendees=attendees):
            return replace(activity, told_revision=revision, told_attendees=known(attendees, ()))
        case _:
            sent = (event.due_at, event.minutes, event.channel)
            oldest = event.due_at - _REMEMBERED
            kept = frozenset(one for one in activity.sent if one[0] >= oldest)
            return replace(activity, sent=kept | {sent})
