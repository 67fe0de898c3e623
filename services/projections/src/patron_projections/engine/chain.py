"""The hash chain as a rebuild sees it: every commit that it reads must be what its hash says, and follow the last one.

`patron verify` proves the whole chain. Here the link to the commit before is checked where that one was seen lately,
because the ends of millions of aggregates would not fit into the memory of a worker.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from patron_events.envelope import StreamId, stored_hash
from patron_events.opening import Opened, Unreadable
from patron_events.store import Stored

MOST_ENDS: Final = 100_000
_HASH_TAIL: Final = -66  # 64 hex digits and `"}`


class ChainBroken(Exception):
    """A commit of the log was altered, or does not follow the one before it; `patron verify` says more."""

    def __init__(self, stream: StreamId, sequence: int) -> None:
        self.stream, self.sequence = stream, sequence
        super().__init__(f"commit {sequence} of {stream.subject} does not fit the hash chain; see `patron verify`")


class Chain:
    """Checks commits in the order of the log."""

    def __init__(self) -> None:
        self._ends: dict[StreamId, tuple[int, str]] = {}

    def check_bytes(self, commits: Iterable[Stored]) -> None:
        """Compare each commit with its own hash; raises ChainBroken. What is no commit at all is left to parking."""
        for stored in commits:
            computed = stored_hash(stored.body)
            if computed is not None and stored.body[_HASH_TAIL:-2] != computed.encode():
                raise ChainBroken(stored.stream, stored.sequence)

    def check_links(self, items: Sequence[Opened | Unreadable]) -> None:
        """Compare each commit with the one before of its aggregate; raises ChainBroken."""
        ends = self._ends
        if len(ends) > MOST_ENDS:
            ends.clear()
        for item in items:
            if isinstance(item, Unreadable):
                ends.pop(item.stored.stream, None)  # parked: what follows it cannot be compared with it
                continue
            head = item.head
            version, digest = ends.get(head.stream, (head.version - 1, item.prev))
            if head.version != version + 1 or item.prev != digest:
                raise ChainBroken(head.stream, head.sequence)
            ends[head.stream] = head.version, item.hash
