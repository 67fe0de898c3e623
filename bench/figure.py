"""One measured figure, and the limit it is to be read against."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and what was measured beside it.

    name: what was measured. value, unit: what came out. limit, limit_is: the same machine's bound in the same run.
    target: what the issue asks for, in the unit of `of` (`value` or `ratio`); `lower_is_better` for times and sizes.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    limit_is: str = ""
    target: float | None = None
    of: str = "value"
    lower_is_better: bool = False

    def line(self) -> dict[str, Any]:
        """Write the figure for a JSON line, with the ratio to its limit and whether it reaches its target."""
        ratio = None if not self.limit else self.value / self.limit
        measured = ratio if self.of == "ratio" else self.value
        reached = None
        if self.target is not None and measured is not None:
            reached = measured <= self.target if self.lower_is_better else measured >= self.target
        return {**asdict(self), "value": round(self.value, 2), "ratio": ratio and round(ratio, 3), "reached": reached}


def percentile(samples: Sequence[float], of_hundred: int) -> float:
    """Give a percentile of at least two samples, in their unit."""
    return quantiles(samples, n=100, method="inclusive")[of_hundred - 1]
