"""Every answer of the server that DESIGN 2 lists, provoked: what the caller sees, and that nothing is doubled."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from typing_extensions import override

from event_logs import ConfiguredServer, Observed, new_log, update
from patron_events.jetstream.connection import command
from patron_events.jetstream.errors import LogFault
from patron_events.jetstream.store import JetStreamStore, open_desk
from patron_events.jetstream.writes import Write
from patron_events.rejections import Unavailable
from patron_events.store import Append, CommitTooLarge, StaleExpectation
from patron_events.testing import Log
from patron_servers import NatsCluster, NatsServer
from waiting import soon

BATCHES_OF_A_STREAM = 50  # in flight at most: the server's default
SOON_S = 0.5


@pytest.fixture
async def seen(nats_url: str) -> AsyncGenerator[Observed]:
    connection = Observed()
    await connection.open([nats_url])
    yield connection
    await connection.close()


@pytest.fixture
async def log(seen: Observed) -> Log:
    log = await new_log(seen)
    seen.codes.clear()
    return log


def group_of(log: Log, size: int) -> list[Append]:
    return [log.write(log.stream()) for _ in range(size)]


async def test_10071_is_a_conflict(seen: Observed, log: Log) -> None:
    taken = log.stream()
    await log.store.append([log.write(taken)])
    for group in ([log.write(taken)], [log.write(log.stream()), log.write(taken)]):
        with pytest.raises(StaleExpectation):
            await log.store.append(group)
    assert seen.codes == {10071: 2}


class _Guarded(str):
    """A subject that gets a guard of its own, although the batch holds it already: the server refuses that."""

    __slots__ = ()
    __hash__ = str.__hash__

    @override
    def __eq__(self, other: object) -> bool:
        return False


async def test_10164_is_tried_again_within_the_budget(seen: Observed, log: Log) -> None:
    desk = await open_desk(seen, log.context.upper())
    subject = log.stream().subject
    twice = [Write(subject, 0, "one", b"1"), Write(_Guarded(subject), 0, "two", b"2")]
    with pytest.raises(Unavailable):
        await desk.committer.submit(twice, SOON_S)
    assert seen.codes[10164] > 1
    assert await desk.lookup.read(subject, after=0, count=5) == []


async def test_10158_is_tried_again(nats_cluster: NatsCluster) -> None:
    seen = Observed()
    await seen.open(nats_cluster.urls)
    log = await new_log(seen, replicas=3)
    other = JetStreamStore(seen)  # its own batches, as another process has
    async with asyncio.timeout(60):
        while not seen.codes[10158]:
            first, second = log.write(log.stream()), log.stream()
            same_id = Append(second, 0, first.message_id, b"{}")
            await asyncio.gather(log.store.append([first]), other.append([same_id]))
            assert await log.bodies(first.stream) == [first.body]
            assert await log.bodies(second) == [b"{}"]
    await seen.close()


async def test_10077_waits_for_room(seen: Observed, log: Log) -> None:
    await update(seen, log, max_bytes=100_000)
    await log.store.append([log.write(log.stream(), body=b"x" * 90_000)])
    alone, group = log.write(log.stream(), body=b"y" * 20_000), [log.write(log.stream(), body=b"z" * 20_000)]
    group.append(log.write(log.stream()))
    waiting = asyncio.gather(log.store.append([alone]), log.store.append(group))
    await soon(lambda: seen.codes[10077] > 1)
    await update(seen, log, max_bytes=1_000_000)
    await waiting
    assert len(await log.store.last([alone.stream, *(append.stream for append in group)])) == 3


async def test_a_full_stream_is_unavailable_after_the_budget(seen: Observed, log: Log) -> None:
    await update(seen, log, max_bytes=100_000)
    await log.store.append([log.write(log.stream(), body=b"x" * 90_000)])
    hasty = JetStreamStore(seen, budget_s=SOON_S)
    refused = log.write(log.stream(), body=b"y" * 20_000)
    with pytest.raises(Unavailable) as refusal:
        await hasty.append([refused])
    assert refusal.value.retry_after_s > 0
    assert await log.bodies(refused.stream) == []


async def test_429_is_tried_again(tmp_path: Path) -> None:
    with ConfiguredServer(tmp_path, "max_buffered_msgs: 20") as server:
        seen = Observed()
        await seen.open([server.url])
        log = await new_log(seen)
        groups = [group_of(log, 1 + number % 3) for number in range(200)]
        seen.send(
            b"".join(command(log.stream("noise").subject, b"x" * 100) for _ in range(5000))
        )  # what other clients have in the server's queue
        answers = await log.store.append_each(groups)
        assert not any(isinstance(answer, StaleExpectation) for answer in answers)
        assert seen.codes[10167] + seen.codes[10176] > 0
        streams = [append.stream for group in groups for append in group]
        assert set(await log.store.last(streams)) == set(streams)
        await seen.close()


async def test_no_room_on_the_server_is_unavailable(tmp_path: Path) -> None:
    with ConfiguredServer(tmp_path, "max_file_store: 1MB") as server:
        seen = Observed()
        await seen.open([server.url])
        log = await new_log(seen, max_bytes=-1)
        hasty = JetStreamStore(seen, budget_s=SOON_S)

        async def fill() -> None:
            for _ in range(30):
                await hasty.append([log.write(log.stream(), body=b"x" * 100_000)])

        with pytest.raises(Unavailable):
            await fill()
        assert seen.codes[10023] > 1
        await seen.close()


async def test_too_many_batches_in_flight_are_waited_for(seen: Observed, log: Log) -> None:
    def opened(number: int) -> bytes:
        headers = b"Nats-Batch-Id: other-%d\r\nNats-Batch-Sequence: 1\r\n" % number
        return command(log.stream("noise").subject, b"{}", headers=headers)

    seen.send(b"".join(opened(number) for number in range(BATCHES_OF_A_STREAM)))
    group = group_of(log, 2)
    waiting = asyncio.create_task(log.store.append(group))
    await soon(lambda: seen.codes[10210] + seen.codes[10176] > 0)
    for number in range(BATCHES_OF_A_STREAM):  # the others finish
        headers = b"Nats-Batch-Id: other-%d\r\nNats-Batch-Sequence: 2\r\nNats-Batch-Commit: 1\r\n" % number
        seen.send(command(log.stream("noise").subject, b"{}", headers=headers))
    assert len(await waiting) == 2
    assert [await log.bodies(append.stream) for append in group] == [[append.body] for append in group]


async def test_10176_sends_an_incomplete_batch_again(seen: Observed, log: Log) -> None:
    group = group_of(log, 3)
    seen.lose_members = 2
    sequences = await log.store.append(group)
    assert seen.codes == {10176: 2}
    assert [(await log.store.last([append.stream]))[append.stream].sequence for append in group] == sequences
    assert await log.reader.last_sequence(log.context) == 3


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("lost", [1, 3])
async def test_a_lost_answer_is_asked_for_until_it_is_known(seen: Observed, log: Log, size: int, lost: int) -> None:
    group = group_of(log, size)
    seen.lose_answers = lost
    sequences = await log.store.append(group)
    assert list(sequences) == list(range(1, size + 1))
    assert await log.reader.last_sequence(log.context) == size


async def test_a_lost_answer_is_known_after_others_went_on(seen: Observed, log: Log) -> None:
    group = group_of(log, 2)
    other = JetStreamStore(seen)
    desk = await open_desk(seen, log.context.upper())
    seen.lose_answers = 1
    waiting = asyncio.create_task(log.store.append(group))
    first = group[0].stream

    async def is_stored() -> bool:
        return first.subject in await desk.lookup.last([first.subject])

    await soon(is_stored)
    await other.append([log.write(first, expected=1)])
    assert list(await waiting) == [1, 2]


async def test_an_id_that_another_stream_used_is_no_duplicate(seen: Observed, log: Log) -> None:
    first = log.write(log.stream())
    await log.store.append([first])
    same_id = [Append(log.stream(), 0, first.message_id, b"2"), Append(log.stream(), 0, first.message_id, b"3")]
    await log.store.append(same_id[:1])
    await log.store.append([Append(log.stream(), 0, first.message_id, b"4"), same_id[1]])
    assert [await log.bodies(append.stream) for append in same_id] == [[b"2"], [b"3"]]
    assert seen.codes[10201] > 0


async def test_the_same_command_decided_by_somebody_else_is_stale_and_never_stored_twice(log: Log) -> None:
    first = log.write(log.stream())
    (sequence,) = await log.store.append([first])
    for expected in (0, sequence):
        again = Append(first.stream, expected, first.message_id, b"decided elsewhere")
        for group in ([again], [again, log.write(log.stream())]):
            with pytest.raises(StaleExpectation):
                await log.store.append(group)
    assert await log.bodies(first.stream) == [first.body]


async def test_repetition_beyond_the_duplicate_window(seen: Observed, log: Log) -> None:
    await update(seen, log, duplicate_window=100_000_000)
    alone, group = group_of(log, 1), group_of(log, 3)
    first = [await log.store.append(alone), await log.store.append(group)]
    probe = b"Nats-Msg-Id: probe\r\n"
    await seen.ask(log.stream("noise").subject, b"1", headers=probe, timeout_s=5)

    async def has_forgotten() -> bool:
        answer = await seen.ask(log.stream("noise").subject, b"2", headers=probe, timeout_s=5)
        return b"duplicate" not in answer.body

    await soon(has_forgotten)
    assert [await log.store.append(alone), await log.store.append(group)] == first
    for append in alone + group:
        assert await log.bodies(append.stream) == [append.body]


async def test_a_commit_that_is_too_large_is_refused_at_once(seen: Observed, log: Log) -> None:
    huge = log.write(log.stream(), body=b"x" * seen.max_message_bytes)
    neighbours = [group_of(log, 1) for _ in range(30)]
    answers = await asyncio.gather(
        log.store.append([huge]), *(log.store.append(group) for group in neighbours), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [CommitTooLarge, *[list] * 30]
    await update(seen, log, max_msg_size=1000)
    large = [log.write(log.stream(), body=b"x" * 2000)]
    answers = await asyncio.gather(
        log.store.append(large), *(log.store.append(group_of(log, 2)) for _ in range(30)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [CommitTooLarge, *[list] * 30]


async def test_a_stream_without_batches_is_a_fault(seen: Observed, log: Log) -> None:
    await update(seen, log, allow_atomic=False)
    with pytest.raises(LogFault):
        await log.store.append(group_of(log, 2))
    assert seen.codes[10174] == 1


async def test_a_server_that_comes_back_gets_everything_once(own_nats: NatsServer) -> None:
    seen = Observed()
    await seen.open([own_nats.url])
    log = await new_log(seen)
    groups = [group_of(log, 1 + number % 2) for number in range(400)]
    waiting = [asyncio.create_task(log.store.append(group)) for group in groups[:200]]
    await soon(lambda: any(task.done() for task in waiting))
    own_nats.kill()
    waiting += [asyncio.create_task(log.store.append(group)) for group in groups[200:]]
    await asyncio.to_thread(own_nats.start)
    answers = await asyncio.gather(*waiting)
    for group, sequences in zip(groups, answers, strict=True):
        last = await log.store.last([append.stream for append in group])
        assert [last[append.stream].sequence for append in group] == list(sequences)
    assert await log.reader.last_sequence(log.context) == sum(map(len, groups))
    await seen.close()


async def test_a_server_that_stays_away_is_unavailable(own_nats: NatsServer) -> None:
    seen = Observed()
    await seen.open([own_nats.url])
    log = await new_log(seen)
    stream = log.stream()
    await log.store.append([log.write(stream)])
    hasty = JetStreamStore(seen, budget_s=SOON_S)
    await hasty.last([stream])
    own_nats.kill()
    for question in (hasty.append([log.write(log.stream())]), hasty.last([stream]), hasty.read(stream, count=1)):
        with pytest.raises(Unavailable):
            await question
    own_nats.start()
    await log.store.append([log.write(log.stream())])
    await seen.close()
