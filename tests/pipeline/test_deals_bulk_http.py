"""Many deals in one request, with their past."""

from typing import Any

import httpx

from contacts.calls import COMPANIES
from patron_events.decider import Dated
from patron_pipeline.domain import ids
from patron_pipeline.domain.deal import DEAL
from pipeline.calls import CLOSED, DEALS, defined, done, shown
from pipeline.served import Selling

WON: list[dict[str, Any]] = [
    {"at": "2016-10-20", "do": "open", "stage": "engaging"},
    {"at": "2016-12-01T08:00:00+01:00", "do": "move", "stage": "proposal"},
    {"at": "2017-01-01", "do": "value", "amount": "1200.00", "currency": "USD"},
    {"at": "2017-03-01", "do": "win", "amount": 1054, "currency": "USD"},
]
LOST: list[dict[str, Any]] = [WON[0], {"at": "2017-02-01", "do": "lose"}]


def item(number: int, **body: Any) -> dict[str, Any]:
    return {"name": f"Deal {number}", "external_id": {"source": "crm", "id": str(number)}, **body}


async def bulk(client: httpx.AsyncClient, *items: Any, **body: Any) -> list[tuple[Any, ...]]:
    answer = await done(client, f"{DEALS}/bulk", items=list(items), **body)
    return [(one["status"], one.get("version") or one["code"], one.get("field")) for one in answer["results"]]


def stages(history: list[Dated]) -> list[tuple[str, str]]:
    return [(type(one.fact).__name__, one.occurred_at.isoformat()[:10]) for one in history]


async def test_what_happened_elsewhere_is_told_at_its_own_dates(selling: Selling, admin: httpx.AsyncClient) -> None:
    assert (
        await bulk(admin, item(1, owner="ann", history=WON), item(2, history=LOST), item(3))
        == [("created", 1, None)] * 3
    )
    first, second, third = (ids.deal_id("crm", str(number)) for number in (1, 2, 3))
    assert stages(await selling.history(DEAL, first)) == [
        ("DealOpened", "2016-10-20"),
        ("DealOwned", "2016-10-20"),
        ("DealMoved", "2016-12-01"),
        ("DealValued", "2017-01-01"),
        ("DealWon", "2017-03-01"),
    ]
    view = await shown(admin, first)
    assert (view["status"], view["won"]["amount"], view["amount"]) == ("won", "1054.00", "1054.00")
    assert [one["entered_at"] for one in view["stays"]] == [
        "2016-10-20T00:00:00Z",
        "2016-12-01T07:00:00Z",
        "2017-03-01T00:00:00Z",
    ]
    view = await shown(admin, second)
    assert (view["status"], view["lost"]) == ("lost", {"reason": "unknown", "from": "engaging"})
    view = await shown(admin, third)
    assert (view["status"], view["stage"], "owner" in view) == ("open", "prospecting", False)


async def test_a_file_can_be_told_again_grown_since(selling: Selling, admin: httpx.AsyncClient) -> None:
    await bulk(admin, item(1, history=WON[:2], amount=5, currency="USD"), item(2, history=LOST))
    commits = await selling.size()
    again = [item(1, history=WON[:2], amount="5.00", currency="USD"), item(2, history=LOST)]
    assert await bulk(admin, *again) == [("unchanged", 1, None)] * 2
    assert await selling.size() == commits
    assert await bulk(admin, item(1, name="Renamed", history=WON)) == [("updated", 2, None)]
    view = await shown(admin, ids.deal_id("crm", "1"))
    assert (view["status"], view["name"], len(view["stays"])) == ("won", "Renamed", 3)
    assert await bulk(admin, item(3, stage="engaging"), item(2, name="Lost")) == [
        ("created", 1, None),
        ("updated", 2, None),
    ]
    assert await bulk(admin, item(3, stage="proposal")) == [("updated", 2, None)]
    assert (await shown(admin, ids.deal_id("crm", "3")))["stage"] == "proposal"


