"""What the evaluator reads ahead is bounded in bytes, and nothing is left out for it."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from patron_events.envelope import StreamId
from patron_events.store import Batch, Stored
from patron_projections.segments.following import following
from waiting import soon

MEGABYTE = 1 << 20
BATCHES = 20


class LargeCommits:
    """A log of commits of a megabyte, each in a batch of its own."""

    def __init__(self) -> None:
        self.given = 0

    async def follow(
        self, context: str, *, after: int = 0, partitions: frozenset[int] | None = None
    ) -> AsyncGenerator[Batch]:
        del partitions
        for sequence in range(after + 1, BATCHES + 1):
            self.given = sequence
            stream = StreamId(context, "person", str(sequence))
            commit = Stored(stream, sequence, datetime.now(UTC), bytes(MEGABYTE))
            yield Batch((commit,), sequence, BATCHES - sequence)
        await asyncio.Event().wait()

    async def last_sequence(self, context: str) -> int:
        del context
        return BATCHES


async def test_eight_megabytes_wait_at_most() -> None:
    log, found = LargeCommits(), list[int]()

    async def some() -> bool:
        assert one.waiting <= 8 * MEGABYTE
        return log.given > len(found) + 8 or log.given == BATCHES

    async with following(log, "contacts", 0, asyncio.Event()) as one:
        while len(found) < BATCHES:
            await soon(some)
            found += [batch.through for batch in one.take()]
        assert one.waiting == 0
    assert found == list(range(1, BATCHES + 1))
