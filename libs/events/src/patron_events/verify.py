"""Proof that nothing in the log was altered, left out or reordered: walks the hash chain of every aggregate.

The streams deny deletes, so every sequence from 1 to the newest must be there; one that is missing is a fault.
What a chain without an anchor outside of the log cannot show: that the newest commits of the whole stream were
cut off, and that somebody who can write the store's files rewrote commits with all hashes that follow. Against
those, keep the newest sequence and hashes elsewhere and compare them.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from patron_events.envelope import GENESIS, StreamId, stored_hash
from patron_events.store import LogReader, Stored

_QUIET: Final = 5  # empty batches, about 1 s each, until what a log that answers does not give is taken to be missing
_HASH_TAIL: Final = -66  # 64 hex digits and `"}`


class _Chained(msgspec.Struct, frozen=True):
    """The members of a commit that the proof needs."""

    version: int
    prev: str


_decode: Final = msgspec.json.Decoder(_Chained).decode


class BadCommit(NamedTuple):
    """The first commit that does not fit, or is not there.

    reason: `unreadable`, `altered`, `wrong-version`, `chain-broken` or `sequence-missing`.
    stream: None for `sequence-missing`, because nothing tells whose commit it was.
    """

    stream: StreamId | None
    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was walked, and the first bad commit if there is one.

    commits, aggregates: those that were walked, without a missing or bad commit. through: last sequence looked at.
    """

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


def _bad(stored: Stored, expected: int, ends: dict[StreamId, _Link]) -> BadCommit | None:
    if stored.sequence != expected:
        return BadCommit(None, expected, "sequence-missing")
    reason, ends[stored.stream] = _fault_of(stored, ends)
    return None if reason is None else BadCommit(stored.stream, stored.sequence, reason)


async def verify(reader: LogReader, context: str) -> Verification:
    """Walk the log of a context up to its present end; stops at the first commit that is missing or does not fit.

    Reads stored bytes only: no keys are needed, and erased records verify like any other.

    Raises:
        Unavailable: the log does not answer.
    """
    last = await reader.last_sequence(context)
    ends: dict[StreamId, _Link] = {}
    commits = quiet = 0
    async with aclosing(reader.follow(context)) as batches:
        while commits < last and quiet < _QUIET:
            batch = await anext(batches)
            for stored in batch.commits:
                bad = _bad(stored, commits + 1, ends)
                if bad is not None:
                    return Verification(context, commits, len(ends), bad.sequence, bad)
                commits += 1
            quiet = 0 if batch.commits or batch.pending or not batch.heard else quiet + 1
    if commits < last:
        bad = BadCommit(None, commits + 1, "sequence-missing")
        return Verification(context, commits, len(ends), bad.sequence, bad)
    return Verification(context, commits, len(ends), commits, None)
