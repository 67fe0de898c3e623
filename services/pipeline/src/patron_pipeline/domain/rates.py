"""Exchange rates of one base currency: what one unit of it costs, from which day on."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from patron_events.catalog.pipeline import settings as events
from patron_events.decider import Decider
from patron_events.rejections import Invalid
from patron_pipeline.domain.lines import exact, plain
from patron_values import moments, money

Series = Mapping[date, str]
Rates = Mapping[str, Series]
"""Rates by currency and day, in order of days."""
_LIMIT: Final = Decimal(10) ** 12
_PLACES: Final = 12


class RateInvalid(Invalid):
    """A rate is a decimal number above 0 and below 10^12 with at most twelve decimals."""

    code: ClassVar[str] = "rate-invalid"


class RateOfItself(Invalid):
    """A currency has no rate to itself."""

    code: ClassVar[str] = "rate-of-itself"


@dataclass(frozen=True, slots=True)
class SetRates:
    """State rates; one of the same currency and day is replaced."""

    rates: Sequence[events.ExchangeRateSet]


def rate(body: Mapping[str, Any], base: str, path: str) -> events.ExchangeRateSet:
    """Read one rate.

    Raises:
        RateInvalid, RateOfItself, CurrencyUnknown, DateInvalid, DateTooEarly: as they say.
    """
    currency = money.currency(body["currency"], f"{path}.currency")
    if currency == base:
        raise RateOfItself(field=f"{path}.currency")
    read = exact(body["rate"])
    if read is None or not 0 < read < _LIMIT or read != round(read, _PLACES):
        raise RateInvalid(field=f"{path}.rate")
    on = moments.day(body["on"], f"{path}.on")
    return events.ExchangeRateSet(base=base, currency=currency, on=on, rate=plain(read))


def decide(rates: Rates, command: SetRates) -> Sequence[events.RatesEvent]:
    """Record the rates that differ; of several for one day the last counts."""
    last = {(one.currency, one.on): one for one in command.rates}
    return [one for (currency, on), one in last.items() if rates.get(currency, {}).get(on) != one.rate]


def evolve(rates: Rates, event: events.RatesEvent, at: datetime) -> Rates:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    series = {**rates.get(event.currency, {}), event.on: event.rate}
    return {**rates, event.currency: dict(sorted(series.items()))}


def as_of(series: Series, day: date) -> tuple[date, str] | None:
    """Tell the rate that counts on a day, and since which day; None before the first."""
    days = list(series)
    place = bisect_right(days, day)
    return None if place == 0 else (days[place - 1], series[days[place - 1]])


_NONE: Rates = {}
RATES: Final = Decider(category="pipeline.rates", initial=_NONE, decide=decide, evolve=evolve)
