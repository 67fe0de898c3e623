"""What time does to deals and leads: rotting, nothing planned, given up, back again; also when rules change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from patron_events.catalog.pipeline import deals, leads
from patron_events.decider import Dated
from patron_events.decisions import Decisions
from patron_events.envelope import Cause
from patron_events.journal import Journal
from patron_pipeline.domain.deal import DEAL
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.reactions.everything import all_reactions
from patron_pipeline.reactions.overdue import Watch
from patron_reactions.memory import InMemory, MemoryTimers
from patron_reactions.service import Means
from patron_reactions.timers import Fired
from pipeline.calls import DEALS, done, moved, opened
from pipeline.served import BASE, Selling

DAY = timedelta(days=1)
SOON = datetime(2026, 6, 1, tzinfo=UTC)


class Clockwork:
    """The reactions of the context over the log of a test, and the time they live in."""

    def __init__(self, selling: Selling) -> None:
        self.selling = selling
        self.begun = datetime.now(UTC)
        self.timers = MemoryTimers(self.begun)
        means = Means(Decisions(Journal(selling.store, selling.vault)), selling.store, self.timers, selling.index)
        self.host = InMemory(all_reactions(means), selling.store, selling.vault, self.timers)

    async def after(self, days: float) -> None:
        """Let time pass until so many days after the beginning."""
        await self.host.advance(self.begun + days * DAY)

    async def deal_told(self, deal_id: str) -> Sequence[Any]:
        """List what was told about a deal that has to do with time."""
        told = await self.selling.history(DEAL, deal_id)
        return [one.fact for one in told if isinstance(one.fact, deals.DealRotted | deals.DealLeftWithoutActivity)]

    async def lead_path(self, lead_id: str) -> Sequence[tuple[str, str | None]]:
        """List the states of a lead with their reasons."""
        told: Sequence[Dated] = await self.selling.history(LEAD, lead_id)
        facts = [one.fact for one in told if isinstance(one.fact, leads.LeadStatusChanged)]
        return [(fact.to, fact.reason) for fact in facts]


@pytest.fixture
def clockwork(selling: Selling) -> Clockwork:
    return Clockwork(selling)


async def define(admin: httpx.AsyncClient, **terms: Any) -> None:
    """Define the default pipeline anew; rotting_days is that of its first stage."""
    rotting = terms.pop("rotting_days", None)
    stages = [
        {"id": "prospecting", **({} if rotting is None else {"rotting_days": rotting})},
        {"id": "engaging"},
        {"id": "won", "kind": "won"},
        {"id": "lost", "kind": "lost"},
    ]
    body = {"name": "Sales", "stages": [{"name": one["id"], **one} for one in stages], **terms}
    (await admin.put(f"{BASE}/pipelines/default", json=body)).raise_for_status()


async def a_lead(agent: httpx.AsyncClient) -> str:
    return (await done(agent, f"{BASE}/leads", family_name="Hopper"))["id"]


async def test_a_deal_rots_once_and_not_before_its_time(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, rotting_days=14)
    deal = await opened(agent)
    await clockwork.after(13.9)
    assert await clockwork.deal_told(deal) == []
    await clockwork.after(30)
    (rotted,) = await clockwork.deal_told(deal)
    assert (rotted.stage, rotted.days) == ("prospecting", 14)
    await clockwork.host.redeliver()
    await clockwork.after(90)
    assert len(await clockwork.deal_told(deal)) == 1


async def test_a_deal_that_moved_or_closed_does_not_rot(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, rotting_days=14)
    gone, lost = await opened(agent), await opened(agent)
    await clockwork.host.settle()
    await moved(agent, gone, "engaging")
    await done(agent, f"{DEALS}/{lost}/lose", reason="price")
    await clockwork.after(60)
    assert await clockwork.deal_told(gone) == await clockwork.deal_told(lost) == []


async def test_a_longer_threshold_counts_for_timers_that_were_set_before(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, rotting_days=14)
    deal = await opened(agent)
    await clockwork.host.settle()
    await define(admin, rotting_days=30)
    await clockwork.after(29.9)
    assert await clockwork.deal_told(deal) == []
    await clockwork.after(31)
    assert [one.days for one in await clockwork.deal_told(deal)] == [30]


async def test_a_shorter_threshold_and_a_first_one_count_for_deals_from_before(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    deal = await opened(agent)
    await clockwork.after(3)
    assert clockwork.timers.pending == {}
    await define(admin, rotting_days=60)
    await clockwork.host.settle()
    await define(admin, rotting_days=7)
    await clockwork.after(8)
    assert [one.days for one in await clockwork.deal_told(deal)] == [7]


@pytest.mark.parametrize("newer", [SOON, None])
@pytest.mark.parametrize("by_timer", [False, True])
async def test_what_another_replica_learned_meanwhile_is_what_the_timer_is_set_by(
    newer: datetime | None, *, by_timer: bool
) -> None:
    timers = MemoryTimers(SOON - DAY)
    read: list[datetime] = []

    async def when(_: str) -> datetime | None:
        """Answer by the old rules once; then another replica has set the timer by newer ones."""
        read.append(SOON)
        return newer if by_timer or len(read) > 1 else SOON + 30 * DAY

    async def tell(*_: Any) -> datetime | None:
        return SOON + 30 * DAY

    watch = Watch("deal-rotting", timers, when, tell)
    fired = Fired("deal-rotting.a", "deal-rotting", SOON, SOON, {"id": "a"}, Cause())
    await (watch.on_time(fired) if by_timer else watch.plan("a", fired))
    assert [one.at for one in timers.pending.values()] == ([] if newer is None else [newer])


async def test_a_threshold_that_was_taken_back_is_forgotten(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, rotting_days=14)
    deal = await opened(agent)
    await clockwork.host.settle()
    await define(admin)
    await clockwork.after(60)
    assert await clockwork.deal_told(deal) == []
    assert clockwork.timers.pending == {}


async def test_an_open_deal_without_a_planned_activity_is_reported(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, activity_days=7)
    planned, bare = await opened(agent), await opened(agent)
    call = (await done(agent, f"{BASE}/activities", kind="call", summary="Call", deal_id=planned))["id"]
    await clockwork.after(8)
    assert len(await clockwork.deal_told(bare)) == 1
    assert await clockwork.deal_told(planned) == []
    await done(agent, f"{BASE}/activities/{call}/complete")
    await clockwork.after(30)
    (told,) = await clockwork.deal_told(planned)
    assert isinstance(told, deals.DealLeftWithoutActivity)
    assert len(await clockwork.deal_told(bare)) == 1


async def test_a_deal_whose_last_planned_activity_is_erased_is_reported(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, activity_days=7)
    deal = await opened(agent)
    external_id = {"source": "crm", "id": "1"}
    about = {"kind": "call", "summary": "Call", "deal_id": deal, "external_id": external_id}
    call = (await done(agent, f"{BASE}/activities", **about))["id"]
    await clockwork.after(8)
    assert await clockwork.deal_told(deal) == []
    await done(admin, f"{BASE}/activities/{call}/erasure")
    await clockwork.after(30)
    (told,) = await clockwork.deal_told(deal)
    assert isinstance(told, deals.DealLeftWithoutActivity)
    await done(agent, f"{BASE}/activities", kind="call", summary="Again", external_id=external_id)


async def test_an_open_lead_is_given_up_with_a_reason(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, lead_days=90)
    lead, closed = await a_lead(agent), await a_lead(agent)
    await done(agent, f"{BASE}/leads/{closed}/status", to="dead", reason="spam")
    await clockwork.after(89.9)
    assert await clockwork.lead_path(lead) == []
    await clockwork.after(91)
    assert await clockwork.lead_path(lead) == [("dead", "abandoned")]
    assert await clockwork.lead_path(closed) == [("dead", "spam")]


async def test_a_recycled_lead_comes_back_and_its_days_begin_anew(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    await define(admin, lead_days=90)
    lead = await a_lead(agent)
    until = (clockwork.begun + 60 * DAY).isoformat()
    await done(agent, f"{BASE}/leads/{lead}/status", to="recycled", reason="no-budget", until=until)
    await clockwork.after(59.9)
    assert await clockwork.lead_path(lead) == [("recycled", "no-budget")]
    await clockwork.after(149)
    assert await clockwork.lead_path(lead) == [("recycled", "no-budget"), ("new", None)]
    await clockwork.after(151)
    assert (await clockwork.lead_path(lead))[-1] == ("dead", "abandoned")


async def test_a_server_clock_behind_that_of_the_service_makes_no_path_run_backwards(
    admin: httpx.AsyncClient, agent: httpx.AsyncClient, clockwork: Clockwork
) -> None:
    clockwork.timers.now -= timedelta(minutes=10)
    await define(admin, lead_days=1)
    lead = await a_lead(agent)
    until = (clockwork.begun + timedelta(minutes=1)).isoformat()
    await done(agent, f"{BASE}/leads/{lead}/status", to="recycled", reason="later", until=until)
    await clockwork.after(2)
    assert [to for to, _ in await clockwork.lead_path(lead)] == ["recycled", "new", "dead"]
    times = [one.occurred_at for one in await clockwork.selling.history(LEAD, lead)]
    assert times == sorted(times)
