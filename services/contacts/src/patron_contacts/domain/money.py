"""Read amounts of money, exactly: decimal text in, whole minor units (cents) out.

How many decimals a currency has is ISO 4217's table and stands here, not in a library: amounts are recorded in
minor units for good, so a number that moves with a release would change what was recorded. (CLDR, behind
`babel`, has 0 for RSD, LBP or ALL, because that is how prices are shown; ISO 4217 has 2.)
"""

import re
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Final

from babel.core import get_global

from patron_contacts.domain.value_errors import AmountInvalid, AmountTooPrecise, CurrencyUnknown

MAX_MINOR: Final = 10**15

_WITHOUT_DECIMALS: Final = (
    "ADP BEF BIF BYB BYR CLP DJF ESP GNF GRD ISK ITL JPY KMF KRW LUF MGF PYG PTE RWF TPE TRL UGX UYI VND VUV "
    "XAF XOF XPF"
)
_NO_DECIMALS: Final = frozenset(_WITHOUT_DECIMALS.split())
_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_FOUR_DECIMALS: Final = frozenset({"CLF", "UYW"})
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


def digits(currency: str) -> int:
    """Say how many decimals a currency has (ISO 4217; withdrawn ones as they had at their end)."""
    if currency in _NO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    return 4 if currency in _FOUR_DECIMALS else 2


def minor(amount: object, currency: str, path: str) -> int:
    """Read an amount in minor units of `currency`: `"29.33"` EUR is 2933.

    amount: plain decimal text without exponent or thousands separators, an integer, or a float, which is taken
    as the shortest decimal that stands for it (what JSON said).

    Raises:
        AmountInvalid: not a number, not finite, or not below 10^15 minor units either way.
        AmountTooPrecise: more decimals than the currency has, unless they are zeros.
    """
    scaled = _decimal(amount, path).scaleb(digits(currency))
    if abs(scaled) >= MAX_MINOR:
        raise AmountInvalid(field=path)
    whole = scaled.to_integral_value(rounding=ROUND_DOWN)
    if whole != scaled:
        raise AmountTooPrecise(f"{currency} has {digits(currency)} decimals.", field=path)
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
    places = digits(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f}"
