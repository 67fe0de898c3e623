"""Write activities as iCalendar (RFC 5545): feeds, and invitations that calendars answer (iTIP, RFC 5546).

Single activities are written in UTC, series on the clock of their time zone with its definition, whole days as dates.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, Literal, cast

from icalendar import Calendar, Component, Event, Timezone, Todo, vCalAddress, vRecur

from patron_pipeline.domain.activity_state import Activity
from patron_pipeline.domain.recurrence import zone_of

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
_PRODUCT: Final = "-//Patron//Patron pipeline//EN"
_REFRESH: Final = timedelta(minutes=15)
_EVENTS: Final = frozenset({"meeting", "call"})
_PARTSTAT: Final = {"accepted": "ACCEPTED", "tentative": "TENTATIVE", "declined": "DECLINED"}
_END: Final = b"END:VCALENDAR\r\n"
Method = Literal["REQUEST", "CANCEL"]


@dataclass(frozen=True, slots=True)
class Organizer:
    """Who invites: an e-mail address and a name."""

    email: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An activity with its id."""

    id: str
    activity: Activity


class FeedWriter:
    """Writes feeds, and remembers how activities are written: that takes 0.5 ms each, and few change in between.

    An activity that was changed is another object, because states are never altered. most: how many are remembered.
    """

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, bool], tuple[Activity, bytes]] = OrderedDict()

    def write(self, name: str, entries: Iterable[Entry], *, as_events: bool) -> bytes:
        """Write all activities of a user; may run in a thread, but not twice at once.

        as_events: tasks and e-mails as VEVENT too, for calendars that show no VTODO; what has no time is left out.
        """
        calendar = _calendar()
        _put(calendar, "x-wr-calname", name)
        _put(calendar, "name", name)
        _put(calendar, "refresh-interval", _REFRESH, {"VALUE": "DURATION"})
        _put(calendar, "x-published-ttl", "PT15M")
        parts: list[bytes] = []
        zones: set[str] = set()
        for entry in entries:
            schedule = entry.activity.schedule
            if schedule.due_at is None and as_events:
                continue
            if schedule.recurrence is not None and not schedule.all_day and schedule.time_zone not in (None, "UTC"):
                zones.add(schedule.time_zone or "UTC")
            parts.append(self._component(entry, as_events=as_events))
        head = calendar.to_ical().removesuffix(_END)
        return b"".join([head, *(_zone(name) for name in sorted(zones)), *parts, _END])

    def _component(self, entry: Entry, *, as_events: bool) -> bytes:
        key = (entry.id, as_events)
        known = self._known.get(key)
        if known is not None and known[0] is entry.activity:
            self._known.move_to_end(key)
            return known[1]
        event = (entry.activity.kind in _EVENTS or as_events) and entry.activity.schedule.due_at is not None
        written = (_event(entry) if event else _todo(entry)).to_ical()
        self._known[key] = (entry.activity, written)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return written


@cache
def _zone(name: str) -> bytes:
    return Timezone.from_tzid(name).to_ical()


def invitation(entry: Entry, method: Method, organizer: Organizer, attendees: Sequence[str]) -> bytes:
    """Write an invitation (REQUEST, also of a changed meeting) or its withdrawal (CANCEL) to these attendees."""
    calendar = _calendar()
    _put(calendar, "method", method)
    event = _event(entry)
    if method == "CANCEL":
        event["status"] = "CANCELLED"
    sender = vCalAddress(f"mailto:{organizer.email}")
    if organizer.name:
        sender.params["CN"] = organizer.name
    _put(event, "organizer", sender)
    for address in attendees:
        _put(event, "attendee", _attendee(entry.activity, address))
    calendar.add_component(event)
    return _written(calendar)


def _put(component: Component, name: str, value: object, parameters: dict[str, str] | None = None) -> None:
    """Add a property; the library leaves the type of values open."""
    cast("Any", component).add(name, value, parameters)


def _calendar() -> Calendar:
    calendar = Calendar()
    _put(calendar, "prodid", _PRODUCT)
    _put(calendar, "version", "2.0")
    _put(calendar, "calscale", "GREGORIAN")
    return calendar


def _written(calendar: Calendar) -> bytes:
    calendar.add_missing_timezones()
    return calendar.to_ical()


def _event(entry: Entry) -> Event:
    activity = entry.activity
    schedule = activity.schedule
    event = Event()
    _describe(event, entry)
    starts_at = schedule.starts_at if schedule.recurrence is not None else schedule.due_at
    if starts_at is not None:
        _put(event, "dtstart", _time(activity, starts_at))
    if schedule.duration_minutes is not None:
        _put(event, "duration", timedelta(minutes=schedule.duration_minutes))
    if schedule.recurrence is not None:
        _put(event, "rrule", vRecur.from_ical(schedule.recurrence))
        for one in sorted(activity.left_out):
            _put(event, "exdate", _time(activity, one))
    _put(event, "status", "CANCELLED" if activity.status == "cancelled" else "CONFIRMED")
    return event


def _todo(entry: Entry) -> Todo:
    """Write a task; of a series only the present occurrence, because hardly any program understands more."""
    activity = entry.activity
    todo = Todo()
    _describe(todo, entry)
    if activity.schedule.due_at is not None:
        _put(todo, "due", _time(activity, activity.schedule.due_at))
    _put(todo, "status", "NEEDS-ACTION")
    return todo


def _describe(component: Event | Todo, entry: Entry) -> None:
    activity = entry.activity
    changed = activity.changed_at or datetime(1970, 1, 1, tzinfo=UTC)
    _put(component, "uid", entry.id)
    _put(component, "dtstamp", changed)
    _put(component, "last-modified", changed)
    _put(component, "summary", activity.texts.summary or "")
    _put(component, "sequence", activity.sequence)
    _put(component, "categories", [activity.kind])
    if activity.texts.notes:
        _put(component, "description", activity.texts.notes)
    if activity.texts.location:
        _put(component, "location", activity.texts.location)
    if activity.priority:
        _put(component, "priority", activity.priority)


def _time(activity: Activity, moment: datetime) -> datetime | date:
    schedule = activity.schedule
    if schedule.all_day:
        return schedule.day_of(moment)
    if schedule.recurrence is None or schedule.time_zone in (None, "UTC"):
        return moment.astimezone(UTC)
    return moment.astimezone(zone_of(schedule.time_zone or "UTC"))


def _attendee(activity: Activity, address: str) -> vCalAddress:
    known = activity.answers.get((address.lower(), None))
    attendee = vCalAddress(f"mailto:{address}")
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "NEEDS-ACTION" if known is None else _PARTSTAT[known.answer]
    attendee.params["RSVP"] = "TRUE"
    return attendee
