"""A planned activity: a call, meeting, task or e-mail that somebody is to do, once or again and again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from patron_events.catalog.pipeline import activities as events
from patron_events.catalog.pipeline.activities import Reminder
from patron_events.decider import Dated, Decider
from patron_pipeline.domain.activity_errors import (
    ActivityClosed,
    ActivityErasedAlready,
    ActivityNotFound,
    ActivityStillOpen,
    ActivityToldOutOfOrder,
    AttendeeUnknown,
    DueMissing,
    InvitationChanged,
    OccurrenceUnknown,
    SummaryMissing,
)
from patron_pipeline.domain.activity_state import About, Activity, Kind, Sent, Texts, evolve
from patron_pipeline.domain.schedule import NO_TIME, Schedule

Facts = Sequence[events.ActivityEvent | Dated]


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened. told: the caller said so, and it is recorded so; otherwise it is happening."""

    at: datetime
    told: bool = False


@dataclass(frozen=True, slots=True)
class PlanActivity:
    """Plan something."""

    kind: Kind
    texts: Texts
    schedule: Schedule
    when: Moment
    about: About = field(default_factory=About)
    priority: int = 0
    assignee: str | None = None
    reminders: tuple[Reminder, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeActivity:
    """State anew what is given; None leaves it. assign: whether the assignee changes, also to nobody."""

    texts: Texts | None = None
    priority: int | None = None
    reminders: tuple[Reminder, ...] | None = None
    assign: bool = False
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class RescheduleActivity:
    """Give another time, and begin to count its occurrences anew."""

    schedule: Schedule


@dataclass(frozen=True, slots=True)
class CompleteActivity:
    """It was done; of a series the present occurrence. occurrence: which one the caller means, to be sure."""

    when: Moment
    outcome: str | None = None
    interaction_id: str | None = None
    occurrence: datetime | None = None


@dataclass(frozen=True, slots=True)
class CancelActivity:
    """It will not be done; with an occurrence only that one."""

    when: Moment
    reason: str | None = None
    occurrence: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReopenActivity:
    """It is to be done after all."""

    when: Moment


@dataclass(frozen=True, slots=True)
class RecordReminder:
    """A reminder was handed to its channel, or (reason) given up."""

    reminder: Sent
    message_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RecordInvitation:
    """The attendees were written to, of what the activity was at this revision."""

    sequence: int
    revision: int
    attendees: tuple[str, ...]
    failed: int = 0


@dataclass(frozen=True, slots=True)
class AnswerInvitation:
    """An attendee answers the invitation of a sequence (None: the newest)."""

    attendee: str
    answer: str
    sequence: int | None = None
    occurrence: datetime | None = None


@dataclass(frozen=True, slots=True)
class EraseActivity:
    """Erase what is personal. person_id: whose erasure caused it."""

    person_id: str | None = None


Change = ChangeActivity | RescheduleActivity | CompleteActivity | CancelActivity | AnswerInvitation
Record = RecordReminder | RecordInvitation
Command = PlanActivity | Change | ReopenActivity | Record | EraseActivity


def decide(activity: Activity, command: Command) -> Facts:
    """Answer a command with the facts it creates; none when they already hold."""
    match activity.status, command:
        case "absent", PlanActivity():
            return _planned(command)
        case "absent", _:
            raise ActivityNotFound
        case _, PlanActivity():
            return ()  # the id is derived from the command, so this is its own repetition
        case "erased", EraseActivity() | RecordReminder() | RecordInvitation():
            return ()
        case "erased", _:
            raise ActivityErasedAlready
        case _, EraseActivity(person_id):
            return (events.ActivityErased(person_id=person_id),)
        case _, RecordReminder() | RecordInvitation():
            return _recorded(activity, command)
        case "open", ReopenActivity():
            raise ActivityStillOpen
        case _, ReopenActivity(when):
            return _told(activity, when, events.ActivityReopened())
        case "completed", CompleteActivity():
            return ()
        case "cancelled", CancelActivity(occurrence=None):
            return ()
        case "open", _:
            return _changed(activity, command)
        case _, _:
            raise ActivityClosed


def _planned(command: PlanActivity) -> Facts:
    if not command.texts.summary:
        raise SummaryMissing(field="summary")
    if command.texts.attendees and command.schedule.due_at is None:
        raise DueMissing(field="attendees")
    about = command.about
    source, own = about.external_id or (None, None)
    facts: list[events.ActivityEvent] = [
        events.ActivityPlanned(
            kind=command.kind,
            priority=command.priority,
            deal_id=about.deal_id,
            lead_id=about.lead_id,
            person_id=about.person_id,
            company_id=about.company_id,
            external_source=source,
            external_id=own,
        ),
        _described(command.texts),
    ]
    if command.assignee is not None:
        facts.append(events.ActivityAssigned(assignee=command.assignee))
    if command.reminders:
        facts.append(events.ActivityRemindersSet(reminders=_in_order(command.reminders)))
    if command.schedule != NO_TIME:
        facts.append(_scheduled(command.schedule, 0))
    return [Dated(fact, command.when.at) for fact in facts] if command.when.told else facts


def _changed(activity: Activity, command: Change) -> Facts:
    match command:
        case ChangeActivity():
            return _restated(activity, command)
        case RescheduleActivity(schedule):
            if schedule.due_at is None and activity.texts.attendees:
                raise DueMissing(field="due_at")
            same = replace(activity.schedule, due_at=activity.schedule.starts_at) == schedule
            return () if same else (_scheduled(schedule, activity.sequence + (activity.schedule != NO_TIME)),)
        case CompleteActivity():
            return _completed(activity, command)
        case CancelActivity():
            return _cancelled(activity, command)
        case AnswerInvitation():
            return _answered(activity, command)


def _restated(activity: Activity, command: ChangeActivity) -> Facts:
    facts: list[events.ActivityEvent] = []
    if command.texts is not None and command.texts != activity.texts:
        if not command.texts.summary:
            raise SummaryMissing(field="summary")
        if command.texts.attendees and activity.schedule.due_at is None:
            raise DueMissing(field="attendees")
        facts.append(_described(command.texts))
    if command.priority is not None and command.priority != activity.priority:
        facts.append(events.ActivityPrioritised(priority=command.priority))
    if command.assign and command.assignee != activity.assignee:
        facts.append(events.ActivityAssigned(assignee=command.assignee, was=activity.assignee))
    if command.reminders is not None and _in_order(command.reminders) != activity.reminders:
        facts.append(events.ActivityRemindersSet(reminders=_in_order(command.reminders)))
    return facts


def _completed(activity: Activity, command: CompleteActivity) -> Facts:
    schedule, done, when = activity.schedule, command.occurrence, command.when
    due_at = schedule.due_at
    if done is not None and due_at is not None and done < due_at and _was_one(activity, done):
        return ()  # done before: the series has moved on
    if done not in (None, due_at):
        raise OccurrenceUnknown(field="occurrence")
    fact = events.ActivityCompleted(outcome=command.outcome, interaction_id=command.interaction_id)
    following = None if due_at is None else schedule.next_after(max(due_at, when.at), activity.left_out)
    if following is None:
        return _told(activity, when, fact)
    on = _scheduled(schedule.moved_to(following), activity.sequence)
    return _told(activity, when, events.ActivityCompleted(fact.outcome, due_at, fact.interaction_id), on)


def _cancelled(activity: Activity, command: CancelActivity) -> Facts:
    schedule, one, when = activity.schedule, command.occurrence, command.when
    if one is None:
        return _told(activity, when, events.ActivityCancelled(reason=command.reason))
    if one in activity.left_out:
        return ()
    if schedule.due_at is None or one < schedule.due_at or not _was_one(activity, one):
        raise OccurrenceUnknown(field="occurrence")
    fact = events.ActivityCancelled(reason=command.reason, occurrence=one)
    if one > schedule.due_at:
        return _told(activity, when, fact)
    following = schedule.next_after(one, activity.left_out)
    if following is None:
        return _told(activity, when, events.ActivityCancelled(reason=command.reason))
    return _told(activity, when, fact, _scheduled(schedule.moved_to(following), activity.sequence + 1))


def _was_one(activity: Activity, occurrence: datetime) -> bool:
    series = activity.schedule.series
    return occurrence == activity.schedule.due_at if series is None else series.occurs_at(occurrence)


def _answered(activity: Activity, command: AnswerInvitation) -> Facts:
    attendee = command.attendee.lower()
    if attendee not in {one.lower() for one in activity.texts.attendees}:
        raise AttendeeUnknown(field="attendee")
    sequence = activity.sequence if command.sequence is None else command.sequence
    if sequence != activity.sequence:
        raise InvitationChanged
    one = command.occurrence
    if one is not None and (one in activity.left_out or not _was_one(activity, one)):
        raise OccurrenceUnknown(field="occurrence")
    known = activity.answers.get((attendee, one))
    if known is not None and (known.answer, known.sequence) == (command.answer, sequence):
        return ()
    return (events.ActivityAnswered(attendee=attendee, answer=command.answer, sequence=sequence, occurrence=one),)


def _recorded(activity: Activity, command: Record) -> Facts:
    match command:
        case RecordReminder(reminder, message_id, reason):
            if reminder in activity.sent:
                return ()
            due_at, minutes, channel = reminder
            if reason is not None:
                return (events.ActivityReminderFailed(due_at=due_at, minutes=minutes, channel=channel, reason=reason),)
            return (events.ActivityReminded(due_at, minutes, channel, message_id),)
        case RecordInvitation(sequence, revision, attendees, failed):
            if revision <= activity.told_revision:
                return ()
            return (events.ActivityInvited(sequence, revision, attendees, failed),)


def _told(activity: Activity, when: Moment, *facts: events.ActivityEvent) -> Facts:
    """Date facts about the status as the caller told them, which cannot be before what is known."""
    if not when.told:
        return facts
    if activity.told_at is not None and when.at < activity.told_at:
        raise ActivityToldOutOfOrder(field="occurred_at")
    return [Dated(fact, when.at) for fact in facts]


def _described(texts: Texts) -> events.ActivityDescribed:
    return events.ActivityDescribed(
        summary=texts.summary, notes=texts.notes, location=texts.location, attendees=texts.attendees
    )


def _scheduled(schedule: Schedule, sequence: int) -> events.ActivityScheduled:
    return events.ActivityScheduled(
        due_at=schedule.due_at,
        starts_at=schedule.starts_at,
        duration_minutes=schedule.duration_minutes,
        all_day=schedule.all_day,
        time_zone=schedule.time_zone,
        recurrence=schedule.recurrence,
        sequence=sequence,
    )


def _in_order(reminders: Sequence[Reminder]) -> tuple[Reminder, ...]:
    return tuple(sorted(reminders, key=lambda one: (-one.minutes, one.channel)))


ACTIVITY = Decider(category="pipeline.activity", initial=Activity(), decide=decide, evolve=evolve)
