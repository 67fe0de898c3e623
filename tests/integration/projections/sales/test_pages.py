"""Pages of the pipeline context: lists, the board, work and the inbox, over real rows."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from patron_events.catalog.pipeline import activities, deals, leads, settings
from patron_projections.sales.models import SALES
from projections_http import Queries, client
from read_side import ReadSide
from sales_history import SalesHistory
from sales_log import day


@pytest.fixture
async def queries(database_url: str, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(database_url, tmp_path):
        yield one


async def test_a_board_has_a_column_per_stage_with_sums_and_its_first_cards(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.settings()
    await log.say("rates", "usd", settings.ExchangeRateSet("USD", "EUR", log.now.date(), "0.8"))
    dates = [day(f"2024-06-{number:02}").date() for number in (3, 1, 2)]
    for number, close in enumerate(dates):
        deal = await log.deal((deals.DealValued((number + 1) * 100_00, "USD"), log.now), stage="offer")
        await log.say("deal", deal, deals.DealExpected(close), deals.DealOwned("ann"))
    euro = await log.deal((deals.DealValued(80_00, "EUR"), log.now), stage="offer")
    rotten = await log.deal((deals.DealValued(1_00, "USD"), day("2023-06-01")), stage="engaging")
    won = await log.deal((deals.DealValued(7_00, "USD"), day("2023-06-01")), stage="engaging")
    await log.say("deal", won, deals.DealWon("won", "engaging", 9_00, "USD"))
    planned = activities.ActivityPlanned("call", deal_id=euro)
    await log.begin("activity", log.planned, planned, activities.ActivityScheduled(log.now + timedelta(days=1)))
    async with side.worker(models=SALES):
        await side.caught_up(log.last, models=SALES)
    moment = (log.now + timedelta(seconds=1)).isoformat()
    for clocks in ({}, {"as_of": moment, "known_at": moment}):
        board = await queries.answer("/pipelines/default/board", limit=2, closed_days=366, currency="USD", **clocks)
        columns = {column["stage"]: column for column in board["columns"]}
        assert list(columns) == ["prospecting", "engaging", "offer", "won", "lost"]
        offer = columns["offer"]
        assert (offer["deals"], offer["without_activity"], offer["over_limit"]) == (4, 3, False)
        assert [(one["amount"], one["currency"]) for one in offer["sums"]] == [("80.00", "EUR"), ("600.00", "USD")]
        assert offer["total"]["amount"] == {"amount": "700.00", "currency": "USD"}
        assert [(one["currency"], one["rate"], one["day"]) for one in offer["total"]["rates"]] == [
            ("EUR", "0.8", "2024-03-01")
        ]
        assert [card["expected_close"] for card in offer["cards"]] == ["2024-06-01", "2024-06-02"]
        assert columns["engaging"]["rotting"] == 1
        assert columns["engaging"]["cards"][0]["id"] == rotten
        rest = await queries.answer("/deals", limit=2, **offer["next"], **clocks)
        assert [item["expected_close"] for item in rest["items"]] == ["2024-06-03", None]
        assert rest["next_cursor"] is None


async def test_the_built_in_pipeline_has_a_board_before_anybody_defines_it(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.deal((deals.DealValued(100, "USD"), log.now), stage="proposal")
    async with side.worker(models=SALES):
        await side.caught_up(log.last, models=SALES)
    board = await queries.answer("/pipelines/default/board")
    standing = {column["stage"]: column["deals"] for column in board["columns"]}
    assert standing == {"prospecting": 0, "engaging": 0, "proposal": 1, "negotiation": 0, "won": 0, "lost": 0}
    assert await queries.refusal("/pipelines/other/board") == (404, "pipeline-not-found", None)
    assert [one["id"] for one in await queries.items("/pipelines")] == ["default"]


async def test_work_tells_what_is_due_what_was_left_and_which_leads_wait(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.settings()

    async def plan(at: timedelta | None, deal_id: str | None = None) -> str:
        planned = activities.ActivityPlanned("call", deal_id=deal_id)
        due = activities.ActivityScheduled(due_at=None if at is None else log.now + at)
        return await log.begin("activity", log.planned, planned, activities.ActivityAssigned("ann"), due)

    late, soon, later = await plan(timedelta(hours=-1)), await plan(timedelta(hours=2)), await plan(timedelta(days=2))
    undated = await plan(None)
    done = await plan(timedelta(hours=-2))
    await log.say("activity", done, activities.ActivityCompleted(outcome="reached"))
    idle = await log.deal((deals.DealOwned("ann"), log.now))
    busy = await log.deal((deals.DealOwned("ann"), log.now))
    await plan(timedelta(days=30), deal_id=busy)
    fresh, left = await log.lead(), await log.lead()
    for lead in (fresh, left):
        assigned = leads.LeadAssigned(owner="ann", strategy="rep")
        await log.say("lead", lead, assigned, leads.LeadStatusChanged(to="assigned", was="new"))
    await log.say("lead", left, leads.LeadStatusChanged(to="working", was="assigned"))
    waiting = await log.lead()
    async with side.worker(models=SALES):
        await side.caught_up(log.last, models=SALES)

    def ids(section: dict[str, Any]) -> list[str]:
        assert section["number"] == len(section["items"])
        return [item["id"] for item in section["items"]]

    moment = (log.now + timedelta(minutes=1)).isoformat()
    work = await queries.answer("/work", owner="ann", as_of=moment, time_zone="UTC")
    found = {name: ids(work[name]) for name in ("overdue", "due_today", "coming", "without_date")}
    assert found == {"overdue": [late], "due_today": [soon], "coming": [later], "without_date": [undated]}
    assert ids(work["deals_without_next_step"]) == [idle]
    assert ids(work["leads_new"]) == [fresh]
    assert ids(work["leads_stale"]) == []
    now = await queries.answer("/work", owner="ann")
    assert now["time_zone"] == "Europe/Berlin"
    assert ids(now["overdue"])[-1] in log.planned
    assert sorted(ids(now["leads_stale"])) == sorted([fresh, left])
    section = now["deals_without_next_step"]["list"]
    assert [one["id"] for one in await queries.items("/deals", filter=section["filter"], sort=section["sort"])] == [
        idle
    ]
    inbox = await queries.answer("/leads/inbox")
    assert (ids(inbox["unassigned"]), ids(inbox["not_begun"])) == ([waiting], [fresh])
    assert inbox["queues"][0]["leads"] == 1
    assert await queries.refusal("/work", time_zone="Mars/Base") == (422, "time-zone-unknown", "time_zone")


async def test_the_inbox_counts_by_queue_what_its_filters_let_through(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    waiting = {source: [await log.lead() for _ in range(number)] for source, number in (("fair", 2), ("web", 3))}
    for source, several in waiting.items():
        for lead in several:
            queued = leads.LeadAssigned(owner=None, queue="west", strategy="queue")
            await log.say("lead", lead, leads.LeadProfiled(company_name=source), queued)
    async with side.worker(models=SALES):
        await side.caught_up(log.last, models=SALES)
    for asked, number in (({}, 5), ({"filter": "company_name:eq:fair"}, 2), ({"filter": "company_name:eq:none"}, 0)):
        inbox = await queries.answer("/leads/inbox", **asked)
        assert sum(queue["leads"] for queue in inbox["queues"]) == inbox["unassigned"]["number"] == number
