"""Sums of several currencies in one: by the rates of a day; a total names them, each with the day that it is of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import select

from patron_events.currencies import decimals
from patron_projections.clocks import Clocks
from patron_projections.database import Database
from patron_projections.money import money
from patron_projections.sales.moments import rates_as_of

_ONE: Final = Decimal(1)


class Rate(NamedTuple):
    """One unit of `base` costs `rate` of `currency`, from `day` on."""

    base: str
    currency: str
    day: date
    rate: Decimal


class Amount(NamedTuple):
    """An amount in minor units."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates that hold on a day: for each pair of currencies the newest one of that day or before."""

    day: date
    rates: Mapping[tuple[str, str], Rate] = field(default_factory=dict[tuple[str, str], Rate])

    def path(self, of: str, to: str) -> tuple[Decimal, tuple[Rate, ...]] | None:
        """Find what one unit of a currency costs of another: directly, turned round, or through a common base.

        Returns: the factor and the rates that it was made of; None where no rate is known.
        """
        if of == to:
            return _ONE, ()
        direct, turned = self.rates.get((of, to)), self.rates.get((to, of))
        if direct is not None:
            return direct.rate, (direct,)
        if turned is not None:
            return _ONE / turned.rate, (turned,)
        for base in sorted({base for base, _ in self.rates}):
            from_base, to_base = self.rates.get((base, of)), self.rates.get((base, to))
            if from_base is not None and to_base is not None:
                return to_base.rate / from_base.rate, (from_base, to_base)
        return None

    def total(self, amounts: Iterable[Amount], currency: str) -> dict[str, Any]:
        """Add amounts up in one currency.

        Returns: `amount`; `rates`, those that were used, each with its day; `without_rate`, the currencies whose
        amounts are not in it because no rate is known. Each sum is rounded half up to the currency's decimals.
        """
        sum_minor = 0
        used: dict[Rate, None] = {}
        missing: set[str] = set()
        for amount in amounts:
            found = self.path(amount.currency, currency)
            if found is None:
                missing.add(amount.currency)
                continue
            factor, through = found
            used |= dict.fromkeys(through)
            shift = decimals(currency) - decimals(amount.currency)
            exact = (Decimal(amount.minor) * factor).scaleb(shift)
            sum_minor += int(exact.quantize(_ONE, ROUND_HALF_UP))
        return {
            "amount": money(sum_minor, currency),
            "rate_date": self.day,
            "rates": [{**one._asdict(), "rate": f"{one.rate:f}"} for one in used],
            "without_rate": sorted(missing),
        }


async def rates_on(database: Database, clocks: Clocks, day: date) -> Rates:
    """Look up the rates that hold on a day, as far as they were known."""
    rows = await database.rows(select(rates_as_of(clocks, day)))
    rates = [Rate(row["base"], row["currency"], row["day"], row["rate"]) for row in rows if row["rate"] > 0]
    return Rates(day, {(one.base, one.currency): one for one in rates})
