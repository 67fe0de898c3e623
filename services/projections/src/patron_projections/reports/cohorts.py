"""The report `cohorts`: of the customers who first bought in a period, who buys again, and when."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Numeric, SelectBase, Text, case, cast, func, literal, select

from patron_projections.money import amount_of
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import PERIOD_TEXT, Divided, period_of
from patron_projections.reports.purchases import purchase_columns, purchase_events
from patron_projections.reports.question import PERIODS, ByInvalid, Question
from patron_projections.reports.sources import facts, within

DEFINITION: Final = Definition(
    name="cohorts",
    title="Cohorts and retention",
    text=(
        "A cohort is the customers whose first purchase ever lies in the period; `from` and `to` choose cohorts. "
        "Period 0 is that of the first purchase, period 1 the next one of the calendar, and so on to `as_of` or now; "
        "a period in which nobody of the cohort bought has no row. Several currencies need `currency`, and then only "
        "its orders count."
    ),
    by="One of day, week, month, quarter, year: the length of the periods.",
    columns=(
        Column("cohort", "date", PERIOD_TEXT),
        Column("period", "integer", "Periods since the first purchase.", "periods"),
        Column("size", "integer", "Customers of the cohort.", "customers"),
        Column("active", "integer", "Customers of the cohort who bought in this period.", "customers"),
        Column("share", "number", "Active customers of the size of the cohort.", "share"),
        Column("orders", "integer", "Orders of the cohort in this period.", "orders"),
        Column("revenue", "decimal", "Their amounts.", "currency"),
        Column("currency", "text", "ISO 4217 code."),
    ),
    default_by=("month",),
    parameters={"currency": "Only orders in this currency; needed where there are several."},
)
_KEY: Final = ("cohort", "period")
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_DAYS: Final = {"day": 1, "week": 7}


def _distance(start: ColumnElement[Any], end: ColumnElement[Any], period: str) -> ColumnElement[Any]:
    """Count the periods of the calendar between two first days."""
    if period in _DAYS:
        return cast((end - start) / _DAYS[period], Integer)
    return cast((_months(end) - _months(start)) / _MONTHS[period], Integer)


def _months(day: ColumnElement[Any]) -> ColumnElement[Any]:
    year, month = (cast(func.date_part(literal(part, Text), day), Integer) for part in ("year", "month"))
    return year * 12 + month


class Cohorts:
    """The report `cohorts`."""

    definition = DEFINITION

    def result(self, question: Question) -> Result:
        """Count the customers of each cohort that are active in each period."""
        base = self._divided(question).base
        cohort, period = base.c.by_0, base.c.by_1
        active = func.count(base.c.customer_id.distinct())
        counted = (
            select(
                cohort.label("cohort"),
                period.label("period"),
                active.label("active"),
                func.count().label("orders"),
                func.sum(base.c.amount_minor).label("minor"),
                func.min(base.c.currency).label("currency"),
            )
            .group_by(cohort, period)
            .subquery("counted")
        )
        first = func.max(case((counted.c.period == 0, counted.c.active))).over(partition_by=counted.c.cohort)
        query = select(
            counted.c.cohort,
            counted.c.period,
            first.label("size"),
            counted.c.active,
            (cast(counted.c.active, Numeric) / first).label("share"),
            counted.c.orders,
            amount_of(counted.c.minor, counted.c.currency).label("revenue"),
            counted.c.currency,
        ).order_by(counted.c.cohort, counted.c.period)
        return Result(query, DEFINITION.columns, _KEY)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the orders of a cohort in one of its periods."""
        divided = self._divided(question)
        return select(*purchase_events(divided.base)).where(*divided.is_row(row))

    def _divided(self, question: Question) -> Divided:
        if len(question.by) != 1 or question.by[0] not in PERIODS:
            raise ByInvalid(field="by")
        (period,) = question.by
        rows, where = facts(question, "purchase", whole_history=True)
        began = func.min(rows.c.occurred_at).over(partition_by=rows.c.customer_id).label("began")
        bought = select(*purchase_columns(rows), began).where(*where).subquery("bought")
        start = period_of(bought.c.began, period, question.zone)
        day = period_of(bought.c.occurred_at, period, question.zone)
        dated = (
            select(*purchase_columns(bought), start.label("start"), day.label("day"))
            .where(*within(bought.c.began, question))
            .subquery("dated")
        )
        base = select(
            *purchase_columns(dated),
            dated.c.start.label("by_0"),
            _distance(dated.c.start, dated.c.day, period).label("by_1"),
        ).subquery("facts")
        return Divided(base, DEFINITION.columns[:2])
