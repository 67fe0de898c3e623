"""What rules mean at their borders, over plain data."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from patron_rules.evaluation import Customer, Fact, Link, RuleUnfit, evaluate
from patron_rules.fields import CustomField, Definitions
from patron_rules.tree import read_rule
from patron_rules.values import upcoming

NOW = datetime(2024, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = Customer({})


def holds(document: dict[str, Any], customer: Customer = NOTHING, now: datetime = NOW) -> bool:
    definitions = Definitions(people={"since": CustomField("date")})
    return evaluate(read_rule(document), customer, now, definitions)


def field(name: str, op: str, value: object = None) -> dict[str, Any]:
    return {"type": "field", "field": name, "op": op, **({} if value is None else {"value": value})}


def bought(at: datetime, minor: int = 5000, currency: str = "EUR") -> Fact:
    return Fact("purchase", at, {"amount_minor": minor, "currency": currency, "quantity": Decimal(1)})


def bought_in(days: int) -> dict[str, Any]:
    facts = {"fact": "purchase", "period": {"last": {"days": days}}}
    return {"type": "measure", "measure": "count", "facts": facts, "op": "gte", "value": 1}


@pytest.mark.parametrize("op", ["ne", "not-in", "missing", "not-within-last"])
def test_without_a_value_only_the_negative_operators_hold(op: str) -> None:
    opposite = {"ne": "eq", "not-in": "in", "missing": "exists", "not-within-last": "within-last"}[op]
    values: dict[str, Any] = {"ne": "DE", "not-in": ["DE"], "not-within-last": {"days": 1}}
    name = "birth_date" if op == "not-within-last" else "country"
    assert holds(field(name, op, values.get(op)))
    assert not holds(field(name, opposite, values.get(op)))


def test_a_fact_leaves_a_moving_period_after_whole_days() -> None:
    customer = Customer({}, facts=[bought(NOW - 30 * DAY)])
    assert not holds(bought_in(30), customer)
    assert holds(bought_in(30), customer, NOW - timedelta(microseconds=1))


def test_a_planned_fact_counts_from_when_it_happens() -> None:
    customer = Customer({}, facts=[bought(NOW + DAY)])
    assert not holds(bought_in(30), customer)
    assert holds(bought_in(30), customer, NOW + DAY)


def test_amounts_in_other_currencies_match_nothing_not_even_another_amount() -> None:
    where = {"field": "amount", "op": "ne", "value": "50", "currency": "EUR"}
    rule = {**bought_in(30), "facts": {"fact": "purchase", "where": [where]}}
    assert not holds(rule, Customer({}, facts=[bought(NOW, 4000, "USD")]))
    assert holds(rule, Customer({}, facts=[bought(NOW, 4000)]))


@pytest.mark.parametrize(("follower", "expected"), [(7 * DAY, False), (7 * DAY + timedelta(seconds=1), True)])
def test_a_follower_in_the_last_instant_is_in_time(follower: timedelta, expected: bool) -> None:  # noqa: FBT001
    visit = Fact("interaction", NOW - 20 * DAY, {"kind": "visit"})
    rule = {
        "type": "followed",
        "negated": True,
        "within": {"days": 7},
        "first": {"fact": "interaction"},
        "then": {"fact": "purchase"},
    }
    assert holds(rule, Customer({}, facts=[visit, bought(visit.at + follower)])) is expected


def test_time_must_be_over_before_nothing_followed() -> None:
    rule = {
        "type": "followed",
        "negated": True,
        "within": {"days": 7},
        "first": {"fact": "interaction"},
        "then": {"fact": "purchase"},
    }
    customer = Customer({}, facts=[Fact("interaction", NOW, {"kind": "visit"})])
    assert [holds(rule, customer, NOW + days * DAY) for days in (0, 6, 7, 8)] == [False, False, True, True]


def test_averages_are_compared_without_rounding() -> None:
    customer = Customer({}, facts=[bought(NOW, 1), bought(NOW, 1), bought(NOW, 2)])
    rule = {**bought_in(1), "measure": "average", "of": "amount", "currency": "EUR", "value": "0.013333333333"}
    assert holds({**rule, "op": "gt"}, customer)
    assert not holds({**rule, "op": "eq"}, customer)


def test_a_link_holds_to_the_end_of_its_last_day() -> None:
    company = UUID(int=1, version=4)
    customer = Customer({}, [Link(company, {"industry": "tools"}, date(2024, 3, 31))])
    midnight = datetime(2024, 4, 1, tzinfo=UTC)
    rules = [field("company.industry", "eq", "tools"), field("companies", "has", str(company))]
    assert [holds(rule, customer, midnight - timedelta(microseconds=1)) for rule in rules] == [True, True]
    assert [holds(rule, customer, midnight) for rule in rules] == [False, False]


def test_a_consent_holds_from_when_it_was_given_to_just_before_it_expires() -> None:
    consent = {"state": "given", "given_at": "2024-03-31T12:00:00Z", "expires_at": "2024-04-01T12:00:00Z"}
    customer = Customer({"consents": {"newsletter": consent}})
    rule = field("consents.newsletter", "eq", value=True)
    moments = (NOW - timedelta(microseconds=1), NOW, NOW + DAY - timedelta(microseconds=1), NOW + DAY)
    assert [holds(rule, customer, moment) for moment in moments] == [False, True, True, False]
    withdrawn = Customer({"consents": {"newsletter": {**consent, "state": "withdrawn"}}})
    assert not holds(rule, withdrawn)


@pytest.mark.parametrize("stored", ["2023-02-30", "soon", 5, None, "2024-3-1"])
def test_a_stored_value_that_is_no_date_is_missing(stored: object) -> None:
    customer = Customer({"custom": {"since": stored}})
    assert holds(field("custom.since", "missing"), customer)
    assert not holds(field("custom.since", "gt", "1900-01-01"), customer)


def test_the_leap_day_is_kept_on_the_28th_in_other_years() -> None:
    born = date(2000, 2, 29)
    found = [upcoming(born, date(*day)) for day in ((2023, 2, 28), (2023, 3, 1), (2025, 3, 1))]
    assert found == [date(2023, 2, 28), date(2024, 2, 29), date(2026, 2, 28)]


def test_a_field_that_is_not_defined_any_more_is_refused() -> None:
    with pytest.raises(RuleUnfit):
        holds(field("custom.gone", "exists"))
