"""Timers of the server: what 100,000 pending ones cost an append, and how late 1,000 that fall due at once are."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import nats

from bench.figure import Figure, percentile
from patron_events.envelope import Cause, StreamId
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.store import Append
from patron_reactions.jetstream_timers import JetStreamTimers, due_subject
from patron_reactions.streams import TIMERS, timers_stream
from patron_reactions.timers import Fired
from patron_servers import NatsServer

PENDING = 100_000
AT_ONCE = 1_000
IN_FLIGHT = 256
APPENDING = 32
APPENDS = 50
ROUNDS = 7
SERVICE = "bench"
_LEAD_S = 10.0


def _because() -> Fired:
    now = datetime.now(UTC)
    return Fired("bench", "bench", now, now, {}, Cause())


async def _put(connection: Connection, prefix: str, count: int, at: datetime) -> float:
    """Set timers; answers how many a second."""
    timers, because = JetStreamTimers(connection, SERVICE), _because()

    async def lane(first: int) -> None:
        for number in range(first, count, IN_FLIGHT):
            await timers.put(f"{prefix}.{number}", prefix, at, {"number": number}, because=because)

    started = time.perf_counter()
    await asyncio.gather(*(lane(first) for first in range(min(IN_FLIGHT, count))))
    return count / (time.perf_counter() - started)


async def _append_s(connection: Connection) -> float:
    """Append with some in flight; answers seconds an append."""
    store = JetStreamStore(connection)

    async def lane() -> None:
        for _ in range(APPENDS):
            stream = StreamId(SERVICE, "deal", secrets.token_hex(16))
            await store.append([Append(stream, 0, secrets.token_hex(16), b"x" * 600)])

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(APPENDING)))
    return (time.perf_counter() - started) / (APPENDING * APPENDS)


async def _added_cost(empty: Connection, full: Connection) -> Figure:
    """Append to a server without and to one with pending timers in turns, so that both meet the same moods."""
    without: list[float] = []
    beside: list[float] = []
    for _ in range(ROUNDS):
        without.append(await _append_s(empty))
        beside.append(await _append_s(full))
    return Figure(
        f"append with {PENDING:,} timers pending, {APPENDING} in flight, median of {ROUNDS} rounds in turns",
        median(beside) * 1e6,
        "µs",
        median(without) * 1e6,
        "the same without timers",
        target=1.05,
        of="ratio",
        lower_is_better=True,
    )


async def _lateness(url: str, connection: Connection) -> Figure:
    """Let timers fall due in the same moment beside those that wait; late is what a consumer sees."""
    client = await nats.connect(url)  # pyright: ignore[reportUnknownMemberType]  # nats-py leaves a parameter open
    try:
        subject = due_subject(SERVICE, "soon")
        jetstream = client.jetstream()  # pyright: ignore[reportUnknownMemberType]  # as above
        due = await jetstream.pull_subscribe(subject, durable="bench", stream=TIMERS)
        at = datetime.now(UTC) + timedelta(seconds=_LEAD_S)
        await _put(connection, "soon", AT_ONCE, at)
        late: list[float] = []
        while len(late) < AT_ONCE:
            for message in await due.fetch(256, timeout=60):
                late.append((datetime.now(UTC) - at).total_seconds())
                await message.ack()
    finally:
        await client.close()
    name = f"lateness of {AT_ONCE:,} timers due in the same second beside {PENDING:,}, p99, timer to consumer"
    return Figure(name, percentile(late, 99), "s", target=2, lower_is_better=True)


async def figures(nats_url: str, folder: Path) -> AsyncGenerator[dict[str, Any]]:
    """Measure with two servers: the one at `nats_url` gets the timers, one in `folder` stays without."""
    with NatsServer(folder) as other:
        full, empty = await connect(nats_url), await connect(other.url)
        try:
            streams = [log_stream(SERVICE, Sizing()), timers_stream(Sizing())]
            for connection in (full, empty):
                await assert_streams(connection, streams)
            kept = await _put(full, "later", PENDING, datetime.now(UTC) + timedelta(days=1))
            yield Figure(f"timers set, {IN_FLIGHT} in flight", kept, "timers/s").line()
            yield (await _added_cost(empty, full)).line()
            yield (await _lateness(nats_url, full)).line()
        finally:
            await full.close()
            await empty.close()
