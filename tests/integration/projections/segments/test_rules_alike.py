"""Rules give one answer however they are evaluated, and say when time alone changes it."""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from any_rule import LEAVES, MOMENTS, RULES
from patron_projections.clocks import Clocks
from patron_projections.segments.boundaries import next_boundary
from patron_projections.segments.sources import as_of, live
from patron_rules.checking import check
from patron_rules.evaluation import Customer, evaluate
from patron_rules.tree import Rule, rule_document
from rule_databases import Inhabited, inhabited_database
from rule_worlds import DEFINITIONS, STEP

EVERY_DAY = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LIVE = live(DEFINITIONS)


def by_python(customers: dict[UUID, Customer], rule: Rule, now: datetime) -> set[UUID]:
    return {one for one, customer in customers.items() if evaluate(rule, customer, now, DEFINITIONS)}


def compare_live(inhabited: Inhabited, rule: Rule, now: datetime) -> None:
    assert check(rule_document(rule), DEFINITIONS) == rule
    expected = by_python(inhabited.world.customers(), rule, now)
    assert inhabited.found(rule, LIVE, now) == expected
    few = Random(1).sample(sorted(inhabited.world.people), 20)
    assert inhabited.found(rule, LIVE.restricted(few), now) == expected.intersection(few)


@EVERY_DAY
@given(rule=RULES, now=MOMENTS)
def test_postgresql_and_python_agree(inhabited: Inhabited, rule: Rule, now: datetime) -> None:
    compare_live(inhabited, rule, now)


@EVERY_DAY
@given(rule=RULES, now=MOMENTS, recorded=st.none() | st.integers(-20, 20))
def test_they_agree_as_of_a_moment(inhabited: Inhabited, rule: Rule, now: datetime, recorded: int | None) -> None:
    known_at = None if recorded is None else now + recorded * STEP
    expected = by_python(inhabited.world.customers(now, known_at), rule, now)
    source = as_of(Clocks(now, known_at), DEFINITIONS)
    assert inhabited.found(rule, source, now) == expected
    few = Random(1).sample(sorted(inhabited.world.people), 20)
    assert inhabited.found(rule, source.restricted(few), now) == expected.intersection(few)


def compare_boundaries(inhabited: Inhabited, rule: Rule, now: datetime) -> None:
    customers = inhabited.world.customers()
    changes = inhabited.changes(rule, LIVE, now)
    everybody = next_boundary(rule, now)
    before = by_python(customers, rule, now)
    # Times lie on a grid, with half a second added to some: between its points nothing can happen elsewhere.
    offsets = (timedelta(microseconds=1), timedelta(seconds=0.5), timedelta(seconds=1))
    later = [now + steps * STEP + offset for steps in (0, 1, 3, 4, 12, 28, 60, 124) for offset in offsets]
    for moment in later:
        if everybody is not None and moment >= everybody:
            break
        changed = before ^ by_python(customers, rule, moment)
        assert [one for one in changed if (due := changes[one]) is None or due > moment] == []
    assert all(due is None or due > now for due in changes.values())


@EVERY_DAY
@given(rule=LEAVES, now=MOMENTS)
def test_no_answer_changes_before_it_is_announced(inhabited: Inhabited, rule: Rule, now: datetime) -> None:
    compare_boundaries(inhabited, rule, now)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_many_rules_over_other_worlds(postgres_url: str, seed: int) -> None:
    with inhabited_database(postgres_url, seed=100 + seed, size=80) as world:

        @settings(max_examples=400, deadline=None)
        @given(rule=RULES, now=MOMENTS)
        def compare(rule: Rule, now: datetime) -> None:
            compare_live(world, rule, now)
            compare_boundaries(world, rule, now)

        compare()