async def test_a_deal_that_was_won_at_another_amount_is_told_again_unchanged(admin: httpx.AsyncClient) -> None:
    story = [WON[0], WON[3]]
    lines = [{"name": "GTX", "quantity": 1, "unit_price": 5}]
    told = [item(1, history=story, amount=5, currency="USD"), item(2, history=story, lines=lines, currency="USD")]
    assert await bulk(admin, *told) == [("created", 1, None)] * 2
    assert await bulk(admin, *told) == [("unchanged", 1, None)] * 2
    at_won = item(1, history=story, amount=1054, currency="USD")
    assert await bulk(admin, at_won) == [("unchanged", 1, None)]
    assert await bulk(admin, item(1, amount=6, currency="USD")) == [("rejected", "deal-closed", None)]


async def test_each_item_is_decided_by_itself(admin: httpx.AsyncClient) -> None:
    assert await bulk(
        admin,
        item(1),
        item(2, history=[WON[1]]),
        item(3, history=[WON[0], WON[3], WON[2]]),
        item(4, history=[WON[0], {"at": "2017-01-01", "do": "move", "stage": "none"}]),
        item(5, history=[WON[0], {"at": "2999-01-01", "do": "lose"}]),
        item(6, history=[WON[0], {"at": "2017-01-01", "do": "win"}]),
        item(7, amount="x", currency="EUR"),
        item(8, company_external_id={"source": "crm", "id": "nobody"}),
        {"external_id": {"source": "crm", "id": "9"}},
        item(1),
        item(6),
        item(6),
    ) == [
        ("created", 1, None),
        ("rejected", "history-not-opened", "history[0].do"),
        ("rejected", "time-before-newest-stage", "history[2].at"),
        ("rejected", "stage-unknown", "history[1].stage"),
        ("rejected", "time-in-future", "history[1].at"),
        ("rejected", "deal-amount-missing", "history[1].amount"),
        ("rejected", "amount-invalid", "amount"),
        ("rejected", "company-not-found", "company_external_id"),
        ("rejected", "invalid-item", "name"),
        ("duplicate", "repeated-in-request", "external_id"),
        ("created", 1, None),
        ("duplicate", "repeated-in-request", "external_id"),
    ]
    assert await bulk(admin, item(1), mode="create") == [("duplicate", "external-id-taken", "external_id")]


async def test_a_repeated_request_and_a_dry_run_store_nothing(selling: Selling, admin: httpx.AsyncClient) -> None:
    body = {"items": [item(1, history=WON), {"name": "Without an id"}]}
    dry = await done(admin, f"{DEALS}/bulk", **body, dry_run=True)
    assert (dry["counts"]["created"], dry["position"], await selling.size()) == (2, None, 0)
    key = {"Idempotency-Key": "once"}
    answers = [await admin.post(f"{DEALS}/bulk", json=body, headers=key) for _ in range(2)]
    assert len({one.text for one in answers}) == 1
    assert await selling.size() == 2


async def test_rules_of_stages_are_asked_unless_an_administrator_tells_the_past(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    limited = {"id": "demo", "skippable": False, "required": ["amount"], "wip_limit": 1, "movers": ["managers"]}
    await defined(admin, stages=[{"id": "new"}, limited, {"id": "offer", "from_stages": ["demo"]}, *CLOSED])
    past = [{"at": "2026-01-01", "do": "open", "stage": "new"}, {"at": "2026-01-02", "do": "move", "stage": "demo"}]
    items = [item(number, pipeline_id="other", history=past) for number in (1, 2)]
    assert await bulk(agent, *items) == [("rejected", "mover-not-allowed", "history[1].stage")] * 2
    assert await bulk(admin, *items) == [("created", 1, None)] * 2
    full = item(3, pipeline_id="other", stage="demo", amount=1, currency="EUR")
    assert await bulk(admin, full) == [("rejected", "stage-full", None)]
    lost = [past[0], {"at": "2026-01-02", "do": "lose"}]
    assert await bulk(agent, item(4, pipeline_id="other", history=lost)) == [
        ("rejected", "reason-missing", "history[1].reason")
    ]


async def test_customers_of_many_deals_are_found_together(selling: Selling, admin: httpx.AsyncClient) -> None:
    async with selling.contacts.client("agent") as contacts:
        body = {"name": "Acme", "external_ids": [{"source": "crm", "id": "acme"}]}
        company = (await contacts.post(COMPANIES, json=body)).json()["id"]
    named = {"company_external_id": {"source": "crm", "id": "acme"}}
    assert await bulk(admin, *(item(number, **named) for number in range(600))) == [("created", 1, None)] * 600
    assert (await shown(admin, ids.deal_id("crm", "599")))["company_id"] == company
