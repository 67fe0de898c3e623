"""Cases that every store and every vault must pass; tests run the same lists against each adapter.

Each case gets a log of its own context that holds nothing yet. A case raises AssertionError with what it saw.
"""
# ruff: noqa: S101  # cases are assertions

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Final

from patron_events.envelope import StreamId
from patron_events.store import Append, Batch, EventStore, LogReader, StaleExpectation, Stored
from patron_events.vault import KeyDestroyed, KeyVault

_WITHIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Log:
    """An empty context of one adapter, and names that no other case uses."""

    store: EventStore
    reader: LogReader
    context: str
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def stream(self, category: str = "person") -> StreamId:
        """Name an aggregate that does not exist yet."""
        return StreamId(self.context, category, f"id-{next(self._numbers)}")

    def write(self, stream: StreamId, *, expected: int = 0, body: bytes | None = None) -> Append:
        """Prepare one commit with an id of its own."""
        number = next(self._numbers)
        return Append(stream, expected, f"command-{number}", body or b'{"id":"command-%d"}' % number)

    async def bodies(self, stream: StreamId) -> list[bytes]:
        """Read what a stream holds."""
        return [stored.body for stored in await self.store.read(stream, count=1000)]


async def _outcome(answer: Awaitable[Sequence[int]]) -> Sequence[int] | None:
    try:
        return await answer
    except StaleExpectation:
        return None


async def reads_back_what_was_appended(log: Log) -> None:
    """Bytes, order, sequence and the store's clock."""
    stream = log.stream()
    bodies = [b"{}", '{"name":"Žofie \U0001f600"}'.encode(), b"\x00\xff" * 1000, b"x" * 300_000]
    expected = 0
    for body in bodies:
        (expected,) = await log.store.append([log.write(stream, expected=expected, body=body)])
    stored = await log.store.read(stream, count=10)
    assert [one.body for one in stored] == bodies
    assert {one.stream for one in stored} == {stream}
    assert stored[-1].sequence == expected
    assert all(early.sequence < late.sequence for early, late in pairwise(stored))
    assert all(one.stored_at.utcoffset() is not None for one in stored)
    assert (await log.store.last([stream]))[stream] == stored[-1]


async def refuses_a_guard_that_does_not_hold(log: Log) -> None:
    """Too low, too high, and on a stream that does not exist."""
    stream, other = log.stream(), log.stream()
    (first,) = await log.store.append([log.write(stream)])
    for write in (log.write(stream), log.write(stream, expected=first + 7), log.write(other, expected=first)):
        assert await _outcome(log.store.append([write])) is None
    assert len(await log.bodies(stream)) == 1
    assert await log.bodies(other) == []


async def stores_a_group_or_nothing_of_it(log: Log) -> None:
    """One guard that fails takes the others with it."""
    taken, fresh, third = log.stream("claim"), log.stream(), log.stream("claim")
    await log.store.append([log.write(taken)])
    assert await _outcome(log.store.append([log.write(fresh), log.write(taken), log.write(third)])) is None
    assert await log.store.last([fresh, third]) == {}
    sequences = await log.store.append([log.write(fresh), log.write(third)])
    last = await log.store.last([fresh, third])
    assert list(sequences) == [last[fresh].sequence, last[third].sequence]


async def refuses_groups_that_are_none(log: Log) -> None:
    """The first stream twice, two guards on one stream, or two contexts: the caller's mistake."""
    stream, other = log.stream(), log.stream()
    elsewhere = StreamId(log.context + "x", "person", "1")
    for group in (
        [log.write(stream), log.write(stream)],
        [log.write(stream), log.write(other), log.write(other, expected=1)],
        [log.write(stream), log.write(elsewhere)],
    ):
        try:
            await log.store.append(group)
        except ValueError:
            continue
        raise AssertionError(group)
    assert await log.bodies(stream) == []


async def stores_what_goes_behind_in_a_group(log: Log) -> None:
    """Several commits of one stream under the guard of the first of them, once, in order, or none."""
    shared = log.stream()
    (end,) = await log.store.append([log.write(shared)])
    people = [log.stream() for _ in range(5)]
    group = [one for person in people for one in (log.write(person), log.write(shared, expected=end))]
    late = [log.write(log.stream()), log.write(shared, expected=end), log.write(shared, expected=end)]
    sequences = await log.store.append(group)
    assert list(sequences) == list(range(sequences[0], sequences[0] + len(group)))
    stored = await log.store.read(shared, count=100)
    assert [one.sequence for one in stored] == [end, *sequences[1::2]]
    assert [one.body for one in stored[1:]] == [one.body for one in group[1::2]]
    assert await _outcome(log.store.append(late)) is None
    again = await _outcome(log.store.append(group))
    assert again is None or list(again) == list(sequences)
    assert await log.store.read(shared, count=100) == stored


