"""Which refusals the routes of activities can answer with; they appear in the OpenAPI document."""

from typing import Final

from patron_events.decisions import Contended, IdempotencyKeyReused
from patron_events.rejections import Rejection, Unavailable, VersionMismatch
from patron_pipeline.domain import activity_errors as errors
from patron_pipeline.domain.claim import ExternalIdTaken
from patron_pipeline.handlers.finding import CompanyNotFound, PersonNotFound, ReferenceNotOne
from patron_values import errors as values

ALWAYS: Final[tuple[type[Rejection], ...]] = (Unavailable, Contended, IdempotencyKeyReused, VersionMismatch)
KNOWN: Final = (errors.ActivityNotFound, errors.ActivityErasedAlready, errors.ActivityClosed)
TIMES: Final = (values.TimeInvalid, values.TimeZoneMissing, values.TimeTooEarly)
SCHEDULE: Final = (
    *TIMES,
    values.DateInvalid,
    values.DateTooEarly,
    values.TimeZoneUnknown,
    values.ShapeInvalid,
    errors.DueGivenTwice,
    errors.DueMissing,
    errors.DueOutOfRange,
    errors.TimeZoneNeeded,
    errors.RecurrenceInvalid,
    errors.RecurrenceStartsElsewhere,
)
TEXTS: Final = (
    values.TextInvalid,
    values.TextTooLong,
    values.EmailInvalid,
    errors.SummaryMissing,
    errors.ReminderTwice,
)
PLAN: Final = (
    *ALWAYS,
    *SCHEDULE,
    *TEXTS,
    values.TextEmpty,
    values.TimeInFuture,
    errors.AboutTwoThings,
    errors.SubjectUnknown,
    ExternalIdTaken,
    PersonNotFound,
    CompanyNotFound,
    ReferenceNotOne,
)
CHANGE: Final = (*ALWAYS, *KNOWN, *TEXTS, errors.DueMissing)
RESCHEDULE: Final = (*ALWAYS, *KNOWN, *SCHEDULE)
CLOSE: Final = (
    *ALWAYS,
    *KNOWN,
    *TIMES,
    values.TimeInFuture,
    errors.OccurrenceUnknown,
    errors.ActivityToldOutOfOrder,
)
REOPEN: Final = (
    *ALWAYS,
    *TIMES,
    values.TimeInFuture,
    errors.ActivityNotFound,
    errors.ActivityErasedAlready,
    errors.ActivityStillOpen,
    errors.ActivityToldOutOfOrder,
)
ERASE: Final = (*ALWAYS, errors.ActivityNotFound)
ANSWER: Final = (
    *ALWAYS,
    *KNOWN,
    *TIMES,
    errors.AttendeeUnknown,
    errors.InvitationChanged,
    errors.OccurrenceUnknown,
    errors.ReplyUnreadable,
)
READ: Final = (errors.ActivityNotFound, Unavailable)
CALENDAR: Final = ALWAYS
LINK: Final = (errors.LinkInvalid, Unavailable)
LINK_ANSWER: Final = (*LINK, Contended, errors.InvitationChanged, errors.ActivityClosed)
