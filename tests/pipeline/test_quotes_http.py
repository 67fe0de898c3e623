"""Quotes over HTTP: versions, approval, what the buyer says."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contacts.calls import PEOPLE
from patron_events.decisions import Asked
from patron_events.envelope import Actor
from pipeline.calls import DEALS, UNKNOWN, defined, done, opened, refusal, shown
from pipeline.served import BASE, Selling

QUOTES = f"{BASE}/quotes"
LINES = [{"name": "GTX Pro", "unit_price": "100.00", "quantity": 3, "tax_percent": 19}]
BODY: dict[str, Any] = {"lines": LINES, "currency": "EUR", "terms": "30 days net"}
APPROVALS = [
    {"group": "managers", "discount_above": "10"},
    {"group": "finance", "net_above": "1000", "currency": "EUR"},
]


@pytest.fixture
async def manager(selling: Selling) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may approve discounts."""
    async with selling.client("agent", subject="max", teams=("managers",)) as client:
        yield client


async def quoted(client: httpx.AsyncClient, deal: str, **body: Any) -> str:
    return (await done(client, f"{DEALS}/{deal}/quotes", **{**BODY, **body}))["id"]


async def seen(client: httpx.AsyncClient, quote: str) -> dict[str, Any]:
    return (await client.get(f"{QUOTES}/{quote}")).raise_for_status().json()


async def test_a_quote_is_drafted_sent_and_accepted_and_the_deal_follows(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent, amount=5, currency="USD")
    quote = await quoted(agent, deal, discount_percent="2.5", valid_until="2999-12-31")
    view = await seen(agent, quote)
    assert (view["deal_id"], view["number"], view["status"], view["needs"]) == (deal, 1, "draft", [])
    (version,) = view["versions"]
    assert version["lines"][0]["net"] == "300.00"
    assert {name: version[name] for name in ("net", "tax", "total", "terms", "drafted_by", "valid_until")} == {
        "net": "292.50",
        "tax": "55.58",
        "total": "348.08",
        "terms": "30 days net",
        "drafted_by": "ann",
        "valid_until": "2999-12-31",
    }
    assert refusal(await agent.post(f"{QUOTES}/{quote}/send")) == (409, "quote-state-wrong", None)
    for step, status in (("submit", "approved"), ("send", "sent"), ("accept", "accepted")):
        assert (await done(agent, f"{QUOTES}/{quote}/{step}"))["status"] == "updated"
        assert (await done(agent, f"{QUOTES}/{quote}/{step}"))["status"] == "unchanged"
        assert (await seen(agent, quote))["status"] == status
    after = await shown(agent, deal)
    assert (after["amount"], after["currency"], after["amount_basis"]) == ("292.50", "EUR", "quote")
    assert [one["name"] for one in after["lines"]] == ["GTX Pro"]
    assert refusal(await agent.post(f"{QUOTES}/{quote}/versions", json=BODY))[:2] == (409, "quote-state-wrong")


async def test_quotes_of_a_deal_are_numbered_and_a_repeated_request_makes_none(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent)
    key = {"Idempotency-Key": "once"}
    answers = [await agent.post(f"{DEALS}/{deal}/quotes", json=BODY, headers=key) for _ in range(2)]
    assert len({(one.status_code, one.text) for one in answers}) == 1
    await quoted(agent, deal)
    listed = (await agent.get(f"{DEALS}/{deal}/quotes")).json()["items"]
    assert [one["number"] for one in listed] == [1, 2]
    assert refusal(await agent.get(f"{DEALS}/{UNKNOWN}/quotes"))[:2] == (404, "deal-not-found")
    assert refusal(await agent.post(f"{DEALS}/{UNKNOWN}/quotes", json=BODY))[:2] == (404, "deal-not-found")
    assert refusal(await agent.get(f"{QUOTES}/{UNKNOWN}"))[:2] == (404, "quote-not-found")


