"""When a fact must have happened: periods of the tree as windows of time in UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from dateutil.relativedelta import relativedelta

from patron_rules.forms import moment
from patron_rules.tree import CalendarPeriod, Duration, Period


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in UTC; all bounds that are given hold.

    until: the moment of asking, inclusive, because facts of the future do not count. after: exclusive lower bound;
    since: inclusive lower bound; before: exclusive upper bound.
    """

    until: datetime
    after: datetime | None = None
    since: datetime | None = None
    before: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether a point in time lies within."""
        return (
            at <= self.until
            and (self.after is None or at > self.after)
            and (self.since is None or at >= self.since)
            and (self.before is None or at < self.before)
        )


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Name the time zones of the IANA database."""
    return frozenset(available_timezones())


def length(duration: Duration) -> timedelta:
    """Give the length of a duration; a day has 24 hours."""
    return timedelta(days=duration.days, hours=duration.hours, minutes=duration.minutes, seconds=duration.seconds)


def window(period: Period | None, now: datetime) -> Window:
    """Give the window of a period as of a moment; without a period everything up to that moment.

    Raises:
        ValueError: the period was never checked: a time or a time zone is none.
    """
    if period is None:
        return Window(now)
    since = [] if period.since is None else [moment(period.since)]
    before = [] if period.to is None else [moment(period.to)]
    if period.calendar is not None:
        start, end = calendar_bounds(period.calendar, period.time_zone, now)
        since.append(start)
        before.append(end)
    after = None if period.last is None else now - length(period.last)
    return Window(now, after, max(since, default=None), min(before, default=None))


def calendar_bounds(period: CalendarPeriod, time_zone: str, now: datetime) -> tuple[datetime, datetime]:
    """Give the first instant of a calendar period and of the one after it, in UTC; weeks begin on Monday (ISO 8601).

    Where a day begins with a gap (clocks go from 00:00 to 01:00) its first instant is the end of the gap; where
    midnight comes twice, the first one.
    """
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    which, _, unit = period.partition("-")
    first, step = _days(today, unit or period)
    if which in {"last", "yesterday"}:
        first -= step
    return _midnight(first, zone), _midnight(first + step, zone)


def _days(today: date, unit: str) -> tuple[date, relativedelta]:
    """Give the first day of the period that today is in, and its length."""
    match unit:
        case "week":
            return today - timedelta(days=today.weekday()), relativedelta(weeks=1)
        case "month":
            return today.replace(day=1), relativedelta(months=1)
        case "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1), relativedelta(months=3)
        case "year":
            return today.replace(month=1, day=1), relativedelta(years=1)
        case _:
            return today, relativedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock(), zone).astimezone(UTC)
