"""Values of rules become typed values, and periods become windows, the same for every evaluator."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_projections import records
from patron_rules import forms
from patron_rules.fields import Definitions, fact_field, profile_field
from patron_rules.looking import LooksAt, looks_at
from patron_rules.operands import field_operand, measure_operand, moment_operand, where_operand
from patron_rules.periods import Window, calendar_bounds, window
from patron_rules.tree import Duration, Facts, FieldIs, Measure, Moment, Period, Where, read_rule
from rules.rule_documents import DEFINITIONS, SEGMENT

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("country", "eq", "DE", "DE"),
        ("country", "in", ("DE", "FR"), ("DE", "FR")),
        ("email", "eq", "Ada@Example.ORG", "ada@example.org"),
        ("email", "contains", "@Example", "@Example"),
        ("phone", "in", ("0049 (30) 12",), ("493012",)),
        ("custom.score", "gt", 0.1, Decimal("0.1")),
        ("custom.score", "gt", "12.50", Decimal("12.50")),
        ("custom.seats", "gt", 3.0, 3),
        ("custom.vip", "ne", False, False),
        ("custom.renewal", "lt", "2026-02-28", date(2026, 2, 28)),
        ("custom.seen", "gt", "2026-02-28T01:00:00+01:00", datetime(2026, 2, 28, tzinfo=UTC)),
        ("created_at", "after", "2026-02-28", datetime(2026, 2, 28, tzinfo=UTC)),
        ("created_at", "within-last", Duration(days=1, hours=2), timedelta(days=1, hours=2)),
        ("companies", "has", SEGMENT, UUID(SEGMENT)),
        ("preferences.x", "in", ("a", 1, True), ("a", Decimal(1), True)),
        ("tags", "exists", None, None),
    ],
)
def test_values_are_typed_by_their_fields(field: str, op: Any, value: Any, expected: Any) -> None:
    known = profile_field(field, DEFINITIONS)
    assert known is not None
    read = field_operand(known, FieldIs(field, op, value))
    assert (read, type(read)) == (expected, type(expected))


def test_amounts_are_compared_in_minor_units() -> None:
    amount = fact_field("purchase", "amount")
    assert amount is not None
    assert where_operand(amount, Where("amount", "gt", "50.00", "EUR")) == Decimal(5000)
    assert where_operand(amount, Where("amount", "in", (50, "1.5"), "JPY")) == (Decimal(50), Decimal("1.5"))
    total = Measure("sum", Facts("purchase"), "gte", 10, of="amount", currency="KWD")
    assert measure_operand(total) == Decimal(10_000)
    assert measure_operand(Measure("count", Facts("purchase"), "gte", 3)) == Decimal(3)


def test_moments_are_compared_with_times_or_durations() -> None:
    assert moment_operand(Moment("last", Facts("purchase"), "before", "2026-01-01")) == datetime(2026, 1, 1, tzinfo=UTC)
    assert moment_operand(Moment("last", Facts("purchase"), "within-last", Duration(days=3))) == timedelta(days=3)


@pytest.mark.parametrize(
    ("period", "first", "end"),
    [
        ("today", "2026-03-29", "2026-03-30"),
        ("yesterday", "2026-03-28", "2026-03-29"),
        ("this-week", "2026-03-23", "2026-03-30"),
        ("last-week", "2026-03-16", "2026-03-23"),
        ("this-month", "2026-03-01", "2026-04-01"),
        ("last-month", "2026-02-01", "2026-03-01"),
        ("this-quarter", "2026-01-01", "2026-04-01"),
        ("last-quarter", "2025-10-01", "2026-01-01"),
        ("this-year", "2026-01-01", "2027-01-01"),
        ("last-year", "2025-01-01", "2026-01-01"),
    ],
)
def test_periods_of_the_calendar_are_those_of_their_time_zone(period: Any, first: str, end: str) -> None:
    def begins(day: str, zone: str) -> datetime:
        return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)

    for zone in ("UTC", "Europe/Berlin", "Pacific/Auckland"):
        now = datetime(2026, 3, 29, 9, tzinfo=ZoneInfo(zone))
        assert calendar_bounds(period, zone, now) == (begins(first, zone), begins(end, zone))


def test_a_day_without_midnight_begins_at_the_end_of_the_gap() -> None:
    now = datetime(2024, 3, 10, 12, tzinfo=ZoneInfo("America/Havana"))  # clocks went from 00:00 to 01:00
    start, end = calendar_bounds("today", "America/Havana", now)
    assert (start, end) == (datetime(2024, 3, 10, 5, tzinfo=UTC), datetime(2024, 3, 11, 4, tzinfo=UTC))


def test_all_parts_of_a_period_hold() -> None:
    whole = Period(last=Duration(days=30), since="2026-03-10", to="2026-03-20", calendar="this-month")
    bounds = window(whole, NOW)
    assert bounds == Window(
        until=NOW,
        after=NOW - timedelta(days=30),
        since=datetime(2026, 3, 10, tzinfo=UTC),
        before=datetime(2026, 3, 20, tzinfo=UTC),
    )
    assert bounds.holds(datetime(2026, 3, 10, tzinfo=UTC))
    assert not bounds.holds(datetime(2026, 3, 20, tzinfo=UTC))
    assert window(None, NOW).holds(NOW)
    assert not window(None, NOW).holds(NOW + timedelta(microseconds=1))
    last = window(Period(last=Duration(days=1)), NOW)
    assert not last.holds(NOW - timedelta(days=1))
    assert last.holds(NOW - timedelta(days=1) + timedelta(microseconds=1))


PURCHASE = {"fact": "purchase"}
LOOKED: list[tuple[Any, LooksAt]] = [
    ({"type": "field", "field": "department", "op": "eq", "value": "x"}, LooksAt(frozenset({"department"}))),
    (
        {"type": "field", "field": "custom.renewal", "op": "within-next", "value": {"days": 1}},
        LooksAt(frozenset({"custom.renewal"}), clock=True, personal=True),
    ),
    (
        {"type": "field", "field": "company.industry", "op": "eq", "value": "x"},
        LooksAt(company=frozenset({"industry"}), clock=True),
    ),
    ({"type": "field", "field": "rfm.recency", "op": "eq", "value": 5}, LooksAt(rfm=True, clock=True)),
    ({"type": "not", "rule": {"type": "segment", "segment": SEGMENT}}, LooksAt(segments=frozenset({SEGMENT}))),
    (
        {"type": "measure", "measure": "count", "facts": PURCHASE, "op": "gt", "value": 1},
        LooksAt(facts=frozenset({"purchase"})),
    ),
    (
        {"type": "moment", "which": "last", "facts": PURCHASE, "op": "within-last", "value": {"days": 1}},
        LooksAt(facts=frozenset({"purchase"}), clock=True),
    ),
    (
        {"type": "followed", "first": {"fact": "interaction"}, "then": PURCHASE, "within": {"days": 1}},
        LooksAt(facts=frozenset({"purchase", "interaction"})),
    ),
]


@pytest.mark.parametrize(("document", "expected"), LOOKED, ids=lambda one: str(one)[:60])
def test_what_a_rule_looks_at_is_told(document: Any, expected: LooksAt) -> None:
    assert looks_at(read_rule(document), DEFINITIONS) == expected


def test_names_without_definition_are_no_fields() -> None:
    nothing = Definitions()
    names = (
        "custom.plan",
        "company.custom.tier",
        "x",
        "",
        "preferences",
        "preferences.",
        "consents.\n",
        "properties.x",
    )
    assert [profile_field(name, nothing) for name in names] == [None] * len(names)
    assert fact_field("purchase", "properties.x") is None


@given(st.text())
def test_read_models_find_by_the_forms_that_rules_compare(text: str) -> None:
    assert forms.email_key(text) == records.email_key(text)
    assert forms.number_key(text) == records.number_key(text)
