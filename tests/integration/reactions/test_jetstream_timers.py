"""Timers of the server pass the cases that all timers must pass, and outlive it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from event_logs import api
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.lookup import Lookup
from patron_events.jetstream.streams import Sizing
from patron_reactions.jetstream_timers import JetStreamTimers, due_subject, read_fired, set_subject
from patron_reactions.streams import TIMERS, assert_side_streams
from patron_reactions.testing import TIMER_CASES, TimerCase, a_happening
from patron_reactions.timers import Fired
from patron_servers import NatsServer
from waiting import soon

SERVICE = "tower"


class ServerWorld:
    """Timers on a server, read back from where they go when they fire."""

    def __init__(self, connection: Connection, service: str = SERVICE) -> None:
        self._service = service
        self._connection = connection
        self._timers = JetStreamTimers(connection, service)
        self._seen = 0

    @property
    def timers(self) -> JetStreamTimers:
        return self._timers

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def fired(self, count: int, until: datetime) -> Sequence[Fired]:
        lookup = Lookup(self._connection, TIMERS, replicated=False, timeout_s=5)
        fired: list[Fired] = []
        async with asyncio.timeout((until - self.now()).total_seconds()):
            while len(fired) < count:
                kept = await lookup.read(due_subject(self._service), after=self._seen, count=100)
                self._seen = kept[-1].sequence if kept else self._seen
                fired += [read_fired(one.body, one.stored_at) for one in kept]
        return fired


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[Connection]:
    connection = await connect(nats_url)
    await assert_side_streams(connection, Sizing(max_bytes=64 << 20))
    yield connection
    await connection.close()


@pytest.mark.parametrize("case", TIMER_CASES, ids=lambda case: case.__name__)
async def test_jetstream_timers(case: TimerCase, connection: Connection) -> None:
    await case(ServerWorld(connection, f"tower-{secrets.token_hex(4)}"))


async def test_a_timer_that_fell_due_while_the_server_was_killed_fires_once(own_nats: NatsServer) -> None:
    connection = await connect(own_nats.url)
    await assert_side_streams(connection, Sizing())
    world = ServerWorld(connection)
    at = world.now() + timedelta(seconds=1)
    for number in range(20):
        await world.timers.put(f"a.{number}", "kind", at, {"n": number}, because=a_happening(number))
    await world.timers.put("later", "kind", world.now() + timedelta(days=30), because=a_happening())
    await world.timers.put("taken-back", "kind", at, because=a_happening())
    await world.timers.cancel("taken-back")
    own_nats.kill()
    await connection.close()
    await soon(lambda: world.now() > at + timedelta(milliseconds=100))
    own_nats.start()
    again = await connect(own_nats.url)
    world = ServerWorld(again)
    fired = await world.fired(20, world.now() + timedelta(seconds=20))
    assert sorted(one.data["n"] for one in fired) == list(range(20))
    assert min(one.fired_at for one in fired) > at
    state = (await api(again, f"STREAM.INFO.{TIMERS}", {"subjects_filter": "timers.>"}))["state"]
    assert state["subjects"] == {due_subject(SERVICE, "kind"): 20, set_subject(SERVICE, "later"): 1}
    await again.close()
