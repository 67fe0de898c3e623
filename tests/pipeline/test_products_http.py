"""Products over HTTP, the lines of deals that name them, and exchange rates."""

from typing import Any

import httpx
import pytest

from patron_pipeline.domain import lines
from patron_pipeline.domain.deal_errors import PercentInvalid, QuantityInvalid
from patron_pipeline.handlers.products import product_id
from pipeline.calls import DEALS, done, opened, refusal, shown
from pipeline.served import BASE

PRODUCTS = f"{BASE}/products"
PRO: dict[str, Any] = {"sku": "GTX-PRO", "name": "GTX Pro", "unit_price": "4821", "currency": "USD", "tax_percent": 19}


async def test_a_product_is_defined_changed_retired_and_brought_back(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PRODUCTS, json={**PRO, "family": "GTX", "aliases": ["GTXPro"]})
    assert (answer.status_code, answer.json()["id"]) == (201, product_id("GTX-PRO"))
    own = f"{PRODUCTS}/{answer.json()['id']}"
    assert (await admin.get(own)).json() == {
        "id": product_id("GTX-PRO"),
        "version": 1,
        "status": "live",
        "sku": "GTX-PRO",
        "name": "GTX Pro",
        "unit_price": "4821.00",
        "currency": "USD",
        "family": "GTX",
        "tax_percent": "19",
        "aliases": ["GTXPro"],
    }
    assert refusal(await admin.post(PRODUCTS, json=PRO)) == (409, "sku-taken", "sku")
    changed = await admin.patch(own, json={"unit_price": None, "aliases": []})
    assert changed.json()["status"] == "updated"
    assert (await admin.get(own)).json()["unit_price"] is None
    await done(admin, f"{own}/retire")
    assert refusal(await admin.patch(own, json={"name": "X"})) == (404, "product-not-found", None)
    await done(admin, PRODUCTS, **PRO)
    assert (await admin.get(own)).json()["status"] == "live"


async def test_an_alias_leads_to_one_product(admin: httpx.AsyncClient) -> None:
    await done(admin, PRODUCTS, **PRO, aliases=["GTXPro"])
    other = {"sku": "GTX-BASIC", "name": "GTX Basic"}
    for alias in ("GTXPro", "GTX-PRO"):
        assert refusal(await admin.post(PRODUCTS, json={**other, "aliases": [alias]})) == (
            409,
            "alias-taken",
            "aliases",
        )
    await done(admin, f"{PRODUCTS}/{product_id('GTX-PRO')}/retire")
    await done(admin, PRODUCTS, **other, aliases=["GTXPro"])


async def test_many_products_are_defined_by_their_numbers(admin: httpx.AsyncClient) -> None:
    items = [PRO, {"sku": "B", "name": "B", "unit_price": 1}, {"sku": "C", "name": "C"}, {**PRO, "name": "Again"}]
    for expected in ("created", "unchanged"):
        results = (await done(admin, f"{PRODUCTS}/bulk", items=items))["results"]
        assert [(one["status"], one.get("code"), one.get("field")) for one in results] == [
            (expected, None, None),
            ("rejected", "currency-unknown", "currency"),
            (expected, None, None),
            ("duplicate", "repeated-in-request", "sku"),
        ]


