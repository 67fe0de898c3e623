"""Groups of guarded writes on their way to one stream, and the line they stand in."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from patron_events.jetstream.lookup import Kept
from patron_events.rejections import Unavailable
from patron_events.store import StaleExpectation


class Write(NamedTuple):
    """One message to be stored where the newest message of its subject has the sequence `expected` (0 for none)."""

    subject: str
    expected: int
    message_id: str
    body: bytes


@dataclass(eq=False, slots=True)
class Group:
    """Writes that are stored together or not at all, and who waits for them.

    deadline: when to give up, on the loop's clock. unknown: an earlier attempt may have been stored.
    anonymous: send without message id, since the server knows the id from another subject.
    resting: it will rejoin the line by itself. newest: what its trip told about the ends of its subjects.
    behind: which of its writes have one before them on the same subject.
    """

    writes: Sequence[Write]
    future: asyncio.Future[Sequence[int]]
    deadline: float
    size: int
    attempts: int = 0
    unknown: bool = False
    anonymous: bool = False
    resting: bool = False
    newest: Mapping[str, int] = field(default_factory=dict[str, int])
    behind: set[int] = field(default_factory=set[int])

    def __post_init__(self) -> None:
        """Find the writes that go behind others on their subject."""
        seen: set[str] = set()
        for index, write in enumerate(self.writes):
            if write.subject in seen:
                self.behind.add(index)
            seen.add(write.subject)

    def headers(self, index: int) -> bytes:
        """Write guard and id of one message.

        Only the first of a group has the id: the server's ids are unique in a whole stream, and on another
        subject it would acknowledge a "duplicate" that it never stored there.
        """
        write = self.writes[index]
        if index in self.behind:  # the server refuses a second guard on a subject; the first one holds for all
            return b""
        guard = b"Nats-Expected-Last-Subject-Sequence: %d\r\n" % write.expected
        if index or self.anonymous or not write.message_id:
            return guard
        return guard + b"Nats-Msg-Id: %b\r\n" % write.message_id.encode()

    def accept_from(self, first: int) -> None:
        """Tell the caller where its commits are: members of a group are neighbours in the stream."""
        sequences = [*range(first, first + len(self.writes))]
        self.newest = dict(zip((write.subject for write in self.writes), sequences, strict=True))
        if not self.future.done():
            self.future.set_result(sequences)

    def refuse(self, reason: Exception) -> None:
        """Tell the caller why nothing was stored, or that it is not known."""
        if not self.future.done():
            self.future.set_exception(reason)

    def is_moved(self, last: Mapping[str, Kept]) -> bool:
        """Whether some guard does not hold, given the last message of each subject."""
        return any((last[w.subject].sequence if w.subject in last else 0) != w.expected for w in self.writes)

    def is_own(self, kept: Kept | None) -> bool:
        """Whether a message found in the stream is the first of this group, stored by an earlier attempt.

        The same id is not enough: two processes, or two requests, may have decided the same command at the same
        time, with other times, nonces and so another hash. Taking the other's commit for one's own would put a
        hash into the cache that is not in the log, and the next commit would break the chain.
        """
        first = self.writes[0]
        return kept is not None and kept.subject == first.subject and kept.body == first.body

    def is_twin(self, kept: Kept) -> bool:
        """Whether a message found in the stream is the same command, decided by somebody else."""
        first = self.writes[0]
        return kept.subject == first.subject and kept.message_id == first.message_id != ""


class Line:
    """Groups that wait for a batch. No subject is in two batches at once, so none races with itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: deque[Group] = deque()
        self._busy: set[str] = set()
        self._held: dict[str, deque[Group]] = {}

    def join(self, group: Group) -> None:
        """Stand at the end of the line."""
        self._queue.append(group)

    def take(self, most_messages: int, most_bytes: int) -> list[Group]:
        """Take the groups of the next batch; their subjects are busy until `release`."""
        batch: list[Group] = []
        messages = size = 0
        while self._queue:
            group = self._queue[0]
            if not batch:
                most_messages >>= group.attempts  # a server that refuses large batches may take small ones
            messages += len(group.writes)
            size += group.size
            if batch and (messages > most_messages or size > most_bytes):
                break
            self._queue.popleft()
            if self._is_out(group) or self._hold(group):
                messages -= len(group.writes)
                size -= group.size
                continue
            self._busy.update(write.subject for write in group.writes)
            batch.append(group)
        return batch

    def release(self, group: Group) -> None:
        """Let those who wait for a subject of this group go on, or hear at once that they are too late."""
        for write in group.writes:
            self._busy.discard(write.subject)
            newest = group.newest.get(write.subject, 0)
            for other in reversed(self._held.pop(write.subject, ())):
                expected = [w.expected for w in other.writes if w.subject == write.subject]
                # One that may have been stored by an earlier attempt has to ask the server itself.
                if not other.unknown and expected[0] < newest:
                    other.refuse(StaleExpectation())
                else:
                    self._queue.appendleft(other)

    def _is_out(self, group: Group) -> bool:
        if group.future.done():  # its caller has gone
            return True
        if self._loop.time() > group.deadline:
            group.refuse(Unavailable())
            return True
        return False

    def _hold(self, group: Group) -> bool:
        for write in group.writes:
            if write.subject in self._busy:
                self._held.setdefault(write.subject, deque()).append(group)
                return True
        return False
