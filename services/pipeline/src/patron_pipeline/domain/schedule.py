"""When an activity is due: a moment or a whole day, once or again and again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from patron_pipeline.domain import recurrence
from patron_pipeline.domain.activity_errors import DueGivenTwice, DueMissing, DueOutOfRange, TimeZoneNeeded
from patron_pipeline.domain.recurrence import Series
from patron_values import moments, places
from patron_values.errors import ShapeInvalid

_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2199
_DAY_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Schedule:
    """A time, or none at all.

    due_at: the present occurrence, UTC; of a whole day its beginning in `time_zone`. starts_at: the first occurrence.
    recurrence: a checked rule of RFC 5545.
    """

    due_at: datetime | None = None
    starts_at: datetime | None = None
    duration_minutes: int | None = None
    all_day: bool = False
    time_zone: str | None = None
    recurrence: str | None = None

    @property
    def series(self) -> Series | None:
        """Give the recurrence with what it is counted from; None when there is but one occurrence."""
        if self.recurrence is None or self.starts_at is None or self.time_zone is None:
            return None
        return Series(self.recurrence, self.starts_at, self.time_zone, self.all_day)

    def next_after(self, moment: datetime, left_out: Collection[datetime]) -> datetime | None:
        """Find the first occurrence later than a moment that is not left out."""
        return next((one for one in self.later_than(moment) if one not in left_out), None)

    def later_than(self, moment: datetime) -> Iterator[datetime]:
        """Give the occurrences of the series later than a moment, in order."""
        series = self.series
        found = None if series is None else series.next_after(moment)
        while series is not None and found is not None:
            yield found
            found = series.next_after(found)

    def day_of(self, occurrence: datetime) -> date:
        """Give the day of the calendar on which an occurrence begins."""
        return occurrence.astimezone(recurrence.zone_of(self.time_zone or "UTC")).date()

    def overdue_from(self) -> datetime | None:
        """Tell from when on the present occurrence is overdue: its moment, or the end of its day."""
        if self.due_at is None or not self.all_day:
            return self.due_at
        after = self.day_of(self.due_at) + timedelta(days=1)
        return recurrence.start_of(after, self.time_zone or "UTC")

    def moved_to(self, due_at: datetime | None) -> "Schedule":
        """Give the same series at another of its occurrences."""
        return replace(self, due_at=due_at)


NO_TIME: Final = Schedule()


def read_schedule(body: Mapping[str, Any]) -> Schedule:
    """Read `due_at` or `due_on`, `duration_minutes`, `time_zone` and `recurrence`.

    Raises:
        DueGivenTwice, DueMissing, DueOutOfRange, TimeZoneNeeded: the members do not go together.
        RecurrenceInvalid, RecurrenceStartsElsewhere: see `recurrence.checked`.
        TimeInvalid, TimeZoneMissing, DateInvalid, TimeZoneUnknown: a value is none.
    """
    moment, day, rule, minutes = (body.get(name) for name in ("due_at", "due_on", "recurrence", "duration_minutes"))
    zone = None if body.get("time_zone") is None else places.time_zone(body["time_zone"], "time_zone")
    if moment is not None and day is not None:
        raise DueGivenTwice(field="due_on")
    if moment is None and day is None:
        wrong = next((name for name in ("duration_minutes", "recurrence") if body.get(name) is not None), None)
        if wrong is not None:
            raise DueMissing(field=wrong)
        return NO_TIME
    if zone is None and (day is not None or rule is not None):
        raise TimeZoneNeeded(field="time_zone")
    if day is not None and minutes is not None and minutes % _DAY_MINUTES:
        raise ShapeInvalid("An activity of whole days lasts a multiple of 1440 minutes.", field="duration_minutes")
    starts_at = _moment(moment) if day is None else _day(day, zone or "UTC")
    checked = None
    if rule is not None:
        checked = recurrence.checked(rule, starts_at, zone or "UTC", whole_days=day is not None)
    return Schedule(starts_at, starts_at, minutes, day is not None, zone, checked)


def _moment(value: object) -> datetime:
    read = moments.moment(value, "due_at").replace(microsecond=0)  # iCalendar knows no parts of a second
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise DueOutOfRange(field="due_at")
    return read


def _day(value: object, zone: str) -> datetime:
    read = moments.day(value, "due_on")
    if not _FIRST_YEAR < read.year < _LAST_YEAR:
        raise DueOutOfRange(field="due_on")
    return recurrence.start_of(read, zone)
