"""Request and response models of planned activities; values are checked by the domain, with stable codes."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Line = Annotated[str, StringConstraints(max_length=1_000)]
Code = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Priority = Annotated[int, Field(ge=0, le=9, description="1 (highest) to 9, 0: none; RFC 5545.", examples=[5])]
_FOUR_WEEKS: Final = 40_320
_YEAR: Final = 527_040
_OCCURRED: Final = "RFC 3339; when it happened, if that is not now."


class Body(BaseModel):
    """A request body: unknown members are refused, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ReminderBody(Body):
    """A reminder: minutes before the activity is due, by mail to its assignee or to the webhook of the installation."""

    minutes: int = Field(ge=0, le=_FOUR_WEEKS, examples=[15])
    channel: Literal["email", "webhook"] = "email"


class SystemIdBody(Body):
    """The id in another system."""

    source: Line = Field(examples=["exchange"])
    id: Line = Field(examples=["AAMk-1"])


Reminders = Annotated[list[ReminderBody], Field(max_length=10)]
Attendees = Annotated[list[Line], Field(max_length=100, examples=[["ada@example.org"]])]


class ScheduleBody(Body):
    """When it is due: a moment or a whole day, once or again and again; nothing at all: without a date."""

    due_at: Line | None = Field(
        default=None, description="RFC 3339; a meeting begins then.", examples=["2026-03-23T09:00:00+01:00"]
    )
    due_on: Line | None = Field(default=None, description="A day; needs `time_zone`.")
    duration_minutes: int | None = Field(default=None, ge=1, le=_YEAR, examples=[45])
    time_zone: Line | None = Field(default=None, description="IANA name.", examples=["Europe/Berlin"])
    recurrence: Line | None = Field(
        default=None,
        description="Value of an RRULE (RFC 5545), daily or rarer; needs `time_zone`.",
        examples=["FREQ=WEEKLY;BYDAY=MO"],
    )


class ActivityBody(ScheduleBody):
    """A new activity. It may belong to a deal or a lead, and be about a person and a company of the contacts."""

    kind: Literal["call", "meeting", "task", "email"] = Field(examples=["meeting"])
    summary: Line = Field(examples=["Show the new release"])
    notes: str | None = Field(default=None, max_length=20_000)
    location: Line | None = None
    attendees: Attendees | None = None
    priority: Priority | None = None
    assignee: Subject | None = Field(default=None, description="The `sub` of their tokens.", examples=["idp|grace"])
    reminders: Reminders | None = None
    deal_id: Id | None = None
    lead_id: Id | None = None
    person_id: Id | None = None
    person_external_id: SystemIdBody | None = None
    person_email: Line | None = None
    company_id: Id | None = None
    company_external_id: SystemIdBody | None = None
    external_id: SystemIdBody | None = None
    occurred_at: Line | None = Field(default=None, description="RFC 3339; when it was planned, if that is not now.")


class ActivityChangeBody(Body):
    """What is to change; absent members stay, null clears."""

    summary: Line | None = Field(default=None, examples=["Show the new release to all"])
    notes: str | None = Field(default=None, max_length=20_000)
    location: Line | None = None
    attendees: Attendees | None = None
    priority: Priority | None = None
    assignee: Subject | None = None
    reminders: Reminders | None = None


class CompletionBody(Body):
    """What came out. occurrence: which one of a series is meant, so that a repetition completes no other."""

    outcome: Code | None = Field(default=None, examples=["reached"])
    interaction_id: Id | None = Field(default=None, description="What was logged about it in the contacts.")
    occurrence: Line | None = None
    occurred_at: Line | None = Field(default=None, description=_OCCURRED)


class CancellationBody(Body):
    """Why it will not be done; with `occurrence` only that one."""

    reason: Code | None = Field(default=None, examples=["customer-asked"])
    occurrence: Line | None = None
    occurred_at: Line | None = Field(default=None, description=_OCCURRED)


class ReopeningBody(Body):
    """When it was taken up again, if that is not now."""

    occurred_at: Line | None = Field(default=None, description=_OCCURRED)


class AnswerBody(Body):
    """What an attendee answered, as somebody was told; or the answer that their calendar sent, as it came.

    calendar: iCalendar with METHOD:REPLY (RFC 5546); then nothing else is given.
    """

    attendee: Line | None = Field(default=None, examples=["ada@example.org"])
    answer: Literal["accepted", "tentative", "declined"] | None = Field(default=None, examples=["accepted"])
    occurrence: Line | None = None
    calendar: str | None = Field(default=None, max_length=500_000)


class CalendarBody(Body):
    """renew: a new address, so that those that were given away end. subject: of whom, for administrators."""

    subject: Subject | None = None
    renew: bool = False


class CalendarAddress(BaseModel):
    """Where a feed is read; whoever has the address reads it."""

    url: str
    version: int
    position: str


class AnswerView(BaseModel):
    """What an attendee answered last."""

    attendee: str
    answer: Literal["accepted", "tentative", "declined"]
    occurrence: str | None
    at: str


class ReminderView(BaseModel):
    """A reminder."""

    minutes: int
    channel: Literal["email", "webhook"]


class ActivityView(BaseModel):
    """An activity as the log has it now. due_at: of the present occurrence; left_out: occurrences that were cancelled.

    overdue_from: when it will count as overdue: `due_at`, or the end of the day of an activity of whole days.
    """

    id: str
    version: int
    status: Literal["open", "completed", "cancelled", "erased"]
    kind: Literal["call", "meeting", "task", "email"]
    summary: str | None
    notes: str | None
    location: str | None
    attendees: list[str]
    answers: list[AnswerView]
    priority: int
    assignee: str | None
    reminders: list[ReminderView]
    due_at: str | None
    due_on: str | None
    overdue_from: str | None
    starts_at: str | None
    duration_minutes: int | None
    time_zone: str | None
    recurrence: str | None
    left_out: list[str]
    sequence: int
    deal_id: str | None
    lead_id: str | None
    person_id: str | None
    company_id: str | None
    external_id: dict[str, Any] | None
    outcome: str | None
    reason: str | None
    interaction_id: str | None
    planned_at: str
    closed_at: str | None
    updated_at: str
