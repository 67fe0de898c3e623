"""Read dates and times as exports write them; day and month are never guessed from `03/04/2005`."""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from patron_cli.importing.values import BadValue, Convert

Order = str  # "dmy", "mdy", "ymd" or "" (nothing stated)
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_NUMERIC = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[T ,]+(.+))?\Z", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:[T ]?(\d{2}:?\d{2}.*))?\Z", re.ASCII)
_NAMED = re.compile(
    r"(?:[A-Za-z]+,? )?(?:(\d{1,2})[. -]+([A-Za-z]{3,9})|([A-Za-z]{3,9})\.? (\d{1,2})),?[ -]+(\d{4})"
    r"(?:[T ,]+(.+))?\Z",
    re.ASCII,
)
_TIME = re.compile(
    r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*([AaPp]\.?[Mm]\.?)?\s*(Z|UTC|GMT)?\s*([-+]\d\d:?\d\d)?\Z",
    re.ASCII,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CACHED = 8192  # files repeat their dates
_NOON = 12
_YEAR_DIGITS = 4


def date_with(order: Order, pattern: str | None) -> Convert:
    """Make a converter to `YYYY-MM-DD`; a time of day behind the date is dropped.

    order: what the user states about numeric dates; pattern: a `strptime` format that replaces everything else.
    """
    read = _reader(order, pattern)

    @lru_cache(maxsize=_CACHED)
    def iso(written: str) -> str | None:
        return read(written)[0].isoformat() if written else None

    def convert(value: Any) -> Any:
        return iso(str(value).strip())

    return convert


def moment_with(order: Order, pattern: str | None, zone: str) -> Convert:
    """Make a converter to RFC 3339 in UTC; times without offset are those of `zone`, dates begin at its midnight."""
    read = _reader(order, pattern)
    local = dt.UTC if zone == "UTC" else ZoneInfo(zone)

    @lru_cache(maxsize=_CACHED)
    def utc(written: str) -> str | None:
        if not written:
            return None
        moment = None if pattern else _fast(written)
        if moment is None:
            moment = dt.datetime.combine(*read(written))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=local)
        try:
            moment = moment.astimezone(dt.UTC)
        except OverflowError as error:
            raise BadValue("invalid-date", f"{written[:40]!r} is beyond the calendar") from error
        return moment.isoformat().replace("+00:00", "Z")

    def convert(value: Any) -> Any:
        return utc(str(value).strip())

    return convert


def _fast(written: str) -> dt.datetime | None:
    """Read the form of RFC 3339 without regular expressions; None for anything else."""
    if _ISO.match(written):
        try:
            return dt.datetime.fromisoformat(written)
        except ValueError:
            return None
    return None


_Read = Callable[[str], tuple[dt.date, dt.time]]


def _reader(order: Order, pattern: str | None) -> _Read:
    def stated(written: str) -> tuple[dt.date, dt.time]:
        try:
            moment = dt.datetime.strptime(written, pattern or "")  # noqa: DTZ007 - the caller adds the zone
        except ValueError as error:
            raise BadValue("invalid-date", f"{written[:40]!r} does not fit the format {pattern}") from error
        return moment.date(), moment.timetz()

    return stated if pattern else lambda written: _read(written, order)


def _read(written: str, order: Order) -> tuple[dt.date, dt.time]:
    if match := _COMPACT.match(written):
        year, month, day, rest = match.groups()
        return _date(written, int(year), int(month), int(day)), _time(written, rest)
    if match := _NUMERIC.match(written):
        first, mark, second, third, rest = match.groups()
        day = _numeric(written, (first, second, third), mark, order)
        return day, _time(written, rest)
    if match := _NAMED.match(written):
        before, name, name_first, after, year, rest = match.groups()
        word = (name or name_first).lower()
        if word[:3] in _MONTHS:
            month = _MONTHS.index(word[:3]) + 1
            return _date(written, int(year), month, int(before or after)), _time(written, rest)
    raise BadValue("invalid-date", f"{written[:40]!r} is no date that can be read")


def _numeric(written: str, parts: tuple[str, str, str], mark: str, order: Order) -> dt.date:
    first, second, third = map(int, parts)
    if len(parts[0]) == _YEAR_DIGITS:
        return _date(written, first, second, third)
    if len(parts[2]) != _YEAR_DIGITS:
        raise BadValue("ambiguous-date", f"{written[:40]!r} has no year of four digits; state the format")
    if mark == ".":
        order = order or "dmy"  # nobody writes the month first with dots
    if order == "dmy":
        return _date(written, third, second, first)
    if order == "mdy":
        return _date(written, third, first, second)
    if first > _NOON >= second:
        return _date(written, third, second, first)
    if second > _NOON >= first or first == second:
        return _date(written, third, first, second)
    raise BadValue("ambiguous-date", f"{written[:40]!r} may be day or month first; state it with --dates")


def _date(written: str, year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError as error:
        raise BadValue("invalid-date", f"{written[:40]!r} is no day of the calendar") from error


def _time(written: str, rest: str | None) -> dt.time:
    """Read a time of day; Salesforce writes `12:00:00.000Z-0300` and means the offset."""
    if not rest:
        return dt.time()
    clock = rest.strip()
    if clock[:4].isdecimal():
        clock = f"{clock[:2]}:{clock[2:4]}{':' + clock[4:] if clock[4:6].isdecimal() else clock[4:]}"
    match = _TIME.match(clock)
    if not match:
        raise BadValue("invalid-date", f"{written[:40]!r} has no time of day that can be read")
    hour, minute, second, fraction, half, utc, offset = match.groups()
    hours = int(hour)
    if half:
        hours = hours % _NOON + (_NOON if half[0] in "pP" else 0)
    zone = _offset(offset) if offset else (dt.UTC if utc else None)
    try:
        micro = int((fraction or "0")[:6].ljust(6, "0"))
        return dt.time(hours, int(minute), int(second or 0), micro, tzinfo=zone)
    except ValueError as error:
        raise BadValue("invalid-date", f"{written[:40]!r} has no time of day that can be read") from error


def _offset(written: str) -> dt.timezone:
    minutes = int(written[1:3]) * 60 + int(written[-2:])
    span = dt.timedelta(minutes=minutes if written[0] == "+" else -minutes)
    try:
        return dt.timezone(span)
    except ValueError as error:
        raise BadValue("invalid-date", f"{written} is no time zone") from error
