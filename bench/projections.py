"""The read side: events a second of one worker, lag, and first pages over a million events."""

import asyncio
import base64
import multiprocessing
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
from httpx import ASGITransport, AsyncClient

from bench.figure import Figure, percentile
from bench.history import History, moved, write_history
from bench.lag import lag
from bench.rebuilding import rebuilds
from patron_events.jetstream.log import open_log
from patron_projections.activities import Activities
from patron_projections.app import serve_worker
from patron_projections.companies import Companies
from patron_projections.engine.read_model import ReadModel
from patron_projections.people import People
from patron_projections.service import build
from patron_projections.settings import ProjectionsSettings
from patron_projections.timeline import Timeline
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.settings import RuntimeSettings

EVENTS = 1_000_000
REQUESTS = 400
COPIED = 200_000
EVENTS_OF_ONE = 1_000
ALL = (Timeline(), People(), Companies(), Activities())


async def live(settings: ProjectionsSettings, history: History) -> tuple[float, float, float]:
    """Let one worker with timeline and directory catch up; answers seconds, its CPU seconds and its memory in MB."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=serve_worker, args=(settings, (Timeline(), People())), daemon=True)
    process.start()
    try:
        await moved(settings.postgres_url, 0, "max")
        watched = psutil.Process(process.pid)
        started, busy = time.perf_counter(), watched.cpu_times()
        await moved(settings.postgres_url, history.last - 1, "min")
        taken_s, now = time.perf_counter() - started, watched.cpu_times()
        cpu_s = now.user + now.system - busy.user - busy.system
        return taken_s, cpu_s, watched.memory_info().rss / 1e6
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


async def caught_up(settings: ProjectionsSettings, history: History, models: Sequence[ReadModel]) -> None:
    """Let one worker bring models up to date."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=serve_worker, args=(settings, models), daemon=True)
    process.start()
    try:
        await moved(settings.postgres_url, history.last - 1, "min", models=len(models))
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
        nats_url=(nats_url,),
        master_keys={"bench": base64.b64encode(b"b" * 32).decode()},
        postgres_url=postgres_url,
        stream_max_bytes=4 << 30,
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
    async with open_log(settings.log()) as log:
        history.log = log
        async for line in lag(settings, history, (Timeline(), People())):
            yield line
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("ANALYZE")
    async for line in rebuilds(settings, copied):
        yield line
    async with open_log(settings.log()) as log:
        history.log = log
        (long,) = history.random.sample(history.people, 1)
        await history.fill_up(long, EVENTS_OF_ONE)
    await caught_up(settings, history, ALL)
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute("ANALYZE")
    async for line in answers(postgres_url, history, long):
        yield line


async def answers(url: str, history: History, long: str) -> AsyncGenerator[dict[str, Any]]:
    """Ask for first pages and whole customers. long: a customer with a thousand events."""
    some = history.random.choices(history.people, k=REQUESTS)
    past = "as_of=2025-06-01"
    for name, target, paths in (
        ("first page of a timeline, p95", 15, [f"/projections/v1/timeline/{one}" for one in some]),
        ("first page of the directory, p95", 15, ["/projections/v1/people"] * REQUESTS),
        ("first page of the directory by name, p95", 15, ["/projections/v1/people?sort=family_name"] * REQUESTS),
        ("customer 360, p95", 20, [f"/projections/v1/customers/{one}" for one in some]),
        ("customer 360 as of a day, p95", 50, [f"/projections/v1/customers/{one}?{past}" for one in some]),
        (f"customer 360 of {EVENTS_OF_ONE} events, p95", 50, [f"/projections/v1/customers/{long}"] * REQUESTS),
        (
            f"customer 360 of {EVENTS_OF_ONE} events as of a day, p95",
            50,
            [f"/projections/v1/customers/{long}?{past}"] * REQUESTS,
        ),
    ):
        took = await pages(url, paths)
        yield Figure(name, percentile(took, 95), "ms", target=target, lower_is_better=True).line()
