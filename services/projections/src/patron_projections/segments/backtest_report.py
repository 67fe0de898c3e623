"""What a backtest tells: sizes from moment to moment, who entered and left, and the difference to another rule."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy import select

from patron_events.rejections import Invalid, NotFound, Unavailable
from patron_projections.database import Database
from patron_projections.segments import definitions
from patron_projections.segments.backtest import Course, Question
from patron_projections.segments.preview import EARLIEST, Rules, with_past

Every = Literal["day", "week", "month"]
MOST_POINTS: Final = 800
MOST_NAMED: Final = 100_000
_MOST_AT_ONCE: Final = 2
_MOST_S: Final = 120.0
_STEPS: Final[dict[Every, relativedelta]] = {
    "day": relativedelta(days=1),
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
}


class BacktestPeriodInvalid(Invalid):
    """A backtest goes from one time to a later one, from 1900 on and not into the future, in at most 800 steps."""

    code: ClassVar[str] = "backtest-period-invalid"


class SegmentNotFound(NotFound):
    """There is no such segment with a rule, or it is not in the read model yet."""

    code: ClassVar[str] = "segment-not-found"


class OneRuleNeeded(Invalid):
    """A rule is compared with a saved segment or with another rule, not with both."""

    code: ClassVar[str] = "backtest-one-comparison"


class BacktestsBusy(Unavailable):
    """Two backtests are under way in this process; ask again."""

    code: ClassVar[str] = "backtests-busy"


@dataclass(frozen=True, slots=True)
class Span:
    """The moments of a backtest: `since`, then every day, week or month, up to `until`."""

    since: datetime
    until: datetime
    every: Every = "day"

    def moments(self, latest: datetime) -> list[datetime]:
        """List the moments.

        Raises:
            BacktestPeriodInvalid: there are none or too many of them, or one is not within 1900 and `latest`.
        """
        if not EARLIEST <= self.since <= self.until <= latest:
            raise BacktestPeriodInvalid
        moments: list[datetime] = []
        for moment in self._endless():
            if moment > self.until:
                return moments
            if len(moments) == MOST_POINTS:
                raise BacktestPeriodInvalid
            moments.append(moment)
        return moments

    def _endless(self) -> Iterator[datetime]:
        step = 0
        while True:  # each from the first, so that the 31st comes back after February
            yield self.since + _STEPS[self.every] * step
            step += 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to test. against: a saved segment's id, or another rule, or None. customers: also tell who."""

    rule: object
    span: Span
    known_at: datetime | None = None
    against_segment: UUID | None = None
    against_rule: object | None = None
    customers: bool = False


class Backtests:
    """Runs rules over history, two at once. most_s, most_named: limits of seconds and of customers named in one."""

    def __init__(self, database: Database, most_s: float = _MOST_S, most_named: int = MOST_NAMED) -> None:
        self._database = database
        self._rules = Rules(database)
        self._most_s = most_s
        self._most_named = most_named
        self._running = 0

    async def run(self, wanted: Wanted, latest: datetime) -> dict[str, Any]:
        """Give one point per moment, and a summary.

        latest: the present; nothing later can be asked about.

        Raises:
            RuleRefused, ScoresWithoutHistory, BacktestPeriodInvalid, SegmentNotFound, OneRuleNeeded: see there.
            BacktestsBusy, BacktestTooLong: see there.
        """
        if self._running >= _MOST_AT_ONCE:
            raise BacktestsBusy
        self._running += 1
        try:
            return await self._run(wanted, latest)
        finally:
            self._running -= 1

    async def _run(self, wanted: Wanted, latest: datetime) -> dict[str, Any]:
        moments = wanted.span.moments(latest)
        until = time.monotonic() + self._most_s
        course = await self._course(wanted.rule, "rule", wanted.known_at, until)
        other = await self._other(wanted, until)
        names = Names(self._most_named if wanted.customers else None)
        points: list[dict[str, Any]] = []
        before: frozenset[UUID] = frozenset()
        for moment in moments:
            members = await course.at(moment)
            point = _point(moment, before if points else members, members, names)
            if other is not None:
                point["against"] = _difference(members, await other.at(moment), names)
            points.append(point)
            before = members
        return {"points": points, "summary": _summary(points), "truncated": names.truncated}

    async def _course(self, document: object, path: str, known_at: datetime | None, until: float) -> Course:
        rule, known = await self._rules.checked(document, path)
        with_past(rule)
        return Course(self._database, Question(rule, known, known_at, until))

    async def _other(self, wanted: Wanted, until: float) -> Course | None:
        if wanted.against_segment is not None and wanted.against_rule is not None:
            raise OneRuleNeeded(field="against_rule")
        if wanted.against_segment is not None:
            saved = select(definitions.VIEW.c.rule).where(definitions.VIEW.c.id == str(wanted.against_segment))
            rows = await self._database.rows(saved)
            if not rows or rows[0]["rule"] is None:
                raise SegmentNotFound(field="against_segment")
            return await self._course(rows[0]["rule"], "against_segment", wanted.known_at, until)
        if wanted.against_rule is not None:
            return await self._course(wanted.against_rule, "against_rule", wanted.known_at, until)
        return None


class Names:
    """Names the customers that are counted, up to some number of them in a whole answer. left: None to name nobody."""

    def __init__(self, left: int | None) -> None:
        self._left = left
        self.truncated = False

    def of(self, name: str, ids: frozenset[UUID]) -> dict[str, Any]:
        """Count customers and, where they are asked for, name them in order of id."""
        if self._left is None:
            return {name: len(ids)}
        shown = sorted(ids)[: self._left]
        self._left -= len(shown)
        self.truncated |= len(shown) < len(ids)
        return {name: len(ids), f"{name}_ids": shown}


def _point(at: datetime, before: frozenset[UUID], members: frozenset[UUID], names: Names) -> dict[str, Any]:
    return {
        "at": at,
        "size": len(members),
        **names.of("entered", members - before),
        **names.of("left", before - members),
    }


def _difference(members: frozenset[UUID], others: frozenset[UUID], names: Names) -> dict[str, Any]:
    return {
        "size": len(others),
        "both": len(members & others),
        **names.of("added", members - others),
        **names.of("removed", others - members),
    }


def _summary(points: list[dict[str, Any]]) -> dict[str, Any]:
    sizes = [point["size"] for point in points]
    return {
        "first_size": sizes[0],
        "last_size": sizes[-1],
        "least_size": min(sizes),
        "greatest_size": max(sizes),
        "average_size": round(sum(sizes) / len(sizes), 2),
        "entered": sum(point["entered"] for point in points),
        "left": sum(point["left"] for point in points),
    }
