"""Amounts for answers: decimal text from minor units, with the decimals that ISO 4217 gives a currency."""

from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Numeric, case, func, literal

from patron_events.currencies import UNUSUAL, decimals

_USUAL: Final = 2


def money(minor: int | None, currency: str | None) -> dict[str, str] | None:
    """Write an amount, such as `{"amount": "29.33", "currency": "USD"}`; None where there is none."""
    if minor is None or currency is None:
        return None
    return {"amount": str(Decimal(minor).scaleb(-decimals(currency))), "currency": currency}


def amount_of(minor: ColumnElement[Any], currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give an amount in major units as an exact number; where there are more decimals, halves are rounded up."""
    return rounded(minor * unit_of(currency), currency)


def unit_of(currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give what one minor unit of a currency is in major units; none for no currency."""
    groups = [(sorted(names), places) for places, names in UNUSUAL.items()]
    return case(
        *((currency.in_(names), literal(Decimal(1).scaleb(-places), Numeric)) for names, places in groups),
        (currency.is_not(None), literal(Decimal("0.01"), Numeric)),
    )


def rounded(amount: ColumnElement[Any], currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Round an amount in major units to the decimals of its currency; halves are rounded up."""
    groups = [(sorted(names), places) for places, names in UNUSUAL.items()]
    places_of = case(*((currency.in_(names), literal(places, Integer)) for names, places in groups), else_=_USUAL)
    return func.round(amount, places_of)
