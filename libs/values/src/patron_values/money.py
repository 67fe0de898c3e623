"""Read amounts of money, exactly: decimal text in, whole minor units (cents) out.

How many decimals a currency has stands in `patron_events.currencies`.
"""

import re
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Final

from babel.core import get_global

from patron_events.currencies import decimals
from patron_values.errors import AmountInvalid, AmountTooPrecise, CurrencyUnknown

MAX_MINOR: Final = 10**15

_NO_MONEY: Final = frozenset({"XXX", "XTS"})
"""ISO 4217: no currency, and a code for tests."""

_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,12})?")
"""Fewer digits than the 28 that `decimal` computes with: nothing is ever rounded."""


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    """Give all codes, withdrawn ones too: an order of 1999 was paid in DEM."""
    return frozenset(get_global("all_currencies")) - _NO_MONEY


def currency(code: object, path: str) -> str:
    """Read an ISO 4217 code, present or withdrawn, in upper case.

    Raises:
        CurrencyUnknown: no such currency.
    """
    upper = code.strip().upper() if isinstance(code, str) and code.isascii() and len(code) <= 10 else ""  # noqa: PLR2004 - room for blanks
    if upper not in _codes():
        raise CurrencyUnknown(field=path)
    return upper


def minor(amount: object, currency: str, path: str) -> int:
    """Read an amount in minor units of `currency`: `"29.33"` EUR is 2933.

    amount: plain decimal text without exponent or thousands separators, an integer, or a float, which is taken
    as the shortest decimal that stands for it (what JSON said).

    Raises:
        AmountInvalid: not a number, not finite, or not below 10^15 minor units either way.
        AmountTooPrecise: more decimals than the currency has, unless they are zeros.
    """
    scaled = _decimal(amount, path).scaleb(decimals(currency))
    if abs(scaled) >= MAX_MINOR:
        raise AmountInvalid(field=path)
    whole = scaled.to_integral_value(rounding=ROUND_DOWN)
    if whole != scaled:
        raise AmountTooPrecise(f"{currency} has {decimals(currency)} decimals.", field=path)
    return int(whole)


def _decimal(amount: object, path: str) -> Decimal:
    if isinstance(amount, str) and _PLAIN.fullmatch(plain := amount.strip()):
        return Decimal(plain)
    if isinstance(amount, int) and not isinstance(amount, bool) and abs(amount) < MAX_MINOR:
        return Decimal(amount)
    if isinstance(amount, float) and abs(amount) < MAX_MINOR:  # NaN and the infinities are not
        return Decimal(repr(amount))
    raise AmountInvalid(field=path)


def decimal_text(minor: int, currency: str) -> str:
    """Write an amount with all decimals of its currency: 2933 EUR is `29.33`."""
    places = decimals(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"
