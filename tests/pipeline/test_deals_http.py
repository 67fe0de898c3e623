"""Deals over HTTP."""

import asyncio
from typing import Any

import httpx

from contacts.calls import COMPANIES, PEOPLE
from patron_events.catalog.pipeline import customers
from patron_pipeline.domain.customer import CUSTOMER
from pipeline.calls import DEALS, UNKNOWN, defined, done, move, moved, opened, refusal, shown
from pipeline.served import Selling


async def test_a_deal_is_opened_and_read(agent: httpx.AsyncClient) -> None:
    answer = await agent.post(
        DEALS,
        json={
            "name": " GTX Pro for Acme ",
            "occurred_at": "2026-01-05T10:00:00+01:00",
            "amount": "1234.50",
            "currency": "eur",
            "close_date": "2026-06-30",
            "splits": [{"owner": "ann", "percent": "66.67"}, {"owner": "ben", "percent": 33.33}],
            "source": "conference",
            "next_step": "Call on Monday",
            "competitors": ["Initech", "Bluth", "initech"],
            "attributes": {"seats": 250, "note": "x"},
            "external_id": {"source": "crm", "id": "1C1I7A6R"},
        },
    )
    assert (answer.status_code, answer.json()["status"], answer.headers["ETag"]) == (201, "created", '"1"')
    view = await shown(agent, answer.json()["id"])
    at = "2026-01-05T09:00:00Z"
    assert view == {
        "id": answer.json()["id"],
        "version": 1,
        "status": "open",
        "name": "GTX Pro for Acme",
        "pipeline_id": "default",
        "stage": "prospecting",
        "stage_since": at,
        "opened_at": at,
        "updated_at": at,
        "amount": "1234.50",
        "currency": "EUR",
        "amount_basis": "stated",
        "close_date": "2026-06-30",
        "owner": "ann",
        "splits": [{"owner": "ann", "percent": "66.67"}, {"owner": "ben", "percent": "33.33"}],
        "source": "conference",
        "next_step": "Call on Monday",
        "competitors": ["Bluth", "Initech"],
        "attributes": {"note": "x", "seats": 250},
        "external_id": {"source": "crm", "id": "1C1I7A6R"},
        "stays": [{"pipeline_id": "default", "stage": "prospecting", "entered_at": at, "left_at": None}],
    }


async def test_a_deal_goes_through_stages_to_won_and_open_again(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent, amount=100, currency="USD", occurred_at="2026-01-01T00:00:00Z")
    await moved(agent, deal, "proposal", occurred_at="2026-01-03T00:00:00Z")
    won = await done(agent, f"{DEALS}/{deal}/win", amount="90.00", currency="USD", occurred_at="2026-02-01T00:00:00Z")
    assert (won["status"], won["version"]) == ("updated", 3)
    view = await shown(agent, deal)
    assert (view["status"], view["stage"], view["closed_at"]) == ("won", "won", "2026-02-01T00:00:00Z")
    assert view["won"] == {"amount": "90.00", "currency": "USD", "from": "proposal"}
    assert [(one["stage"], one["entered_at"][:10], (one["left_at"] or "")[:10]) for one in view["stays"]] == [
        ("prospecting", "2026-01-01", "2026-01-03"),
        ("proposal", "2026-01-03", "2026-02-01"),
        ("won", "2026-02-01", ""),
    ]
    assert (await done(agent, f"{DEALS}/{deal}/win", amount=90, currency="USD"))["status"] == "unchanged"
    answer = await move(agent, deal, "engaging")
    assert refusal(answer) == (409, "deal-closed", None)
    await done(agent, f"{DEALS}/{deal}/reopen", reason="the buyer stepped back")
    view = await shown(agent, deal)
    assert (view["status"], view["stage"], "won" in view) == ("open", "proposal", False)
    await done(agent, f"{DEALS}/{deal}/lose", reason="price", competitor="Initech")
    view = await shown(agent, deal)
    assert (view["status"], view["lost"]) == ("lost", {"reason": "price", "from": "proposal", "competitor": "Initech"})


