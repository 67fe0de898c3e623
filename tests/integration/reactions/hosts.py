"""Hosts of reactions over a real log, as tasks of a test that can be killed in the middle."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, keys_stream, log_stream
from patron_events.jetstream.vault import JetStreamVault, MasterKeys
from patron_reactions.figures import ReactionFigures
from patron_reactions.host import Host, Place
from patron_reactions.jetstream_timers import JetStreamTimers
from patron_reactions.service import Reactions
from patron_reactions.streams import assert_side_streams
from patron_runtime.metrics import Metrics
from reactions.bells import Tower

SIZING = Sizing(max_bytes=64 << 20)
MASTERS = MasterKeys({"k": b"k" * 32}, "k")


class Bench:
    """One process's view of the log: bells, timers, and a host of reactions."""

    def __init__(self, connection: Connection, url: str) -> None:
        self.connection = connection
        self.url = url
        self.vault = JetStreamVault(connection, MASTERS)
        self.tower = Tower(JetStreamStore(connection), self.vault)
        self.timers = JetStreamTimers(connection, "tower")
        self.metrics = Metrics()
        self._figures = ReactionFigures(self.metrics)

    @asynccontextmanager
    async def hosting(self, reactions: Reactions, url: str | None = None) -> AsyncGenerator["asyncio.Task[None]"]:
        """Run a host until the block ends, gently."""
        stop = asyncio.Event()
        place = Place((url or self.url,), self.connection, self.vault, SIZING, self.metrics)
        task = asyncio.create_task(Host(place, reactions, self._figures).run(stop))
        try:
            yield task
        finally:
            stop.set()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def a_bench(url: str) -> AsyncGenerator[Bench]:
    """Connect, and make the streams that are missing."""
    connection = await connect(url)
    await assert_streams(connection, [log_stream("contacts", SIZING), keys_stream(SIZING)])
    await assert_side_streams(connection, SIZING)
    bench = Bench(connection, url)
    try:
        yield bench
    finally:
        await bench.vault.close()
        await connection.close()


def names(rings: Sequence[str]) -> list[str]:
    """Give what rang, without the count."""
    return [one.rpartition("-")[0] for one in rings]
