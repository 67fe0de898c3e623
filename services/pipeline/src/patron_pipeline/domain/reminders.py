"""Reminders: which ones an activity owes, and when.

They follow the occurrences of a series by time, whether or not earlier ones were completed. What lay before the moment
at which the time or the reminders were stated is not owed; what was owed while everything was down is sent late.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID, uuid5

from patron_pipeline.domain.activity_state import Activity, Sent

TOO_LATE: Final = timedelta(days=7)
"""After this, a reminder of something past is noise: it is not sent any more."""
_IDS: Final = UUID("3f7f4f2e-7c0a-5d0e-9a57-5a0d6f0f6a01")


@dataclass(frozen=True, slots=True)
class Looked:
    """When an activity is looked at.

    now: by the clock of the server, when it told that the time has come. since: when the log took what was stated
    last, by the same clock; reminders from before are not owed. handled: what is too late is measured from here.
    """

    now: datetime
    since: datetime
    handled: datetime


def owed(activity: Activity, looked: Looked) -> list[Sent]:
    """Name the reminders whose moment has come and that were neither sent nor given up, the earliest first."""
    found = [(moment, sent) for moment, sent in _pending(activity, looked) if moment <= looked.now]
    return [sent for _, sent in sorted(found)]


def next_moment(activity: Activity, looked: Looked, *, later: bool = False) -> datetime | None:
    """Tell when the next reminder is owed, also when that is past, unless a `later` one is asked for."""
    moments = (moment for moment, _ in _pending(activity, looked))
    return min((moment for moment in moments if moment > looked.now or not later), default=None)


def moment_of(reminder: Sent) -> datetime:
    """Tell when a reminder is to be sent."""
    due_at, minutes, _ = reminder
    return due_at - timedelta(minutes=minutes)


def reminder_id(activity_id: str, reminder: Sent) -> str:
    """Derive what repeats of a reminder are told by; the same for ever."""
    due_at, minutes, channel = reminder
    return str(uuid5(_IDS, f"{activity_id}|{due_at.isoformat()}|{minutes}|{channel}"))


def _pending(activity: Activity, looked: Looked) -> Iterator[tuple[datetime, Sent]]:
    """Give what is not sent yet, as far as it may come before now or before all the rest."""
    if activity.status != "open" or not activity.reminders:
        return
    longest = timedelta(minutes=max(one.minutes for one in activity.reminders))
    best: datetime | None = None
    for due_at in _occurrences(activity, looked.handled - TOO_LATE):
        if best is not None and due_at - longest > max(looked.now, best):
            return
        for reminder in activity.reminders:
            sent = (due_at, reminder.minutes, reminder.channel)
            moment = moment_of(sent)
            if sent not in activity.sent and moment >= looked.since:
                best = moment if best is None else min(best, moment)
                yield moment, sent


def _occurrences(activity: Activity, earliest: datetime) -> Iterator[datetime]:
    schedule = activity.schedule
    if schedule.due_at is None:
        return
    just_before = max(schedule.due_at, earliest) - timedelta(microseconds=1)
    once = (schedule.due_at,) if schedule.series is None and schedule.due_at > just_before else ()
    for due_at in chain(once, schedule.later_than(just_before)):
        if due_at not in activity.left_out:
            yield due_at
