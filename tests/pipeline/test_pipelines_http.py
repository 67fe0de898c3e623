"""Pipelines over HTTP, and the rules of stages that deals obey."""

from typing import Any

import httpx

from pipeline.calls import CLOSED, DEALS, OPEN, defined, done, move, moved, opened, refusal, shown
from pipeline.served import BASE, Selling

PIPELINES = f"{BASE}/pipelines"


async def test_the_default_pipeline_exists_without_being_defined(agent: httpx.AsyncClient) -> None:
    answer = await agent.get(f"{PIPELINES}/default")
    view = answer.json()
    assert (view["version"], view["definition_version"], view["status"]) == (0, 0, "live")
    assert [(one["id"], one["kind"]) for one in view["stages"]] == [
        ("prospecting", "open"),
        ("engaging", "open"),
        ("proposal", "open"),
        ("negotiation", "open"),
        ("won", "won"),
        ("lost", "lost"),
    ]
    assert refusal(await agent.get(f"{PIPELINES}/other")) == (404, "pipeline-not-found", None)


async def test_definitions_have_versions_and_the_same_again_is_none(admin: httpx.AsyncClient) -> None:
    body = {"name": "Other", "stages": [*OPEN, *CLOSED], "currency": "eur", "lost_reasons": ["price", "price"]}
    first = await admin.put(f"{PIPELINES}/other", json=body)
    assert (first.status_code, first.json()["status"]) == (200, "created")
    assert (await admin.put(f"{PIPELINES}/other", json=body)).json()["status"] == "unchanged"
    await admin.put(f"{PIPELINES}/other", json={**body, "name": "Another"})
    view = (await admin.get(f"{PIPELINES}/other")).json()
    assert (view["name"], view["definition_version"], view["currency"]) == ("Another", 2, "EUR")
    assert view["lost_reasons"] == ["price"]
    assert [(one["probability"], one["forecast_category"]) for one in view["stages"]] == [
        (10, "pipeline"),
        (40, "pipeline"),
        (70, "pipeline"),
        (100, "commit"),
        (0, "omitted"),
    ]


async def test_a_definition_that_contradicts_itself_is_refused_with_every_fault(admin: httpx.AsyncClient) -> None:
    stages: list[dict[str, Any]] = [
        {"id": "new", "required": ["amuont"], "from_stages": ["old"]},
        {"id": "new"},
        {"id": "won", "kind": "won", "probability": 90, "wip_limit": 3},
    ]
    answer = await admin.put(f"{PIPELINES}/other", json={"name": "Other", "stages": stages})
    assert refusal(answer)[:2] == (422, "pipeline-invalid")
    assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [
        ("stages[0].from_stages[0]", "unknown-stage"),
        ("stages[0].required[0]", "unknown-field"),
        ("stages[1].id", "repeated"),
        ("stages[2].probability", "fixed"),
        ("stages[2].wip_limit", "open-only"),
        ("stages", "no-lost-stage"),
    ]