async def test_lines_take_over_what_their_product_says(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    own = (await done(admin, PRODUCTS, **PRO, aliases=["GTXPro"]))["id"]
    deal = await opened(
        agent,
        lines=[
            {"sku": "GTXPro", "quantity": "2.5", "discount_percent": 10},
            {"product_id": own, "unit_price": "100.05", "tax_percent": 0},
            {"name": "Installation", "unit_price": 0},
            {"sku": "OTHER", "unit_price": "1"},
        ],
    )
    view = await shown(agent, deal)
    assert (view["amount"], view["currency"], view["amount_basis"]) == ("10948.30", "USD", "lines")
    assert view["lines"][0] == {
        "name": "GTX Pro",
        "quantity": "2.5",
        "unit_price": "4821.00",
        "discount_percent": "10",
        "net": "10847.25",
        "tax_percent": "19",
        "tax": "2060.98",
        "product_id": own,
        "sku": "GTX-PRO",
    }
    assert [one["name"] for one in view["lines"]] == ["GTX Pro", "GTX Pro", "Installation", "OTHER"]
    answer = await agent.patch(f"{DEALS}/{deal}", json={"amount": 5, "currency": "USD"})
    assert refusal(answer) == (409, "amount-of-lines", "amount")
    await done(admin, f"{PRODUCTS}/{own}/retire")
    kept = await agent.patch(f"{DEALS}/{deal}", json={"lines": [{"product_id": own, "unit_price": 7}]})
    assert kept.status_code == 200
    new = await agent.post(DEALS, json={"name": "A", "lines": [{"product_id": own}]})
    assert refusal(new) == (409, "product-retired", "lines[0]")
    cleared = await agent.patch(f"{DEALS}/{deal}", json={"lines": []})
    assert cleared.status_code == 200
    view = await shown(agent, deal)
    assert (view["amount"], view["amount_basis"], "lines" in view) == ("7.00", "stated", False)


async def test_lines_that_cannot_be_priced_are_refused(agent: httpx.AsyncClient) -> None:
    for line, code, field in (
        ({"name": "A"}, "unit-price-missing", "lines[0].unit_price"),
        ({"unit_price": 1}, "text-empty", "lines[0].name"),
        ({"name": "A", "unit_price": -1}, "amount-invalid", "lines[0].unit_price"),
        ({"name": "A", "unit_price": 1, "quantity": 0}, "quantity-invalid", "lines[0].quantity"),
        ({"name": "A", "unit_price": 1, "discount_percent": 101}, "percent-invalid", "lines[0].discount_percent"),
        ({"name": "A", "unit_price": 10**12, "quantity": 10**11}, "amount-invalid", "lines[0]"),
        ({"product_id": product_id("x")}, "product-unknown", "lines[0].product_id"),
    ):
        answer = await agent.post(DEALS, json={"name": "A", "currency": "EUR", "lines": [line]})
        assert refusal(answer) == (422, code, field), line


@pytest.mark.parametrize(
    ("quantity", "unit", "discount", "tax", "net_minor", "tax_minor"),
    [
        ("1", "0.05", "50", "0", 3, 0),  # 2.5 cents: half up
        ("3", "33.33", "0", "19", 9999, 1900),  # 18.9981
        ("0.333333333", "3", "0", "7", 100, 7),
        ("1", "1000", "33.3333", "19.5", 66667, 13000),  # 666.667, 130.00065
    ],
)
def test_lines_are_rounded_half_up_once(
    quantity: str, unit: str, discount: str, tax: str, net_minor: int, tax_minor: int
) -> None:
    body = {"name": "A", "quantity": quantity, "unit_price": unit, "discount_percent": discount, "tax_percent": tax}
    line = lines.line(body, "EUR", "lines[0]")
    assert (line.net_minor, line.tax_minor) == (net_minor, tax_minor)


def test_numbers_are_written_plainly() -> None:
    assert [lines.percent(one, "p") for one in ("1E+1", 33.5, "07.10", 0)] == ["10", "33.5", "7.1", "0"]
    for wrong in ("x", True, "NaN", -1, "0.00001", None):
        with pytest.raises(PercentInvalid):
            lines.percent(wrong, "p")
    for wrong in ("0", "-1", "1e12", "0.0000000001", None):
        with pytest.raises(QuantityInvalid):
            lines.quantity(wrong, "q")


async def test_exchange_rates_count_from_their_day_on(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    body = {
        "rates": [
            {"currency": "USD", "on": "2026-02-01", "rate": "1.0825"},
            {"currency": "USD", "on": "2026-01-01", "rate": 1.1},
            {"currency": "JPY", "on": "2026-03-01", "rate": "160.50"},
        ]
    }
    first = await admin.put(f"{BASE}/rates/EUR", json=body)
    assert first.json()["status"] == "created"
    assert (await admin.put(f"{BASE}/rates/eur", json=body)).json()["status"] == "unchanged"
    answer = await agent.get(f"{BASE}/rates/EUR?on=2026-01-31")
    assert answer.json() == {
        "base": "EUR",
        "on": "2026-01-31",
        "version": 1,
        "rates": [{"currency": "USD", "on": "2026-01-01", "rate": "1.1"}],
    }
    newest = (await agent.get(f"{BASE}/rates/EUR?on=2026-12-31")).json()["rates"]
    assert [(one["currency"], one["rate"]) for one in newest] == [("JPY", "160.5"), ("USD", "1.0825")]
    assert (await agent.get(f"{BASE}/rates/GBP")).json()["rates"] == []
    for one, code, field in (
        ({"currency": "EUR", "on": "2026-01-01", "rate": 1}, "rate-of-itself", "rates[0].currency"),
        ({"currency": "USD", "on": "2026-01-01", "rate": 0}, "rate-invalid", "rates[0].rate"),
        ({"currency": "USD", "on": "1.1.2026", "rate": 1}, "date-invalid", "rates[0].on"),
    ):
        assert refusal(await admin.put(f"{BASE}/rates/EUR", json={"rates": [one]})) == (422, code, field)
    assert refusal(await agent.put(f"{BASE}/rates/EUR", json=body))[:2] == (403, "forbidden")
