"""The log: appends, loads, bulk appends and the reader, each beside what raw nats-py does in the same run."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from bench.figure import Figure
from patron_events.catalog import contacts as events
from patron_events.codec import encode_event
from patron_events.decider import Decider
from patron_events.envelope import GENESIS, Actor, Cause, Commit, StreamId, encode_commit
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.journal import Journal
from patron_events.sealing import SubjectKey, new_key
from patron_events.store import Append
from patron_events.vault import MemoryVault

IN_FLIGHT = 256
APPENDS_FOR_S = 4.0
LOADS_FOR_S = 2.0
BULK_PEOPLE = 10_000
GUARD = "Nats-Expected-Last-Subject-Sequence"


KEY = new_key()


def _commit(subject: str, count: int, version: int = 1, prev: str = GENESIS) -> tuple[str, bytes, str]:
    fact = events.PersonNamed(given_name="Ada", family_name="Lovelace")
    now = datetime.now(UTC)
    event = encode_event(fact, now, subject, KEY)
    commit = Commit(str(uuid4()), now, Actor("user", "bench"), Cause(), version, prev, (event,) * count)
    return commit.id, *encode_commit(commit)


def _append(context: str, category: str, count: int = 1) -> Append:
    stream = StreamId(context, category, uuid4().hex)
    command_id, body, _ = _commit(stream.id, count)
    return Append(stream, 0, command_id, body)


class _OneKey(MemoryVault):
    """Every subject has the same key: what keys cost is measured elsewhere."""

    async def find(self, subjects: Collection[str]) -> Mapping[str, SubjectKey]:
        return dict.fromkeys(subjects, KEY)


async def _rate(lanes: int, for_s: float, once: Callable[[], Awaitable[None]]) -> float:
    """Run `once` in so many lanes; answers how often it ended per second."""
    started, done = time.perf_counter(), 0

    async def lane() -> None:
        nonlocal done
        while time.perf_counter() - started < for_s:
            await once()
            done += 1

    await asyncio.gather(*(lane() for _ in range(lanes)))
    return done / (time.perf_counter() - started)


async def _appends(raw: Client, store: JetStreamStore, context: str) -> Figure:
    jetstream = raw.jetstream(timeout=30)  # pyright: ignore[reportUnknownMemberType]  # nats-py leaves a parameter open

    async def through_nats_py() -> None:
        append = _append(context, "raw")
        await jetstream.publish(
            append.stream.subject, append.body, headers={GUARD: "0", "Nats-Msg-Id": append.message_id}
        )

    async def through_the_store() -> None:
        await store.append([_append(context, "person")])

    limit = await _rate(IN_FLIGHT, APPENDS_FOR_S, through_nats_py)
    value = await _rate(IN_FLIGHT, APPENDS_FOR_S, through_the_store)
    return Figure("guarded appends, 256 in flight", value, "1/s", limit, "raw nats-py publishes", 2.0, "ratio")


def _fold(state: int, _event: Any, _at: datetime) -> int:
    return state + 1


def _nothing(_state: int, _command: None) -> tuple[()]:
    return ()


async def _raw_load(raw: Client, stream: str, subject: str, count: int) -> None:
    """Ask for the last message and then for all of them, as a load must, without looking at what came."""
    inbox = raw.new_inbox()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    received = 0

    async def take(_: Msg) -> None:
        nonlocal received
        received += 1
        if received == count:
            done.set_result(None)

    await raw.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", timeout=10)
    subscription = await raw.subscribe(inbox, cb=take)  # pyright: ignore[reportUnknownMemberType]  # nats-py leaves a parameter open
    request = json.dumps({"seq": 1, "next_by_subj": subject, "batch": count}).encode()
    await raw.publish(f"$JS.API.DIRECT.GET.{stream}", request, reply=inbox)
    await done
    await subscription.unsubscribe()


async def _load(raw: Client, store: JetStreamStore, context: str, count: int) -> Figure:
    decider: Decider[int, None, Any] = Decider(f"{context}.history", 0, _nothing, _fold)
    stream, expected, prev = decider.stream(uuid4().hex), 0, GENESIS
    for version in range(1, count + 1):
        command_id, body, prev = _commit(stream.id, 1, version, prev)
        (expected,) = await store.append([Append(stream, expected, command_id, body)])

    vault = _OneKey()

    async def through_the_journal() -> None:
        await Journal(store, vault).load(decider, stream.id)  # a new journal: nothing is cached

    async def through_nats_py() -> None:
        await _raw_load(raw, context.upper(), stream.subject, count)

    limit = await _rate(1, LOADS_FOR_S, through_nats_py)
    value = await _rate(1, LOADS_FOR_S, through_the_journal)
    return Figure(f"load of an aggregate of {count} events", value, "1/s", limit, "raw direct gets", 0.7, "ratio")


def _people(context: str) -> Sequence[Sequence[Append]]:
    return [
        [_append(context, "person", 4), _append(context, "claim"), _append(context, "claim")]
        for _ in range(BULK_PEOPLE)
    ]


async def _bulk(store: JetStreamStore, context: str) -> Figure:
    people = _people(context)
    started = time.perf_counter()
    await store.append_each(people)
    took_s = time.perf_counter() - started
    return Figure("bulk append, claims included", BULK_PEOPLE * 6 / took_s, "events/s", target=10_000)


async def bulk_alone(nats_url: str) -> float:
    """Measure events/s of bulk appends with claims on a running server, in a stream that is deleted afterwards."""
    context = "bench" + secrets.token_hex(4)
    connection = await connect(nats_url)
    await assert_streams(connection, [log_stream(context, Sizing())])
    figure = await _bulk(JetStreamStore(connection), context)
    await connection.ask(f"$JS.API.STREAM.DELETE.{context.upper()}", timeout_s=30)
    await connection.close()
    return figure.value


async def _reading(connection: Connection, context: str) -> Figure:
    reader = JetStreamReader(connection)
    last = await reader.last_sequence(context)
    started = time.perf_counter()
    async with aclosing(reader.follow(context)) as batches:
        async for batch in batches:
            if batch.through >= last:
                break
    return Figure("reader", last / (time.perf_counter() - started), "messages/s", target=80_000)


async def figures(nats_url: str) -> AsyncGenerator[dict[str, Any]]:
    """Measure against a server with `sync_interval: always`; makes a stream of its own and deletes it."""
    context = "bench" + secrets.token_hex(4)
    connection = await connect(nats_url)
    raw = await nats.connect(nats_url)  # pyright: ignore[reportUnknownMemberType]  # nats-py leaves a parameter open
    await assert_streams(connection, [log_stream(context, Sizing())])
    store = JetStreamStore(connection)
    try:
        yield (await _appends(raw, store, context)).line()
        for count in (10, 100):
            yield (await _load(raw, store, context, count)).line()
        yield (await _bulk(store, context)).line()
        yield (await _reading(connection, context)).line()
    finally:
        await connection.ask(f"$JS.API.STREAM.DELETE.{context.upper()}", timeout_s=30)
        await connection.close()
        await raw.close()
