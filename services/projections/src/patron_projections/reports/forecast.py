"""A program that forecasts purchases: it reads customers, fits the models to them, and writes what it expects.

A process of its own, so that neither the time of the fit nor the memory of scipy is the web process's. Input: a JSON
line with `days` and `discount`, then a line per customer: a text that is given back, x, t_x, t, m, separated by
tabs, times in days. Output: a JSON line with the parameters, then per customer, highest value first: the text,
probability of being alive, expected purchases, expected value of a purchase, lifetime value; `-` where unknown.
Exit code 3: the customers do not determine the model.
"""

import json
import sys
from typing import Any, Final

import numpy as np

from patron_projections.reports.buying_model import Buying, Spending, UnfitError, Values, fit_buying, fit_spending

UNFIT: Final = 3
_WEEK: Final = 7.0
_STEP_DAYS: Final = 30
_YEAR_DAYS: Final = 365.0


def lifetime_value(buying: Buying, customers: Values, value: Values, days: int, discount: float) -> Values:
    """Add up the expected purchases of each 30 days, discounted to today with a yearly rate. Time is in weeks."""
    x, t_x, t, _ = customers
    total = np.zeros_like(x)
    before = np.zeros_like(x)
    for end in [*range(_STEP_DAYS, days, _STEP_DAYS), days]:
        until = buying.expected(x, t_x, t, end / _WEEK)
        total += (until - before) * value / (1 + discount) ** (end / _YEAR_DAYS)
        before = until
    return total


def main() -> int:
    """Forecast from standard input to standard output."""
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    texts: list[str] = []
    figures: list[tuple[float, ...]] = []
    for line in sys.stdin:
        text, *numbers = line.rstrip("\n").split("\t")
        texts.append(text)
        figures.append(tuple(map(float, numbers)))
    customers = np.array(figures, dtype=float).reshape(-1, 4).T
    customers[1:3] /= _WEEK
    x, t_x, t, m = customers
    try:
        buying = fit_buying(x, t_x, t)
    except UnfitError:
        return UNFIT
    spending = _spending(x, m)
    days = int(asked["days"])
    columns: list[Values] = [buying.alive(x, t_x, t), buying.expected(x, t_x, t, days / _WEEK)]
    if spending is not None:
        value = spending.expected(x, np.maximum(m, 0))
        columns += [value, lifetime_value(buying, customers, value, days, float(asked["discount"]))]
    parameters = {"r": buying.r, "alpha": buying.alpha, "a": buying.a, "b": buying.b}
    if spending is not None:
        parameters |= {"p": spending.p, "q": spending.q, "v": spending.v}
    sys.stdout.write(json.dumps(parameters) + "\n")
    unknown = ["-"] * (4 - len(columns))
    order: list[int] = np.argsort(-columns[-1], kind="stable").tolist()
    for place in order:
        known = [repr(float(column[place])) for column in columns]
        sys.stdout.write("\t".join((texts[place], *known, *unknown)) + "\n")
    return 0


def _spending(x: Values, m: Values) -> Spending | None:
    try:
        return fit_spending(x, m)
    except UnfitError:
        return None


if __name__ == "__main__":
    sys.exit(main())
