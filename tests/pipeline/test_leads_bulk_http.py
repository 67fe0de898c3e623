"""Many leads at once over HTTP: each for itself, with its past, and safe to import again."""

from typing import Any

import httpx

from patron_pipeline.domain.lead import LEAD
from patron_values.keys import person_of_lead
from pipeline.served import BASE, Selling

BULK = f"{BASE}/leads/bulk"


async def sent(client: httpx.AsyncClient, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    answer = await client.post(BULK, json={"items": items, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def own(number: int) -> dict[str, str]:
    return {"source": "bank", "id": str(number)}


async def test_every_item_is_answered_by_itself(agent: httpx.AsyncClient) -> None:
    items: list[dict[str, Any]] = [
        {"external_id": own(1), "email": "grace@example.org"},
        {"external_id": own(2), "email": "nobody"},
        {"external_id": own(1), "email": "ada@example.org"},
        {"colour": "red"},
        {},
    ]
    answer = await sent(agent, items)
    statuses = [(one["status"], one.get("code")) for one in answer["results"]]
    assert statuses == [
        ("created", None),
        ("rejected", "email-invalid"),
        ("duplicate", "repeated-in-request"),
        ("rejected", "invalid-item"),
        ("rejected", "lead-empty"),
    ]
    assert answer["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "duplicate": 1, "rejected": 3}


async def test_importing_again_changes_nothing_and_more_changes_that(agent: httpx.AsyncClient) -> None:
    items: list[dict[str, Any]] = [
        {
            "external_id": own(number),
            "captured_at": "2008-05-01T00:00:00Z",
            "closed_at": "2008-05-01T00:00:00Z",
            "status": "dead" if number % 2 else "qualified",
            "attributes": {"calls": number},
            **({"reason": "declined"} if number % 2 else {}),
        }
        for number in range(1_200)
    ]
    assert (await sent(agent, items))["counts"]["created"] == 1_200
    assert (await sent(agent, items))["counts"]["unchanged"] == 1_200
    items[7]["attributes"] = {"calls": 0}
    again = await sent(agent, items)
    assert (again["counts"]["updated"], again["counts"]["unchanged"]) == (1, 1_199)
    shown = (await agent.get(f"{BASE}/leads/{again['results'][7]['id']}")).json()
    assert (shown["status"], shown["reason"], shown["channel"]) == ("dead", "declined", "file")
    assert (shown["captured_at"], shown["status_since"]) == ("2008-05-01T00:00:00Z",) * 2


async def test_a_history_is_recorded_at_its_own_dates(agent: httpx.AsyncClient, selling: Selling) -> None:
    item = {
        "external_id": own(1),
        "company_name": "Acme",
        "captured_at": "2017-01-01T00:00:00Z",
        "history": [
            {"at": "2017-01-02T00:00:00Z", "owner": "bob"},
            {"at": "2017-01-03T00:00:00Z", "to": "working"},
        ],
        "status": "converted",
        "closed_at": "2017-02-01T00:00:00Z",
    }
    (made,) = (await sent(agent, [item]))["results"]
    told = await selling.history(LEAD, made["id"])
    history = [(type(one.fact).__name__, one.occurred_at.date().isoformat()) for one in told]
    assert history == [
        ("LeadCaptured", "2017-01-01"),
        ("LeadProfiled", "2017-01-01"),
        ("LeadAssigned", "2017-01-02"),
        ("LeadStatusChanged", "2017-01-02"),
        ("LeadStatusChanged", "2017-01-03"),
        ("LeadConverted", "2017-02-01"),
    ]
    shown = (await agent.get(f"{BASE}/leads/{made['id']}")).json()
    assert shown["conversion"]["person_id"] == person_of_lead(made["id"])
    assert (await sent(agent, [item]))["counts"]["unchanged"] == 1


async def test_a_wrong_step_is_blamed_and_its_lead_not_recorded(agent: httpx.AsyncClient, selling: Selling) -> None:
    steps: list[tuple[dict[str, Any], str, str]] = [
        ({"to": "dead"}, "lead-reason-missing", "history[0].reason"),
        ({"to": "working", "at": "2016-01-01T00:00:00Z"}, "lead-out-of-order", "history[0].at"),
        ({"to": "working", "at": "yesterday"}, "time-invalid", "history[0].at"),
    ]
    captured = {"email": "grace@example.org", "captured_at": "2017-01-01T00:00:00Z"}
    results = (await sent(agent, [{**captured, "history": [step]} for step, _, _ in steps]))["results"]
    assert [(one["code"], one["field"]) for one in results] == [(code, field) for _, code, field in steps]
    assert await selling.size() == 0


async def test_a_dry_run_tells_the_same_and_records_nothing(agent: httpx.AsyncClient, selling: Selling) -> None:
    items = [{"external_id": own(1), "email": "grace@example.org"}, {}]
    told = await sent(agent, items, dry_run=True)
    assert ([one["status"] for one in told["results"]], told["position"]) == (["created", "rejected"], None)
    assert await selling.size() == 0


async def test_repeating_a_request_with_its_key_tells_the_same(agent: httpx.AsyncClient) -> None:
    body = {"items": [{"email": "grace@example.org"}, {"external_id": own(1)}]}
    first, second = [(await agent.post(BULK, json=body, headers={"Idempotency-Key": "k"})).json() for _ in range(2)]
    assert first["results"] == second["results"]
