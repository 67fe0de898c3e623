"""The reports `forecast` and `forecast-history`: what is won and what may be, now and as it was seen before."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    SelectBase,
    cast,
    func,
    null,
    select,
)

from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import Question
from patron_projections.reports.sales.amounts import PARAMETERS, Amounts, told_columns
from patron_projections.reports.sales.dealt import BY, MEANT, currencies_of, events_of
from patron_projections.reports.sales.models import OF_DEALS
from patron_projections.reports.sales.outlook import (
    CREDIT,
    QUOTA,
    at_moments,
    deals_due,
    has_quotas,
    moments_of,
    outlook,
)

_MONEY: Final = (
    Column("won_amount", "decimal", "Amounts of deals won in the period.", "currency"),
    Column("open_amount", "decimal", "Amounts of open deals that are expected to close in it.", "currency"),
    Column("weighted", "decimal", "Of these: amount times the probability of the stage.", "currency"),
    Column("pipeline", "decimal", "Open amounts of the category pipeline.", "currency"),
    Column("best_case", "decimal", "Open amounts of the category best-case.", "currency"),
    Column("commit", "decimal", "Open amounts of the category commit.", "currency"),
    Column("omitted", "decimal", "Open amounts of the category omitted; they are not weighted.", "currency"),
    Column("forecast", "decimal", "Won and weighted amounts together.", "currency"),
    Column("quota", "decimal", "Quotas; empty where rows or filters mean more than who sells and when.", "currency"),
    Column("gap", "decimal", "Quota less forecast.", "currency"),
)
_COUNTED: Final = (
    Column("deals", "integer", "Deals won in the period, and open ones expected to close in it.", "deals"),
    Column("open", "integer", "The open ones.", "deals"),
    Column("won", "integer", "Those won.", "deals"),
)
FORECAST: Final = Definition(
    name="forecast",
    title="Forecast",
    text=(
        "Deals won in the period by when they were won, and open deals by their expected close date, as it is now or "
        f"was at `as_of`; open deals without a date have a row without a period. {CREDIT} {QUOTA} {MEANT}"
    ),
    by=f"forecast_category is closed for deals won. {BY}",
    columns=(*_COUNTED, *_MONEY),
    default_by=("month",),
    parameters=PARAMETERS,
    models=OF_DEALS,
)
HISTORY: Final = Definition(
    name="forecast-history",
    title="History of the forecast",
    text=(
        "The forecast of one period, `from` to `to`, as it was at many moments: midnights of `time_zone`, `every` day, "
        "week, month or quarter, beginning with `history_from` (by default `from`) and up to the end of the period, "
        "`as_of` or now. Deals and probabilities are those of each moment, quotas and exchange rates those of the "
        f"question. {CREDIT} {MEANT}"
    ),
    by=f"snapshot, and up to three more: {BY} Periods cannot be asked for.",
    columns=(*_COUNTED, *_MONEY),
    default_by=("snapshot",),
    parameters={
        **PARAMETERS,
        "every": "day, week (default), month or quarter: the steps of the history.",
        "history_from": "First moment of the history.",
    },
    models=OF_DEALS,
)


def _figures(divided: Divided, question: Question, names: Sequence[str]) -> Select[Any]:
    base = divided.base
    amounts = Amounts(divided, question)
    is_open = base.c.status == "open"
    won, weighted = amounts.sum(base.c.won), amounts.sum(is_open, base.c.worth * base.c.probability)
    quota: ColumnElement[Any] = cast(null(), Numeric)
    if has_quotas(question, names):
        quota = amounts.total(base.c.quota)
    number = func.count(base.c.id.distinct())
    categories = (("pipeline", "pipeline"), ("best_case", "best-case"), ("commit", "commit"), ("omitted", "omitted"))
    query: Select[Any] = select(
        *divided.labelled,
        number.label("deals"),
        number.filter(is_open).label("open"),
        number.filter(base.c.won).label("won"),
        won.label("won_amount"),
        amounts.sum(is_open).label("open_amount"),
        weighted.label("weighted"),
        *(amounts.sum(is_open & (base.c.category == one)).label(name) for name, one in categories),
        (won + weighted).label("forecast"),
        quota.label("quota"),
        (quota - won - weighted).label("gap"),
        *amounts.told(unpriced=base.c.id.is_not(None)),
    )
    return divided.ordered(query)


class Forecast:
    """The report `forecast`."""

    definition = FORECAST

    def result(self, question: Question) -> Result:
        """Add up what is won and what may be."""
        divided = self._divided(question)
        query = _figures(divided, question, question.by)
        return Result(query, [*divided.columns, *FORECAST.columns, *told_columns(question)], divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of deals and quotas."""
        return currencies_of(self._divided(question), question)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that put the deals of one row where they stand; `hit` tells the deals won."""
        return events_of(deals_due(question, question.by, None, ("open", "won")), row, question.clocks, "won")

    def _divided(self, question: Question) -> Divided:
        return outlook(question, question.by, ("open", "won"))


class ForecastHistory:
    """The report `forecast-history`."""

    definition = HISTORY

    def result(self, question: Question) -> Result:
        """Forecast as it was done at each moment."""
        names = self._names(question)
        divided = self._divided(question)
        query = _figures(divided, question, names)
        return Result(query, [*divided.columns, *HISTORY.columns, *told_columns(question)], divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of deals and quotas."""
        return currencies_of(self._divided(question), question)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that had put the deals of one row where they stood; `hit` tells the deals won."""
        moments = moments_of(question)
        deals = deals_due(question, self._names(question), at_moments(question, moments), ("open", "won"))
        return events_of(_dated(deals), row, question.clocks, "won")

    def _names(self, question: Question) -> tuple[str, ...]:
        return ("snapshot", *(name for name in question.by if name != "snapshot"))

    def _divided(self, question: Question) -> Divided:
        return _dated(outlook(question, self._names(question), ("open", "won"), moments_of(question)))


def _dated(divided: Divided) -> Divided:
    """Describe the moments of a history as days."""
    first, *others = divided.columns
    return Divided(divided.base, [Column(first.name, "date", "Day at whose beginning it was so."), *others])
