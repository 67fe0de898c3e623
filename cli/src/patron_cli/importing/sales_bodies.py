"""Complete the bodies of deals, leads, products and sales teams once all cells of a row are in."""

from collections.abc import Sequence
from typing import Any

from patron_cli.importing.deal_bodies import deal_part
from patron_cli.importing.mapping import Plan
from patron_cli.importing.settle import Body, Part
from patron_cli.importing.stages import Pipelines

_WITH_REASON = frozenset({"recycled", "dead"})


def sales_parts(plan: Plan, pipelines: Pipelines | None) -> list[Part]:
    """Choose what the rows of sales need; none for other kinds. pipelines: needed by deals."""
    match plan.kind:
        case "deals":
            return [deal_part(pipelines or Pipelines(lambda _: None), plan.conventions)]
        case "leads":
            return [_lead_in(plan.conventions.currency)]
        case "products":
            return [_product_in(plan.conventions.currency)]
        case "sales-team":
            return [_rep_in(plan.conventions.currency)]
        case _:
            return []


def _lead_in(currency: str) -> Part:
    def part(_: Sequence[Any], body: Body) -> None:
        if "amount" in body and currency:
            body.setdefault("currency", currency)
        if body.get("status") not in _WITH_REASON:
            body.pop("reason", None)
        if "status" not in body or body["status"] == "new":
            body.pop("closed_at", None)

    return part


def _product_in(currency: str) -> Part:
    """Name a product by its name where it has no number of its own, and the other way round."""

    def part(_: Sequence[Any], body: Body) -> None:
        for name, other in (("sku", "name"), ("name", "sku")):
            if name not in body and other in body:
                body[name] = body[other]
        if "unit_price" in body and currency:
            body.setdefault("currency", currency)

    return part


def _rep_in(currency: str) -> Part:
    """Know a representative by the `sub` of their tokens, else by their address, else by their name."""

    def part(_: Sequence[Any], body: Body) -> None:
        if "subject" not in body and ("email" in body or "name" in body):
            body["subject"] = body.get("email") or body["name"]
        if "subject" in body:
            body.setdefault("name", body["subject"])
        for quota in body.get("quotas", ()):
            if currency:
                quota.setdefault("currency", currency)

    return part
