"""Forms in which values are compared, and how numbers, times and currencies are read from JSON."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel.core import get_global

from patron_events.currencies import decimals

_NOT_OF_NUMBERS: Final = re.compile(r"[\W_]+")
_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,12})?")
_GREATEST: Final = 10**20
_NO_MONEY: Final = frozenset({"XXX", "XTS"})
"""ISO 4217: no currency, and a code for tests."""


def email_key(address: str) -> str:
    """Fold what does not tell addresses apart, in what is stored to be found and in what is asked for alike."""
    return address.lower()


def number_key(number: str) -> str:
    """Reduce a telephone number to what is dialled: `+49 (30) 1-2` and `0049 30 12` give `493012`."""
    return _NOT_OF_NUMBERS.sub("", number).lower().removeprefix("00")


def moment(text: str) -> datetime:
    """Read an RFC 3339 time, or a date, which means its beginning in UTC; raises ValueError for anything else."""
    parts = _MOMENT.fullmatch(text)
    if parts is None:
        msg = "not a time"
        raise ValueError(msg)
    day, clock, offset = parts.groups()
    whole = f"{day}T00:00:00+00:00" if clock is None else f"{day}T{clock}{offset.upper()}"
    try:
        return datetime.fromisoformat(whole).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def decimal(value: float | str) -> Decimal:
    """Read a number exactly as it is written, as a JSON number or decimal text; raises ValueError.

    At most 20 digits before and 12 after the point in text; a JSON number is what its shortest writing says, so
    that 0.1 is one tenth here as it is in PostgreSQL's `jsonb`.
    """
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value) is None:
            msg = "not a number"
            raise ValueError(msg)
        return Decimal(value)
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if not number.is_finite() or abs(number) >= _GREATEST:
        msg = "not a finite number of at most 20 digits"
        raise ValueError(msg)
    return number


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """Give all codes of ISO 4217, withdrawn ones too: an order of 1999 was paid in DEM."""
    return frozenset(get_global("all_currencies")) - _NO_MONEY


def minor_units(amount: Decimal, currency: str) -> Decimal:
    """Turn an amount in major units (EUR) into minor units (cents), which may be broken: bounds are not payments."""
    return amount.scaleb(decimals(currency))
