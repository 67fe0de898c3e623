"""Lines of deals and quotes: what they cost after discount, and the tax on top of it, exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from patron_events.catalog.pipeline.deals import LineItem
from patron_pipeline.domain.deal_errors import PercentInvalid, ProductUnknown, QuantityInvalid, UnitPriceMissing
from patron_values import money, texts
from patron_values.errors import AmountInvalid

Body = Mapping[str, Any]
_QUANTITY_LIMIT: Final = 10**12
_QUANTITY_PLACES: Final = 9
_PERCENT_PLACES: Final = 4
_WHOLE: Final = Decimal(100)


def exact(value: object) -> Decimal | None:
    """Read a decimal number as JSON said it; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        read = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def percent(value: object, path: str) -> str:
    """Read a percentage from 0 to 100, as the shortest exact decimal text; raises PercentInvalid."""
    read = exact(value)
    if read is None or not 0 <= read <= _WHOLE or read != round(read, _PERCENT_PLACES):
        raise PercentInvalid(field=path)
    return plain(read)


def plain(number: Decimal) -> str:
    """Write a decimal without exponent and trailing zeros: `1E+2` is `100`, `2.50` is `2.5`."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def quantity(value: object, path: str) -> Decimal:
    """Read a quantity above 0; raises QuantityInvalid."""
    read = exact(value)
    if read is None or not 0 < read < _QUANTITY_LIMIT or read != round(read, _QUANTITY_PLACES):
        raise QuantityInvalid(field=path)
    return read


@dataclass(frozen=True, slots=True)
class Offered:
    """A product as lines take it over: its price counts in its own currency only."""

    product_id: str
    sku: str
    name: str
    unit_price_minor: int | None = None
    currency: str | None = None
    tax_percent: str = "0"
    retired: bool = False


Catalogue = Mapping[str, Offered]
"""Products by id, by sku and by alias."""


def offered(body: Body, products: Catalogue, path: str) -> Offered | None:
    """Find the product that a line names; a sku that no product has is only written down. Raises ProductUnknown."""
    if body.get("product_id") is not None:
        found = products.get(body["product_id"])
        if found is None:
            raise ProductUnknown(field=f"{path}.product_id")
        return found
    return None if body.get("sku") is None else products.get(body["sku"])


def line(body: Body, currency: str, path: str, product: Offered | None = None) -> LineItem:
    """Read one line; what it leaves out is that of its product: sku, name, unit price, tax.

    net = quantity x unit price less discount, rounded half up to minor units; tax = net x tax, rounded likewise.

    Raises:
        UnitPriceMissing: neither the line nor its product has one in this currency.
        AmountInvalid: below 0, or not below 10^15 minor units. And those of the values.
    """
    unit = _unit_price(body, currency, f"{path}.unit_price", product)
    amount = quantity(1 if body.get("quantity") is None else body["quantity"], f"{path}.quantity")
    discount = percent(body.get("discount_percent") or 0, f"{path}.discount_percent")
    tax = body.get("tax_percent")
    tax_percent = (
        percent(tax or 0, f"{path}.tax_percent") if tax is not None or product is None else product.tax_percent
    )
    net = _rounded(amount * unit * (_WHOLE - Decimal(discount)) / _WHOLE)
    if net >= money.MAX_MINOR:
        raise AmountInvalid(field=path)
    named = body.get("name") or (product.name if product is not None else body.get("sku"))
    return LineItem(
        name=texts.required_text(named, f"{path}.name"),
        unit_price_minor=unit,
        net_minor=net,
        tax_minor=_rounded(net * Decimal(tax_percent) / _WHOLE),
        quantity=plain(amount),
        product_id=None if product is None else product.product_id,
        sku=texts.optional_text(body.get("sku"), f"{path}.sku") if product is None else product.sku,
        discount_percent=discount,
        tax_percent=tax_percent,
    )


def _unit_price(body: Body, currency: str, path: str, product: Offered | None) -> int:
    if body.get("unit_price") is not None:
        unit = money.minor(body["unit_price"], currency, path)
        if unit < 0:
            raise AmountInvalid(field=path)
        return unit
    if product is None or product.unit_price_minor is None or product.currency != currency:
        raise UnitPriceMissing(field=path)
    return product.unit_price_minor


def _rounded(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP))


def total(lines: Sequence[LineItem], path: str) -> int:
    """Add the lines up, without tax; raises AmountInvalid for what no amount can hold."""
    net = sum(one.net_minor for one in lines)
    if net >= money.MAX_MINOR:
        raise AmountInvalid(field=path)
    return net
