"""The walk over the hash chain: what it accepts, and the first commit it names for each way of tampering."""

import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from patron_events.envelope import GENESIS, Actor, Cause, Commit, StoredEvent, StreamId, encode_commit
from patron_events.memory import MemoryStore
from patron_events.store import Append, Batch
from patron_events.verify import BadCommit, verify

AT = datetime(2026, 1, 2, tzinfo=UTC)
ANN, BEN = StreamId("contacts", "person", "ann"), StreamId("contacts", "person", "ben")


def commits() -> list[tuple[StreamId, bytes]]:
    """Ann at 1, 3, 5 and Ben at 2, 4, 6."""
    ends = {ANN: GENESIS, BEN: GENESIS}
    made: list[tuple[StreamId, bytes]] = []
    for version in (1, 2, 3):
        event = StoredEvent("contacts.person-named", 1, AT, msgspec.Raw(b'{"n":%d}' % version), "c2VhbGVk")
        for stream, prev in ends.items():
            commit = Commit(f"{stream.id}-{version}", AT, Actor("user", "u1"), Cause(), version, prev, (event,))
            body, ends[stream] = encode_commit(commit)
            made.append((stream, body))
    return made


async def a_log(made: list[tuple[StreamId, bytes]], store: MemoryStore | None = None) -> MemoryStore:
    store = store or MemoryStore()
    for stream, body in made:
        last = await store.last([stream])
        await store.append([Append(stream, last[stream].sequence if last else 0, "id", body)])
    return store


async def test_a_sound_log() -> None:
    verification = await verify(await a_log(commits()), "contacts")
    assert verification.is_sound
    assert (verification.commits, verification.aggregates, verification.through) == (6, 2, 6)


async def test_an_empty_log() -> None:
    verification = await verify(MemoryStore(), "contacts")
    assert verification.is_sound
    assert verification.commits == 0


def altered(body: bytes) -> bytes:
    return body.replace(b'"n":2', b'"n":9')


def rehashed(body: bytes) -> bytes:
    commit = msgspec.json.decode(altered(body), type=Commit)
    return encode_commit(commit)[0]


def renumbered(body: bytes) -> bytes:
    commit = msgspec.json.decode(body, type=Commit)
    return encode_commit(msgspec.structs.replace(commit, version=7))[0]


def without_hash(body: bytes) -> bytes:
    return re.sub(rb',"hash":"[0-9a-f]+"', b"", body)


def emptied(_: bytes) -> bytes:
    return b""


def cut_short(body: bytes) -> bytes:
    return body[:-1]


@pytest.mark.parametrize(
    ("tamper", "sequence", "reason"),
    [
        (altered, 3, "altered"),
        (rehashed, 5, "chain-broken"),
        (renumbered, 3, "wrong-version"),
        (without_hash, 3, "unreadable"),
        (emptied, 3, "unreadable"),
        (cut_short, 3, "unreadable"),
    ],
)
async def test_tampering_is_named(tamper: Callable[[bytes], bytes], sequence: int, reason: str) -> None:
    made = commits()
    made[2] = (ANN, tamper(made[2][1]))
    verification = await verify(await a_log(made), "contacts")
    assert verification.bad == BadCommit(ANN, sequence, reason)


async def test_a_commit_that_was_left_out_is_named() -> None:
    made = commits()
    del made[2]
    verification = await verify(await a_log(made), "contacts")
    assert verification.bad == BadCommit(ANN, 4, "wrong-version")


async def test_two_commits_that_changed_places_are_named() -> None:
    made = commits()
    made[0], made[2] = made[2], made[0]
    verification = await verify(await a_log(made), "contacts")
    assert verification.bad == BadCommit(ANN, 1, "wrong-version")


class Holed(MemoryStore):
    """A log in which one commit was deleted, as a server shows it that lets its administrator do so."""

    def __init__(self, hole: int) -> None:
        super().__init__()
        self.hole = hole

    async def follow(
        self, context: str, *, after: int = 0, partitions: frozenset[int] | None = None
    ) -> AsyncGenerator[Batch]:
        async for batch in super().follow(context, after=after, partitions=partitions):
            yield replace(batch, commits=[one for one in batch.commits if one.sequence != self.hole])


@pytest.mark.parametrize("hole", [1, 4, 6])
async def test_a_sequence_that_is_missing_is_named(hole: int) -> None:
    verification = await verify(await a_log(commits(), Holed(hole)), "contacts")
    assert verification.bad == BadCommit(None, hole, "sequence-missing")
    assert (verification.commits, verification.through) == (hole - 1, hole)
