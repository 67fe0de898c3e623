"""Recurrences: rules of RFC 5545, counted on the clock on the wall of a time zone.

Rules are read strictly and expanded by dateutil on local times without a zone; each occurrence then becomes an instant
as RFC 5545 (3.3.5) says: a time that the clocks leave out counts by the offset before the change, one that comes twice
is the first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from patron_pipeline.domain.activity_errors import RecurrenceInvalid, RecurrenceStartsElsewhere

MAX_LENGTH: Final = 300
_NUMBERS: Final = r"-?[1-9][0-9]{0,2}(?:,-?[1-9][0-9]{0,2})*"
_DAYS: Final = r"(?:[+-]?[1-9][0-9]?)?(?:MO|TU|WE|TH|FR|SA|SU)"
_PARTS: Final[Mapping[str, str]] = {
    "FREQ": "DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9][0-9]{0,2}",
    "COUNT": r"[1-9][0-9]{0,3}",
    "UNTIL": r"[0-9]{8}(?:T[0-9]{6}Z)?",
    "WKST": "MO|TU|WE|TH|FR|SA|SU",
    "BYDAY": f"{_DAYS}(?:,{_DAYS})*",
    "BYMONTH": r"(?:1[0-2]|[1-9])(?:,(?:1[0-2]|[1-9]))*",
    "BYMONTHDAY": r"-?(?:3[01]|[12][0-9]|[1-9])(?:,-?(?:3[01]|[12][0-9]|[1-9]))*",
    "BYYEARDAY": _NUMBERS,
    "BYWEEKNO": r"-?(?:5[0-3]|[1-4][0-9]|[1-9])(?:,-?(?:5[0-3]|[1-4][0-9]|[1-9]))*",
    "BYSETPOS": _NUMBERS,
}
"""What may stand in a rule. Finer rules than daily are left out: nobody plans a call every second."""
_YEARS_AHEAD: Final = 60
_CYCLE_YEARS: Final = 400  # the Gregorian calendar repeats after 146,097 days, which are whole weeks


@dataclass(frozen=True, slots=True)
class Series:
    """A recurrence with what it is counted from. whole_days: occurrences are days, UNTIL is a day."""

    rule: str
    starts_at: datetime
    time_zone: str
    whole_days: bool = False

    def next_after(self, moment: datetime) -> datetime | None:
        """Find the first occurrence later than a moment; None when the series is over."""
        return self._found(moment, inclusive=False)

    def occurs_at(self, moment: datetime) -> bool:
        """Tell whether a moment is an occurrence."""
        return self._found(moment, inclusive=True) == moment

    def _found(self, moment: datetime, *, inclusive: bool) -> datetime | None:
        zone = zone_of(self.time_zone)
        expanded, shift, until = _expanded(self)
        # Two local times may stand for instants in the other order around a change of the clocks.
        local = moment.astimezone(zone).replace(tzinfo=None) - timedelta(hours=3)
        if local.year + shift > MAXYEAR:
            return None
        for found in expanded.xafter(_shifted(local, shift), inc=True):
            instant = _instant(_shifted(found, -shift), zone)
            if until is not None and instant > until:
                return None
            if instant > moment or (inclusive and instant == moment):
                return instant
        return None


def checked(text: str, starts_at: datetime, time_zone: str, *, whole_days: bool) -> str:
    """Read a rule and give its usual writing; its start must be an occurrence.

    Raises:
        RecurrenceInvalid: a part is unknown, repeated, contradicts another, or has a wrong value.
        RecurrenceStartsElsewhere: the rule leaves its own start out; the detail names what would fit.
    """
    parts = _parts(text)
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceInvalid("COUNT and UNTIL exclude each other (RFC 5545, 3.3.10).", field="recurrence")
    if "UNTIL" in parts:
        if ("T" in parts["UNTIL"]) is whole_days:
            form = "a day, such as 20261231" if whole_days else "a moment in UTC, such as 20261231T120000Z"
            raise RecurrenceInvalid(f"UNTIL takes {form} here (RFC 5545, 3.3.10).", field="recurrence")
        _until(parts["UNTIL"], zone_of(time_zone))
    if parts["FREQ"] not in ("MONTHLY", "YEARLY") and re.search(r"[0-9]", parts.get("BYDAY", "")):
        raise RecurrenceInvalid("BYDAY takes numbers in monthly and yearly rules only.", field="recurrence")
    _check_frequency(parts)
    rule = ";".join(f"{name}={parts[name]}" for name in _PARTS if name in parts)
    series = Series(rule, starts_at, time_zone, whole_days)
    try:
        first = series.next_after(starts_at - timedelta(microseconds=1))
    except (ValueError, OverflowError) as error:
        raise RecurrenceInvalid(field="recurrence") from error
    if first is None:
        raise RecurrenceInvalid("The rule has no occurrence.", field="recurrence")
    if first != starts_at:
        fits = first.astimezone(zone_of(time_zone)).isoformat()
        raise RecurrenceStartsElsewhere(f"The first occurrence of this rule is {fits}.", field="recurrence")
    return rule


def zone_of(name: str) -> ZoneInfo:
    """Give the time zone of a name that was checked before."""
    return ZoneInfo(name)


def start_of(day: date, time_zone: str) -> datetime:
    """Give the beginning of a day of the calendar in a time zone, as UTC."""
    return _instant(datetime(day.year, day.month, day.day), zone_of(time_zone))  # noqa: DTZ001 - local on purpose


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS or name in parts or not re.fullmatch(_PARTS[name], value):
            raise RecurrenceInvalid(f"Wrong, unknown or repeated part {part[:40]!r}.", field="recurrence")
        parts[name] = value
    if "FREQ" not in parts:
        raise RecurrenceInvalid("FREQ is missing.", field="recurrence")
    return parts


def _check_frequency(parts: Mapping[str, str]) -> None:
    """Refuse combinations that RFC 5545 (3.3.10) rules out, and a position within nothing."""
    forbidden = () if parts["FREQ"] == "YEARLY" else ("BYYEARDAY", "BYWEEKNO")
    wrong = [name for name in forbidden if name in parts]
    if parts["FREQ"] == "WEEKLY" and "BYMONTHDAY" in parts:
        wrong.append("BYMONTHDAY")
    if "BYSETPOS" in parts and not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        wrong.append("BYSETPOS")
    if wrong:
        raise RecurrenceInvalid(f"{wrong[0]} does not go with the rest of this rule.", field="recurrence")


@lru_cache(maxsize=4_096)
def _expanded(series: Series) -> tuple[rrule, int, datetime | None]:
    """Give the rule to expand, the years its calendar is shifted by, and the last instant that counts.

    dateutil looks for a date that never comes (30 February, every day) up to the year 9999: 12 s. The calendar repeats
    every 400 years, so the rule is expanded as late as leaves 60 years ahead: the same dates, and 0.5 s at worst.
    """
    zone = zone_of(series.time_zone)
    local = series.starts_at.astimezone(zone).replace(tzinfo=None)
    shift = (MAXYEAR - _YEARS_AHEAD - local.year) // _CYCLE_YEARS * _CYCLE_YEARS
    parts = dict(part.split("=", 1) for part in series.rule.split(";"))
    last = parts.pop("UNTIL", None)
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    expanded = rrulestr(text, dtstart=_shifted(local, shift))
    if not isinstance(expanded, rrule):
        raise RecurrenceInvalid(field="recurrence")
    return expanded, shift, None if last is None else _until(last, zone)


def _until(text: str, zone: ZoneInfo) -> datetime:
    try:
        if "T" in text:
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return _instant(datetime.strptime(text, "%Y%m%d"), zone)  # noqa: DTZ007 - local on purpose
    except (ValueError, OverflowError) as error:
        raise RecurrenceInvalid("UNTIL is no date of the calendar.", field="recurrence") from error


def _shifted(local: datetime, years: int) -> datetime:
    return local.replace(year=local.year + years)


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
