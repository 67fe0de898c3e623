"""The stream's leader dies in the middle of hundreds of appends: nothing acknowledged is lost, nothing doubled."""

import asyncio
from contextlib import aclosing

from event_logs import new_log
from patron_events.jetstream.connection import connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.rejections import Unavailable
from patron_events.store import Append, StaleExpectation, Stored
from patron_events.testing import Log
from patron_servers import NatsCluster
from waiting import soon

WRITERS = 120
COMMITS = 12
KILL_AFTER = WRITERS * COMMITS // 3


async def write_history(log: Log, store: JetStreamStore, acknowledged: dict[bytes, int]) -> None:
    """Append a history, half of its commits with a claim; after a refusal look, as a journal does, and go on."""
    stream, expected = log.stream(), 0
    for number in range(COMMITS):
        append = log.write(stream, expected=expected)
        group = [append] if number % 2 else [append, log.write(log.stream("claim"))]
        while True:
            try:
                sequences = await store.append(group)
            except Unavailable:
                continue
            except StaleExpectation as stale:
                raise AssertionError("only this writer knows the stream") from stale
            break
        expected = sequences[0]
        for member, sequence in zip(group, sequences, strict=True):
            acknowledged[member.body] = sequence


async def everything(reader: JetStreamReader, context: str) -> list[Stored]:
    last, commits = await reader.last_sequence(context), list[Stored]()
    async with aclosing(reader.follow(context)) as batches:
        async for batch in batches:
            commits += batch.commits
            if batch.through >= last:
                return commits
    raise AssertionError("the log never ends")


async def test_leader_killed_among_concurrent_appends(nats_cluster: NatsCluster) -> None:
    connection, second = await connect(nats_cluster.urls), await connect(nats_cluster.urls)
    log = await new_log(connection, replicas=3)
    stores = [JetStreamStore(connection, budget_s=30), JetStreamStore(second, budget_s=30)]
    follower = asyncio.create_task(follow_to(JetStreamReader(second), log.context, WRITERS * COMMITS * 3 // 2))
    acknowledged: dict[bytes, int] = {}
    writers = [asyncio.create_task(write_history(log, stores[number % 2], acknowledged)) for number in range(WRITERS)]
    await soon(lambda: len(acknowledged) >= KILL_AFTER)
    killed = await asyncio.to_thread(nats_cluster.kill_leader, log.context.upper())
    await asyncio.gather(*writers)
    assert len(acknowledged) > KILL_AFTER

    commits = await everything(JetStreamReader(connection), log.context)
    assert {one.body: one.sequence for one in commits} == acknowledged
    assert len(commits) == len(acknowledged) == WRITERS * COMMITS * 3 // 2
    assert await follower == commits

    await asyncio.to_thread(nats_cluster.restart, killed)
    stream = log.stream()
    (last,) = await log.store.append([Append(stream, 0, "after", b"{}")])
    assert last == len(commits) + 1
    await connection.close()
    await second.close()


async def follow_to(reader: JetStreamReader, context: str, count: int) -> list[Stored]:
    """Follow from the beginning, through the death of the leader."""
    commits: list[Stored] = []
    async with aclosing(reader.follow(context)) as batches:
        async for batch in batches:
            commits += batch.commits
            if len(commits) >= count:
                break
    return commits
