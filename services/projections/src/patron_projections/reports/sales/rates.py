"""What one unit of each currency is worth in another, by the exchange rates of a day."""

from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, FromClause, Integer, Numeric, Text, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from patron_projections.clocks import Clocks
from patron_projections.sales.moments import rates_as_of

_DIRECT, _INVERSE, _CROSSED = 1, 2, 3
_ITSELF: Final = 0


def factors(target: str, day: date, clocks: Clocks) -> FromClause:
    """Give for each currency what one unit of it is in the target, and the day of the oldest rate that says so.

    A rate holds from its day to the next one. Without a rate between two currencies the inverse one counts, or else
    those of both to a third currency, the newest of them first.
    """
    legs = _legs(day, clocks)
    first, second = legs.alias(), legs.alias()
    itself = select(
        literal(target, Text).label("currency"),
        literal(1, Numeric).label("factor"),
        literal(day, Date).label("rated_on"),
        literal(_ITSELF, Integer).label("way"),
    )
    single = select(legs.c.source, legs.c.factor, legs.c.day, legs.c.way).where(legs.c.target == target)
    crossed = (
        select(first.c.source, first.c.factor * second.c.factor, func.least(first.c.day, second.c.day), _way(_CROSSED))
        .select_from(first.join(second, first.c.target == second.c.source))
        .where(second.c.target == target)
    )
    ways = union_all(itself, single, crossed).subquery("ways")
    return (
        select(ways.c.currency, ways.c.factor, ways.c.rated_on)
        .ext(distinct_on(ways.c.currency))
        .order_by(ways.c.currency, ways.c.way, ways.c.rated_on.desc(), ways.c.factor)
        .subquery("factors")
    )


def _legs(day: date, clocks: Clocks) -> FromClause:
    """Give the rates that hold on a day, each in both directions."""
    rates = rates_as_of(clocks, day)
    there = select(
        rates.c.base.label("source"),
        rates.c.currency.label("target"),
        rates.c.rate.label("factor"),
        rates.c.day.label("day"),
        _way(_DIRECT),
    )
    back = select(rates.c.currency, rates.c.base, literal(1, Numeric) / rates.c.rate, rates.c.day, _way(_INVERSE))
    return union_all(there, back).cte()  # no name: a query may convert twice


def _way(way: int) -> ColumnElement[Any]:
    return literal(way, Integer).label("way")
