"""What one unit of each currency is worth in another, by the exchange rates of a day; totals name the rates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Date, FromClause, Integer, Numeric, Text, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from patron_events.currencies import decimals
from patron_projections.clocks import Clocks
from patron_projections.database import Database
from patron_projections.money import money
from patron_projections.sales.moments import rates_as_of

_DIRECT, _INVERSE, _CROSSED = 1, 2, 3
_ITSELF: Final = 0
_ONE: Final = Decimal(1)


class Factor(NamedTuple):
    """One unit of a currency is `factor` of another. rates: what says so, none for the currency itself."""

    factor: Decimal
    rates: list[dict[str, Any]]


class Amount(NamedTuple):
    """An amount in minor units."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Rates:
    """What currencies are worth in one of them on a day."""

    day: date
    factors: Mapping[str, Factor] = field(default_factory=dict[str, Factor])

    def total(self, amounts: Iterable[Amount], currency: str) -> dict[str, Any]:
        """Add up amounts in one currency: the one of the factors, or their own.

        Returns: `amount`, rounded half up; `rates`, those that were used, each with its day; `without_rate`, the
        currencies whose amounts are not in it because no rate is known.
        """
        exact = Decimal()
        used: list[dict[str, Any]] = []
        missing: set[str] = set()
        for amount in amounts:
            factor = Factor(_ONE, []) if amount.currency == currency else self.factors.get(amount.currency)
            if factor is None:
                missing.add(amount.currency)
                continue
            used += [rate for rate in factor.rates if rate not in used]
            shift = decimals(currency) - decimals(amount.currency)
            exact += (Decimal(amount.minor) * factor.factor).scaleb(shift)
        return {
            "amount": money(int(exact.quantize(_ONE, ROUND_HALF_UP)), currency),
            "rate_date": self.day,
            "rates": used,
            "without_rate": sorted(missing),
        }


async def rates_on(database: Database, clocks: Clocks, day: date, currency: str | None) -> Rates:
    """Look up what currencies are worth in one on a day, as far as it was known; nothing is converted into None."""
    if currency is None:
        return Rates(day)
    rows = await database.rows(select(factors(currency, day, clocks)))
    return Rates(day, {row["currency"]: Factor(row["factor"], row["rates"]) for row in rows})


def factors(target: str, day: date, clocks: Clocks) -> FromClause:
    """Give for each currency what one unit of it is in the target, and the day of the oldest rate that says so.

    A rate holds from its day to the next one. Without a rate between two currencies the inverse one counts, or else
    those of both to a third currency, the newest of them first. Columns: currency, factor, rated_on, and `rates`, a
    document of the rates that were used.
    """
    legs = _legs(day, clocks)
    first, second = legs.alias(), legs.alias()
    itself = select(
        literal(target, Text).label("currency"),
        literal(1, Numeric).label("factor"),
        literal(day, Date).label("rated_on"),
        literal(_ITSELF, Integer).label("way"),
        func.jsonb_build_array(type_=JSONB).label("rates"),
    )
    single = select(legs.c.source, legs.c.factor, legs.c.day, legs.c.way, legs.c.rates).where(legs.c.target == target)
    day_of_both = func.least(first.c.day, second.c.day)
    crossed = (
        select(
            *(first.c.source, first.c.factor * second.c.factor, day_of_both, _way(_CROSSED)),
            first.c.rates + second.c.rates,
        )
        .select_from(first.join(second, first.c.target == second.c.source))
        .where(second.c.target == target)
    )
    ways = union_all(itself, single, crossed).subquery("ways")
    return (
        select(ways.c.currency, ways.c.factor, ways.c.rated_on, ways.c.rates)
        .ext(distinct_on(ways.c.currency))
        .order_by(ways.c.currency, ways.c.way, ways.c.rated_on.desc(), ways.c.factor)
        .subquery("factors")
    )


def _legs(day: date, clocks: Clocks) -> FromClause:
    """Give the rates that hold on a day, each in both directions."""
    rates = rates_as_of(clocks, day)
    told = {"base": rates.c.base, "currency": rates.c.currency, "day": rates.c.day, "rate": cast(rates.c.rate, Text)}
    pairs = [part for name, value in told.items() for part in (cast(name, Text), value)]
    shown = func.jsonb_build_array(func.jsonb_build_object(*pairs), type_=JSONB).label("rates")
    there = select(
        rates.c.base.label("source"),
        rates.c.currency.label("target"),
        rates.c.rate.label("factor"),
        rates.c.day.label("day"),
        _way(_DIRECT),
        shown,
    )
    inverse = literal(1, Numeric) / rates.c.rate
    back = select(rates.c.currency, rates.c.base, inverse, rates.c.day, _way(_INVERSE), shown)
    return union_all(there, back).cte()  # no name: a query may convert twice


def _way(way: int) -> ColumnElement[Any]:
    return literal(way, Integer).label("way")
