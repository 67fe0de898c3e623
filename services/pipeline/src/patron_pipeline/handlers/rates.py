"""Use cases of exchange rates: state them, read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_events.decisions import Asked, Committed, Decisions
from patron_events.journal import Loaded
from patron_pipeline.domain.rates import RATES, Rates, SetRates, rate
from patron_values import money


@dataclass(frozen=True, slots=True)
class RateHandlers:
    """Use cases of exchange rates; the aggregate is the base currency in lower case."""

    decisions: Decisions

    async def set(self, base: str, bodies: Sequence[Mapping[str, Any]], asked: Asked) -> Committed:
        """State rates of a base currency; only those that differ are recorded.

        Raises:
            CurrencyUnknown, RateInvalid, RateOfItself, DateInvalid.
        """
        code = money.currency(base, "base")
        rates = [rate(one, code, f"rates[{number}]") for number, one in enumerate(bodies)]
        return await self.decisions.run(RATES, code.lower(), SetRates(rates), asked)

    async def read(self, base: str) -> Loaded[Rates]:
        """Read all rates of a base currency as they are now; none where nobody stated any. Raises CurrencyUnknown."""
        return await self.decisions.journal.load(RATES, money.currency(base, "base").lower())
