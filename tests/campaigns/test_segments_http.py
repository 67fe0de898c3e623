"""Segments over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

from campaigns.served import BASE, Campaigns
from contacts.calls import refusal
from patron_campaigns.domain.segment_catalogue import CATALOGUE, CATALOGUE_ID
from patron_campaigns.domain.templates import TEMPLATES
from patron_events.catalog import campaigns as events
from patron_events.catalog.contacts import FieldDefined, FieldRetired
from patron_rules.checking import check

RULE = {"type": "field", "field": "country", "op": "eq", "value": "DE"}
ANN, BEN, UNKNOWN = (f"{number}e0bd8a4-57b5-4d2e-9b49-3c3f40d7ad63" for number in (1, 2, 9))


def using(*segments: str) -> dict[str, Any]:
    return {"type": "any", "rules": [{"type": "segment", "segment": one} for one in segments]}


async def created(client: httpx.AsyncClient, name: str, rule: Any = RULE, kind: str = "dynamic") -> str:
    body = {"kind": kind, "name": name, **({} if rule is None else {"rule": rule})}
    answer = await client.post(BASE, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def shown(client: httpx.AsyncClient, segment: str) -> dict[str, Any]:
    answer = await client.get(f"{BASE}/{segment}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_segment_is_defined_and_read(agent: httpx.AsyncClient) -> None:
    used = await created(agent, "  Germans ")
    answer = await agent.post(BASE, json={"kind": "snapshot", "name": "Some", "description": "x", "rule": using(used)})
    assert (answer.status_code, answer.json()["status"]) == (201, "created")
    segment = answer.json()["id"]
    view = await shown(agent, segment)
    times = {view.pop(name) for name in ("created_at", "updated_at", "snapshot_at")}
    assert len(times) == 1
    assert view == {
        "id": segment,
        "version": 1,
        "status": "live",
        "kind": "snapshot",
        "name": "Some",
        "description": "x",
        "rule": using(used),
        "rule_version": 1,
        "uses": [used],
        "used_by": [],
        "included": 0,
        "excluded": 0,
        "snapshot_rule_version": 1,
    }
    assert (await shown(agent, used))["used_by"] == [segment]
    assert (await agent.get(BASE)).json()["items"] == [
        {"id": used, "name": "Germans", "uses": [], "used_by": [segment]},
        {"id": segment, "name": "Some", "uses": [used], "used_by": []},
    ]


async def test_a_repeated_request_changes_nothing(agent: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"kind": "static", "name": "Friends"}
    answers = [await agent.post(BASE, json=body, headers=key) for _ in range(3)]
    assert len({(one.status_code, one.text) for one in answers}) == 1
    other = await agent.post(BASE, json={**body, "name": "Enemies"}, headers=key)
    assert refusal(other)[:2] == (422, "idempotency-key-reused")


async def test_what_changed_is_recorded_under_the_version_that_was_seen(agent: httpx.AsyncClient) -> None:
    segment = await created(agent, "Germans")
    stale, seen = ({"If-Match": f'"{version}"'} for version in (7, 1))
    assert refusal(await agent.patch(f"{BASE}/{segment}", json={"name": "X"}, headers=stale))[0] == 412
    french = {"name": "French", "rule": {**RULE, "value": "FR"}}
    answer = await agent.patch(f"{BASE}/{segment}", json=french, headers=seen)
    assert (answer.json()["version"], answer.headers["ETag"]) == (2, '"2"')
    again = await agent.patch(f"{BASE}/{segment}", json=french)
    assert (again.json()["status"], again.json()["version"]) == ("unchanged", 2)
    view = await shown(agent, segment)
    assert (view["name"], view["rule_version"], view["rule"]["value"]) == ("French", 2, "FR")


async def test_definitions_that_contradict_themselves_are_refused(agent: httpx.AsyncClient) -> None:
    async def post(**body: Any) -> tuple[int, str, str | None]:
        return refusal(await agent.post(BASE, json={"kind": "dynamic", "name": "A", **body}))

    segment = await created(agent, "Germans")
    assert await post() == (422, "rule-needed", "rule")
    assert await post(kind="static", rule=RULE) == (422, "rule-not-allowed", "rule")
    assert await post(name=" ", rule=RULE) == (422, "segment-name-missing", "name")
    assert await post(name="GERMANS", rule=RULE) == (409, "segment-name-taken", "name")
    assert await post(rule=using(segment, UNKNOWN)) == (422, "unknown-segment", "rule.rules[1].segment")
    assert await post(kind="other", rule=RULE) == (422, "invalid-request", "kind")
    patched = await agent.patch(f"{BASE}/{segment}", json={"rule": None})
    assert refusal(patched) == (422, "rule-needed", "rule")
    patched = await agent.patch(f"{BASE}/{segment}", json={"rule": using(segment)})
    assert refusal(patched) == (422, "segment-cycle", "rule.rules[0].segment")
    assert refusal(await agent.get(f"{BASE}/{UNKNOWN}")) == (404, "segment-not-found", None)


async def test_every_fault_of_a_rule_is_named(agent: httpx.AsyncClient) -> None:
    rule = {"type": "all", "rules": [{**RULE, "field": "countri"}, {**RULE, "op": "gt"}]}
    answer = await agent.post(BASE, json={"kind": "dynamic", "name": "A", "rule": rule})
    assert refusal(answer) == (422, "rule-invalid", "rule.rules[0].field")
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
        ("rule.rules[0].field", "unknown-field"),
        ("rule.rules[1].op", "operator-not-allowed"),
    ]


async def test_the_deepest_rule_is_taken(agent: httpx.AsyncClient) -> None:
    rule: dict[str, Any] = {
        "type": "measure",
        "measure": "count",
        "facts": {"fact": "purchase", "where": [{"field": "sku", "op": "has-any", "value": ["A"]}]},
        "op": "gt",
        "value": 0,
    }
    for _ in range(19):
        rule = {"type": "all", "rules": [rule]}
    segment = await created(agent, "Deep", rule)
    assert (await shown(agent, segment))["rule"] == rule


async def test_a_used_segment_is_not_archived(agent: httpx.AsyncClient) -> None:
    used = await created(agent, "Used")
    user = await created(agent, "User", using(used))
    answer = await agent.post(f"{BASE}/{used}/archive")
    assert refusal(answer)[:2] == (409, "segment-in-use")
    assert "User" in answer.json()["detail"]
    assert (await agent.post(f"{BASE}/{user}/archive")).json()["status"] == "updated"
    assert (await agent.post(f"{BASE}/{user}/archive")).json()["status"] == "unchanged"
    assert (await agent.post(f"{BASE}/{used}/archive")).json()["status"] == "updated"
    assert (await shown(agent, used))["status"] == "archived"
    assert (await agent.get(BASE)).json() == {"items": []}
    assert refusal(await agent.patch(f"{BASE}/{used}", json={"name": "X"}))[:2] == (409, "segment-archived")
    await created(agent, "used")


async def test_customers_are_put_in_and_left_out_by_hand(agent: httpx.AsyncClient) -> None:
    segment = await created(agent, "Friends", None, "static")

    async def put(how: str, *ids: str) -> tuple[str, int, int]:
        answer = await agent.post(f"{BASE}/{segment}/{how}", json={"customer_ids": list(ids)})
        view = await shown(agent, segment)
        return answer.json()["status"], view["included"], view["excluded"]

    assert await put("include", ANN, BEN, ANN) == ("updated", 2, 0)
    assert await put("include", ANN) == ("unchanged", 2, 0)
    assert await put("exclude", ANN) == ("updated", 1, 1)
    assert await put("release", ANN, BEN) == ("updated", 0, 0)
    many = await agent.post(f"{BASE}/{segment}/include", json={"customer_ids": [ANN] * 10_001})
    assert refusal(many)[:2] == (422, "invalid-request")
    names = await agent.post(f"{BASE}/{segment}/include", json={"customer_ids": ["ann"]})
    assert refusal(names)[2] == "customer_ids[0]"


async def test_ten_thousand_customers_fit_into_a_request(agent: httpx.AsyncClient) -> None:
    segment = await created(agent, "Friends", None, "static")
    ids = [f"{number:08x}-57b5-4d2e-9b49-3c3f40d7ad63" for number in range(10_000)]
    answer = await agent.post(f"{BASE}/{segment}/include", json={"customer_ids": ids, "reason": "fair"})
    assert answer.status_code == 200, answer.text
    assert (await shown(agent, segment))["included"] == 10_000


async def test_a_snapshot_is_taken_anew(agent: httpx.AsyncClient) -> None:
    segment = await created(agent, "Then", kind="snapshot")
    await agent.patch(f"{BASE}/{segment}", json={"rule": {**RULE, "value": "FR"}})
    assert (await shown(agent, segment))["snapshot_rule_version"] == 1
    assert (await agent.post(f"{BASE}/{segment}/snapshot")).json()["status"] == "updated"
    assert (await shown(agent, segment))["snapshot_rule_version"] == 2
    dynamic = await created(agent, "Always")
    assert refusal(await agent.post(f"{BASE}/{dynamic}/snapshot"))[:2] == (409, "segment-not-snapshot")


async def test_rules_are_checked_without_being_saved(agent: httpx.AsyncClient) -> None:
    async def check_of(rule: Any, **more: Any) -> dict[str, Any]:
        return (await agent.post(f"{BASE}/check", json={"rule": rule, **more})).json()

    used = await created(agent, "Used")
    user = await created(agent, "User", using(used))
    assert await check_of({"type": "all", "rules": [RULE, using(used)]}) == {
        "ok": True,
        "looks_at": {
            "profile": ["country"],
            "company": [],
            "facts": [],
            "rfm": False,
            "clock": False,
            "personal": True,
        },
        "uses": [{"id": used, "name": "Used"}],
        "problems": [],
    }
    assert [(one["path"], one["code"]) for one in (await check_of(5))["problems"]] == [("$", "wrong-type")]
    assert [(one["path"], one["code"]) for one in (await check_of(using(used, UNKNOWN)))["problems"]] == [
        ("$.rules[1].segment", "unknown-segment")
    ]
    assert [one["code"] for one in (await check_of(using(user), segment=used))["problems"]] == ["segment-cycle"]


async def test_custom_fields_are_those_of_the_contacts(campaigns: Campaigns, agent: httpx.AsyncClient) -> None:
    rule = {"type": "field", "field": "custom.plan", "op": "eq", "value": "pro"}
    company = {"type": "field", "field": "company.custom.tier", "op": "gt", "value": 2}

    async def codes() -> list[str]:
        document = {"type": "all", "rules": [rule, company]}
        return [one["code"] for one in (await agent.post(f"{BASE}/check", json={"rule": document})).json()["problems"]]

    assert await codes() == ["unknown-field", "unknown-field"]
    await campaigns.defined("people", FieldDefined(name="plan", type="enum", options=("basic", "pro")))
    await campaigns.defined("companies", FieldDefined(name="tier", type="integer"))
    assert await codes() == []
    await campaigns.defined("people", FieldRetired(name="plan"))
    async with campaigns.client("agent") as fresh:
        answer = await fresh.post(BASE, json={"kind": "dynamic", "name": "Pro", "rule": rule})
        assert [one["code"] for one in answer.json()["errors"]] == ["unknown-field"]


async def test_every_template_is_a_rule(agent: httpx.AsyncClient) -> None:
    items = (await agent.get(f"{BASE}/templates")).json()["items"]
    assert [one["id"] for one in items] == [one.id for one in TEMPLATES]
    for one in items:
        check(one["rule"])
        await created(agent, one["name"], one["rule"])


@pytest.mark.parametrize("path", ["", f"/{ANN}/archive", f"/{ANN}/include"])
async def test_readers_do_not_write(campaigns: Campaigns, path: str) -> None:
    async with campaigns.client("reader") as reader:
        assert refusal(await reader.post(BASE + path, json={}))[:2] == (403, "forbidden")
        assert (await reader.get(BASE)).status_code == 200


async def test_of_two_changes_that_make_a_cycle_one_wins(
    campaigns: Campaigns, agent: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    for number in range(20):
        one, two = await created(agent, f"One {number}"), await created(other, f"Two {number}")
        answers = await asyncio.gather(
            agent.patch(f"{BASE}/{one}", json={"rule": using(two)}),
            other.patch(f"{BASE}/{two}", json={"rule": using(one)}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        assert [refusal(answer)[1] for answer in answers if answer.status_code == 422] == ["segment-cycle"]


async def test_the_catalogue_says_what_the_segments_say(campaigns: Campaigns, agent: httpx.AsyncClient) -> None:
    one = await created(agent, "One")
    two = await created(agent, "Two", using(one))
    await agent.patch(f"{BASE}/{two}", json={"description": "more"})
    await agent.patch(f"{BASE}/{two}", json={"name": "Three", "rule": RULE})
    await agent.post(f"{BASE}/{one}/archive")
    assert await campaigns.facts(CATALOGUE, CATALOGUE_ID) == [
        events.SegmentListed(segment_id=one, name="One"),
        events.SegmentListed(segment_id=two, name="Two", uses=(one,)),
        events.SegmentListed(segment_id=two, name="Three"),
        events.SegmentUnlisted(segment_id=one),
    ]
