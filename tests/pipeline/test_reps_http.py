"""The sales team over HTTP: who sells, where, with which quotas."""

from typing import Any

import httpx

from pipeline.served import BASE, Selling

REPS = f"{BASE}/reps"


async def recorded(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(REPS, json={"subject": "idp|ann", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def test_a_representative_reads_as_recorded(admin: httpx.AsyncClient) -> None:
    quota = {"period": "2026-Q2", "amount": "1000.5", "currency": "eur"}
    territory = {"country": "Germany", "postal_prefixes": ["81", "80"]}
    made = await recorded(
        admin, name="Ann", team="north", capacity=20, territories=[territory], quotas=[quota],
        placed_at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    shown = (await admin.get(f"{REPS}/{made}")).json()
    assert shown == {
        "id": made,
        "subject": "idp|ann",
        "status": "active",
        "name": "Ann",
        "email": None,
        "time_zone": None,
        "language": None,
        "team": "north",
        "region": None,
        "manager": None,
        "territories": [{"country": "DE", "region": None, "postal_prefixes": ["80", "81"]}],
        "capacity": 20,
        "placed_at": "2026-01-01T00:00:00Z",
        "available": True,
        "absence": None,
        "quotas": [{"period": "2026-Q2", "amount": "1000.50", "currency": "EUR"}],
    }
    assert (await admin.get(REPS)).json() == {"items": [shown]}


async def test_recording_the_same_again_changes_nothing(admin: httpx.AsyncClient) -> None:
    body = {"subject": "ann", "team": "north", "quotas": [{"period": "2026", "amount": 5, "currency": "EUR"}]}
    assert [(await admin.post(REPS, json=body)).json()["status"] for _ in range(2)] == ["created", "unchanged"]
    moved = await admin.post(REPS, json={**body, "team": "south"})
    assert moved.json()["status"] == "updated"


async def test_a_placement_may_be_told_later_but_not_before_the_present_one(admin: httpx.AsyncClient) -> None:
    ann = await recorded(admin, team="north", placed_at="2026-02-01T00:00:00Z")
    earlier = await admin.patch(f"{REPS}/{ann}", json={"team": "south", "placed_at": "2026-01-01T00:00:00Z"})
    assert (earlier.status_code, earlier.json()["code"]) == (409, "rep-out-of-order")


async def test_quotas_are_set_and_taken_back(admin: httpx.AsyncClient) -> None:
    ann = await recorded(admin)
    for amount, expected in (("10", ["10.00"]), (None, [])):
        body = {"amount": amount, "currency": "EUR"}
        assert (await admin.put(f"{REPS}/{ann}/quotas/2026-04", json=body)).json()["status"] == "updated"
        assert [one["amount"] for one in (await admin.get(f"{REPS}/{ann}")).json()["quotas"]] == expected
    wrong = await admin.put(f"{REPS}/{ann}/quotas/2026-13", json={"amount": 1, "currency": "EUR"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "period-invalid")


async def test_who_retired_is_listed_no_more_until_recorded_again(admin: httpx.AsyncClient) -> None:
    ann = await recorded(admin, team="north")
    await admin.post(f"{REPS}/{ann}/retirement")
    assert (await admin.get(REPS)).json() == {"items": []}
    assert (await admin.patch(f"{REPS}/{ann}", json={"team": "south"})).json()["code"] == "rep-retired"
    assert await recorded(admin) == ann
    (shown,) = (await admin.get(REPS)).json()["items"]
    assert (shown["status"], shown["team"]) == ("active", "north")


async def test_everybody_says_for_themselves_whether_they_take_leads(
    selling: Selling, admin: httpx.AsyncClient
) -> None:
    ann = await recorded(admin, subject="ann")
    away = {"available": False, "reason": "holiday"}
    async with selling.client("agent", subject="ben") as ben:
        refused = await ben.post(f"{REPS}/{ann}/availability", json=away)
        assert (refused.status_code, refused.json()["code"]) == (403, "not-yourself")
    async with selling.client("agent", subject="ann") as herself:
        assert (await herself.post(f"{REPS}/{ann}/availability", json=away)).json()["status"] == "updated"
        assert (await herself.post(REPS, json={"subject": "ann"})).status_code == 403
    shown = (await admin.get(f"{REPS}/{ann}")).json()
    assert (shown["available"], shown["absence"]) == (False, "holiday")


async def test_many_are_recorded_each_for_itself(admin: httpx.AsyncClient) -> None:
    items = [{"subject": "ann", "team": "a"}, {"subject": " "}, {"team": "b"}, {"subject": "ben"}, {"subject": "ann"}]
    answer = (await admin.post(f"{REPS}/bulk", json={"items": items})).json()
    assert [one["status"] for one in answer["results"]] == ["created", "rejected", "rejected", "created", "unchanged"]
    assert [one["code"] for one in answer["results"][1:3]] == ["text-empty", "invalid-item"]
    assert [one["subject"] for one in (await admin.get(REPS)).json()["items"]] == ["ann", "ben"]
    again = (await admin.post(f"{REPS}/bulk", json={"items": items[3:4]})).json()
    assert again["counts"]["unchanged"] == 1
