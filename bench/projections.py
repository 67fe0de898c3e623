"""The read side: events a second of one worker, and first pages over a million events.

The history is 40,000 people of seven facts each in one commit, and single orders and calls for the rest.
"""

import asyncio
import base64
import multiprocessing
import random
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import psutil
import psycopg
from httpx import ASGITransport, AsyncClient

from bench.figure import Figure, percentile
from patron_events.catalog import contacts as events
from patron_events.codec import encode_event
from patron_events.envelope import GENESIS, Actor, Cause, Commit, StreamId, encode_commit
from patron_events.jetstream.log import Log, open_log
from patron_events.registry import Fact
from patron_events.sealing import SubjectKey
from patron_events.store import Append
from patron_projections.app import serve_worker
from patron_projections.people import People
from patron_projections.service import build
from patron_projections.settings import ProjectionsSettings
from patron_projections.timeline import Timeline
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.settings import RuntimeSettings

EVENTS = 1_000_000
PEOPLE_SHARE = 0.28
FACTS_OF_A_PERSON = 7
GROUP = 500
REQUESTS = 400
COPIED = 200_000
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ACTOR = Actor("user", "bench", ("agent",))


class History:
    """Writes the history; remembers ids and where each stream ends."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.random = random.Random(5)  # noqa: S311  (a seeded history)
        self.people: list[str] = []
        self.last = 0
        self._ends: dict[StreamId, tuple[int, int, str]] = {}

    def _append(self, stream: StreamId, facts: list[Fact], key: SubjectKey) -> Append:
        version, expected, prev = self._ends.get(stream, (0, 0, GENESIS))
        at = BEGIN + timedelta(seconds=self.random.randrange(60_000_000))
        commit_id = str(UUID(int=self.random.getrandbits(128), version=4))
        stored = tuple(encode_event(fact, at, stream.id, key) for fact in facts)
        body, digest = encode_commit(Commit(commit_id, at, ACTOR, Cause(), version + 1, prev, stored))
        self._ends[stream] = (version + 1, expected, digest)
        return Append(stream, expected, commit_id, body)

    async def write(self, streams: dict[StreamId, list[Fact]], keys: dict[str, SubjectKey]) -> None:
        """Append one group of commits of different aggregates."""
        group = [self._append(stream, facts, keys[stream.id]) for stream, facts in streams.items()]
        for append, sequence in zip(group, await self.log.store.append(group), strict=True):
            version, _, digest = self._ends[append.stream]
            self._ends[append.stream] = (version, sequence, digest)
            self.last = max(self.last, sequence)

    async def add_people(self, number: int) -> None:
        """Record new people."""
        ids = [str(UUID(int=self.random.getrandbits(128), version=4)) for _ in range(number)]
        keys = dict(await self.log.vault.create(ids))
        streams = {
            StreamId("contacts", "person", one): person_facts(len(self.people) + place) for place, one in enumerate(ids)
        }
        await self.write(streams, keys)
        self.people += ids

    async def add_activities(self, number: int) -> None:
        """Record one order or call of as many people."""
        ids = self.random.sample(self.people, min(number, len(self.people)))
        keys = dict(await self.log.vault.find(ids))
        await self.write({StreamId("contacts", "activity", one): [self._activity()] for one in ids}, keys)

    def _activity(self) -> Fact:
        activity_id = str(self.random.getrandbits(64))
        if self.random.getrandbits(1):
            return events.OrderPlaced(activity_id, "USD", self.random.randrange(90_000), source="bench")
        return events.InteractionLogged(activity_id, "call", "inbound", "phone", "A question", "word " * 20)


def person_facts(number: int) -> list[Fact]:
    """State what is known of a new person."""
    address = events.EmailAddress(f"person{number}@example.com", "work", primary=True)
    return [
        events.PersonCreated(),
        events.PersonNamed(given_name=f"Given{number % 997}", family_name=f"Family{number % 9973}"),
        events.EmailsChanged(emails=(address,)),
        events.TagsChanged(tags=("imported",)),
        events.LifecycleStageChanged(to="lead"),
        events.CustomFieldsChanged(fields=(events.Attribute("plan", "gold"),)),
        events.ExternalIdsChanged(external_ids=(events.ExternalId("bench", str(number)),)),
    ]


async def write_history(log: Log, number: int) -> History:
    """Append about `number` events."""
    history = History(log)
    people = int(number * PEOPLE_SHARE / FACTS_OF_A_PERSON)
    for start in range(0, people, GROUP):
        await history.add_people(min(GROUP, people - start))
    rest = number - people * FACTS_OF_A_PERSON
    while rest > 0:
        await history.add_activities(min(GROUP, rest, people))
        rest -= min(GROUP, rest, people)
    return history


async def _moved(url: str, beyond: int, aggregate: str) -> None:
    """Wait until the lowest (or highest) position of the models is beyond a sequence."""
    while True:
        with suppress(psycopg.Error):
            async with await psycopg.AsyncConnection.connect(url) as connection:
                query = f"SELECT {aggregate}(sequence) FROM patron.positions"  # noqa: S608  (min or max)
                cursor = await connection.execute(query.encode())
                row = await cursor.fetchone()
                if row is not None and row[0] is not None and row[0] > beyond:
                    return
        await asyncio.sleep(0.05)


async def live(settings: ProjectionsSettings, history: History) -> tuple[float, float, float]:
    """Let one worker with timeline and directory catch up; answers seconds, its CPU seconds and its memory in MB."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=serve_worker, args=(settings, (Timeline(), People())), daemon=True)
    process.start()
    try:
        await _moved(settings.postgres_url, 0, "max")
        watched = psutil.Process(process.pid)
        started, busy = time.perf_counter(), watched.cpu_times()
        await _moved(settings.postgres_url, history.last - 1, "min")
        taken_s, now = time.perf_counter() - started, watched.cpu_times()
        cpu_s = now.user + now.system - busy.user - busy.system
        return taken_s, cpu_s, watched.memory_info().rss / 1e6
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