async def stores_a_repeated_append_once(log: Log) -> None:
    """The same sequences or a stale expectation; never a second copy."""
    alone = [log.write(log.stream())]
    group = [log.write(log.stream()), log.write(log.stream()), log.write(log.stream())]
    for appends in (alone, group):
        first = await log.store.append(appends)
        for again in await asyncio.gather(*(_outcome(log.store.append(appends)) for _ in range(5))):
            assert again is None or list(again) == list(first)
        for append in appends:
            assert await log.bodies(append.stream) == [append.body]


async def stores_concurrent_repetitions_once(log: Log) -> None:
    """A caller that did not wait for its first answer."""
    append = log.write(log.stream())
    answers = await asyncio.gather(*(_outcome(log.store.append([append])) for _ in range(20)))
    given = {tuple(answer) for answer in answers if answer is not None}
    assert len(given) == 1, answers
    assert await log.bodies(append.stream) == [append.body]


async def lets_exactly_one_of_200_take_a_claim(log: Log) -> None:
    """The losers leave nothing behind."""
    claim = log.stream("claim")
    people = [log.stream() for _ in range(200)]
    answers = await asyncio.gather(
        *(_outcome(log.store.append([log.write(person), log.write(claim)])) for person in people)
    )
    winners = [person for person, answer in zip(people, answers, strict=True) if answer is not None]
    assert len(winners) == 1
    assert list(await log.store.last(people)) == winners
    assert len(await log.bodies(claim)) == 1


async def counts_every_success_of_competing_writers(log: Log) -> None:
    """Forty writers on one stream, each until its own commit is stored."""
    stream = log.stream()

    async def write_one(number: int) -> None:
        body = b'{"n":%d}' % number
        while True:
            last = await log.store.last([stream])
            expected = last[stream].sequence if stream in last else 0
            if await _outcome(log.store.append([log.write(stream, expected=expected, body=body)])) is not None:
                return

    await asyncio.gather(*(write_one(number) for number in range(40)))
    assert sorted(await log.bodies(stream)) == sorted(b'{"n":%d}' % number for number in range(40))


async def answers_each_of_many_groups(log: Log) -> None:
    """Stale ones in between, a stream twice, and groups of different sizes."""
    taken = log.stream("claim")
    await log.store.append([log.write(taken)])
    twice = log.stream()
    good = [[log.write(log.stream()) for _ in range(1 + number % 3)] for number in range(60)]
    bad = [[log.write(log.stream()), log.write(taken)] for _ in range(3)]
    groups = [*good[:20], bad[0], [log.write(twice)], *good[20:40], bad[1], [log.write(twice)], *good[40:], bad[2]]
    answers = dict(zip(map(id, groups), await log.store.append_each(groups), strict=True))
    assert all(isinstance(answers[id(group)], StaleExpectation) for group in bad)
    for group in good:
        sequences = answers[id(group)]
        last = await log.store.last([append.stream for append in group])
        assert not isinstance(sequences, StaleExpectation)
        assert list(sequences) == [last[append.stream].sequence for append in group]
    assert await log.store.last([group[0].stream for group in bad]) == {}
    assert len(await log.bodies(twice)) == 1
    assert len(await log.bodies(taken)) == 1


async def takes_thousands_of_groups_at_once(log: Log) -> None:
    """More than fits into one batch of any server."""
    groups = [[log.write(log.stream()), log.write(log.stream("claim"))] for _ in range(1500)]
    answers = await log.store.append_each(groups)
    assert not any(isinstance(answer, StaleExpectation) for answer in answers)
    streams = [append.stream for group in groups for append in group]
    last = await log.store.last([*streams, log.stream()])
    assert set(last) == set(streams)
    assert len({stored.sequence for stored in last.values()}) == len(streams)
    assert await log.reader.last_sequence(log.context) == max(stored.sequence for stored in last.values())


async def reads_parts_of_a_stream(log: Log) -> None:
    """By sequence and count, past other streams in between."""
    stream, expected = log.stream(), 0
    sequences: list[int] = []
    for _ in range(12):
        (expected,) = await log.store.append([log.write(stream, expected=expected)])
        sequences.append(expected)
        await log.store.append([log.write(log.stream())])
    assert [one.sequence for one in await log.store.read(stream, count=5)] == sequences[:5]
    assert [one.sequence for one in await log.store.read(stream, after=sequences[4], count=100)] == sequences[5:]
    assert list(await log.store.read(stream, after=sequences[-1], count=3)) == []
    assert list(await log.store.read(log.stream(), count=3)) == []
    assert await log.store.last([log.stream()]) == {}
    assert await log.store.last([]) == {}


