"""Read moments and days. Moments are RFC 3339 with an offset, and UTC from then on."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from patron_values.errors import (
    BirthDateInFuture,
    DateInvalid,
    DateTooEarly,
    TimeInFuture,
    TimeInvalid,
    TimeTooEarly,
    TimeZoneMissing,
)

EARLIEST: Final = datetime(1800, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE: Final = timedelta(days=1)
"""How far the clock (or the idea of the time zone) of a sender may be ahead of ours."""

_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FULL_DATE: Final = re.compile(_DAY)
_DATE_TIME: Final = re.compile(
    rf"({_DAY})[Tt ]([0-9]{{2}}:[0-9]{{2}}):([0-9]{{2}})(?:\.([0-9]{{1,30}}))?([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?"
)


def moment(value: object, path: str) -> datetime:
    """Read any moment since 1800, also a coming one, as UTC; digits beyond microseconds are cut off.

    Raises:
        TimeInvalid: not an RFC 3339 date-time, or not a moment of the calendar.
        TimeZoneMissing: no offset.
        TimeTooEarly: before 1800-01-01.
    """
    parsed = value if isinstance(value, datetime) else _parsed(value, path)
    if parsed.tzinfo is None:
        raise TimeZoneMissing(field=path)
    try:
        utc = parsed.astimezone(UTC)
    except (OverflowError, ValueError) as error:  # year 1 or 9999, moved over the edge by its offset
        raise TimeInvalid(field=path) from error
    if utc < EARLIEST:
        raise TimeTooEarly(field=path)
    return utc


def _parsed(value: object, path: str) -> datetime:
    match = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise TimeInvalid(field=path)
    day_part, minutes, seconds, fraction, offset = match.groups()
    leap = seconds == "60"  # RFC 3339 5.7: a leap second, which datetime cannot hold, is the start of the next
    micros = (fraction or "0")[:6].ljust(6, "0")
    zone = "" if offset is None else "+00:00" if offset in "Zz" else offset
    try:
        read = datetime.fromisoformat(f"{day_part}T{minutes}:{'59' if leap else seconds}.{micros}{zone}")
        return read + timedelta(seconds=1) if leap else read
    except (OverflowError, ValueError) as error:
        raise TimeInvalid(field=path) from error


def instant(value: object, path: str, *, now: datetime) -> datetime:
    """Read the moment of something that has happened, as UTC; up to a day ahead of `now` is forgiven.

    Raises:
        TimeInFuture: more than a day ahead of `now`.
        TimeInvalid, TimeZoneMissing, TimeTooEarly: as `moment`.
    """
    read = moment(value, path)
    if read - now > CLOCK_TOLERANCE:
        raise TimeInFuture(field=path)
    return read


def day(value: object, path: str) -> date:
    """Read a day (RFC 3339 full-date) since 1800, also a coming one.

    Raises:
        DateInvalid: another form, such as `31.12.2026`, or not a day of the calendar.
        DateTooEarly: before 1800-01-01.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        read = value
    elif isinstance(value, str) and _FULL_DATE.fullmatch(value):
        try:
            read = date.fromisoformat(value)
        except ValueError as error:
            raise DateInvalid(field=path) from error
    else:
        raise DateInvalid(field=path)
    if read < EARLIEST.date():
        raise DateTooEarly(field=path)
    return read


def birth_date(value: object, path: str, *, today: date) -> date:
    """Read a birthday.

    Raises:
        BirthDateInFuture: after `today`.
        DateInvalid, DateTooEarly: as `day`.
    """
    read = day(value, path)
    if read > today:
        raise BirthDateInFuture(field=path)
    return read
