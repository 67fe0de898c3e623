"""What a report is asked: period, clocks, customers, and what the rows are made by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import ClassVar, Final
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from patron_events.rejections import Invalid, NotFound
from patron_projections.clocks import LIVE, Clocks

PERIODS: Final = ("day", "week", "month", "quarter", "year")
_MOST_BY: Final = 4


class ReportNotFound(NotFound):
    """There is no report of this name; `GET /reports` lists them."""

    code: ClassVar[str] = "report-not-found"


class TimeZoneInvalid(Invalid):
    """`time_zone` takes a name of the IANA time zone database, such as Europe/Berlin."""

    code: ClassVar[str] = "time-zone-invalid"


class TimeInvalid(Invalid):
    """A time is an RFC 3339 time, or a date, which means midnight in `time_zone`."""

    code: ClassVar[str] = "period-invalid"


class ByInvalid(Invalid):
    """`by` takes what the definition of the report lists, each once and at most four."""

    code: ClassVar[str] = "by-invalid"


class ParameterNotTaken(Invalid):
    """This report does not take this parameter."""

    code: ClassVar[str] = "parameter-not-taken"


class CurrencyNeeded(Invalid):
    """There are amounts in several currencies; `currency` says which are meant, or what all are shown in."""

    code: ClassVar[str] = "currency-needed"


class RowInvalid(Invalid):
    """`row` names each column of `by` with its value, as the `drill` of a row does."""

    code: ClassVar[str] = "row-invalid"


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that may be asked of a report.

    since, until: inclusive and exclusive. zone: IANA name; periods begin at its midnights. now: the end of time where
    nothing else says it. days, discount: horizon of a forecast, and its yearly rate. response: a condition.
    currency: of reports of sales, what all amounts are shown in, by the rates of `rate_date`. outcome: of closed deals:
    won, lost or closed. every: how far apart the moments of a history are: day, week, month or quarter.
    history_from: the first of these moments.
    """

    now: datetime
    since: datetime | None = None
    until: datetime | None = None
    by: tuple[str, ...] = ()
    zone: str = "UTC"
    filters: Sequence[str] = ()
    segment: UUID | None = None
    clocks: Clocks = LIVE
    currency: str | None = None
    days: int = 90
    discount: Decimal = Decimal("0.1")
    response: str | None = None
    rate_date: date | None = None
    outcome: str = "won"
    every: str = "week"
    history_from: datetime | None = None

    @property
    def end(self) -> datetime:
        """Give the moment at which the period ends: `until`, `as_of` or now, whichever is first."""
        return min(one for one in (self.until, self.clocks.as_of, self.now) if one is not None)

    @property
    def today(self) -> date:
        """Give the day of the question in its zone: that of `as_of`, or of now."""
        return local_day(self.clocks.as_of or self.now, self.zone)

    @property
    def rated_on(self) -> date:
        """Give the day whose exchange rates count: `rate_date`, or the last day of the period in its zone."""
        if self.rate_date is not None:
            return self.rate_date
        return local_day(self.end, self.zone, before=self.end == self.until)


def local_day(moment: datetime, zone: str, *, before: bool = False) -> date:
    """Give the day of a moment, or of the last one before it, on the clock of a zone."""
    try:
        last = moment - timedelta(microseconds=1) if before else moment
        return last.astimezone(ZoneInfo(zone)).date()
    except OverflowError:  # the first or the last day that there is, on clocks where it is another one
        return moment.date()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_zone(name: str) -> str:
    """Check the name of a time zone; raises TimeZoneInvalid."""
    if name not in _zones():
        raise TimeZoneInvalid(field="time_zone")
    return name


def read_moment(text: str | None, zone: str, field: str) -> datetime | None:
    """Read a time or date; raises TimeInvalid."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
        moment.timestamp()
    except (ValueError, OverflowError):
        raise TimeInvalid(field=field) from None
    return moment


def read_by(parts: Sequence[str], default: tuple[str, ...]) -> tuple[str, ...]:
    """Read `by`: repeated, or separated by commas; raises ByInvalid."""
    names = tuple(name.strip() for part in parts for name in part.split(","))
    if len(set(names)) != len(names) or len(names) > _MOST_BY or "" in names:
        raise ByInvalid(field="by")
    return names or default


def read_row(parts: Sequence[str], key: Sequence[str]) -> Mapping[str, str | None]:
    """Read which row is meant: `column:value`, or `column` where the row has no value; raises RowInvalid."""
    row: dict[str, str | None] = {}
    for part in parts:
        name, colon, value = _split(part, key)
        row[name] = value if colon else None
    if row.keys() != set(key) or len(parts) != len(row):
        raise RowInvalid(field="row")
    return row


def _split(part: str, key: Sequence[str]) -> tuple[str, bool, str]:
    """Part a name from its value; names of custom fields may hold colons themselves."""
    for name in sorted(key, key=len, reverse=True):
        if part == name:
            return name, False, ""
        if part.startswith(f"{name}:"):
            return name, True, part[len(name) + 1 :]
    raise RowInvalid(field="row")
