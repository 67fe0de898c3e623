"""The report `velocity`: how much a pipeline brings a day, if deals go on as they did."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Numeric, SelectBase, and_, cast, func, or_, select

from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import Question
from patron_projections.reports.sales.amounts import PARAMETERS, Amounts, told_columns
from patron_projections.reports.sales.dealt import BY, MEANT, Deals, currencies_of, days_between, events_of
from patron_projections.reports.sales.models import OF_DEALS

DEFINITION: Final = Definition(
    name="velocity",
    title="Sales velocity",
    text=(
        "Open deals times the win rate times the mean amount of deals won, divided by their mean sales cycle. "
        "Open deals are those of now, or at `as_of`; the rest is of deals that were closed in the period. Rows with no "
        f"deal won have no velocity, and periods cannot be asked for: ask as of the end of each. {MEANT}"
    ),
    by=BY,
    columns=(
        Column("deals", "integer", "Open deals, and those closed in the period.", "deals"),
        Column("open", "integer", "Open deals.", "deals"),
        Column("won", "integer", "Deals won in the period.", "deals"),
        Column("rate", "number", "Won, of won and lost ones.", "share"),
        Column("average_won", "decimal", "Mean amount of those won.", "currency"),
        Column("cycle", "number", "Mean time from opening to winning.", "days"),
        Column("velocity", "decimal", "Expected amount a day.", "currency"),
    ),
    default_by=("total",),
    parameters=PARAMETERS,
    models=OF_DEALS,
)


class Velocity:
    """The report `velocity`."""

    definition = DEFINITION

    def result(self, question: Question) -> Result:
        """Multiply what there is by what became of the like."""
        divided = self._divided(question)
        base = divided.base
        amounts = Amounts(divided, question)
        number = func.count()
        is_open, won = number.filter(base.c.status == "open"), number.filter(base.c.won)
        rate = cast(won, Numeric) / func.nullif(number - is_open, 0)
        cycle = func.avg(base.c.days).filter(base.c.won)
        worth = func.avg(base.c.worth).filter(base.c.won)
        figures: list[ColumnElement[Any]] = [
            number.label("deals"),
            is_open.label("open"),
            won.label("won"),
            rate.label("rate"),
            amounts.average(base.c.won).label("average_won"),
            cycle.label("cycle"),
            amounts.rounded(is_open * rate * worth / cast(func.nullif(cycle, 0), Numeric)).label("velocity"),
            *amounts.told(base.c.won),
        ]
        query = divided.ordered(select(*divided.labelled, *figures))
        return Result(query, [*divided.columns, *DEFINITION.columns, *told_columns(question)], divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of deals won."""
        divided = self._divided(question)
        return currencies_of(divided, question, divided.base.c.won)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that put the deals of one row where they stand; `hit` tells the deals won."""
        return events_of(self._divided(question), row, question.clocks, "won")

    def _divided(self, question: Question) -> Divided:
        deals = Deals(question)
        status, closed_at = deals.of("status"), deals.of("closed_at")
        facts = [
            status.label("status"),
            (status == "won").label("won"),
            days_between(deals.of("opened_at"), closed_at).label("days"),
        ]
        meant = or_(status == "open", and_(closed_at.is_not(None), *deals.within(closed_at)))
        return deals.divided(None, facts, [meant])
