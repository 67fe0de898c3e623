"""Proof that nothing in the log was altered, left out or reordered: walks the hash chain of every aggregate."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from patron_events.envelope import GENESIS, StreamId, stored_hash
from patron_events.store import LogReader, Stored

_HASH_TAIL: Final = -66  # 64 hex digits and `"}`


class _Chained(msgspec.Struct, frozen=True):
    """The members of a commit that the proof needs."""

    version: int
    prev: str


_decode: Final = msgspec.json.Decoder(_Chained).decode


class BadCommit(NamedTuple):
    """The first commit that does not fit: `reason` is `unreadable`, `altered`, `wrong-version` or `chain-broken`."""

    stream: StreamId
    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was walked, and the first bad commit if there is one. `through`: last sequence looked at."""

    context: str
    commits: int
    aggregates: int
    through: int
    bad: BadCommit | None

    @property
    def is_sound(self) -> bool:
        """Whether every commit fits."""
        return self.bad is None


class _Link(NamedTuple):
    """The end of one aggregate's chain; 32 bytes of hash, so that a million aggregates stay near 200 MB."""

    version: int
    digest: bytes


def _fault_of(stored: Stored, ends: Mapping[StreamId, _Link]) -> tuple[str | None, _Link]:
    end = ends.get(stored.stream, _Link(0, bytes.fromhex(GENESIS)))
    computed = stored_hash(stored.body)
    if computed is None:
        return "unreadable", end
    if stored.body[_HASH_TAIL:-2] != computed.encode():
        return "altered", end
    try:
        commit = _decode(stored.body)
    except msgspec.DecodeError:
        return "unreadable", end
    if commit.version != end.version + 1:
        return "wrong-version", end
    if commit.prev != end.digest.hex():
        return "chain-broken", end
    return None, _Link(commit.version, bytes.fromhex(computed))


async def verify(reader: LogReader, context: str) -> Verification:
    """Walk the log of a context up to its present end; stops at the first commit that does not fit.

    Reads stored bytes only: no keys are needed, and erased records verify like any other.

    Raises:
        Unavailable: the log does not answer.
    """
    last = await reader.last_sequence(context)
    ends: dict[StreamId, _Link] = {}
    commits = through = 0
    if not last:
        return Verification(context, 0, 0, 0, None)
    async with aclosing(reader.follow(context)) as batches:
        async for batch in batches:
            for stored in batch.commits:
                reason, ends[stored.stream] = _fault_of(stored, ends)
                commits += 1
                if reason is not None:
                    bad = BadCommit(stored.stream, stored.sequence, reason)
                    return Verification(context, commits, len(ends), stored.sequence, bad)
            through = batch.through
            if through >= last:
                break
    return Verification(context, commits, len(ends), through, None)
