"""Forecasts of purchases, against the figures that the authors of the models published."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from patron_projections.reports.buying_model import (
    Buying,
    Spending,
    UnfitError,
    Values,
    fit_buying,
    fit_spending,
)
from patron_projections.reports.forecast import lifetime_value

DataSet = Callable[[str], Path]
# Fader, Hardie and Lee (2005), and lifetimes' documentation for Gamma-Gamma on the same sample.
SAMPLE = Buying(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258)
VALUES = Spending(p=6.25, q=3.74, v=15.44)


def columns(path: Path, *names: str) -> list[Values]:
    with path.open(encoding="ascii", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 2_357
    return [np.array([float(row[name]) for row in rows]) for name in names]


def test_the_sample_of_cdnow_gives_the_published_parameters(data_set: DataSet) -> None:
    path = data_set("cdnow") / "cdnow_customers_summary.csv"
    found = fit_buying(*columns(path, "frequency", "recency", "T"))
    assert [round(one, 4) for one in (found.r, found.alpha, found.a, found.b)] == [0.2426, 4.4135, 0.7929, 2.4258]


def test_values_of_the_sample_give_the_published_parameters(data_set: DataSet) -> None:
    path = data_set("cdnow") / "cdnow_customers_summary_with_transactions.csv"
    found = fit_spending(*columns(path, "x", "zbar"))
    assert (found.p, found.q, found.v) == pytest.approx((6.25, 3.74, 15.44), rel=0.002)


def test_the_unit_of_time_changes_nothing_but_the_scale(data_set: DataSet) -> None:
    x, t_x, t = columns(data_set("cdnow") / "cdnow_customers_summary.csv", "frequency", "recency", "T")
    weeks, days = fit_buying(x, t_x, t), fit_buying(x, t_x * 7, t * 7)
    assert (days.r, days.alpha / 7, days.a, days.b) == pytest.approx((weeks.r, weeks.alpha, weeks.a, weeks.b), rel=1e-4)


def test_the_customer_of_the_paper_is_expected_to_buy_1_226_times_in_39_weeks() -> None:
    x, t_x, t = np.array([2.0]), np.array([30.43]), np.array([38.86])
    assert SAMPLE.expected(x, t_x, t, 39.0)[0] == pytest.approx(1.226, abs=0.001)
    assert SAMPLE.alive(x, t_x, t)[0] == pytest.approx(0.7266, abs=0.001)
    assert SAMPLE.alive(np.array([0.0]), np.array([0.0]), t)[0] == 1.0


def test_money_later_is_worth_less() -> None:
    customers = np.array([[2.0], [30.43], [38.86], [22.35]])
    value = VALUES.expected(customers[0], customers[3])
    undiscounted = lifetime_value(SAMPLE, customers, value, 273, 0.0)
    assert undiscounted == pytest.approx(SAMPLE.expected(customers[0], customers[1], customers[2], 39.0) * value)
    assert (lifetime_value(SAMPLE, customers, value, 273, 0.1) < undiscounted).all()


@pytest.mark.parametrize("x", [[], [0.0, 0.0, 0.0]])
def test_customers_who_never_come_back_determine_no_model(x: list[float]) -> None:
    bought, at = np.array(x), np.full(len(x), 10.0)
    with pytest.raises(UnfitError):
        fit_buying(bought, at * 0, at)
    with pytest.raises(UnfitError):
        fit_spending(bought, at)
