"""Deals over a real log, changed by several processes at the same moment."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from contacts.served import bearer
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.vault import BlindIndex, MemoryVault
from patron_events.verify import verify
from patron_pipeline.composition import Around, parts
from patron_servers import NatsServer
from pipeline.calls import CLOSED, DEALS, defined, done, opened, refusal, shown
from pipeline.served import pipeline_service

HISTORY = [
    {"at": "2016-10-20", "do": "open", "stage": "engaging"},
    {"at": "2016-11-20", "do": "move", "stage": "proposal"},
    {"at": "2017-03-01", "do": "win", "amount": 1054, "currency": "USD"},
]


@pytest.fixture
async def log(own_nats: NatsServer) -> AsyncGenerator[Connection]:
    connection = await connect(own_nats.url)
    sizing = Sizing(max_bytes=1 << 28)
    await assert_streams(connection, [log_stream("pipeline", sizing), log_stream("contacts", sizing)])
    yield connection
    await connection.close()


@contextlib.asynccontextmanager
async def process(log: Connection, *roles: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Call a service over this log with caches of its own, as a replica of its own."""
    app = pipeline_service()
    app.state.pipeline = parts(
        JetStreamStore(log), MemoryVault(), BlindIndex(b"k" * 32), Around(reader=JetStreamReader(log))
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=bearer(*roles)) as client:
        yield client


async def test_of_two_who_move_a_deal_at_the_same_moment_one_wins_and_the_other_learns_where_it_is(
    log: Connection,
) -> None:
    async with process(log, "agent") as here, process(log, "agent") as there:
        for number in range(15):
            deal = await opened(here, name=f"Deal {number}")
            await shown(there, deal)
            answers = await asyncio.gather(
                here.post(f"{DEALS}/{deal}/move", json={"to": "engaging", "from": "prospecting"}),
                there.post(f"{DEALS}/{deal}/move", json={"to": "proposal", "from": "prospecting"}),
            )
            winner, loser = sorted(answers, key=lambda one: one.status_code)
            assert winner.status_code == 200
            assert refusal(loser) == (409, "deal-moved-meanwhile", None)
            view = await shown(here, deal)
            current = loser.json()["current"]
            assert {name: current[name] for name in ("version", "stage", "stage_since")} == {
                name: view[name] for name in ("version", "stage", "stage_since")
            }
            assert view["version"] == 2
    assert (await verify(JetStreamReader(log), "pipeline")).bad is None


async def test_a_deal_is_won_or_lost_but_not_both(log: Connection) -> None:
    async with process(log, "agent") as here, process(log, "agent") as there:
        for _ in range(10):
            deal = await opened(here, amount=1, currency="EUR")
            answers = await asyncio.gather(
                here.post(f"{DEALS}/{deal}/win", json={}), there.post(f"{DEALS}/{deal}/lose", json={"reason": "price"})
            )
            winner, loser = sorted(answers, key=lambda one: one.status_code)
            assert (winner.status_code, refusal(loser)) == (200, (409, "deal-closed", None))
            assert loser.json()["current"]["status"] == (await shown(there, deal))["status"]


async def test_a_stage_never_holds_more_deals_than_its_limit_whoever_moves_them(log: Connection) -> None:
    async with process(log, "admin") as here, process(log, "admin") as there:
        await defined(here, stages=[{"id": "new"}, {"id": "demo", "wip_limit": 3}, *CLOSED])
        deals = [await opened(here, pipeline_id="other") for _ in range(8)]
        answers = await asyncio.gather(
            *(
                (here, there)[number % 2].post(f"{DEALS}/{deal}/move", json={"to": "demo", "from": "new"})
                for number, deal in enumerate(deals)
            )
        )
        assert Counter(one.status_code for one in answers) == {200: 3, 409: 5}
        assert {refusal(one)[1] for one in answers if one.status_code == 409} == {"stage-full"}


async def test_a_limit_that_is_stated_while_deals_move_counts_every_one(log: Connection) -> None:
    async with process(log, "admin") as here, process(log, "admin") as there:
        limited = [{"id": "new"}, {"id": "demo", "wip_limit": 5}, *CLOSED]
        await defined(here, stages=limited)
        deals = [await opened(here, pipeline_id="other") for _ in range(8)]
        moves = [there.post(f"{DEALS}/{deal}/move", json={"to": "demo", "from": "new"}) for deal in deals[:5]]
        await asyncio.gather(*moves, *(defined(here, stages=limited) for _ in range(3)))
        answer = await here.post(f"{DEALS}/{deals[5]}/move", json={"to": "demo", "from": "new"})
        assert refusal(answer)[:2] == (409, "stage-full")


async def test_the_same_file_sent_to_two_replicas_opens_each_deal_once(log: Connection) -> None:
    items: list[dict[str, Any]] = [
        {"name": f"Deal {number}", "external_id": {"source": "crm", "id": str(number)}, "history": HISTORY}
        for number in range(300)
    ]
    async with process(log, "admin") as here, process(log, "admin") as there:
        answers = await asyncio.gather(*(done(one, f"{DEALS}/bulk", items=items) for one in (here, there)))
        statuses = Counter(result["status"] for answer in answers for result in answer["results"])
        assert statuses == {"created": 300, "unchanged": 300}
        assert await JetStreamReader(log).last_sequence("pipeline") == 300
        view = await shown(there, answers[0]["results"][299]["id"])
        assert [one["entered_at"][:10] for one in view["stays"]] == ["2016-10-20", "2016-11-20", "2017-03-01"]
