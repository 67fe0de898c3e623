"""The reports `win-rate` and `sales-cycle`: deals that were won or lost, by when that happened."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Numeric, SelectBase, cast, func, select

from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import Question
from patron_projections.reports.sales.amounts import PARAMETERS, Amounts, told_columns
from patron_projections.reports.sales.dealt import BY, MEANT, Deals, currencies_of, days_between, events_of
from patron_projections.reports.sales.models import OF_DEALS

OUTCOMES: Final = {"won": ("won",), "lost": ("lost",), "closed": ("won", "lost")}
WIN_RATE: Final = Definition(
    name="win-rate",
    title="Win rate",
    text=(
        "Deals by when they were won or lost; `from`, `to` and periods mean that time. The rate is won deals of "
        f"won and lost ones. A deal that was reopened is not closed any more. {MEANT}"
    ),
    by=BY,
    columns=(
        Column("closed", "integer", "Deals won or lost.", "deals"),
        Column("won", "integer", "Deals won.", "deals"),
        Column("lost", "integer", "Deals lost.", "deals"),
        Column("rate", "number", "Won of closed.", "share"),
        Column("revenue", "decimal", "Sum of the amounts that were agreed.", "currency"),
        Column("average_won", "decimal", "Mean of the amounts that were agreed.", "currency"),
    ),
    default_by=("month",),
    parameters=PARAMETERS,
    models=OF_DEALS,
)
CYCLE: Final = Definition(
    name="sales-cycle",
    title="Sales cycle",
    text=(
        "How long deals took from the first opening to the closing that holds, in days of 24 hours; deals by when they "
        f"were closed. {MEANT}"
    ),
    by=BY,
    columns=(
        Column("deals", "integer", "Deals that were closed so.", "deals"),
        Column("average", "number", "Mean.", "days"),
        Column("median", "number", "Half of them took no longer.", "days"),
        Column("ninth_tenth", "number", "Nine in ten took no longer.", "days"),
        Column("shortest", "number", "Least.", "days"),
        Column("longest", "number", "Most.", "days"),
    ),
    default_by=("total",),
    parameters={"outcome": "won (default), lost, or closed for both."},
    models=OF_DEALS,
)


def _closed(question: Question, outcome: str) -> Divided:
    deals = Deals(question)
    closed_at = deals.of("closed_at")
    facts = [
        deals.of("status"),
        (deals.of("status") == "won").label("hit"),
        days_between(deals.of("opened_at"), closed_at).label("days"),
    ]
    where = [deals.of("status").in_(OUTCOMES[outcome]), *deals.within(closed_at)]
    return deals.divided(closed_at, facts, where)


class WinRate:
    """The report `win-rate`."""

    definition = WIN_RATE

    def result(self, question: Question) -> Result:
        """Count deals won and lost."""
        divided = _closed(question, "closed")
        hit = divided.base.c.hit
        amounts = Amounts(divided, question)
        closed, won = func.count(), func.count().filter(hit)
        query = select(
            *divided.labelled,
            closed.label("closed"),
            won.label("won"),
            (closed - won).label("lost"),
            (cast(won, Numeric) / closed).label("rate"),
            amounts.sum(hit).label("revenue"),
            amounts.average(hit).label("average_won"),
            *amounts.told(hit),
        )
        columns = [*divided.columns, *WIN_RATE.columns, *told_columns(question)]
        return Result(divided.ordered(query), columns, divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of deals won."""
        divided = _closed(question, "closed")
        return currencies_of(divided, question, divided.base.c.hit)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the closings of one row; `hit` tells the deals won."""
        divided = _closed(question, "closed")
        return events_of(divided, row, question.clocks, "hit")


class SalesCycle:
    """The report `sales-cycle`."""

    definition = CYCLE

    def result(self, question: Question) -> Result:
        """Measure the time from opening to closing."""
        divided = self._divided(question)
        days = divided.base.c.days
        query = select(
            *divided.labelled,
            func.count().label("deals"),
            func.avg(days).label("average"),
            func.percentile_cont(0.5).within_group(days).label("median"),
            func.percentile_cont(0.9).within_group(days).label("ninth_tenth"),
            func.min(days).label("shortest"),
            func.max(days).label("longest"),
        )
        return Result(divided.ordered(query), [*divided.columns, *CYCLE.columns], divided.names)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the closings of one row; `hit` tells the deals won."""
        divided = self._divided(question)
        return events_of(divided, row, question.clocks, "hit")

    def _divided(self, question: Question) -> Divided:
        return _closed(question, question.outcome)
