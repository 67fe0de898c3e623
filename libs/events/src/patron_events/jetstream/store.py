"""The log in JetStream: guarded appends with group commit, and current reads of single aggregates (DESIGN 2)."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from patron_events.envelope import StreamId
from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import NoResponders
from patron_events.jetstream.group_commit import ONE_REPLICA, REPLICATED, Committer
from patron_events.jetstream.lookup import Kept, Lookup
from patron_events.jetstream.patience import BUDGET_S, patiently
from patron_events.jetstream.streams import stream_config, stream_name
from patron_events.jetstream.writes import Write
from patron_events.store import Append, StaleExpectation, Stored, assert_group

_READ_ATTEMPT_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What serves one JetStream stream."""

    committer: Committer
    lookup: Lookup


async def open_desk(connection: Connection, stream: str) -> Desk:
    """Prepare appends to and reads of an existing stream; raises NoResponders where there is none yet."""
    config = await stream_config(connection, stream)
    if config is None:
        raise NoResponders
    replicas = int(config["num_replicas"])
    lookup = Lookup(connection, stream, replicated=replicas > 1, timeout_s=_READ_ATTEMPT_S)
    return Desk(Committer(connection, lookup, ONE_REPLICA if replicas == 1 else REPLICATED), lookup)


class JetStreamStore:
    """The adapter of `EventStore`; one per process, so that its appends can share batches."""

    def __init__(self, connection: Connection, *, budget_s: float = BUDGET_S) -> None:
        self._connection = connection
        self._budget_s = budget_s
        self._desks: dict[str, Desk] = {}
        self._opening = asyncio.Lock()

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        """Store all commits of a group or none."""
        if not group:
            return ()
        desk = self._desks.get(group[0].stream.context) or await self._desk(group[0].stream.context)
        return await desk.committer.submit(_writes(group), self._budget_s)

    async def append_each(self, groups: Sequence[Sequence[Append]]) -> Sequence[Sequence[int] | StaleExpectation]:
        """Store many independent groups, sharing batches."""
        futures: list[Awaitable[Sequence[int]]] = []
        for group in groups:
            desk = await self._desk(group[0].stream.context)
            futures.append(desk.committer.submit(_writes(group), self._budget_s))
        answers = await asyncio.gather(*futures, return_exceptions=True)
        return [_answer_or_raise(answer) for answer in answers]

    async def last(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Stored]:
        """Find the last commit of each stream."""
        found: dict[StreamId, Stored] = {}
        for context in {stream.context for stream in streams}:
            found |= await self._last_in(context, [stream for stream in streams if stream.context == context])
        return found

    async def _last_in(self, context: str, streams: Sequence[StreamId]) -> Mapping[StreamId, Stored]:
        desk = await self._desk(context)
        by_subject = {stream.subject: stream for stream in streams}
        last = await patiently(lambda: desk.lookup.last(list(by_subject)), self._budget_s)
        return {stream: _stored(stream, last[subject]) for subject, stream in by_subject.items() if subject in last}

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        """Read up to `count` commits of one stream above `after`."""
        desk = await self._desk(stream.context)
        kept = await patiently(lambda: desk.lookup.read(stream.subject, after=after, count=count), self._budget_s)
        return [_stored(stream, one) for one in kept]

    async def _desk(self, context: str) -> Desk:
        desk = self._desks.get(context)
        if desk is not None:
            return desk
        async with self._opening:
            if context not in self._desks:
                name = stream_name(context)
                self._desks[context] = await patiently(lambda: open_desk(self._connection, name), self._budget_s)
        return self._desks[context]


def _writes(group: Sequence[Append]) -> Sequence[Write]:
    assert_group(group)
    return [Write(append.stream.subject, append.expected, append.message_id, append.body) for append in group]


def _stored(stream: StreamId, kept: Kept) -> Stored:
    return Stored(stream, kept.sequence, kept.stored_at, kept.body)


def _answer_or_raise(answer: Sequence[int] | BaseException) -> Sequence[int] | StaleExpectation:
    if isinstance(answer, BaseException) and not isinstance(answer, StaleExpectation):
        raise answer
    return answer
