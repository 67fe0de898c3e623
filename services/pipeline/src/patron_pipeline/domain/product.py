"""A product: what can be sold, under which number, for how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from msgspec import structs

from patron_events.catalog.pipeline import settings as events
from patron_events.decider import Decider
from patron_pipeline.domain.deal_errors import ProductNotFound, SkuFixed, SkuTaken
from patron_pipeline.domain.lines import Offered, percent
from patron_values import money, texts
from patron_values.errors import AmountInvalid

Body = Mapping[str, Any]
_MOST_ALIASES: Final = 50


@dataclass(frozen=True, slots=True)
class Product:
    """The state of one product; a retired one keeps its definition."""

    defined: events.ProductDefined | None = None
    retired: bool = False
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DefineProduct:
    """Define a product; one that is retired comes back. upsert: one that exists is changed."""

    fields: Mapping[str, Any]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class ChangeProduct:
    """Change what is stated."""

    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RetireProduct:
    """Sell it no more."""


Command = DefineProduct | ChangeProduct | RetireProduct


def fields(body: Body) -> Mapping[str, Any]:
    """Read what the body of a product states; null clears.

    Raises:
        CurrencyUnknown: a price without its currency. And the refusals of values.
    """
    read: dict[str, Any] = {}
    for name in ("sku", "name"):
        if name in body:
            read[name] = texts.required_text(body[name], name)
    if "family" in body:
        read["family"] = texts.optional_text(body["family"], "family")
    if "tax_percent" in body:
        read["tax_percent"] = percent(body["tax_percent"] or 0, "tax_percent")
    if "aliases" in body:
        read["aliases"] = tuple(sorted({*_aliases(body["aliases"])}))
    return {**read, **_price(body)}


def _aliases(values: Any) -> Sequence[str]:
    listed = texts.items(values, "aliases", limit=_MOST_ALIASES)
    return [texts.required_text(one, f"aliases[{number}]") for number, one in enumerate(listed)]


def _price(body: Body) -> Mapping[str, Any]:
    if "unit_price" not in body:
        return {}
    if body["unit_price"] is None:
        return {"unit_price_minor": None, "currency": None}
    currency = money.currency(body.get("currency"), "currency")
    minor = money.minor(body["unit_price"], currency, "unit_price")
    if minor < 0:
        raise AmountInvalid(field="unit_price")
    return {"unit_price_minor": minor, "currency": currency}


def decide(product: Product, command: Command) -> Sequence[events.ProductEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    present = product.defined
    match command:
        case DefineProduct(stated, upsert):
            if present is not None and not product.retired and not upsert:
                raise SkuTaken(field="sku")
            blank = events.ProductDefined(sku=stated["sku"], name=stated["name"])
            wanted = structs.replace(blank if present is None or not upsert else present, **stated)
            return () if wanted == present and not product.retired else (wanted,)
        case ChangeProduct(stated):
            if present is None or product.retired:
                raise ProductNotFound
            if stated.get("sku", present.sku) != present.sku:
                raise SkuFixed(field="sku")
            wanted = structs.replace(present, **stated)
            return () if wanted == present else (wanted,)
        case RetireProduct():
            if present is None:
                raise ProductNotFound
            return () if product.retired else (events.ProductRetired(),)


def evolve(product: Product, event: events.ProductEvent, at: datetime) -> Product:
    """Fold one recorded fact."""
    match event:
        case events.ProductDefined():
            return Product(event, retired=False, changed_at=at)
        case events.ProductRetired():
            return replace(product, retired=True, changed_at=at)


PRODUCT: Final = Decider(category="pipeline.product", initial=Product(), decide=decide, evolve=evolve)


def offered(product_id: str, product: Product) -> Offered | None:
    """Say what lines take over from a product; None for one that nobody has defined."""
    known = product.defined
    if known is None:
        return None
    return Offered(
        product_id=product_id,
        sku=known.sku,
        name=known.name,
        unit_price_minor=known.unit_price_minor,
        currency=known.currency,
        tax_percent=known.tax_percent,
        retired=product.retired,
    )


def aliases(product: Product) -> frozenset[str]:
    """Name the aliases that lead to a product now."""
    return frozenset(() if product.defined is None or product.retired else product.defined.aliases)
