"""Read what calendars answer to invitations (iTIP, RFC 5546), and the links by which people answer without one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from icalendar import Calendar

from patron_events.decisions import Asked, Committed
from patron_events.vault import BlindIndex
from patron_pipeline.domain.activity import ACTIVITY, AnswerInvitation
from patron_pipeline.domain.activity_errors import LinkInvalid, ReplyUnreadable
from patron_pipeline.domain.activity_state import Activity
from patron_pipeline.domain.recurrence import start_of
from patron_pipeline.handlers import signing
from patron_pipeline.handlers.activities import ActivityHandlers

_PURPOSE: Final = "invitation"
_ANSWERS: Final = {"ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined"}


class Invited(NamedTuple):
    """Whom a link was made for, and the activity as it is now."""

    activity_id: str
    attendee: str
    sequence: int
    activity: Activity


@dataclass(frozen=True, slots=True)
class ReplyHandlers:
    """Use cases of answers. Every one of them is safe to repeat."""

    activities: ActivityHandlers
    index: BlindIndex

    def link(self, activity_id: str, sequence: int, attendee: str) -> str:
        """Write the part of an address by which this attendee answers this invitation."""
        return signing.sign(self.index, activity_id, sequence, _PURPOSE, attendee.lower())

    async def invited(self, token: str) -> Invited:
        """Find whom a link was made for; raises LinkInvalid, also when they are invited no more."""
        activity_id, sequence = signing.read(token)
        activity = (await self.activities.decisions.journal.load(ACTIVITY, activity_id)).state
        for attendee in activity.texts.attendees:
            if signing.proved(self.index, token, _PURPOSE, attendee.lower()):
                return Invited(activity_id, attendee, sequence, activity)
        raise LinkInvalid

    async def answer(self, token: str, answer: str, asked: Asked) -> Committed:
        """Record the answer of whoever has the link; raises LinkInvalid, InvitationChanged, ActivityClosed."""
        invited = await self.invited(token)
        command = AnswerInvitation(invited.attendee, answer, invited.sequence)
        return await self.activities.answer(invited.activity_id, command, asked)

    async def take(self, activity_id: str, calendar: str, asked: Asked) -> Committed:
        """Record an answer as a calendar wrote it.

        Raises:
            ReplyUnreadable: it is none, or answers another activity. AttendeeUnknown, InvitationChanged and more.
        """
        activity = (await self.activities.read(activity_id)).state
        return await self.activities.answer(activity_id, read_reply(calendar, activity_id, activity), asked)


def read_reply(text: str, activity_id: str, activity: Activity) -> AnswerInvitation:
    """Read a REPLY; raises ReplyUnreadable."""
    try:
        calendar: Any = Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError) as error:
        raise ReplyUnreadable(field="calendar") from error
    events: list[Any] = calendar.walk("VEVENT")
    method = str(calendar.get("METHOD", "")).upper()
    if method != "REPLY" or len(events) != 1 or str(events[0].get("UID")) != activity_id:
        raise ReplyUnreadable(field="calendar")
    event = events[0]
    attendee: Any = event.get("ATTENDEE")
    address = str(attendee or "").partition(":")[2]
    answer = None if isinstance(attendee, list) else _ANSWERS.get(str(getattr(attendee, "params", {}).get("PARTSTAT")))
    if answer is None or not address:
        raise ReplyUnreadable("One attendee with PARTSTAT accepted, tentative or declined is needed.", field="calendar")
    try:
        sequence = int(event.get("SEQUENCE", activity.sequence))
        occurrence = _occurrence(event, activity)
    except (ValueError, TypeError, AttributeError) as error:
        raise ReplyUnreadable(field="calendar") from error
    return AnswerInvitation(address.lower(), answer, sequence, occurrence)


def _occurrence(event: Any, activity: Activity) -> datetime | None:
    given = event.get("RECURRENCE-ID")
    if given is None:
        return None
    value: datetime | date = given.dt
    zone = activity.schedule.time_zone or "UTC"
    if not isinstance(value, datetime):
        return start_of(value, zone)
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).astimezone(UTC)
