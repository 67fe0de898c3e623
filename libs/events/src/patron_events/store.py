"""The port of the log: what every store of commits can do. Adapters: `memory`, `jetstream`.

A store keeps bytes. It knows streams, order and guards; facts, keys and versions are the journal's.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from patron_events.envelope import StreamId
from patron_events.rejections import Invalid


@dataclass(frozen=True, slots=True)
class Append:
    """One commit to be stored.

    expected: sequence of the last commit on this stream that the decision saw; 0 for none.
    message_id: the command id; the same for every repetition of the same append.
    """

    stream: StreamId
    expected: int
    message_id: str
    body: bytes


def assert_group(group: Sequence[Append]) -> None:
    """Refuse what no caller may ask to be stored together; raises ValueError."""
    expected = {append.stream: append.expected for append in group}
    if (
        len({append.stream.context for append in group}) > 1
        or any(append.stream == group[0].stream for append in group[1:])
        or any(expected[append.stream] != append.expected for append in group)
    ):
        raise ValueError(
            "a group is of one context, its first stream comes once, and the others expect the same each time"
        )


class Stored(NamedTuple):
    """One commit as the store keeps it; `stored_at` is the store's clock (UTC).

    A tuple because readers make tens of thousands a second.
    """

    stream: StreamId
    sequence: int
    stored_at: datetime
    body: bytes


class StaleExpectation(Exception):
    """A guard no longer holds: somebody appended in between. Nothing of the atomic group was stored.

    It may have been the same append, when an earlier answer was lost: the journal looks for its command id.
    """


class CommitTooLarge(Invalid):
    """The request makes a commit that is larger than the log takes (1 MB unless configured otherwise)."""

    code = "commit-too-large"


@dataclass(frozen=True, slots=True)
class Batch:
    """Commits read in order.

    through: last sequence that was looked at, also where `partitions` left its commit out.
    pending: how many messages the log held beyond this batch when it was read; 0 means caught up.
    heard: whether the log spoke within the last seconds; while it cannot be reached, `pending` is old.
    """

    commits: Sequence[Stored]
    through: int
    pending: int
    heard: bool = True


class EventStore(Protocol):
    """Appends atomic groups of commits under guards, and reads single aggregates; always current.

    Raises (every method): Unavailable when the log cannot answer within its budget (15 s or more).
    """

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        """Store all commits of a group or none; answers their sequences in order.

        Repeating a group that was stored answers the same sequences or raises StaleExpectation.
        A group (at most 1,000) is of one context. A stream may come more than once, save the first one: what comes
        later goes behind what came earlier, and says the same `expected`.

        Raises:
            StaleExpectation: some guard does not hold; nothing was stored.
            CommitTooLarge: a commit is too large for the log; no repetition helps.
        """
        ...

    async def append_each(self, groups: Sequence[Sequence[Append]]) -> Sequence[Sequence[int] | StaleExpectation]:
        """Store many independent groups, each atomic by itself, sharing batches where that is quicker."""
        ...

    async def last(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Stored]:
        """Find the last commit of each stream; streams without any are absent. Reads through the leader."""
        ...

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        """Read up to `count` commits of one stream with a sequence above `after`, oldest first."""
        ...


class LogReader(Protocol):
    """Reads the whole log of a context in order, for projections, verification and export."""

    def follow(
        self, context: str, *, after: int = 0, partitions: frozenset[int] | None = None
    ) -> AsyncGenerator[Batch]:
        """Read everything above sequence `after`, then wait for more; close the iterator to stop.

        Gaps are detected and mended by reading again; no commit is left out or given twice.
        An empty batch is given about once a second while nothing comes, so that callers can look around.
        """
        ...

    async def last_sequence(self, context: str) -> int:
        """Tell the newest sequence that a context ever gave to a commit; 0 for a log that never had one."""
        ...
