"""Following the log for the evaluator: stored commits of one context, read ahead and taken together."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Final

from patron_events.ending import ended
from patron_events.store import Batch, LogReader

_AHEAD: Final = 16
_MOST_COMMITS: Final = 4_000
# A commit may have a megabyte, and sixteen batches may have thousands of them.
_MOST_BYTES: Final = 8 << 20


class Following:
    """Batches of one context in order, at most 8 MB waiting. news: set when something has come, for either context."""

    def __init__(self, reader: LogReader, context: str, after: int, news: asyncio.Event) -> None:
        self._reader = reader
        self._context = context
        self._after = after
        self._news = news
        self._queue: asyncio.Queue[Batch] = asyncio.Queue(_AHEAD)
        self._waiting = 0
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(lambda _: news.set())
        self.behind = True

    async def _read(self) -> None:
        batches = self._reader.follow(self._context, after=self._after)
        async with aclosing(batches):
            async for batch in batches:
                size = _size(batch)
                while self._waiting and self._waiting + size > _MOST_BYTES:
                    self._room.clear()
                    await self._room.wait()
                self._waiting += size
                await self._queue.put(batch)
                self._news.set()

    def take(self) -> list[Batch]:
        """Take what has been read, up to some thousand commits.

        Raises:
            Exception: whatever ended the reading.
        """
        taken: list[Batch] = []
        commits = 0
        while commits < _MOST_COMMITS and not self._queue.empty():
            batch = self._queue.get_nowait()
            taken.append(batch)
            commits += len(batch.commits)
            self._waiting -= _size(batch)
            self._room.set()
        if taken:
            self.behind = taken[-1].pending > 0 or not taken[-1].heard or not self._queue.empty()
        elif self._task.done():
            self._task.result()
            msg = "the log ended"
            raise ConnectionError(msg)
        return taken

    @property
    def waiting(self) -> int:
        """The bytes of what was read and not yet taken."""
        return self._waiting

    async def close(self) -> None:
        """Stop reading."""
        await ended(self._task)


def _size(batch: Batch) -> int:
    return sum([len(commit.body) for commit in batch.commits])


@asynccontextmanager
async def following(reader: LogReader, context: str, after: int, news: asyncio.Event) -> AsyncGenerator[Following]:
    """Follow a context from above `after` while the block runs."""
    one = Following(reader, context, after, news)
    try:
        yield one
    finally:
        await one.close()
