"""Amounts in one currency: each is worth what the rates of one day say, and a total says which day that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, FromClause, Numeric, Text, case, cast, func, literal, null

from patron_events.currencies import decimals
from patron_projections.money import rounded, unit_of
from patron_projections.reports.definition import Column
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import Question
from patron_projections.sales.rates import factors

PARAMETERS: Final = {
    "currency": (
        "Show all amounts in this currency; needed where there are several, unless rows are made by currency."
    ),
    "rate_date": "Convert by the exchange rates of this day; by default the last day of the period, as_of or today.",
}
COLUMNS: Final = (
    Column("currency", "text", "ISO 4217 code of the amounts."),
    Column("rate_date", "date", "Day whose exchange rates were used; empty where nothing was converted."),
    Column("oldest_rate", "date", "Day of the oldest of the rates that were used."),
    Column("unpriced", "integer", "Of the number of deals, those without an amount or a rate for it.", "deals"),
)


@dataclass(frozen=True, slots=True)
class Worth:
    """What rows are worth. joined: the rows with their rates. columns: `worth` in major units, and `rated_on`."""

    joined: FromClause
    columns: Sequence[ColumnElement[Any]]


def own_currencies(question: Question) -> bool:
    """Tell whether every row of the answer keeps the currency of its amounts."""
    return question.currency is None and "currency" in question.by


def worth_of(joined: FromClause, minor: ColumnElement[Any], currency: ColumnElement[Any], question: Question) -> Worth:
    """Give rows what they are worth in the currency of the question.

    Without one all of them are in one currency, or rows of the answer are made by it: that was found out before.
    """
    amount = cast(minor, Numeric) * unit_of(currency)
    if question.currency is None:
        return Worth(joined, (amount.label("worth"), cast(null(), Date).label("rated_on")))
    rates = factors(question.currency, question.rated_on, question.clocks)
    converted = currency != question.currency
    columns = (
        (amount * rates.c.factor).label("worth"),
        case((converted, rates.c.rated_on)).label("rated_on"),
    )
    return Worth(joined.outerjoin(rates, rates.c.currency == currency), columns)


class Amounts:
    """Figures over what the rows of an answer are worth. base: has `worth` and `rated_on`."""

    def __init__(self, divided: Divided, question: Question) -> None:
        self._base = divided.base
        self._question = question
        self._own = None
        if own_currencies(question):
            self._own = func.min(self._base.c[f"by_{divided.names.index('currency')}"])

    def sum(
        self, counted: ColumnElement[bool] | None = None, worth: ColumnElement[Any] | None = None
    ) -> ColumnElement[Any]:
        """Add up what the rows that count are worth; 0 for none."""
        total = func.sum(self._base.c.worth if worth is None else worth)
        filtered: ColumnElement[Any] = total if counted is None else total.filter(counted)
        return self.rounded(func.coalesce(filtered, 0))

    def total(self, worth: ColumnElement[Any]) -> ColumnElement[Any]:
        """Add up what rows are worth; none where no row has any."""
        return self.rounded(func.sum(worth))

    def average(self, counted: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
        """Give the mean of what the rows that count are worth, of those that have an amount."""
        mean = func.avg(self._base.c.worth)
        return self.rounded(mean if counted is None else mean.filter(counted))

    def rounded(self, amount: ColumnElement[Any]) -> ColumnElement[Any]:
        """Round an amount to the decimals of the currency of its row."""
        if self._own is not None:
            return rounded(amount, self._own)
        return func.round(amount, decimals(self._question.currency or ""))

    def told(
        self, counted: ColumnElement[bool] | None = None, unpriced: ColumnElement[bool] | None = None
    ) -> list[ColumnElement[Any]]:
        """Give the columns that say how amounts came about; as `COLUMNS`, without a currency that rows are made by.

        counted: the rows whose amounts were added up. unpriced: those of them that should have an amount.
        """
        counted = literal(value=True) if counted is None else counted
        unpriced = counted if unpriced is None else unpriced
        rated = func.min(self._base.c.rated_on).filter(counted)
        day = literal(self._question.rated_on, Date)
        told: list[ColumnElement[Any]] = [
            case((rated.is_not(None), day)).label("rate_date"),
            rated.label("oldest_rate"),
            func.count().filter(unpriced, self._base.c.worth.is_(None)).label("unpriced"),
        ]
        if self._own is not None:
            return told
        return [literal(self._question.currency, Text).label("currency"), *told]


def told_columns(question: Question) -> list[Column]:
    """Describe the columns of `Amounts.told`."""
    return [column for column in COLUMNS if column.name != "currency" or not own_currencies(question)]
