"""Reading ahead: the next commits are fetched, decoded and decrypted while PostgreSQL writes the last ones."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from patron_events.ending import ended
from patron_events.envelope import StreamId
from patron_events.opening import open_commits
from patron_events.store import LogReader, Stored
from patron_events.vault import KeyVault
from patron_projections.engine.chain import Chain
from patron_projections.engine.writer import Placed, erases, placed

_AHEAD: Final = 8
_MOST_COMMITS: Final = 8_000
# A commit may have a megabyte, and opened it takes a multiple of its bytes.
_MOST_BYTES: Final = 8 << 20


@dataclass(slots=True)
class Portion:
    """Opened commits in order. through: last sequence looked at; pending: messages left in the log beyond it.

    heard: whether the log itself said so lately. stored_at: when the last of the commits was stored. size: their bytes.
    """

    items: list[Placed] = field(default_factory=list[Placed])
    through: int = 0
    pending: int = 0
    heard: bool = True
    stored_at: datetime | None = None
    size: int = 0

    def reached(self) -> dict[int, int]:
        """Tell the last sequence of each partition that this portion touches."""
        return {place.partition: place.sequence for place in self.items}


@dataclass(frozen=True, slots=True)
class Source:
    """Where commits come from, and which of them matter.

    stream: context whose log is read; categories: kinds of aggregate that some model looks at.
    checked: whether feeds check the hash chain of everything that they read.
    """

    reader: LogReader
    vault: KeyVault
    stream: str
    categories: frozenset[str]
    checked: bool = False

    async def opened(self, commits: Sequence[Stored], chain: Chain | None = None) -> list[Placed]:
        """Decode and decrypt the commits that matter."""
        if chain is not None:
            chain.check_bytes(commits)
        wanted = [one for one in commits if one.stream.category in self.categories]
        items = await open_commits(wanted, self.vault)
        if chain is not None:
            chain.check_links(items)
        return [placed(item) for item in items]

    async def complete_erasures(self, items: Sequence[Placed]) -> None:
        """Make sure that the keys of erased aggregates are gone.

        The context that erases appends its commit first and destroys the key then; if it dies in between, nobody
        but those who read the whole log would ever notice. Repeating is harmless.
        """
        for item, stream, _, _ in items:
            if erases(item):
                await self.vault.destroy(stream.id)


class ReadsAggregates(Protocol):
    """The part of the log's port that reads single aggregates."""

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        """Read up to `count` commits of one stream with a sequence above `after`, oldest first."""
        ...


class Feed:
    """Portions in order, as large as what has been read ahead, up to 8,000 commits; at most 8 MB wait or are given."""

    def __init__(self, source: Source, after: int, partitions: frozenset[int]) -> None:
        self._source = source
        self._after = after
        self._partitions = partitions
        self._queue: asyncio.Queue[Portion] = asyncio.Queue(_AHEAD)
        self._waiting = 0
        self._chain = Chain() if source.checked else None
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        source = self._source
        batches = source.reader.follow(source.stream, after=self._after, partitions=self._partitions)
        async with aclosing(batches):
            async for batch in batches:
                size = sum([len(commit.body) for commit in batch.commits])
                while self._waiting and self._waiting + size > _MOST_BYTES:
                    self._room.clear()
                    await self._room.wait()
                items = await source.opened(batch.commits, self._chain)
                # Before the positions move, so that a crash repeats it, and before more is opened with such a key.
                await source.complete_erasures(items)
                stored_at = batch.commits[-1].stored_at if batch.commits else None
                self._waiting += size
                await self._queue.put(Portion(items, batch.through, batch.pending, batch.heard, stored_at, size))

    async def next(self, timeout_s: float) -> Portion | None:
        """Give what has been read; None when nothing came in time.

        Raises:
            Exception: whatever ended the reading.
        """
        first = await self._first(timeout_s)
        if first is None:
            return None
        while not self._queue.empty() and len(first.items) < _MOST_COMMITS and first.size < _MOST_BYTES:
            more = self._queue.get_nowait()
            first.items += more.items
            first.through, first.pending, first.heard = more.through, more.pending, more.heard
            first.stored_at = more.stored_at or first.stored_at
            first.size += more.size
        self._waiting -= first.size
        self._room.set()
        return first

    async def _first(self, timeout_s: float) -> Portion | None:
        if not self._queue.empty():
            return self._queue.get_nowait()
        getting = asyncio.ensure_future(self._queue.get())
        try:
            await asyncio.wait({getting, self._task}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
            if self._task.done():
                self._task.result()
                msg = "the log ended"
                raise ConnectionError(msg)
            return None
        finally:
            getting.cancel()

    async def close(self) -> None:
        """Stop reading."""
        await ended(self._task)


@asynccontextmanager
async def reading(source: Source, after: int, partitions: frozenset[int]) -> AsyncGenerator[Feed]:
    """Read the log from above `after` while the block runs."""
    feed = Feed(source, after, partitions)
    try:
        yield feed
    finally:
        await feed.close()


async def commits_of(
    source: Source, read: ReadsAggregates, stream: StreamId, first: int, last: int
) -> Sequence[Placed]:
    """Read one aggregate's commits with sequences from `first` to `last`."""
    found: list[Stored] = []
    after = first - 1
    while True:
        page = await read.read(stream, after=after, count=500)
        found += [stored for stored in page if stored.sequence <= last]
        if not page or page[-1].sequence >= last:
            return await source.opened(found)
        after = page[-1].sequence