async def plain_copy(url: str) -> float:
    """COPY rows of the timeline into a bare table; answers rows a second."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE patron.bare (LIKE patron.timeline)")
        chunks: list[bytes] = []
        async with connection.cursor() as cursor:
            query = f"COPY (SELECT * FROM patron.timeline LIMIT {COPIED}) TO STDOUT"  # noqa: S608
            async with cursor.copy(query.encode()) as source:
                chunks = [bytes(chunk) async for chunk in source]
            data = b"".join(chunks)
            started = time.perf_counter()
            async with cursor.copy("COPY patron.bare FROM STDIN") as target:
                for start in range(0, len(data), 1 << 20):
                    await target.write(data[start : start + (1 << 20)])
            taken_s = time.perf_counter() - started
        await connection.execute("DROP TABLE patron.bare")
        return len(chunks) / taken_s


async def pages(url: str, paths: list[str]) -> list[float]:
    """Ask for pages one after the other through the whole service; answers milliseconds."""
    with TemporaryDirectory() as folder:
        issuer = EmbeddedIssuer(Path(folder))
        verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
        service = build(verifier, RuntimeSettings(log_level="ERROR", access_log=False), url)
        headers = {"Authorization": f"Bearer {issuer.issue('bench', ['reader'])}"}
        took: list[float] = []
        async with (
            service.router.lifespan_context(service),
            AsyncClient(transport=ASGITransport(service), base_url="http://bench", headers=headers) as http,
        ):
            for path in [*paths[:20], *paths]:
                started = time.perf_counter()
                (await http.get(path)).raise_for_status()
                took.append((time.perf_counter() - started) * 1000)
    return took[20:]


async def figures(nats_url: str, postgres_url: str, number: int = EVENTS) -> AsyncGenerator[dict[str, Any]]:
    """Measure on an empty log and an empty database."""
    settings = ProjectionsSettings(
        nats_url=(nats_url,), master_keys={"bench": base64.b64encode(b"b" * 32).decode()}, postgres_url=postgres_url
    )
    async with open_log(settings.log()) as log:
        history = await write_history(log, number)
    taken_s, cpu_s, memory_mb = await live(settings, history)
    copied = await plain_copy(postgres_url)
    yield Figure(
        f"projection live, timeline + directory, one worker, {number} events",
        number / taken_s,
        "events/s",
        copied,
        "COPY of the timeline's rows into a bare table, rows/s",
        target=20_000,
    ).line()
    yield Figure("CPU of that worker", cpu_s / number * 1e6, "us/event").line()
    yield Figure("memory of that worker", memory_mb, "MB", target=300, lower_is_better=True).line()
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("ANALYZE")
    customers = history.random.choices(history.people, k=REQUESTS)
    for name, paths in (
        ("first page of a timeline, p95", [f"/projections/v1/timeline/{one}" for one in customers]),
        ("first page of the directory, p95", ["/projections/v1/people"] * REQUESTS),
        ("first page of the directory by name, p95", ["/projections/v1/people?sort=family_name"] * REQUESTS),
    ):
        took = await pages(postgres_url, paths)
        yield Figure(name, percentile(took, 95), "ms", target=15, lower_is_better=True).line()