async def test_a_deal_is_worth_what_it_was_won_at_also_when_it_is_open_again(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent, amount=100, currency="USD")
    await done(agent, f"{DEALS}/{deal}/win", amount=90, currency="EUR")
    await done(agent, f"{DEALS}/{deal}/reopen")
    view = await shown(agent, deal)
    assert (view["amount"], view["currency"], view["amount_basis"]) == ("90.00", "EUR", "stated")
    answer = await agent.patch(f"{DEALS}/{deal}", json={"amount": 100, "currency": "USD"})
    assert answer.json()["status"] == "updated"
    assert (await shown(agent, deal))["amount"] == "100.00"


async def test_of_two_who_move_a_deal_at_the_same_moment_one_wins(
    agent: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    deal = await opened(agent)
    for client in (agent, other):
        await shown(client, deal)
    answers = await asyncio.gather(
        agent.post(f"{DEALS}/{deal}/move", json={"to": "engaging", "from": "prospecting"}),
        other.post(f"{DEALS}/{deal}/move", json={"to": "proposal", "from": "prospecting"}),
    )
    winner, loser = sorted(answers, key=lambda one: one.status_code)
    assert winner.status_code == 200
    assert refusal(loser) == (409, "deal-moved-meanwhile", None)
    view = await shown(other, deal)
    assert loser.json()["current"] == {
        "id": deal,
        "version": 2,
        "status": "open",
        "pipeline_id": "default",
        "stage": view["stage"],
        "stage_since": view["stage_since"],
        "owner": "ann",
    }


async def test_a_deal_that_is_not_where_the_caller_saw_it_stays(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent, stage="engaging", amount=1, currency="EUR")
    seen = {"from": "prospecting"}
    for path, body in (("move", {"to": "proposal"}), ("win", {}), ("lose", {"reason": "price"})):
        answer = await agent.post(f"{DEALS}/{deal}/{path}", json={**body, **seen})
        assert refusal(answer) == (409, "deal-moved-meanwhile", None)
        assert answer.json()["current"]["stage"] == "engaging"
    stale = await agent.post(
        f"{DEALS}/{deal}/move", json={"to": "proposal", "from": "engaging"}, headers={"If-Match": '"7"'}
    )
    assert (stale.status_code, stale.json()["current"]["version"]) == (412, 1)
    assert (await done(agent, f"{DEALS}/{deal}/move", to="engaging", **seen))["status"] == "unchanged"


async def test_a_repeated_request_changes_nothing(agent: httpx.AsyncClient, other: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "once"}
    answers = [await agent.post(DEALS, json={"name": "A"}, headers=key) for _ in range(2)]
    assert len({(one.status_code, one.text) for one in answers}) == 1
    deal = answers[0].json()["id"]
    moves = [
        await agent.post(f"{DEALS}/{deal}/move", json={"to": "proposal", "from": "prospecting"}, headers=key)
        for _ in range(2)
    ]
    await moved(other, deal, "negotiation")
    moves.append(await agent.post(f"{DEALS}/{deal}/move", json={"to": "proposal", "from": "prospecting"}, headers=key))
    assert {(one.status_code, one.text) for one in moves} == {(200, moves[0].text)}
    assert (await shown(agent, deal))["stage"] == "negotiation"


async def test_what_is_stated_changes_and_nothing_else(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent, amount="10.00", currency="EUR", attributes={"a": 1, "b": 2}, next_step="Call")
    body: dict[str, Any] = {"name": "B", "amount": 12, "attributes": {"a": None, "c": True}, "next_step": None}
    answer = await agent.patch(f"{DEALS}/{deal}", json=body)
    assert (answer.json()["status"], answer.json()["version"]) == ("updated", 2)
    again = await agent.patch(f"{DEALS}/{deal}", json=body)
    assert (again.json()["status"], again.json()["version"]) == ("unchanged", 2)
    view = await shown(agent, deal)
    assert (view["name"], view["amount"], view["currency"]) == ("B", "12.00", "EUR")
    assert (view["attributes"], view["owner"], "next_step" in view) == ({"b": 2, "c": True}, "ann", False)
    assert (await shown(agent, await opened(agent, owner=None))).get("owner") is None


async def test_an_external_id_belongs_to_one_deal(agent: httpx.AsyncClient) -> None:
    external = {"external_id": {"source": "crm", "id": "1"}}
    deal = await opened(agent, **external)
    answer = await agent.post(DEALS, json={"name": "Another", **external})
    assert refusal(answer) == (409, "external-id-taken", "external_id")
    assert refusal(await agent.patch(f"{DEALS}/{deal}", json=external))[:2] == (422, "invalid-request")


async def test_customers_are_named_in_any_way_and_people_are_tied_to_the_deal(
    selling: Selling, agent: httpx.AsyncClient
) -> None:
    async with selling.contacts.client("agent") as contacts:
        body: dict[str, Any] = {"name": "Acme", "external_ids": [{"source": "crm", "id": "acme"}]}
        company = (await contacts.post(COMPANIES, json=body)).json()["id"]
        body = {"given_name": "Grace", "emails": [{"value": "grace@example.org"}]}
        person = (await contacts.post(PEOPLE, json=body)).json()["id"]
    deal = await opened(
        agent,
        company_external_id={"source": "crm", "id": "acme"},
        people=[{"person_email": "Grace@example.org", "role": "decision-maker", "primary": True}],
    )
    view = await shown(agent, deal)
    assert (view["company_id"], view["people"]) == (
        company,
        [{"person_id": person, "role": "decision-maker", "primary": True}],
    )
    answer = await agent.patch(f"{DEALS}/{deal}", json={"people": []})
    assert answer.status_code == 200
    assert await selling.facts(CUSTOMER, person) == [
        customers.CustomerLinked(kind="deal", record_id=deal),
        customers.CustomerUnlinked(kind="deal", record_id=deal),
    ]
    for body, code, field in (
        ({"company_id": UNKNOWN}, "company-not-found", "company_id"),
        ({"people": [{"person_id": UNKNOWN}]}, "person-not-found", "people[0].person_id"),
        ({"people": [{"person_id": person}, {"person_email": "grace@example.org"}]}, "people-invalid", "people"),
    ):
        assert refusal(await agent.post(DEALS, json={"name": "A", **body})) == (422, code, field)


async def test_a_deal_moves_into_another_pipeline(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await defined(admin)
    deal = await opened(agent)
    await moved(agent, deal, "demo", pipeline_id="other")
    view = await shown(agent, deal)
    assert (view["pipeline_id"], view["stage"]) == ("other", "demo")
    assert [one["pipeline_id"] for one in view["stays"]] == ["default", "other"]
    answer = await move(agent, deal, "proposal")
    assert refusal(answer) == (422, "stage-unknown", "to")


async def test_an_archived_deal_stays_as_it_is(agent: httpx.AsyncClient) -> None:
    deal = await opened(agent)
    await done(agent, f"{DEALS}/{deal}/archive", reason="duplicate")
    assert (await done(agent, f"{DEALS}/{deal}/archive"))["status"] == "unchanged"
    assert refusal(await agent.patch(f"{DEALS}/{deal}", json={"name": "B"}))[:2] == (409, "deal-archived")
    assert refusal(await agent.get(f"{DEALS}/{UNKNOWN}"))[:2] == (404, "deal-not-found")
    assert refusal(await agent.post(f"{DEALS}/{UNKNOWN}/win", json={}))[:2] == (404, "deal-not-found")


async def test_bodies_that_contradict_themselves_are_refused(agent: httpx.AsyncClient) -> None:
    for body, code, field in (
        ({"name": " "}, "text-empty", "name"),
        ({"amount": 1}, "currency-missing", "currency"),
        ({"currency": "EUR"}, "deal-amount-missing", "amount"),
        ({"amount": "1.234", "currency": "EUR"}, "amount-too-precise", "amount"),
        ({"splits": [{"owner": "ben", "percent": 100}]}, "splits-invalid", "splits"),
        ({"splits": [{"owner": "ann", "percent": 50}]}, "splits-invalid", "splits"),
        ({"close_date": "30.6.2026"}, "date-invalid", "close_date"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "time-in-future", "occurred_at"),
        ({"pipeline_id": "none"}, "pipeline-unknown", "pipeline_id"),
        ({"stage": "none"}, "stage-unknown", "stage"),
        ({"stage": "won"}, "stage-kind-wrong", "stage"),
    ):
        assert refusal(await agent.post(DEALS, json={"name": "A", **body})) == (422, code, field), body
