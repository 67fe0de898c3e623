"""Refusals about planned activities. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Invalid, NotFound


class ActivityNotFound(NotFound):
    """No planned activity has this id."""

    code: ClassVar[str] = "activity-not-found"


class ActivityErasedAlready(Conflict):
    """The activity was erased; nothing can be done with it any more."""

    code: ClassVar[str] = "activity-erased"


class ActivityClosed(Conflict):
    """The activity is completed or cancelled; reopen it first."""

    code: ClassVar[str] = "activity-closed"


class ActivityStillOpen(Conflict):
    """The activity is open: there is nothing to reopen."""

    code: ClassVar[str] = "activity-open"


class ActivityToldOutOfOrder(Conflict):
    """This would have happened before what is already known of the activity; tell facts in their order."""

    code: ClassVar[str] = "activity-told-out-of-order"


class SummaryMissing(Invalid):
    """An activity needs a summary."""

    code: ClassVar[str] = "summary-missing"


class AboutTwoThings(Invalid):
    """An activity belongs to a deal or to a lead, not to both."""

    code: ClassVar[str] = "activity-about-both"


class SubjectUnknown(Invalid):
    """The deal, lead, person or company that is named does not exist."""

    code: ClassVar[str] = "activity-subject-unknown"


class DueGivenTwice(Invalid):
    """Give `due_at` (a moment) or `due_on` (a whole day), not both."""

    code: ClassVar[str] = "due-given-twice"


class DueOutOfRange(Invalid):
    """Activities are planned between the years 1970 and 2199."""

    code: ClassVar[str] = "due-out-of-range"


class DueMissing(Invalid):
    """A duration, a recurrence or an invitation needs a time: give `due_at` or `due_on`."""

    code: ClassVar[str] = "due-missing"


class TimeZoneNeeded(Invalid):
    """Whole days and recurrences are counted in a time zone: give `time_zone`, such as Europe/Berlin."""

    code: ClassVar[str] = "time-zone-needed"


class RecurrenceInvalid(Invalid):
    """The recurrence is not a rule of RFC 5545 (FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, and its parts)."""

    code: ClassVar[str] = "recurrence-invalid"


class RecurrenceStartsElsewhere(Invalid):
    """The first occurrence must be one of the rule (RFC 5545, 3.8.5.3)."""

    code: ClassVar[str] = "recurrence-start-not-in-rule"


class OccurrenceUnknown(Invalid):
    """The activity has no such occurrence that is still to come."""

    code: ClassVar[str] = "occurrence-unknown"


class ReminderTwice(Invalid):
    """The same reminder is given twice."""

    code: ClassVar[str] = "reminder-given-twice"


class AttendeeUnknown(Invalid):
    """Nobody with this address was invited."""

    code: ClassVar[str] = "attendee-unknown"


class InvitationChanged(Conflict):
    """The meeting was changed after the invitation that is answered; answer the newest one."""

    code: ClassVar[str] = "invitation-changed"


class ReplyUnreadable(Invalid):
    """This is not an answer to an invitation (iCalendar with METHOD:REPLY, RFC 5546)."""

    code: ClassVar[str] = "reply-unreadable"


class LinkInvalid(NotFound):
    """The address is not valid any more, or never was."""

    code: ClassVar[str] = "link-invalid"
