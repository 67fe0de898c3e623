"""Leaders killed, PostgreSQL restarted, disks that do not answer, two owners: in the end nothing shows of it.

Every test ends with the same proof: all models equal a fold from the beginning (rows and checksums of each partition),
and the members of segments equal a full evaluation and the log, in which nothing is doubled or missing.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from installations import family_of
from patron_events.envelope import PARTITIONS
from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from patron_projections.service import MODELS, build
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.settings import RuntimeSettings
from patron_servers import NatsCluster, NatsServer, PostgresServer, throwaway_folder
from segment_side import SegmentSide
from under_fault import (
    PEOPLE,
    anything,
    assert_as_if_nothing_had_happened,
    beginning,
    happening,
    recorded,
    settings_of,
    some_sales,
    some_segments,
    worker_processes,
)
from waiting import soon

STREAMS = ("CONTACTS", "SEGMENTS", "CAMPAIGNS", "PIPELINE")


@pytest.fixture
def own_cluster() -> Generator[NatsCluster]:
    """Give three embedded nodes with no stream in them."""
    with throwaway_folder("patron-test-cluster-") as folder, NatsCluster(folder) as cluster:
        yield cluster


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.slow)])
async def test_leaders_of_the_log_are_killed(
    own_cluster: NatsCluster, database_url: str, fresh_url: str, kills: int
) -> None:
    said = settings_of(own_cluster.urls, database_url, replicas=3)
    async with beginning(said) as (side, ids):
        with worker_processes(said, 1):
            async with happening(side, ids):
                for number in range(kills):
                    await recorded(side, 100)
                    stream = STREAMS[number % len(STREAMS)]
                    killed = await asyncio.to_thread(own_cluster.kill_leader, stream)
                    await recorded(side, 100)
                    await asyncio.to_thread(own_cluster.restart, killed)
                await recorded(side, 50)
            await assert_as_if_nothing_had_happened(side, ids, fresh_url)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=pytest.mark.slow)])
async def test_postgres_is_restarted_under_load(
    own_nats: NatsServer, own_postgres: PostgresServer, fresh_url: str, rounds: int
) -> None:
    said = settings_of([own_nats.url], own_postgres.url)

    def at_once() -> None:
        os.kill(own_postgres.pid, signal.SIGQUIT)  # `pg_ctl stop -m immediate`
        own_postgres.stop()

    ways: tuple[Callable[[], None], ...] = (own_postgres.kill, at_once, own_postgres.stop)
    async with beginning(said) as (side, ids):
        with worker_processes(said, 2):
            async with happening(side, ids):
                for way in ways * rounds:
                    await recorded(side, 150)
                    await asyncio.to_thread(way)
                    await recorded(side, 100)
                    await asyncio.to_thread(own_postgres.start)
                await recorded(side, 100)
            await assert_as_if_nothing_had_happened(side, ids, fresh_url)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stutters", [6, pytest.param(100, marks=pytest.mark.slow)])
async def test_disks_do_not_answer_for_a_while(
    own_nats: NatsServer, own_postgres: PostgresServer, fresh_url: str, tmp_path: Path, stutters: int
) -> None:
    dice = random.Random(5)
    said = settings_of([own_nats.url], own_postgres.url)
    async with AsyncExitStack() as stack:
        side, ids = await stack.enter_async_context(beginning(said))
        http = await stack.enter_async_context(asking(own_postgres.url, tmp_path))
        with worker_processes(said, 2):
            await side.quiet(within_s=120)
            over = asyncio.Event()
            answers = asyncio.create_task(answered(http, ids, over))
            async with happening(side, ids):
                for _ in range(stutters):
                    with silent(dice.choice((own_nats.pid, own_postgres.pid))):
                        await asyncio.sleep(dice.uniform(0.05, 1.0))  # as long as a disk may take
                    await recorded(side, dice.randrange(1, 40))
            over.set()
            codes = await answers
            await assert_as_if_nothing_had_happened(side, ids, fresh_url)
    assert codes.keys() <= {200, 503}
    assert codes[200] > stutters


@pytest.mark.timeout(300)
async def test_two_owners_of_all_partitions_do_no_harm(database_url: str, fresh_url: str) -> None:
    everything = frozenset(range(PARTITIONS))
    store = MemoryStore()
    side = SegmentSide(database_url, store, store, MemoryVault())
    for _ in range(PEOPLE):
        await side.contacts.person()
    await some_sales(side)
    ids = await some_segments(side)

    @asynccontextmanager
    async def owner() -> AsyncGenerator[None]:
        # Any silence counts as death, so that each evaluator believes to be the one.
        async with side.workers(MODELS, share=everything), side.evaluating(dead_after_s=0.0):
            yield

    async with owner():
        async with owner():
            for _ in range(150):
                await anything(side, ids)
                await asyncio.sleep(0.02)
            await soon(side.has_fenced)
        # Two that take the lease from each other without end may never come to theirs: that is promised to none.
        await assert_as_if_nothing_had_happened(side, ids, fresh_url)


@contextmanager
def silent(pid: int) -> Generator[None]:
    """Let a server and its children stand still while the block runs."""
    os.kill(pid, signal.SIGSTOP)  # the first: it starts no children from here on
    stopped = family_of(pid)
    try:
        for one in stopped:
            _tell(one, signal.SIGSTOP)
        yield
    finally:
        for one in stopped:
            _tell(one, signal.SIGCONT)


def _tell(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # a child that was at its end when it was told to stop
        os.kill(pid, what)


@asynccontextmanager
async def asking(postgres_url: str, folder: Path) -> AsyncGenerator[AsyncClient]:
    """Serve the queries in this process; what goes wrong in there is answered with 500."""
    issuer = EmbeddedIssuer(folder)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    service = build(verifier, RuntimeSettings(log_level="CRITICAL"), postgres_url)
    headers = {"Authorization": f"Bearer {issuer.issue('tester', ['admin'])}"}
    transport = ASGITransport(service, raise_app_exceptions=False)
    async with (
        service.router.lifespan_context(service),
        AsyncClient(transport=transport, base_url="http://patron/projections/v1", headers=headers) as http,
    ):
        yield http


async def answered(http: AsyncClient, ids: list[str], over: asyncio.Event) -> Counter[int]:
    """Ask one question after the other; answers how often each status came."""
    paths = ("/people", "/companies", "/segments", f"/segments/{ids[0]}/members", "/audit", "/reports/purchases")
    codes: Counter[int] = Counter()
    while not over.is_set():
        for path in paths:
            codes[(await http.get(path)).status_code] += 1
    return codes
