"""Leads handed out by two replicas at once over a real log: shared fairly, each once, nobody beyond their capacity."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from patron_events.decisions import Asked
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.vault import BlindIndex, MemoryVault
from patron_events.verify import verify
from patron_pipeline.api.parts import Parts
from patron_pipeline.composition import parts
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.domain.rules_errors import LeadPlaced
from patron_servers import NatsServer
from pipeline.sales_force import ANYBODY, publish, record_rep

TEAM = ("ann", "ben", "cy", "dee")
VAULT = MemoryVault()


@pytest.fixture
async def log(own_nats: NatsServer) -> AsyncGenerator[Connection]:
    connection = await connect(own_nats.url)
    sizing = Sizing(max_bytes=1 << 28)
    await assert_streams(connection, [log_stream("pipeline", sizing), log_stream("contacts", sizing)])
    yield connection
    await connection.close()


def replica(log: Connection) -> Parts:
    """Give the use cases with caches of their own, as in a process just started."""
    return parts(JetStreamStore(log), VAULT, BlindIndex(b"k" * 32))


async def prepared(log: Connection, strategy: str, capacity: int | None = None) -> tuple[Parts, Parts]:
    here, there = replica(log), replica(log)
    for subject in TEAM:
        await record_rep(here.decisions, subject, team="emea", capacity=capacity)
    rule: dict[str, Any] = {"id": "emea", "to": {"strategy": strategy, "team": "emea"}}
    fallback = {"strategy": "queue", "queue": "inbox"}
    await publish(here.decisions, "assignment", {"rules": [rule], "fallback": fallback})
    return here, there


async def captured(here: Parts, number: int) -> list[str]:
    return [
        (await here.leads.capture({"family_name": f"L{one}"}, Asked(ANYBODY), channel="api")).stream.id
        for one in range(number)
    ]


async def place(where: Parts, lead_id: str) -> None:
    try:
        await where.routing.assigning.place(lead_id, Asked(ANYBODY), datetime.now(UTC))
    except LeadPlaced:
        return


async def owners(log: Connection, leads: list[str]) -> list[tuple[str | None, int]]:
    """Tell who has each lead, and how often it was assigned."""
    journal = replica(log).decisions.journal
    found = [(await journal.load(LEAD, one)).state for one in leads]
    return [(one.owner, sum(step.fact.__class__.__name__ == "LeadAssigned" for step in one.path)) for one in found]


@pytest.mark.integration
@pytest.mark.parametrize("strategy", ["round-robin", "least-busy"])
async def test_ten_leads_at_once_are_shared_by_two_replicas(log: Connection, strategy: str) -> None:
    here, there = await prepared(log, strategy)
    leads = await captured(here, 10)
    await asyncio.gather(*(place((here, there)[number % 2], one) for number, one in enumerate(leads)))
    found = await owners(log, leads)
    assert [times for _, times in found] == [1] * 10
    assert sorted(Counter(owner for owner, _ in found).values()) == [2, 2, 3, 3]
    rotation = await replica(log).routing.assigning.rotations.read()
    assert {one: rotation.load(one) for one in TEAM} == dict(Counter(owner for owner, _ in found))
    assert (await verify(JetStreamReader(log), "pipeline")).is_sound


@pytest.mark.integration
async def test_leads_that_reach_both_replicas_are_assigned_once(log: Connection) -> None:
    here, there = await prepared(log, "round-robin")
    leads = await captured(here, 12)
    await asyncio.gather(*(place(where, one) for one in leads for where in (here, there)))
    found = await owners(log, leads)
    assert [times for _, times in found] == [1] * 12
    assert sorted(Counter(owner for owner, _ in found).values()) == [3, 3, 3, 3]


@pytest.mark.integration
async def test_capacity_holds_whoever_hands_out(log: Connection) -> None:
    here, there = await prepared(log, "capacity", capacity=2)
    leads = await captured(here, 12)
    await asyncio.gather(*(place((here, there)[number % 2], one) for number, one in enumerate(leads)))
    found = Counter(owner for owner, _ in await owners(log, leads))
    assert found == {**dict.fromkeys(TEAM, 2), None: 4}


@pytest.mark.integration
async def test_two_replicas_continue_a_long_rotation_together(log: Connection) -> None:
    here, there = await prepared(log, "round-robin")
    for one in (here, there):
        one.routing.assigning.rotations.longest = 6
    leads = await captured(here, 26)
    await asyncio.gather(*(place((here, there)[number % 2], one) for number, one in enumerate(leads)))
    found = await owners(log, leads)
    assert sorted(Counter(owner for owner, _ in found).values()) == [6, 6, 7, 7]
    rotation = await replica(log).routing.assigning.rotations.read()
    assert sum(rotation.loads.values()) == 26
