"""What a backtest tells: sizes from moment to moment, who entered and left, and the difference to another rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Literal
from uuid import UUID

from dateutil.relativedelta import relativedelta
from sqlalchemy import select

from patron_events.rejections import Invalid, NotFound
from patron_projections.database import Database
from patron_projections.segments import definitions
from patron_projections.segments.backtest import Course, Question
from patron_projections.segments.preview import EARLIEST, Rules, with_past

Every = Literal["day", "week", "month"]
MOST_POINTS: Final = 800
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
    """Runs rules over history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rules = Rules(database)

    async def run(self, wanted: Wanted, latest: datetime) -> dict[str, Any]:
        """Give one point per moment, and a summary.

        latest: the present; nothing later can be asked about.

        Raises:
            RuleRefused, ScoresWithoutHistory, BacktestPeriodInvalid, SegmentNotFound, OneRuleNeeded: see there.
        """
        moments = wanted.span.moments(latest)
        course = await self._course(wanted.rule, "rule", wanted.known_at)
        other = await self._other(wanted)
        points: list[dict[str, Any]] = []
        before: frozenset[UUID] = frozenset()
        for moment in moments:
            members = await course.at(moment)
            point = _point(moment, before if points else members, members, customers=wanted.customers)
            if other is not None:
                point["against"] = _difference(members, await other.at(moment), customers=wanted.customers)
            points.append(point)
            before = members
        return {"points": points, "summary": _summary(points)}

    async def _course(self, document: object, path: str, known_at: datetime | None) -> Course:
        rule, known = await self._rules.checked(document, path)
        with_past(rule)
        return Course(self._database, Question(rule, known, known_at))

    async def _other(self, wanted: Wanted) -> Course | None:
        if wanted.against_segment is not None and wanted.against_rule is not None:
            raise OneRuleNeeded(field="against_rule")
        if wanted.against_segment is not None:
            saved = select(definitions.VIEW.c.rule).where(definitions.VIEW.c.id == str(wanted.against_segment))
            rows = await self._database.rows(saved)
            if not rows or rows[0]["rule"] is None:
                raise SegmentNotFound(field="against_segment")
            return await self._course(rows[0]["rule"], "against_segment", wanted.known_at)
        if wanted.against_rule is not None:
            return await self._course(wanted.against_rule, "against_rule", wanted.known_at)
        return None


def _named(name: str, ids: frozenset[UUID], *, customers: bool) -> dict[str, Any]:
    """Count customers and, where they are asked for, name them in order of id."""
    return {name: len(ids), **({f"{name}_ids": sorted(ids)} if customers else {})}


def _point(at: datetime, before: frozenset[UUID], members: frozenset[UUID], *, customers: bool) -> dict[str, Any]:
    return {
        "at": at,
        "size": len(members),
        **_named("entered", members - before, customers=customers),
        **_named("left", before - members, customers=customers),
    }


def _difference(members: frozenset[UUID], others: frozenset[UUID], *, customers: bool) -> dict[str, Any]:
    return {
        "size": len(others),
        "both": len(members & others),
        **_named("added", members - others, customers=customers),
        **_named("removed", others - members, customers=customers),
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
