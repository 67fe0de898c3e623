"""What happened in the pipeline context, in the histories of customers, deals and leads, and in open work."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from customer_log import CustomerLog
from patron_events.catalog import contacts
from patron_events.catalog.pipeline import activities, deals, leads
from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from patron_projections.sales.models import SALES
from projections_http import Queries, client
from read_side import ReadSide
from sales_history import SalesHistory
from sales_log import Told


@pytest.fixture
async def queries(database_url: str, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(database_url, tmp_path):
        yield one


@pytest.fixture
async def person(database_url: str) -> str:
    """Give somebody whom the contacts context knows, with one call."""
    log = CustomerLog(store := MemoryStore(), MemoryVault())
    person = await log.person()
    call = contacts.InteractionLogged(interaction_id="i", kind="call", subject="First call")
    await log.record("activity", person, call)
    side = ReadSide(database_url, store, store, log.vault)
    async with side.worker():
        await side.caught_up(log.last)
    return person


class Sold(NamedTuple):
    """What was sold to somebody: ids, and a moment before the deal was won."""

    person: str
    deal: str
    other: str
    lead: str
    activity: str
    before: datetime


@pytest.fixture
async def sold(log: SalesHistory, side: ReadSide, person: str) -> Sold:
    """Record a deal that is won, a lead, an activity and a quote of somebody, and a deal of nobody."""
    people = (deals.DealPerson(person, "champion", primary=True),)
    deal = await log.deal((deals.DealCustomerChanged(people=people), log.now), (deals.DealValued(5_00, "USD"), log.now))
    other = await log.deal((deals.DealValued(5_00, "USD"), log.now))
    lead = await log.lead()
    await log.say("lead", lead, leads.LeadMatched(person_id=person))
    planned = activities.ActivityPlanned("call", deal_id=deal)
    due = activities.ActivityScheduled(log.now + timedelta(days=1))
    activity = await log.begin("activity", log.planned, planned, due)
    await log.quote(deal)
    won_at = log.now + timedelta(hours=2)
    await log.told(Told("deal", deal, [(deals.DealWon("won", "engaging", 5_00, "USD"), won_at)]))
    await caught_up(log, side)
    return Sold(person, deal, other, lead, activity, won_at - timedelta(hours=1))


async def caught_up(log: SalesHistory, side: ReadSide) -> None:
    async with side.worker(models=SALES):
        await side.caught_up(log.last, models=SALES)


def types(items: list[dict[str, Any]]) -> list[str]:
    return [item["type"].removeprefix("pipeline.") for item in items if item["type"].startswith("pipeline.")]


async def test_a_customer_s_history_shows_deals_leads_activities_and_quotes(sold: Sold, queries: Queries) -> None:
    whole = await queries.every(f"/timeline/{sold.person}", limit=3)
    assert len({item["id"] for item in whole}) == len(whole)
    assert [item["occurred_at"] for item in whole] == sorted((one["occurred_at"] for one in whole), reverse=True)
    assert {"deal-won", "lead-captured", "activity-planned", "quote-drafted"} <= {*types(whole)}
    assert [item["summary"] for item in whole if item["type"] == "contacts.interaction-logged"] == ["First call"]
    assert sold.other not in {item["record"]["id"] for item in whole}
    assert types(await queries.items(f"/timeline/{sold.person}", type="deal-won")) == ["deal-won"]
    then = {"type": "deal-won", "as_of": sold.before.isoformat()}
    assert await queries.items(f"/timeline/{sold.person}", **then) == []


async def test_a_deal_and_a_lead_have_histories_of_their_own(sold: Sold, queries: Queries) -> None:
    of_deal = types(await queries.every(f"/deals/{sold.deal}/timeline", limit=2, order="oldest"))
    assert {"deal-opened", "activity-planned", "quote-drafted", "deal-won"} <= {*of_deal}
    assert types(await queries.items(f"/leads/{sold.lead}/timeline", type="lead-matched")) == ["lead-matched"]
    assert (await queries.refusal(f"/deals/{sold.lead}/timeline"))[:2] == (404, "record-not-found")
    shown = await queries.answer(f"/deals/{sold.deal}")
    assert [(stay["stage"], stay["left_how"]) for stay in shown["stays"]] == [("engaging", "won"), ("won", None)]
    assert shown["people"][0]["name"] is not None
    assert [one["status"] for one in shown["quotes"]] == ["draft"]
    assert (await queries.answer(f"/leads/{sold.lead}"))["person_id"] == sold.person


async def test_a_customer_s_open_work_is_that_of_any_moment(sold: Sold, queries: Queries) -> None:
    work = (await queries.answer(f"/customers/{sold.person}"))["open_work"]
    assert work["deals"] == {"number": 0, "first": []}
    assert [one["id"] for one in work["leads"]["first"]] == [sold.lead]
    assert [one["id"] for one in work["activities"]["first"]] == [sold.activity]
    then = await queries.answer(f"/customers/{sold.person}", as_of=sold.before.isoformat())
    assert [one["id"] for one in then["open_work"]["deals"]["first"]] == [sold.deal]


async def test_what_was_erased_is_no_open_work_and_leaves_no_words_in_histories(
    sold: Sold, log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    assert "Zoë" in str(await queries.every(f"/timeline/{sold.person}"))
    await log.erase(sold.lead, "lead")
    await log.erase(sold.activity, "activity")
    await caught_up(log, side)
    work = (await queries.answer(f"/customers/{sold.person}"))["open_work"]
    assert (work["leads"]["number"], work["activities"]["number"]) == (0, 0)
    assert "Zoë" not in str(await queries.every(f"/timeline/{sold.person}"))
    assert await queries.items("/leads") == []
    assert [one["display_name"] for one in await queries.items("/leads", include_archived=True)] == [None]
