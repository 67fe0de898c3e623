"""Worker processes killed at random moments, on a real log: in the end the rows equal a fresh fold."""

import asyncio
import base64
import multiprocessing
import random
import secrets
from collections.abc import AsyncGenerator
from multiprocessing.context import ForkServerProcess

import psycopg
import pytest
from psycopg import sql

from customer_log import CustomerLog
from patron_events.jetstream.log import Log, open_log
from patron_projections.app import serve_worker
from patron_projections.settings import ProjectionsSettings
from patron_servers import NatsServer
from read_side import ReadSide

WORKERS = 3
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["patron_projections.app"])


def started(settings: ProjectionsSettings) -> ForkServerProcess:
    """Start one worker process."""
    process = _FORKS.Process(target=serve_worker, args=(settings,), daemon=True)
    process.start()
    return process


@pytest.fixture
def settings(own_nats: NatsServer, database_url: str) -> ProjectionsSettings:
    return ProjectionsSettings(
        nats_url=(own_nats.url,),
        master_keys={"one": base64.b64encode(b"k" * 32).decode()},
        postgres_url=database_url,
        stream_max_bytes=1 << 28,
        worker_beat_s=0.1,
        worker_dead_after_s=0.6,
    )


@pytest.fixture
async def jetstream(settings: ProjectionsSettings) -> AsyncGenerator[Log]:
    async with open_log(settings.log()) as log:
        yield log


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kills", [50, pytest.param(200, marks=pytest.mark.slow)])
async def test_rows_equal_a_fresh_fold_after_many_kills(
    settings: ProjectionsSettings, jetstream: Log, postgres_url: str, kills: int
) -> None:
    dice = random.Random(7)
    log = CustomerLog(jetstream.store, jetstream.vault, seed=3)
    side = ReadSide(settings.postgres_url, jetstream.store, jetstream.reader, jetstream.vault)
    over = asyncio.Event()

    async def append() -> None:
        while not over.is_set():
            await log.anything()

    appending = asyncio.create_task(append())
    processes = [started(settings) for _ in range(WORKERS)]
    try:
        for _ in range(kills):
            # The moment of the kill is what is tried here, so it is left to chance.
            await asyncio.sleep(dice.uniform(0.05, 0.7))
            victim = dice.randrange(WORKERS)
            processes[victim].kill()
            await asyncio.to_thread(processes[victim].join)
            processes[victim] = started(settings)
        over.set()
        await appending
        await side.caught_up(log.last, within_s=120)
    finally:
        over.set()
        for process in processes:
            process.kill()
    assert await side.rows("SELECT count(*) FROM patron.parked") == [(0,)]
    fresh_url = _empty_database(postgres_url, settings.postgres_url)
    fresh = ReadSide(fresh_url, jetstream.store, jetstream.reader, jetstream.vault)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    live = await side.checksums()
    assert live == await fresh.checksums()
    assert live["rm_timeline_v1"][0] >= log.events
    _drop(postgres_url, fresh_url)


def _empty_database(admin_url: str, url: str) -> str:
    name = f"fresh_{secrets.token_hex(8)}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    return url.rpartition("/")[0] + "/" + name


def _drop(admin_url: str, url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        name = sql.Identifier(url.rpartition("/")[2])
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