async def test_those_who_are_asked_approve_and_never_their_own(
    agent: httpx.AsyncClient, manager: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await defined(admin, approvals=APPROVALS)
    deal = await opened(agent, pipeline_id="other")
    quote = await quoted(agent, deal, lines=[{**LINES[0], "quantity": 20, "discount_percent": 10}], discount_percent=1)
    await done(agent, f"{QUOTES}/{quote}/submit")
    view = await seen(agent, quote)
    assert (view["status"], view["needs"]) == ("submitted", ["finance", "managers"])
    assert refusal(await agent.post(f"{QUOTES}/{quote}/approve")) == (403, "quote-of-oneself", None)
    await done(manager, f"{QUOTES}/{quote}/approve")
    assert refusal(await manager.post(f"{QUOTES}/{quote}/approve")) == (403, "approver-not-asked", None)
    view = await seen(agent, quote)
    assert (view["status"], view["needs"], view["approved"]) == ("submitted", ["finance"], ["managers"])
    await done(admin, f"{QUOTES}/{quote}/approve")
    assert (await seen(agent, quote))["status"] == "approved"


async def test_a_new_version_needs_approval_anew(
    agent: httpx.AsyncClient, manager: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await defined(admin, approvals=APPROVALS[:1])
    deal = await opened(agent, pipeline_id="other")
    quote = await quoted(agent, deal, discount_percent=20)
    assert (await done(agent, f"{QUOTES}/{quote}/versions", **BODY, discount_percent=20))["status"] == "unchanged"
    await done(agent, f"{QUOTES}/{quote}/submit")
    await done(manager, f"{QUOTES}/{quote}/reject", reason="discount too high")
    assert (await seen(agent, quote))["reason"] == "discount too high"
    await done(agent, f"{QUOTES}/{quote}/versions", **BODY, discount_percent=15)
    await done(agent, f"{QUOTES}/{quote}/submit")
    await done(manager, f"{QUOTES}/{quote}/approve")
    await done(agent, f"{QUOTES}/{quote}/versions", **BODY, discount_percent=10)
    view = await seen(agent, quote)
    assert (view["status"], view["reason"], view["approved"]) == ("draft", None, [])
    assert [(one["quote_version"], one["status"]) for one in view["versions"]] == [
        (1, "rejected"),
        (2, "replaced"),
        (3, "draft"),
    ]
    await done(agent, f"{QUOTES}/{quote}/submit")  # 10 percent is not above 10
    assert (await seen(agent, quote))["status"] == "approved"


async def test_quotes_expire_and_closed_deals_get_none(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent, amount=1, currency="EUR")
    quote = await quoted(agent, deal, valid_until="2020-01-01")
    await done(agent, f"{QUOTES}/{quote}/submit")
    assert refusal(await agent.post(f"{QUOTES}/{quote}/send")) == (409, "quote-expired", None)
    await done(agent, f"{QUOTES}/{quote}/decline", reason="too late")
    await done(agent, f"{QUOTES}/{quote}/versions", **BODY)
    for step in ("submit", "send"):
        await done(agent, f"{QUOTES}/{quote}/{step}")
    await done(agent, f"{DEALS}/{deal}/win")
    await done(agent, f"{QUOTES}/{quote}/accept")
    assert (await shown(agent, deal))["amount"] == "1.00"
    assert refusal(await agent.post(f"{DEALS}/{deal}/quotes", json=BODY))[:2] == (409, "deal-closed")


async def test_the_texts_of_a_deal_and_its_quotes_go_with_its_last_person(
    selling: Selling, agent: httpx.AsyncClient
) -> None:
    async with selling.contacts.client("agent") as contacts:
        people = [(await contacts.post(PEOPLE, json={"given_name": name})).json()["id"] for name in ("Ann", "Ben")]
    deal = await opened(
        agent, people=[{"person_id": one} for one in people], next_step="Call Ann", amount=1, currency="EUR"
    )
    quote = await quoted(agent, deal)
    deals = selling.parts().deals
    for number, person in enumerate(people):
        for _ in range(2):  # a reaction may come twice
            await deals.forget(deal, person, Asked(Actor("rule", "erasure"), command_id=f"erase-{number}"))
    async with selling.client("agent") as later:
        view = await shown(later, deal)
        assert (view["next_step"], view["amount"], "people" in view) == ({"erased": "key-destroyed"}, "1.00", False)
        assert (await seen(later, quote))["versions"][0]["terms"] == {"erased": "key-destroyed"}
        answer = await later.patch(f"{DEALS}/{deal}", json={"next_step": "Call"})
        assert refusal(answer) == (409, "deal-erased", None)
        assert (await later.patch(f"{DEALS}/{deal}", json={"name": "Still here"})).status_code == 200
