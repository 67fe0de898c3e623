"""Settle what needs a whole body: names, currencies, countries, one way to a customer."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from patron_cli.importing.mapping import Plan

Body = dict[str, Any]
Part = Callable[[Sequence[Any], Body], None]


def settling_parts(plan: Plan) -> list[Part]:
    """Choose what a plan needs once all cells are in: split names, currencies, countries, references."""
    parts: list[Part] = []
    conventions = plan.conventions
    if plan.has("full_name"):
        parts.append(_split_full_name)
    if plan.has("addresses"):
        parts.append(_settle_countries)
    if plan.has("annual_revenue"):
        parts.append(_revenue_in(conventions.currency))
    if plan.kind == "orders":
        parts.append(_order_in(conventions.currency))
    if plan.has("companies", "external_id"):
        parts.append(_one_way_to_company)
    if plan.has("customer"):
        parts.append(_one_customer)
    return parts


def _split_full_name(_: Sequence[Any], body: Body) -> None:
    """Take `Last, First` apart at the comma and `First Middle Last` at the last blank."""
    whole = body.pop("full_name", None)
    if not whole or "family_name" in body or "given_name" in body:
        return
    family, comma, given = whole.partition(",")
    if not comma:
        given, _blank, family = whole.rpartition(" ")
        if not given:
            given, family = family, ""
    if given.strip():
        body["given_name"] = given.strip()
    if family.strip():
        body["family_name"] = family.strip()


def _settle_countries(_: Sequence[Any], body: Body) -> None:
    """Keep a word that names no country as the region or beside the street: columns called office or land hold such."""
    for address in body.get("addresses", ()):
        name = address.get("country")
        if not name or not isinstance(name, str):
            continue
        if code := _code(name):
            address["country"] = code
        else:
            del address["country"]
            place = "region" if "region" not in address else "extended_address"
            address[place] = f"{address[place]}, {name}" if place in address else name


@lru_cache(maxsize=4096)
def _code(name: str) -> str | None:
    """Ask the rule of the contacts service; imported here, because its data takes a fifth of a second to load."""
    from patron_values.errors import CountryUnknown  # noqa: PLC0415
    from patron_values.places import country  # noqa: PLC0415

    try:
        return country(name, "country")
    except CountryUnknown:
        return None


def _revenue_in(currency: str) -> Part:
    def part(_: Sequence[Any], body: Body) -> None:
        revenue = body.get("annual_revenue")
        if revenue:
            if "amount" in revenue:
                revenue.setdefault("currency", currency)
            else:
                del body["annual_revenue"]

    return part


def _order_in(currency: str) -> Part:
    def part(_: Sequence[Any], body: Body) -> None:
        if currency:
            body.setdefault("currency", currency)
        lines = body.get("lines", ())
        if len(lines) == 1 and "amount" in body and "amount" not in lines[0] and "unit_price" not in lines[0]:
            lines[0]["amount"] = body["amount"]

    return part


def _one_way_to_company(_: Sequence[Any], body: Body) -> None:
    """Prefer the id of a company to its name: the route takes one of them."""
    for company in body.get("companies", ()):
        if "external_id" in company:
            company.pop("name", None)


def _one_customer(_: Sequence[Any], body: Body) -> None:
    """Prefer the id of a customer to the address: the route takes one of them."""
    customer = body.get("customer")
    if customer:
        source = customer.pop("source", None)
        for name in ("person_id", "company_id", "external_id", "email"):
            if name in customer:
                body["customer"] = {name: customer[name]}
                if source and name == "external_id":
                    body["customer"]["external_id"] = {**customer[name], "source": source}
                return
        del body["customer"]
