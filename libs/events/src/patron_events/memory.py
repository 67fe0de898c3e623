"""The in-memory twin of the log: the same guards, order and answers, without a server."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime

from patron_events.envelope import StreamId
from patron_events.store import Append, Batch, StaleExpectation, Stored, assert_group

_IDLE_S = 1.0


class MemoryStore:
    """Keeps commits in lists; one log per context, as the real one has one stream per context."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, list[Stored]] = defaultdict(list)
        self._streams: defaultdict[StreamId, list[Stored]] = defaultdict(list)
        self._grown = asyncio.Condition()

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        """Store all commits of a group or none."""
        assert_group(group)
        for append in group:
            stream = self._streams[append.stream]
            if (stream[-1].sequence if stream else 0) != append.expected:
                raise StaleExpectation
        sequences: list[int] = []
        for append in group:
            log = self._logs[append.stream.context]
            stored = Stored(append.stream, len(log) + 1, datetime.now(UTC), append.body)
            log.append(stored)
            self._streams[append.stream].append(stored)
            sequences.append(stored.sequence)
        async with self._grown:
            self._grown.notify_all()
        return sequences

    async def append_each(self, groups: Sequence[Sequence[Append]]) -> Sequence[Sequence[int] | StaleExpectation]:
        """Store many independent groups."""
        answers: list[Sequence[int] | StaleExpectation] = []
        for group in groups:
            try:
                answers.append(await self.append(group))
            except StaleExpectation as stale:
                answers.append(stale)
        return answers

    async def last(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Stored]:
        """Find the last commit of each stream."""
        return {stream: self._streams[stream][-1] for stream in streams if self._streams.get(stream)}

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        """Read up to `count` commits of one stream above `after`."""
        return [stored for stored in self._streams.get(stream, ()) if stored.sequence > after][:count]

    async def last_sequence(self, context: str) -> int:
        """Tell the sequence of the newest commit of a context."""
        return len(self._logs[context])

    async def follow(
        self, context: str, *, after: int = 0, partitions: frozenset[int] | None = None
    ) -> AsyncGenerator[Batch]:
        """Read everything above `after`, then wait for more."""
        through = after
        while True:
            log = self._logs[context]
            fresh = log[through : through + 1000]
            through += len(fresh)
            yield Batch(
                [one for one in fresh if partitions is None or one.stream.partition in partitions],
                through,
                len(log) - through,
            )
            if len(log) == through:
                async with self._grown:
                    try:
                        async with asyncio.timeout(_IDLE_S):
                            await self._grown.wait()
                    except TimeoutError:
                        continue
