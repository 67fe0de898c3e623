"""From the body of a deal to the changes it states. Absent members stay, null clears."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from patron_events.catalog.contacts import Attribute
from patron_events.catalog.pipeline import deals as events
from patron_events.registry import Fact
from patron_pipeline.domain import lines
from patron_pipeline.domain.deal_errors import (
    AmountOfLines,
    CurrencyMissing,
    DealAmountMissing,
    PeopleInvalid,
    ProductRetired,
    SplitsInvalid,
)
from patron_pipeline.domain.deal_state import Changes
from patron_values import moments, money, texts

Body = Mapping[str, Any]
LONG_TEXT: Final = 20_000
_MOST_ATTRIBUTES: Final = 200
_MOST_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body is read by.

    currency: of amounts that name none. products: what lines that name a product take over.
    retired: ids of retired products that may be named all the same; None: all.
    """

    currency: str | None = None
    products: lines.Catalogue = field(default_factory=dict[str, lines.Offered])
    retired: frozenset[str] | None = frozenset()


def changes(body: Body, reading: Reading) -> Changes:
    """Read the body of a deal.

    Raises:
        SplitsInvalid, PeopleInvalid, CurrencyMissing, DealAmountMissing, AmountOfLines, and those of single values.
    """
    facets: dict[type[Fact], Mapping[str, Any]] = {}
    _add(facets, events.DealDescribed, _texts(body, ("description", "next_step"), LONG_TEXT))
    facets |= _worth(body, reading)
    _add(facets, events.DealExpected, _expected(body))
    _add(facets, events.DealOwned, _owned(body))
    _add(facets, events.DealCustomerChanged, _customer(body))
    _add(facets, events.DealSourced, _texts(body, ("source", "medium", "campaign")))
    if "competitors" in body:
        facets[events.DealCompetitorsChanged] = {"competitors": texts.tags(body["competitors"], "competitors")}
    name = texts.required_text(body["name"], "name", 500) if "name" in body else None
    return Changes(facets, name, _attributes(body))


def _add(facets: dict[type[Fact], Mapping[str, Any]], kind: type[Fact], fields: Mapping[str, Any]) -> None:
    if fields:
        facets[kind] = fields


def _texts(body: Body, names: tuple[str, ...], limit: int = 200) -> Mapping[str, Any]:
    return {
        name: texts.optional_text(body[name], name, limit, multiline=limit > 1_000)  # noqa: PLR2004 - a long text
        for name in names
        if name in body
    }


def currency_of(body: Body, reading: Reading) -> str:
    """Tell the currency of the amounts in a body; raises CurrencyMissing, CurrencyUnknown."""
    if body.get("currency") is not None:
        return money.currency(body["currency"], "currency")
    if reading.currency is None:
        raise CurrencyMissing(field="currency")
    return reading.currency


def priced(body: Body, reading: Reading) -> tuple[str, tuple[events.LineItem, ...]]:
    """Read the lines of a body, in one currency: the stated one, or else that of the first product with a price.

    Raises:
        CurrencyMissing, ProductUnknown, ProductRetired, UnitPriceMissing, and the refusals of values.
    """
    found = [
        (one, f"lines[{number}]", lines.offered(one, reading.products, f"lines[{number}]"))
        for number, one in enumerate(body["lines"])
    ]
    for _, path, product in found:
        gone = product is not None and product.retired and reading.retired is not None
        if product is not None and gone and product.product_id not in (reading.retired or ()):
            raise ProductRetired(field=path)
    usual = next((product.currency for _, _, product in found if product is not None and product.currency), None)
    currency = currency_of(body, replace(reading, currency=reading.currency or usual))
    return currency, tuple(lines.line(one, currency, path, product) for one, path, product in found)


def _worth(body: Body, reading: Reading) -> Mapping[type[Fact], Mapping[str, Any]]:
    """Read amount and lines; the amount of lines is their sum, without tax."""
    if body.get("lines"):
        currency, items = priced(body, reading)
        net = lines.total(items, "lines")
        if body.get("amount") is not None and money.minor(body["amount"], currency, "amount") != net:
            raise AmountOfLines(field="amount")
        valued = {"amount_minor": net, "currency": currency, "basis": "lines"}
        return {events.DealLinesChanged: {"currency": currency, "lines": items}, events.DealValued: valued}
    facets: dict[type[Fact], Mapping[str, Any]] = {}
    if "lines" in body:
        facets[events.DealLinesChanged] = {"currency": "", "lines": ()}
        facets[events.DealValued] = {"basis": "stated"}
    if body.get("amount") is not None:
        currency = currency_of(body, reading)
        minor = money.minor(body["amount"], currency, "amount")
        facets[events.DealValued] = {"amount_minor": minor, "currency": currency, "basis": "stated"}
    elif "amount" in body:
        facets[events.DealValued] = {"amount_minor": None, "currency": None, "basis": "stated"}
    elif body.get("currency") is not None:
        raise DealAmountMissing("A currency is stated with an amount or with lines.", field="amount")
    return facets


def _expected(body: Body) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    if "close_date" in body:
        stated = body["close_date"]
        fields["close_date"] = None if stated is None else moments.day(stated, "close_date")
    if "forecast_category" in body:
        fields["forecast_category"] = body["forecast_category"]
    return fields


def _owned(body: Body) -> Mapping[str, Any]:
    fields = dict(_texts(body, ("owner", "team")))
    if "splits" in body:
        stated = texts.items(body["splits"], "splits", limit=_MOST_LISTED)
        fields["splits"] = tuple(_split(one, f"splits[{number}]") for number, one in enumerate(stated))
    return fields


def _split(body: Body, path: str) -> events.Split:
    return events.Split(
        texts.required_text(body["owner"], f"{path}.owner"), lines.percent(body["percent"], f"{path}.percent")
    )


def check_splits(owned: events.DealOwned) -> None:
    """Check who shares a deal; raises SplitsInvalid."""
    owners = [one.owner for one in owned.splits]
    if not owners:
        return
    shares = sum(Decimal(one.percent) for one in owned.splits)
    if len(set(owners)) < len(owners) or owned.owner not in owners or shares != 100:  # noqa: PLR2004 - percent
        raise SplitsInvalid(field="splits")


def _customer(body: Body) -> Mapping[str, Any]:
    fields: dict[str, Any] = {}
    if "company_id" in body:
        fields["company_id"] = body["company_id"]
    if "people" in body:
        people = tuple(
            events.DealPerson(one["person_id"], one.get("role") or "other", bool(one.get("primary")))
            for one in texts.items(body["people"], "people", limit=_MOST_LISTED)
        )
        if len({one.person_id for one in people}) < len(people) or sum(one.primary for one in people) > 1:
            raise PeopleInvalid(field="people")
        fields["people"] = people
    return fields


def _attributes(body: Body) -> Mapping[str, Attribute | None]:
    """Read other attributes: each is stated by name, and null takes it away."""
    stated = texts.members(body.get("attributes") or {}, "attributes")
    texts.items(list(stated), "attributes", limit=_MOST_ATTRIBUTES)
    return {
        name: None if value is None else Attribute(texts.required_text(name, "attributes"), _value(value, name))
        for name, value in stated.items()
    }


def _value(value: Any, name: str) -> Any:
    return texts.text(value, f"attributes.{name}", LONG_TEXT, multiline=True) if isinstance(value, str) else value
