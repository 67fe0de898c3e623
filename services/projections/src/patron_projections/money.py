"""Amounts for answers: decimal text from minor units, with the decimals that ISO 4217 gives a currency."""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Numeric, case, func, literal

_WITHOUT: Final = (
    "ADP BEF BIF BYB BYR CLP DJF ESP GNF GRD ISK ITL JPY KMF KRW LUF MGF PYG PTE RWF TPE TRL UGX UYI VND VUV "
    "XAF XOF XPF"
)
_NONE: Final = frozenset(_WITHOUT.split())
_THREE: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_FOUR: Final = frozenset({"CLF", "UYW"})
_USUAL: Final = 2


def _decimals(currency: str) -> int:
    if currency in _NONE:
        return 0
    if currency in _THREE:
        return 3
    return 4 if currency in _FOUR else _USUAL


def money(minor: int | None, currency: str | None) -> dict[str, str] | None:
    """Write an amount, such as `{"amount": "29.33", "currency": "USD"}`; None where there is none."""
    if minor is None or currency is None:
        return None
    return {"amount": str(Decimal(minor).scaleb(-_decimals(currency))), "currency": currency}


def amount_of(minor: ColumnElement[Any], currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give an amount in major units as an exact number; where there are more decimals, halves are rounded up."""
    groups = ((sorted(_NONE), 0), (sorted(_THREE), 3), (sorted(_FOUR), 4))
    decimals = case(*((currency.in_(names), literal(places, Integer)) for names, places in groups), else_=_USUAL)
    units = case(
        *((currency.in_(names), literal(Decimal(1).scaleb(-places), Numeric)) for names, places in groups),
        else_=literal(Decimal("0.01"), Numeric),
    )
    return func.round(minor * units, decimals)
