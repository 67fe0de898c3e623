"""Moments and days."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_values.errors import (
    BirthDateInFuture,
    DateInvalid,
    DateTooEarly,
    TimeInFuture,
    TimeInvalid,
    TimeTooEarly,
    TimeZoneMissing,
)
from patron_values.moments import birth_date, day, instant, moment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2026-01-31T13:00:00Z", datetime(2026, 1, 31, 13, tzinfo=UTC)),
        ("2026-01-31t13:00:00z", datetime(2026, 1, 31, 13, tzinfo=UTC)),
        ("2026-01-31 13:00:00+00:00", datetime(2026, 1, 31, 13, tzinfo=UTC)),
        ("2026-01-31T13:00:00+05:30", datetime(2026, 1, 31, 7, 30, tzinfo=UTC)),
        ("2026-01-01T00:30:00+01:00", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
        ("2026-01-31T13:00:00.1234567Z", datetime(2026, 1, 31, 13, 0, 0, 123456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("1800-01-01T00:00:00Z", datetime(1800, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_kept_in_utc(typed: str, read: datetime) -> None:
    found = instant(typed, "occurred_at", now=NOW)
    assert (found, found.utcoffset()) == (read, timedelta(0))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "yesterday",
        "2026-01-31",
        "2026-02-30T00:00:00Z",
        "2026-01-31T13:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T13:00:61Z",
        "2026-01-31T13:00:00+25:00",
        "2026-01-31T13:00:00+0100",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:60Z",
        "\uff12\uff10\uff12\uff16-01-31T13:00:00Z",
        "2026-01-31T13:00:00Z\n",
        1769864400,
        None,
    ],
)
def test_what_is_no_moment_of_rfc_3339_is_refused(typed: object) -> None:
    with pytest.raises(TimeInvalid) as refused:
        moment(typed, "occurred_at")
    assert refused.value.field == "occurred_at"


def test_a_moment_needs_an_offset() -> None:
    for typed in ("2026-01-31T13:00:00", datetime(2026, 1, 31, 13)):  # noqa: DTZ001 - that is what is refused
        with pytest.raises(TimeZoneMissing):
            instant(typed, "at", now=NOW)


def test_what_happened_is_not_more_than_a_day_ahead() -> None:
    assert instant("2026-03-02T12:00:00Z", "at", now=NOW) == NOW + timedelta(days=1)
    with pytest.raises(TimeInFuture):
        instant("2026-03-02T12:00:01Z", "at", now=NOW)
    assert moment("2126-03-02T12:00:01Z", "at").year == 2126


def test_nothing_here_happened_before_1800() -> None:
    with pytest.raises(TimeTooEarly):
        instant("1799-12-31T23:59:59Z", "at", now=NOW)
    with pytest.raises(TimeTooEarly):
        instant("1800-01-01T00:30:00+01:00", "at", now=NOW)
    with pytest.raises(DateTooEarly):
        day("1799-12-31", "from")


@given(
    st.datetimes(
        min_value=datetime(1, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
def test_every_moment_since_1800_comes_back_as_itself(typed: datetime) -> None:
    try:
        read = moment(typed.isoformat(), "at")
    except TimeTooEarly:
        assert typed < datetime(1800, 1, 1, tzinfo=UTC)
    except TimeInvalid:  # moved out of the years of the calendar by its offset, or an offset of seconds
        assert typed.year in {1, 9999}
    else:
        assert read == typed == moment(typed, "at")


def test_a_day_is_a_full_date() -> None:
    assert day("2024-02-29", "from") == day(date(2024, 2, 29), "from") == date(2024, 2, 29)
    for typed in (
        "2023-02-29",
        "29.02.2024",
        "2024-2-9",
        "20240229",
        "2024-W09-4",
        "2024-02-29T00:00:00Z",
        NOW,
        7,
        None,
    ):
        with pytest.raises(DateInvalid):
            day(typed, "from")


def test_nobody_is_born_after_today() -> None:
    assert birth_date("2026-03-01", "birth_date", today=NOW.date()) == NOW.date()
    with pytest.raises(BirthDateInFuture) as refused:
        birth_date("2026-03-02", "birth_date", today=NOW.date())
    assert refused.value.field == "birth_date"
