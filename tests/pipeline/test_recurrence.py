"""Recurrences by RFC 5545, against its own examples and against the clocks of real places."""

from datetime import UTC, date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from icalendar import vRecur

from patron_events.rejections import Rejection
from patron_pipeline.domain import recurrence
from patron_pipeline.domain.activity_errors import RecurrenceInvalid, RecurrenceStartsElsewhere, TimeZoneNeeded
from patron_pipeline.domain.recurrence import Series, checked
from patron_pipeline.domain.schedule import Schedule, read_schedule

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")


def _local(text: str, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def _first(rule: str, start: datetime, count: int) -> list[str]:
    zone = str(start.tzinfo)
    text = checked(rule, start.astimezone(UTC), zone, whole_days=False)
    schedule = Schedule(start.astimezone(UTC), start.astimezone(UTC), time_zone=zone, recurrence=text)
    found = [start.astimezone(UTC), *islice(schedule.later_than(start.astimezone(UTC)), count - 1)]
    return [one.astimezone(start.tzinfo).isoformat(timespec="minutes") for one in found]


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [  # RFC 5545, 3.8.5.3
        ("FREQ=DAILY;COUNT=3", "1997-09-02T09:00", ["1997-09-02", "1997-09-03", "1997-09-04"]),
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02T09:00", ["1997-09-02", "1997-09-12", "1997-09-22"]),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997-09-02T09:00", ["1997-09-02", "1997-09-04"]),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05T09:00", ["1997-09-05", "1997-10-03", "1997-11-07"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28T09:00", ["1997-09-28", "1997-10-29", "1997-11-28"]),
        ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19T09:00", ["1997-05-19", "1998-05-18", "1999-05-17"]),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12T09:00", ["1997-05-12", "1998-05-11", "1999-05-17"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998-02-13T09:00", ["1998-02-13", "1998-03-13", "1998-11-13"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29T09:00", ["1997-09-29", "1997-10-30"]),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2096-02-29T09:00", ["2096-02-29", "2104-02-29"]),
    ],
)
def test_the_examples_of_the_rfc_give_their_dates(rule: str, start: str, expected: list[str]) -> None:
    assert [one[:10] for one in _first(rule, _local(start), len(expected))] == expected


def test_a_series_keeps_the_time_on_the_wall_when_the_clocks_change() -> None:
    found = _first("FREQ=WEEKLY;COUNT=3", _local("2026-03-22T09:00", BERLIN), 3)
    assert found == ["2026-03-22T09:00+01:00", "2026-03-29T09:00+02:00", "2026-04-05T09:00+02:00"]


def test_a_time_that_the_clocks_leave_out_counts_by_the_offset_before() -> None:
    found = _first("FREQ=DAILY", _local("2026-03-28T02:30", BERLIN), 3)
    assert found == ["2026-03-28T02:30+01:00", "2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]


def test_a_time_that_comes_twice_is_the_first() -> None:
    found = _first("FREQ=DAILY", _local("2026-10-24T02:30", BERLIN), 3)
    assert found == ["2026-10-24T02:30+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]


def test_until_is_the_last_moment_that_counts_whatever_the_offset_then() -> None:
    assert len(_first("FREQ=DAILY;UNTIL=20260330T070000Z", _local("2026-03-28T09:00", BERLIN), 9)) == 3
    assert len(_first("FREQ=DAILY;UNTIL=20260330T065959Z", _local("2026-03-28T09:00", BERLIN), 9)) == 2


def test_whole_days_begin_with_their_day_and_end_with_until() -> None:
    body = {"due_on": "2026-03-28", "time_zone": "Europe/Berlin", "recurrence": "FREQ=DAILY;UNTIL=20260330"}
    schedule = read_schedule(body)
    assert schedule.due_at is not None
    days = [schedule.due_at, *schedule.later_than(schedule.due_at)]
    assert [schedule.day_of(one) for one in days] == [date(2026, 3, 28), date(2026, 3, 29), date(2026, 3, 30)]
    assert schedule.moved_to(days[1]).overdue_from() == datetime(2026, 3, 29, 22, tzinfo=UTC)  # a day of 23 hours


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "FREQ=SECONDLY",
        "FREQ=HOURLY",
        "INTERVAL=2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z",
        "FREQ=DAILY;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20271341T000000Z",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;BYEASTER=0",
        "FREQ=DAILY;BYHOUR=9,17",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=13",
        "FREQ=DAILY;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=DAILY\nEXDATE:20260101T000000",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20200101T000000Z",
    ],
)
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(RecurrenceInvalid):
        checked(rule, datetime(2026, 1, 1, 9, tzinfo=UTC), "UTC", whole_days=False)


def test_a_rule_that_leaves_its_start_out_says_what_would_fit() -> None:
    with pytest.raises(RecurrenceStartsElsewhere) as refused:
        checked("FREQ=WEEKLY;BYDAY=MO", datetime(2026, 1, 1, 9, tzinfo=UTC), "UTC", whole_days=False)
    assert "2026-01-05T09:00:00" in refused.value.detail


def test_a_rule_is_written_in_one_way_that_a_real_parser_reads() -> None:
    text = checked("byday=we;interval=2;freq=weekly", datetime(2026, 1, 7, 9, tzinfo=UTC), "UTC", whole_days=False)
    assert text == "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE"
    assert vRecur.from_ical(text).to_ical() == text.encode()


def test_a_series_has_an_end_also_at_the_end_of_the_calendar() -> None:
    series = Series("FREQ=YEARLY", datetime(2026, 1, 1, tzinfo=UTC), "UTC")
    assert series.next_after(datetime(9000, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"due_at": "2026-01-01T09:00:00Z", "recurrence": "FREQ=DAILY"},
        {"due_on": "2026-01-01"},
    ],
)
def test_what_is_counted_by_a_calendar_needs_a_time_zone(body: dict[str, str]) -> None:
    with pytest.raises(TimeZoneNeeded):
        read_schedule(body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"due_at": "2026-01-01T09:00:00Z", "due_on": "2026-01-01", "time_zone": "UTC"}, "due_on"),
        ({"duration_minutes": 30}, "duration_minutes"),
        ({"recurrence": "FREQ=DAILY"}, "recurrence"),
        ({"due_at": "2026-01-01T09:00:00"}, "due_at"),
        ({"due_at": "9999-01-01T09:00:00Z"}, "due_at"),
        ({"due_on": "2026-02-30", "time_zone": "UTC"}, "due_on"),
        ({"due_at": "2026-01-01T09:00:00Z", "time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"due_on": "2026-01-01", "time_zone": "UTC", "duration_minutes": 90}, "duration_minutes"),
    ],
)
def test_a_time_that_contradicts_itself_is_refused_with_its_place(body: dict[str, object], field: str) -> None:
    with pytest.raises(Rejection) as refused:
        read_schedule(body)
    assert refused.value.field == field


def test_a_day_begins_when_its_clocks_do() -> None:
    assert recurrence.start_of(date(2018, 11, 4), "America/Sao_Paulo") == datetime(2018, 11, 4, 3, tzinfo=UTC)