async def test_only_an_administrator_defines_and_stages_keep_their_kind(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    body = {"name": "Other", "stages": [*OPEN, *CLOSED]}
    assert refusal(await agent.put(f"{PIPELINES}/other", json=body))[:2] == (403, "forbidden")
    await defined(admin)
    without = [*OPEN[1:], *CLOSED]
    await defined(admin, stages=without)
    answer = await admin.put(f"{PIPELINES}/other", json={**body, "stages": [*without, {"id": "new", "kind": "lost"}]})
    assert refusal(answer) == (409, "stage-kind-fixed", "stages[4].kind")


async def test_no_deals_enter_an_archived_pipeline_and_those_in_it_can_be_closed(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await defined(admin)
    deal = await opened(agent, pipeline_id="other")
    elsewhere = await opened(agent)
    await done(admin, f"{PIPELINES}/other/archive")
    answer = await agent.post(DEALS, json={"name": "A", "pipeline_id": "other"})
    assert refusal(answer) == (409, "pipeline-archived", "pipeline_id")
    answer = await move(agent, elsewhere, "new", pipeline_id="other")
    assert refusal(answer) == (409, "pipeline-archived", "pipeline_id")
    await moved(agent, deal, "demo")
    await done(agent, f"{DEALS}/{deal}/lose", reason="budget")
    await defined(admin)
    await opened(agent, pipeline_id="other")


async def test_stages_are_entered_as_their_rules_say(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    stages = [
        {"id": "new"},
        {"id": "demo", "skippable": False},
        {"id": "offer", "from_stages": ["demo"], "required": ["amount", "decision-maker", "attributes.budget"]},
        *CLOSED,
    ]
    await defined(admin, stages=stages)
    answer = await agent.post(DEALS, json={"name": "A", "pipeline_id": "other", "stage": "offer"})
    assert refusal(answer) == (409, "stage-entry-refused", "stage")
    deal = await opened(agent, pipeline_id="other")
    assert refusal(await move(agent, deal, "offer")) == (409, "stage-entry-refused", "to")
    won = await agent.post(f"{DEALS}/{deal}/win", json={"amount": 1, "currency": "EUR"})
    assert refusal(won) == (409, "stage-skipped", "stage")
    await moved(agent, deal, "demo")
    answer = await move(agent, deal, "offer")
    assert refusal(answer) == (409, "stage-needs-fields", "amount")
    assert [one["field"] for one in answer.json()["errors"]] == ["amount", "decision-maker", "attributes.budget"]
    await moved(agent, deal, "new")
    await done(agent, f"{DEALS}/{deal}/win", amount=1, currency="EUR")  # it was in the stage before
    lost = await opened(agent, pipeline_id="other")
    await done(agent, f"{DEALS}/{lost}/lose", reason="price")


async def test_only_movers_move_deals_into_a_stage(selling: Selling, admin: httpx.AsyncClient) -> None:
    await defined(admin, stages=[OPEN[0], {"id": "approved", "movers": ["managers"]}, *CLOSED])
    async with selling.client("agent") as agent, selling.client("agent", subject="boss", teams=("managers",)) as boss:
        deals = [await opened(agent, pipeline_id="other") for _ in range(2)]
        answer = await move(agent, deals[0], "approved")
        assert refusal(answer) == (403, "mover-not-allowed", "to")
        await moved(boss, deals[0], "approved")
        await moved(admin, deals[1], "approved")


async def test_a_stage_holds_no_more_deals_than_its_limit(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await defined(admin, stages=[{"id": "new"}, {"id": "demo", "wip_limit": 2}, *CLOSED])
    deals = [await opened(agent, pipeline_id="other") for _ in range(3)]
    for deal in deals[:2]:
        await moved(agent, deal, "demo")
    answer = await move(agent, deals[2], "demo")
    assert refusal(answer) == (409, "stage-full", None)
    assert (await shown(agent, deals[2]))["stage"] == "new"
    assert (
        refusal(await agent.post(DEALS, json={"name": "A", "pipeline_id": "other", "stage": "demo"}))[1] == "stage-full"
    )
    await done(agent, f"{DEALS}/{deals[0]}/lose", reason="price")
    await moved(agent, deals[2], "demo")
    assert refusal(await agent.post(f"{DEALS}/{deals[0]}/reopen", json={}))[:2] == (409, "stage-full")
    await done(agent, f"{DEALS}/{deals[1]}/archive")
    await done(agent, f"{DEALS}/{deals[0]}/reopen")


async def test_reasons_are_those_of_the_pipeline(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await defined(admin, lost_reasons=["price"], won_reasons=["quality"], won_reason_required=True)
    deal = await opened(agent, pipeline_id="other", amount=1, currency="EUR")
    for path, body, code in (
        ("lose", {"reason": "weather"}, "reason-unknown"),
        ("lose", {"reason": " "}, "reason-missing"),
        ("win", {}, "reason-missing"),
        ("win", {"reason": "price"}, "reason-unknown"),
    ):
        assert refusal(await agent.post(f"{DEALS}/{deal}/{path}", json=body)) == (422, code, "reason")
    await done(agent, f"{DEALS}/{deal}/win", reason="quality")
    amountless = await opened(agent, pipeline_id="other")
    answer = await agent.post(f"{DEALS}/{amountless}/win", json={"reason": "quality"})
    assert refusal(answer) == (422, "deal-amount-missing", "amount")


async def test_closed_deals_are_reopened_by_those_who_may_and_in_time(
    selling: Selling, agent: httpx.AsyncClient, other: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await defined(admin, reopen="owner", reopen_days=30)
    deal = await opened(agent, pipeline_id="other", occurred_at="2026-01-01T00:00:00Z")
    reopen = f"{DEALS}/{deal}/reopen"
    assert refusal(await agent.post(reopen, json={})) == (409, "deal-open", None)
    await done(agent, f"{DEALS}/{deal}/lose", reason="price", occurred_at="2026-01-02T00:00:00Z")
    assert refusal(await other.post(reopen, json={})) == (403, "reopen-not-allowed", None)
    late, soon = {"occurred_at": "2026-02-02T00:00:00Z"}, {"occurred_at": "2026-01-31T00:00:00Z"}
    assert refusal(await agent.post(reopen, json=late)) == (409, "reopen-too-late", None)
    before = await agent.post(reopen, json={"occurred_at": "2026-01-01T12:00:00Z"})
    assert refusal(before) == (409, "time-before-newest-stage", "occurred_at")
    await done(agent, reopen, **soon)
    await defined(admin, reopen="nobody")
    await done(agent, f"{DEALS}/{deal}/lose", reason="price")
    assert refusal(await admin.post(reopen, json={}))[1] == "reopen-not-allowed"
    assert await selling.size() > 0


async def test_a_new_limit_counts_the_deals_that_are_in_the_stage_already(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await defined(admin)
    deals = [await opened(agent, pipeline_id="other", stage="demo") for _ in range(4)]
    await moved(agent, deals[0], "new")
    await done(agent, f"{DEALS}/{deals[1]}/lose", reason="price")
    limited = [OPEN[0], {**OPEN[1], "wip_limit": 2}, OPEN[2], *CLOSED]
    for _ in range(2):  # a repetition counts again, and finds the same
        await defined(admin, stages=limited)
    assert refusal(await move(agent, deals[0], "demo"))[:2] == (409, "stage-full")
    await moved(agent, deals[2], "offer")
    await moved(agent, deals[0], "demo")
