"""Routes that try rules: a preview before a segment is saved, and a backtest over history."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, Field

from patron_projections.api.parts import (
    AS_OF_PROBLEMS,
    KNOWN_AT,
    READERS,
    Asked,
    AsOf,
    Freshened,
    Parts,
    Reached,
    Strict,
)
from patron_projections.clocks import read_clocks
from patron_projections.fields import read_time
from patron_projections.segments.backtest import BacktestTooLong
from patron_projections.segments.backtest_report import (
    BacktestPeriodInvalid,
    BacktestsBusy,
    Every,
    OneRuleNeeded,
    SegmentNotFound,
    Span,
    Wanted,
)
from patron_projections.segments.preview import Previews, RuleRefused, ScoresWithoutHistory
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1/segments", tags=["segments"], dependencies=READERS)

_RULE_TEXT: Final = "A rule as docs/rules.md describes it."
_RULE: Final = {
    "type": "measure",
    "measure": "count",
    "facts": {
        "fact": "purchase",
        "where": [{"field": "amount", "op": "gte", "value": "50", "currency": "EUR"}],
        "period": {"last": {"days": 90}},
    },
    "op": "gte",
    "value": 3,
}
_PREVIEW_PROBLEMS: Final = AS_OF_PROBLEMS | problems(RuleRefused, ScoresWithoutHistory)
_BACKTEST_PROBLEMS: Final = _PREVIEW_PROBLEMS | problems(
    BacktestPeriodInvalid, BacktestTooLong, BacktestsBusy, SegmentNotFound, OneRuleNeeded
)
_FOLLOWED: Final = ("people", "companies", "activities", "custom_fields")
_TIME_TEXT: Final = "RFC 3339 time, or a date: its beginning in UTC."


class PreviewBody(Strict, AsOf):
    """A rule to try."""

    rule: dict[str, Any] = Field(description=_RULE_TEXT, examples=[_RULE])
    limit: int = Field(10, ge=0, le=50, description="How many customers to show.")


class SampleView(BaseModel):
    """A customer for whom the rule holds."""

    id: UUID
    display_name: str | None
    email: str | None


class PreviewAnswer(BaseModel):
    """What the rule would give. count: customers for whom it holds, of `total`; sample: the first of them by id."""

    at: datetime
    count: int
    total: int
    sample: list[SampleView]
    took_ms: float
    position: Reached


class BacktestBody(Strict):
    """A rule to try over history."""

    rule: dict[str, Any] = Field(description=_RULE_TEXT, examples=[_RULE])
    since: str = Field(alias="from", max_length=40, description=_TIME_TEXT, examples=["2026-01-01"])
    to: str = Field(max_length=40, description=f"{_TIME_TEXT} Inclusive.", examples=["2026-03-31"])
    every: Every = "day"
    known_at: str | None = KNOWN_AT
    against_segment: UUID | None = Field(None, description="Compare with the rule of this segment as it is saved.")
    against_rule: dict[str, Any] | None = Field(None, description="Compare with this rule.")
    customers: bool = Field(default=False, description="Also name the customers that are counted.")

    def wanted(self) -> Wanted:
        """Read the body.

        Raises:
            ClockInvalid: `known_at` is no time, or in the future.
            BacktestPeriodInvalid: `from` or `to` is no time.
        """
        span = Span(_time(self.since, "from"), _time(self.to, "to"), self.every)
        known_at = read_clocks(None, self.known_at).known_at
        return Wanted(self.rule, span, known_at, self.against_segment, self.against_rule, self.customers)


def _time(text: str, name: str) -> datetime:
    try:
        return read_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BacktestPeriodInvalid(field=name) from None


class Comparison(BaseModel):
    """The members by the other rule. added: members by the tried rule alone; removed: by the other one alone."""

    size: int
    both: int
    added: int
    removed: int
    added_ids: list[UUID] | None = None
    removed_ids: list[UUID] | None = None


class PointView(BaseModel):
    """The members at a moment, and who entered and left since the moment before; nobody at the first one."""

    at: datetime
    size: int
    entered: int
    left: int
    entered_ids: list[UUID] | None = None
    left_ids: list[UUID] | None = None
    against: Comparison | None = None


class SummaryView(BaseModel):
    """The sizes over all moments, and the sums of who entered and left."""

    first_size: int
    last_size: int
    least_size: int
    greatest_size: int
    average_size: float
    entered: int
    left: int


class BacktestAnswer(BaseModel):
    """One point per moment."""

    points: list[PointView]
    summary: SummaryView
    truncated: bool = Field(description="Whether more customers are counted than named: at most 100,000 are.")
    position: Reached


async def _wait(parts: Parts, query: Strict) -> Freshened:
    """Wait for `after` in every read model that rules look at."""
    models = [Freshened(parts, name) for name in _FOLLOWED]
    for model in models:
        await model.wait(query)
    return models[0]


@routes.post("/preview", response_model=PreviewAnswer, responses=_PREVIEW_PROBLEMS)
async def preview(parts: Asked, body: PreviewBody) -> Response:
    """Try a rule without saving it: how many customers it holds for, and some of them."""
    fresh = await _wait(parts, body)
    found = await Previews(parts.database).of(body.rule, body.clocks(), body.limit)
    document = {
        "at": found.at,
        "count": found.count,
        "total": found.total,
        "sample": found.sample,
        "took_ms": found.took_ms,
    }
    return await fresh.report(document)


@routes.post("/backtest", response_model=BacktestAnswer, responses=_BACKTEST_PROBLEMS)
async def backtest(parts: Asked, body: BacktestBody) -> Response:
    """Try a rule over history: its size from moment to moment, who entered and left, and how another rule differs."""
    fresh = await _wait(parts, body)
    return await fresh.report(await parts.backtests.run(body.wanted(), datetime.now(UTC)))
