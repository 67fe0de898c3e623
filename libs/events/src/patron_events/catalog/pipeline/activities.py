"""Facts about planned activities: calls, meetings, tasks and e-mails that somebody is to do.

What was done with a customer is an interaction of the contacts context; completing an activity may log one.
Texts and addresses are sealed under the key of the activity. Times are instants; time_zone (IANA) is the one that
recurrences and all-day dates are counted in.
"""

from datetime import datetime

import msgspec

from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


class Reminder(msgspec.Struct, frozen=True, omit_defaults=True):
    """minutes: before it is due; channel: email or webhook."""

    minutes: int
    channel: str = "email"


@event_type("pipeline.activity-planned", version=1)
class ActivityPlanned(Fact, frozen=True):
    """Somebody is to do something.

    kind: call, meeting, task or email. priority: 1 (highest) to 9 (lowest), 0 undefined, as in RFC 5545.
    At most one of deal_id and lead_id; person_id, company_id: whom it is about.
    external_source, external_id: the id in another system, unique together.
    """

    kind: str
    priority: int = 0
    deal_id: str | None = None
    lead_id: str | None = None
    person_id: str | None = None
    company_id: str | None = None
    external_source: str | None = None
    external_id: str | None = None


@event_type("pipeline.activity-described", version=1)
class ActivityDescribed(Fact, frozen=True):
    """What it is about. attendees: e-mail addresses of those invited."""

    summary: Personal[str] | None = None
    notes: Personal[str] | None = None
    location: Personal[str] | None = None
    attendees: Personal[tuple[str, ...]] = ()


@event_type("pipeline.activity-scheduled", version=1)
class ActivityScheduled(Fact, frozen=True):
    """When it is due (a meeting: begins). sequence: of the invitation (RFC 5546), raised by each new time.

    recurrence: value of RRULE (RFC 5545), counted from `starts_at`; due_at: the present occurrence, which moves on
    (same starts_at, recurrence and sequence) when one is done or left out. all_day: due_at is the beginning of the
    day in time_zone, and the activity is overdue from the end of that day on. due_at None: no date at all.
    """

    due_at: datetime | None
    starts_at: datetime | None = None
    duration_minutes: int | None = None
    all_day: bool = False
    time_zone: str | None = None
    recurrence: str | None = None
    sequence: int = 0


@event_type("pipeline.activity-assigned", version=1)
class ActivityAssigned(Fact, frozen=True):
    """Who is to do it."""

    assignee: str | None
    was: str | None = None


@event_type("pipeline.activity-prioritised", version=1)
class ActivityPrioritised(Fact, frozen=True):
    """How urgent it is, as in RFC 5545."""

    priority: int


@event_type("pipeline.activity-reminders-set", version=1)
class ActivityRemindersSet(Fact, frozen=True):
    """All reminders, the earliest first."""

    reminders: tuple[Reminder, ...]


@event_type("pipeline.activity-reminded", version=1)
class ActivityReminded(Fact, frozen=True):
    """A reminder of this occurrence was handed to its channel. message_id: what repeats are told by."""

    due_at: datetime
    minutes: int
    channel: str
    message_id: str


@event_type("pipeline.activity-reminder-failed", version=1)
class ActivityReminderFailed(Fact, frozen=True):
    """A reminder of this occurrence will not be sent. reason: a code, such as no-address, refused or gone."""

    due_at: datetime
    minutes: int
    channel: str
    reason: str


@event_type("pipeline.activity-invited", version=1)
class ActivityInvited(Fact, frozen=True):
    """The attendees were written to (RFC 5546). revision: what they were told of; failed: how many were refused.

    attendees: addresses of all who are invited now; those who were before and are no more were sent a withdrawal.
    """

    sequence: int
    revision: int
    attendees: Personal[tuple[str, ...]] = ()
    failed: int = 0


@event_type("pipeline.activity-answered", version=1)
class ActivityAnswered(Fact, frozen=True):
    """An attendee answered the invitation. answer: accepted, tentative or declined; occurrence: only to that one."""

    attendee: Personal[str]
    answer: str
    sequence: int = 0
    occurrence: datetime | None = None


@event_type("pipeline.activity-completed", version=1)
class ActivityCompleted(Fact, frozen=True):
    """It was done at the time of this fact. outcome: a code, such as reached or no-answer.

    occurrence: only this one was done, and the activity goes on with the next; None: the activity is done.
    """

    outcome: str | None = None
    occurrence: datetime | None = None
    interaction_id: str | None = None


@event_type("pipeline.activity-cancelled", version=1)
class ActivityCancelled(Fact, frozen=True):
    """It will not be done; with an occurrence only that one, and the activity goes on. Raises the sequence."""

    reason: str | None = None
    occurrence: datetime | None = None


@event_type("pipeline.activity-reopened", version=1)
class ActivityReopened(Fact, frozen=True):
    """It is to be done after all."""


@event_type("pipeline.activity-erased", version=1)
class ActivityErased(Fact, frozen=True):
    """The key of its texts was destroyed (GDPR art. 17). person_id: whose erasure caused it."""

    person_id: str | None = None


ActivityEvent = (
    ActivityPlanned
    | ActivityDescribed
    | ActivityScheduled
    | ActivityAssigned
    | ActivityPrioritised
    | ActivityRemindersSet
    | ActivityReminded
    | ActivityReminderFailed
    | ActivityInvited
    | ActivityAnswered
    | ActivityCompleted
    | ActivityCancelled
    | ActivityReopened
    | ActivityErased
)
