"""How often customers will buy again, and for how much: BG/NBD and Gamma-Gamma.

BG/NBD: P. Fader, B. Hardie, K. Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005) 275-284; the
expectation in the form of their note "Computing P(alive) Using the BG/NBD Model" (2008) and equation 10. Gamma-Gamma:
P. Fader, B. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), with x the number of repeat purchases.

Arrays have one entry per customer: x, number of days with a repeat purchase; t_x, time of the last of them, and t,
time of observation, both since the first purchase; m, mean value of a day with a repeat purchase (0 where x is 0).
Only this module, which runs in a process of its own, loads numpy and scipy.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Values = NDArray[np.float64]
_special: Any = special
_optimize: Any = optimize
# A sample is as good as all: the errors of the parameters are far below those of the forecast.
_MOST_FITTED: Final = 50_000
_LOG_BOUND: Final = 12.0


class UnfitError(Exception):
    """The customers do not determine the model: too few of them, or too much alike."""


@dataclass(frozen=True, slots=True)
class Buying:
    """Parameters of BG/NBD: purchase rates are gamma (r, alpha), chances of leaving are beta (a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def alive(self, x: Values, t_x: Values, t: Values) -> Values:
        """Give the probability that a customer is still one."""
        return 1 / (1 + self._odds_gone(x, t_x, t))

    def expected(self, x: Values, t_x: Values, t: Values, ahead: float) -> Values:
        """Give the expected number of purchases within the next `ahead` units of time."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        whole = a + b + x - 1
        kept = np.exp((r + x) * np.log((alpha + t) / (alpha + t + ahead)))
        series = _special.hyp2f1(r + x, b + x, whole, ahead / (alpha + t + ahead))
        return whole / (a - 1) * (1 - kept * series) * self.alive(x, t_x, t)

    def _odds_gone(self, x: Values, t_x: Values, t: Values) -> Values:
        times = np.exp((self.r + x) * np.log((self.alpha + t) / (self.alpha + t_x)))
        return np.where(x > 0, self.a / (self.b + np.maximum(x, 1) - 1) * times, 0.0)


@dataclass(frozen=True, slots=True)
class Spending:
    """Parameters of Gamma-Gamma."""

    p: float
    q: float
    v: float

    def expected(self, x: Values, m: Values) -> Values:
        """Give the expected mean value of a purchase."""
        return self.p * (self.v + x * m) / (self.p * x + self.q - 1)


def fit_buying(x: Values, t_x: Values, t: Values) -> Buying:
    """Find the parameters under which the purchases are most likely; raises UnfitError.

    Time is scaled to the longest observation, so that the search does not depend on its unit.
    """
    x, t_x, t = _sample(x, t_x, t)
    scale = float(t.max(initial=0.0))
    if scale <= 0 or not x.any():
        raise UnfitError
    groups, sizes = np.unique(np.stack([x, t_x / scale, t / scale]), axis=1, return_counts=True)
    x, t_x, t = groups

    def loss(logs: Values) -> float:
        r, alpha, a, b = np.exp(logs)
        log_1 = _special.gammaln(r + x) - _special.gammaln(r) + r * np.log(alpha)
        log_2 = _special.betaln(a, b + x) - _special.betaln(a, b)
        log_3 = -(r + x) * np.log(alpha + t)
        log_4 = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
        both = np.logaddexp(log_3, np.where(x > 0, log_4, -np.inf))
        return -float(np.average(log_1 + log_2 + both, weights=sizes))

    r, alpha, a, b = _least(loss, 4)
    return Buying(r, alpha * scale, a, b)


def fit_spending(x: Values, m: Values) -> Spending:
    """Find the parameters under which the values of repeat purchases are most likely; raises UnfitError."""
    repeated = (x > 0) & (m > 0)
    x, m = _sample(x[repeated], m[repeated])
    if not x.size:
        raise UnfitError
    scale = float(m.mean())
    m = m / scale

    def loss(logs: Values) -> float:
        p, q, v = np.exp(logs)
        shape = p * x
        likely = _special.gammaln(shape + q) - _special.gammaln(shape) - _special.gammaln(q) + q * np.log(v)
        likely += (shape - 1) * np.log(m) + shape * np.log(x) - (shape + q) * np.log(x * m + v)
        return -float(likely.mean())

    p, q, v = _least(loss, 3)
    if q <= 1:
        raise UnfitError  # the expected value would have no end
    return Spending(p, q, v * scale)


def _least(loss: Any, number: int) -> tuple[float, ...]:
    begin = np.zeros(number)
    found = _optimize.minimize(loss, begin, method="L-BFGS-B", options={"ftol": 1e-13, "gtol": 1e-8})
    if not found.success:  # its search along a line may end too early; the slower method needs no slopes
        found = _optimize.minimize(loss, begin, method="Nelder-Mead", options={"maxiter": 4_000, "fatol": 1e-10})
    logs = np.asarray(found.x)
    if not found.success or not np.isfinite(logs).all() or np.abs(logs).max() > _LOG_BOUND:
        raise UnfitError
    return tuple(float(value) for value in np.exp(logs))


def _sample(*arrays: Values) -> tuple[Values, ...]:
    step = -(-len(arrays[0]) // _MOST_FITTED) or 1
    return tuple(array[::step] for array in arrays)
