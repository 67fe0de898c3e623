"""Rules over HTTP: drafted, published, rolled back, tried on leads and on history."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contacts.calls import refusal
from pipeline.served import BASE, Selling

RULES = f"{BASE}/rules"
INBOX: dict[str, Any] = {"strategy": "queue", "queue": "inbox"}
EVERYBODY: dict[str, Any] = {
    "rules": [{"id": "all", "to": {"strategy": "round-robin", "team": "emea"}}],
    "fallback": INBOX,
}
BIG = {"type": "field", "field": "employees", "op": "gte", "value": 100}
SCORE: dict[str, Any] = {
    "rules": [{"id": "big", "points": 20, "when": BIG}],
    "grades": [{"grade": "A", "at_least": 10}, {"grade": "B", "at_least": 0}],
}


@pytest.fixture
async def admin(selling: Selling) -> AsyncIterator[httpx.AsyncClient]:
    async with selling.client("admin") as client:
        for subject in ("ann", "ben"):
            answer = await client.post(f"{BASE}/reps", json={"subject": subject, "team": "emea"})
            assert answer.status_code < 300, answer.text
        yield client


async def drafted(client: httpx.AsyncClient, name: str, document: dict[str, Any]) -> None:
    answer = await client.post(f"{RULES}/{name}/drafts", json={"document": document, "note": "n"})
    assert answer.status_code == 201, answer.text


async def test_rules_are_drafted_published_and_rolled_back(admin: httpx.AsyncClient) -> None:
    await drafted(admin, "assignment", EVERYBODY)
    assert (await admin.get(f"{RULES}/assignment")).json()["in_force"] is None
    assert refusal(await admin.post(f"{RULES}/assignment/rollback"))[:2] == (409, "rules-unpublished")
    assert (await admin.post(f"{RULES}/assignment/publish", json={})).status_code == 200
    await drafted(admin, "assignment", {"rules": [], "fallback": INBOX})
    assert refusal(await admin.post(f"{RULES}/assignment/publish", json={"version": 7}))[:2] == (
        404,
        "rules-version-not-found",
    )
    assert (await admin.post(f"{RULES}/assignment/publish", json={"version": 2})).status_code == 200
    view = (await admin.get(f"{RULES}/assignment")).json()
    assert [(one["version"], one["in_force"], one["note"]) for one in view["versions"]] == [
        (1, False, "n"),
        (2, True, "n"),
    ]
    assert view["versions"][0]["document"] == EVERYBODY
    assert (await admin.post(f"{RULES}/assignment/rollback")).status_code == 200
    assert (await admin.get(f"{RULES}/assignment")).json()["in_force"] == 1
    assert refusal(await admin.post(f"{RULES}/assignment/rollback"))[:2] == (409, "rules-nothing-to-roll-back")
    assert [one["name"] for one in (await admin.get(RULES)).json()["items"]] == ["assignment", "score"]
    assert refusal(await admin.get(f"{RULES}/luck"))[:2] == (404, "rules-not-found")


async def test_every_fault_of_a_document_is_told_with_its_place(admin: httpx.AsyncClient) -> None:
    wrong = {
        "rules": [
            {"id": "a", "to": {"strategy": "rep", "rep": "zoe"}},
            {"id": "b", "to": {"strategy": "round-robin", "team": "apac"}},
        ],
        "fallback": INBOX,
    }
    answer = await admin.post(f"{RULES}/assignment/drafts", json={"document": wrong})
    assert refusal(answer) == (422, "rules-invalid", "document.rules[0].to.rep")
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
        ("document.rules[0].to.rep", "unknown-rep"),
        ("document.rules[1].to.team", "unknown-team"),
    ]
    answer = await admin.post(f"{RULES}/score/drafts", json={"document": {"rules": [{"id": "a"}]}})
    assert refusal(answer) == (422, "rules-invalid", "document.rules[0]")


async def test_only_admins_change_rules(selling: Selling) -> None:
    async with selling.client("agent") as agent:
        assert (await agent.post(f"{RULES}/score/drafts", json={"document": SCORE})).status_code == 403
        assert (await agent.get(f"{RULES}/score")).json() == {"name": "score", "in_force": None, "versions": []}


async def test_rules_are_tried_on_a_described_lead(admin: httpx.AsyncClient) -> None:
    lead = {"country": "DE", "employees": 120, "email": "Ada@Acme.example", "attributes": {"plan": "pro"}}
    answer = await admin.post(f"{RULES}/assignment/try", json={"document": EVERYBODY, "lead": lead})
    assert answer.status_code == 200, answer.text
    assert answer.json()["owner"] == "ann"
    assert answer.json()["why"] == "every lead: next in turn of 2 in team emea"
    answer = await admin.post(f"{RULES}/score/try", json={"document": SCORE, "lead": lead})
    assert (answer.json()["score"], answer.json()["grade"], answer.json()["parts"]) == (
        "20",
        "A",
        [{"rule": "big", "points": "20", "of": "20", "at": None}],
    )
    assert refusal(await admin.post(f"{RULES}/score/try", json={"lead": lead}))[:2] == (409, "rules-unpublished")
    for described, place in (({"employees": "many"}, "lead.employees"), ({"x": 1}, "lead.x")):
        answer = await admin.post(f"{RULES}/score/try", json={"document": SCORE, "lead": described})
        assert refusal(answer) == (422, "lead-unclear", place)
    answer = await admin.post(f"{RULES}/score/try", json={"document": SCORE})
    assert refusal(answer) == (422, "lead-unclear", "lead")


async def test_rules_are_tried_on_history(admin: httpx.AsyncClient) -> None:
    leads = [
        (await admin.post(f"{BASE}/leads", json={"family_name": f"L{number}", "employees": number * 60})).json()["id"]
        for number in range(4)
    ]
    for lead in leads[:2]:
        answer = await admin.post(f"{BASE}/leads/{lead}/assignment", json={"owner": "ann"})
        assert answer.status_code == 200, answer.text
    await admin.post(f"{BASE}/leads/{leads[3]}/status", json={"to": "dead", "reason": "no-budget"})
    asked = {"document": EVERYBODY, "since": "2020-01-01T00:00:00Z"}
    answer = await admin.post(f"{RULES}/assignment/backtest", json=asked)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["leads"], found["changed"], found["by_rule"]) == (4, 3, [{"rule": "all", "leads": 4}])
    assert found["shares"] == [
        {"owner": "ann", "was": 2, "would": 2},
        {"owner": "ben", "was": 0, "would": 2},
        {"owner": "nobody", "was": 2, "would": 0},
    ]
    assert found["differences"][0] == {"lead_id": leads[1], "was": "ann", "would": "ben", "rule": "all"}
    answer = await admin.post(f"{RULES}/score/backtest", json={**asked, "document": SCORE})
    found = answer.json()
    assert found["grades"] == [
        {"grade": "A", "open": 1, "converted": 0, "dead": 1},
        {"grade": "B", "open": 2, "converted": 0, "dead": 0},
    ]
    assert found["average"] == {"open": "6.67", "converted": None, "dead": "20.00"}
    later = await admin.post(
        f"{RULES}/score/backtest", json={**asked, "document": SCORE, "since": "2999-01-01T00:00:00Z"}
    )
    assert later.json()["leads"] == 0