async def _follow_until(log: Log, through: int, partitions: frozenset[int] | None = None) -> list[Stored]:
    commits: list[Stored] = []
    async with asyncio.timeout(_WITHIN_S), aclosing(log.reader.follow(log.context, partitions=partitions)) as batches:
        async for batch in batches:
            commits += batch.commits
            if batch.through >= through:
                break
    return commits


async def follows_everything_in_order(log: Log) -> None:
    """Every commit once, whole or by partition."""
    groups = [[log.write(log.stream())] for _ in range(2500)]
    await log.store.append_each(groups)
    end = await log.reader.last_sequence(log.context)
    everything = await _follow_until(log, end)
    assert [one.sequence for one in everything] == list(range(1, end + 1))
    assert {one.body for one in everything} == {group[0].body for group in groups}
    assert dict(await log.store.last([one.stream for one in everything])) == {one.stream: one for one in everything}
    some = frozenset(range(0, 256, 3))
    assert await _follow_until(log, end, some) == [one for one in everything if one.stream.partition in some]


async def follows_what_comes_later(log: Log) -> None:
    """An empty batch while nothing comes, then the new commit and only that."""
    (start,) = await log.store.append([log.write(log.stream())])
    late = log.write(log.stream())
    batches_seen = 0
    async with asyncio.timeout(_WITHIN_S), aclosing(log.reader.follow(log.context, after=start)) as batches:
        async for batch in batches:
            batches_seen += 1
            if batches_seen == 1:
                assert (list(batch.commits), batch.through, batch.pending) == ([], start, 0)
                await log.store.append([late])
            if batch.commits:
                assert [one.body for one in batch.commits] == [late.body]
                assert batch.through == start + 1
                break


async def knows_an_empty_log(log: Log) -> None:
    """Zero, and nothing to follow."""
    assert await log.reader.last_sequence(log.context) == 0
    async with asyncio.timeout(_WITHIN_S), aclosing(log.reader.follow(log.context)) as batches:
        assert await anext(batches) == Batch([], 0, 0)


StoreCase = Callable[[Log], Awaitable[None]]
STORE_CASES: Final[Sequence[StoreCase]] = (
    reads_back_what_was_appended,
    refuses_a_guard_that_does_not_hold,
    stores_a_group_or_nothing_of_it,
    refuses_groups_that_are_none,
    stores_what_goes_behind_in_a_group,
    stores_a_repeated_append_once,
    stores_concurrent_repetitions_once,
    lets_exactly_one_of_200_take_a_claim,
    counts_every_success_of_competing_writers,
    answers_each_of_many_groups,
    takes_thousands_of_groups_at_once,
    reads_parts_of_a_stream,
    follows_everything_in_order,
    follows_what_comes_later,
    knows_an_empty_log,
)


async def makes_a_key_once(vault: KeyVault) -> None:
    """Whoever asks first, and however many ask together."""
    answers = await asyncio.gather(*(vault.create(["ann", f"other-{number % 7}"]) for number in range(40)))
    assert len({answer["ann"].raw for answer in answers}) == 1
    assert len({key.raw for answer in answers for key in answer.values()}) == 8  # noqa: PLR2004  # ann and seven others
    found = await vault.find(["ann", "nobody"])
    assert {subject: key.raw for subject, key in found.items()} == {"ann": answers[0]["ann"].raw}


async def makes_many_keys(vault: KeyVault) -> None:
    """More than one request holds."""
    subjects = [f"many-{number}" for number in range(2500)]
    made = await vault.create(subjects)
    found = await vault.find([*subjects, "nobody"])
    assert set(made) == set(found) == set(subjects)
    assert {key.raw for key in made.values()} == {key.raw for key in found.values()}


async def destroys_a_key_for_good(vault: KeyVault) -> None:
    """Destroying again is harmless, making it again is refused, also for one that never was."""
    await vault.create(["ben", "eve"])
    for _ in range(2):
        await vault.destroy("ben")
        assert set(await vault.find(["ben", "eve"])) == {"eve"}
    await vault.destroy("never")
    for subjects in (["ben"], ["new", "ben"], ["never"]):
        try:
            await vault.create(subjects)
        except KeyDestroyed:
            continue
        raise AssertionError(subjects)


VaultCase = Callable[[KeyVault], Awaitable[None]]
VAULT_CASES: Final[Sequence[VaultCase]] = (makes_a_key_once, makes_many_keys, destroys_a_key_for_good)
