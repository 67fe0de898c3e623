"""The invented organisation is the same for the same seed, and hangs together."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import phonenumbers
import pytest

from patron_cli.demo.companies import invent_companies
from patron_cli.demo.interactions import invent_interactions
from patron_cli.demo.orders import invent_orders
from patron_cli.demo.people import invent_people
from patron_cli.demo.plan import Plan
from patron_contacts.domain.lifecycle import STAGES
from patron_values.email_syntax import normalised

Body = Mapping[str, Any]
Organisation = Mapping[str, list[Body]]


def plan(seed: int = 7, people: int = 200, companies: int = 30, months: int = 6) -> Plan:
    return Plan(people, companies, seed, months, date(2026, 3, 1))


def invented(wanted: Plan) -> Organisation:
    companies = invent_companies(wanted)
    people = invent_people(wanted, companies)
    return {
        "companies": [dict(company.body) for company in companies],
        "people": [dict(person.body) for person in people],
        "interactions": list(invent_interactions(wanted, people)),
        "orders": list(invent_orders(wanted, people)),
    }


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    return invented(plan())


def ids(bodies: list[Body]) -> list[str]:
    return [body["external_ids"][0]["id"] for body in bodies]


def test_the_same_seed_gives_the_same_data(organisation: Organisation) -> None:
    assert invented(plan()) == organisation


def test_another_seed_gives_other_data(organisation: Organisation) -> None:
    other = invented(plan(seed=8))
    assert all(other[kind] != organisation[kind] for kind in organisation)


def test_more_people_change_nothing_about_the_first_ones(organisation: Organisation) -> None:
    assert invented(plan(people=250))["people"][:200] == organisation["people"]


def test_it_has_the_sizes_that_were_asked_for(organisation: Organisation) -> None:
    assert (len(organisation["people"]), len(organisation["companies"])) == (200, 30)
    assert len(organisation["interactions"]) > 400
    assert len(organisation["orders"]) > 40


def test_without_companies_everybody_is_a_private_person() -> None:
    assert all("companies" not in person for person in invented(plan(companies=0))["people"])


def test_unique_keys_are_unique(organisation: Organisation) -> None:
    emails = [
        email["value"] for kind in ("people", "companies") for one in organisation[kind] for email in one["emails"]
    ]
    activities = [one["external_id"] for kind in ("interactions", "orders") for one in organisation[kind]]
    for keys in (emails, activities, ids(organisation["people"]), ids(organisation["companies"])):
        assert len(set(keys)) == len(keys)


def test_everything_refers_to_what_is_there(organisation: Organisation) -> None:
    companies, people = set(ids(organisation["companies"])), set(ids(organisation["people"]))
    parents = [one["parent"]["external_id"]["id"] for one in organisation["companies"] if "parent" in one]
    employers = [link["external_id"]["id"] for one in organisation["people"] for link in one.get("companies", ())]
    assert {*parents, *employers} <= companies
    assert parents
    assert len(set(employers)) > 10
    for kind in ("interactions", "orders"):
        assert {one["customer"]["external_id"]["id"] for one in organisation[kind]} <= people


def test_parents_have_no_parents(organisation: Organisation) -> None:
    by_id = dict(zip(ids(organisation["companies"]), organisation["companies"], strict=True))
    for one in organisation["companies"]:
        if "parent" in one:
            assert "parent" not in by_id[one["parent"]["external_id"]["id"]]


def test_numbers_and_addresses_are_valid_and_reach_nobody(organisation: Organisation) -> None:
    for kind in ("people", "companies"):
        for one in organisation[kind]:
            for number in one.get("phones", ()):
                assert phonenumbers.is_valid_number(phonenumbers.parse(number["value"]))
            for email in one["emails"]:
                assert normalised(email["value"]) is not None
                assert email["value"].endswith(".example")


def test_everything_happens_in_the_time_of_the_history(organisation: Organisation) -> None:
    end = datetime(2026, 3, 1, tzinfo=UTC)
    times = [datetime.fromisoformat(one["occurred_at"]) for one in organisation["interactions"]]
    times += [datetime.fromisoformat(one["ordered_at"]) for one in organisation["orders"]]
    assert plan().start <= min(times)
    assert max(times) < end
    weekdays = sum(at.weekday() < 5 for at in times)
    assert weekdays > 0.75 * len(times)


def test_orders_add_up_and_few_customers_buy_much(organisation: Organisation) -> None:
    orders = organisation["orders"]
    for order in orders:
        assert Decimal(order["amount"]) == sum(Decimal(line["amount"]) for line in order["lines"])
    customers = sorted(one["customer"]["external_id"]["id"] for one in orders)
    counts = sorted((len(list(group)) for _, group in groupby(customers)), reverse=True)
    assert sum(counts[: len(counts) // 5]) > len(orders) / 3


def test_people_are_along_the_whole_lifecycle(organisation: Organisation) -> None:
    stages = {one["lifecycle_stage"] for one in organisation["people"]}
    assert len(stages) >= 7
    assert stages <= set(STAGES)


def test_interactions_are_of_all_kinds(organisation: Organisation) -> None:
    kinds = {one["kind"] for one in organisation["interactions"]}
    assert kinds == {"email", "call", "meeting", "chat", "visit", "form", "social", "note", "other"}
