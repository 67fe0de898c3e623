"""Quotas by month: what each representative is to win, to be added up over any months."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Date,
    FromClause,
    Integer,
    Interval,
    Numeric,
    Text,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from patron_projections.clocks import Clocks
from patron_projections.sales.moments import quotas_as_of

_YEAR: Final = 4


def monthly_quotas(clocks: Clocks) -> FromClause:
    """Give the quota of each representative, month and currency: owner, month (its first day), minor, currency.

    A quota of a year or quarter is spread evenly over its months. Where several of them cover a month, the one of the
    shortest period counts, so that a month that was set by itself replaces its share of the year.
    """
    quotas = quotas_as_of(clocks).alias("quotas")
    period = quotas.c.period
    year = cast(func.left(period, _YEAR), Integer)
    is_quarter = func.substr(period, _YEAR + 2, 1) == "Q"
    is_year = func.length(period) == _YEAR
    number = cast(func.nullif(func.regexp_replace(func.substr(period, _YEAR + 2), "[^0-9]", "", "g"), ""), Integer)
    first = case((is_year, 1), (is_quarter, number * 3 - 2), else_=number)
    months = case((is_year, 12), (is_quarter, 3), else_=1)
    each = func.generate_series(0, months - 1, type_=Integer).table_valued("step", name="each").render_derived()
    there = each.lateral()
    day = cast(func.make_date(year, first, 1) + there.c.step * literal("1 month", Text).cast(Interval), Date)
    spread = (
        select(
            quotas.c.subject.label("owner"),
            day.label("month"),
            (cast(quotas.c.amount_minor, Numeric) / months).label("minor"),
            quotas.c.currency,
            cast(months, Integer).label("months"),
        )
        .select_from(quotas.join(there, literal(value=True)))
        .where(quotas.c.amount_minor.is_not(None), quotas.c.subject.is_not(None))
        .subquery("spread")
    )
    key: list[ColumnElement[Any]] = [spread.c.owner, spread.c.month, spread.c.currency]
    return select(*key, spread.c.minor).ext(distinct_on(*key)).order_by(*key, spread.c.months).subquery("monthly")
