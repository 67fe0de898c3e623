"""Rules over history."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from any_rule import MOMENTS, RULES
from patron_projections.database import Database
from patron_projections.segments.backtest import Course, Question
from patron_projections.segments.backtest_report import BacktestPeriodInvalid, Span
from patron_rules.evaluation import evaluate
from patron_rules.looking import looks_at
from patron_rules.tree import Rule
from rule_databases import Inhabited
from rule_worlds import DEFINITIONS, STEP


@pytest.fixture
async def database(inhabited: Inhabited) -> AsyncGenerator[Database]:
    database = Database(inhabited.url, most=1)
    await database.open()
    yield database
    await database.close()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rule=RULES.filter(lambda rule: not looks_at(rule).rfm),
    begin=MOMENTS,
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    known=st.none() | st.integers(-10, 100),
)
async def test_following_changes_equals_evaluating_everybody(
    inhabited: Inhabited, database: Database, rule: Rule, begin: datetime, steps: list[int], known: int | None
) -> None:
    known_at = None if known is None else begin + STEP * known
    course = Course(database, Question(rule, DEFINITIONS, known_at))
    moment = begin
    for step in (0, *steps):
        moment += STEP * step
        customers = inhabited.world.customers(moment, known_at)
        expected = {one for one, customer in customers.items() if evaluate(rule, customer, moment, DEFINITIONS)}
        assert await course.at(moment) == expected


def test_months_are_counted_from_the_first_moment() -> None:
    span = Span(datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 4, 30, tzinfo=UTC), "month")
    moments = span.moments(datetime(2025, 1, 1, tzinfo=UTC))
    assert [moment.date().isoformat() for moment in moments] == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


@pytest.mark.parametrize("days", [(5, 4), (0, 801), (10, 10**5), (-(10**5), 4)])
def test_a_span_without_end_or_out_of_time_is_refused(days: tuple[int, int]) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    begin = now - timedelta(days=1000)
    with pytest.raises(BacktestPeriodInvalid):
        Span(begin + timedelta(days=days[0]), begin + timedelta(days=days[1])).moments(now)
