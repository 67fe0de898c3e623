"""Work that goes on while servers fail, worker processes, and the proof that nothing was lost: for tests of faults."""

import asyncio
import base64
import multiprocessing
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from typing import TypeVar

import psycopg

from patron_events.catalog import campaigns
from patron_events.catalog import contacts as events
from patron_events.envelope import PARTITIONS, StreamId
from patron_events.jetstream.log import open_log
from patron_events.rejections import Unavailable
from patron_events.sealing import SubjectKey
from patron_events.store import Append, EventStore, StaleExpectation, Stored
from patron_events.vault import KeyVault
from patron_projections.app import serve_worker
from patron_projections.engine.builds import build_of, standings
from patron_projections.engine.checksum import Sums, sums_of
from patron_projections.service import MODELS
from patron_projections.settings import ProjectionsSettings
from patron_rules.tree import Duration, Facts, FieldIs, InSegment, Measure, Not, Period, Rule
from segment_side import SegmentSide, assert_equal
from waiting import soon

CONTEXTS = frozenset(model.context for model in MODELS)
PEOPLE = 30
VIPS = FieldIs("tags", "has", "a")
RULES: tuple[Rule, ...] = (
    VIPS,
    FieldIs("owner", "eq", "user-1"),
    Measure("count", Facts("purchase", period=Period(last=Duration(days=30))), "gte", 2),
    Measure("sum", Facts("purchase"), "gt", 500, of="amount", currency="USD"),
)
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["patron_projections.app"])
_POSITIONS = """
SELECT min(p.sequence), count(*) FROM patron.positions AS p JOIN patron.builds AS b USING (model, build)
WHERE b.state = 'serving' AND p.stream = %s
"""
R = TypeVar("R")


# -- what happens ------------------------------------------------------------------------------------------------------


async def some_segments(side: SegmentSide) -> list[str]:
    """Record segments that look at different things, and two that look at others."""
    ids = [await side.segment(rule, name=f"Rule {number}") for number, rule in enumerate(RULES)]
    ids.append(await side.segment(Not(InSegment(ids[0])), name="Others"))
    ids.append(await side.segment(InSegment(ids[4]), name="Others again"))
    return ids


async def some_sales(side: SegmentSide) -> None:
    """Record something for every read model of sales."""
    await side.sales.settings()
    await side.sales.lead()
    await side.sales.quote(await side.sales.deal_of("ann"))
    await side.sales.activity()


async def anything(side: SegmentSide, ids: list[str]) -> None:
    """Record something that happens to a customer, in sales or, seldom, to a segment."""
    log, dice = side.contacts, side.contacts.random
    if dice.random() < 0.3:
        await side.sales.anything()
    elif dice.random() < 0.05:
        person = dice.choice(log.people)
        one = dice.choice((campaigns.CustomersIncluded, campaigns.CustomersExcluded))
        await side.say(
            dice.choice(ids), one((person,)) if dice.random() < 0.6 else campaigns.CustomersReleased((person,))
        )
    elif dice.random() < 0.4:
        order = events.OrderPlaced(order_id=log.new_id(), currency="USD", amount_minor=dice.randrange(90_000))
        await log.record("activity", dice.choice(log.people), order, at=datetime.now(UTC))
    else:
        await log.anything()


@asynccontextmanager
async def happening(side: SegmentSide, ids: list[str]) -> AsyncGenerator[None]:
    """Record one thing after the other while the block runs."""
    over = asyncio.Event()

    async def record() -> None:
        while not over.is_set():
            await anything(side, ids)

    recording = asyncio.create_task(record())
    try:
        yield
    finally:
        over.set()
        await recording


async def recorded(side: SegmentSide, more: int, *, within_s: float = 90.0) -> None:
    """Wait until so many more events were recorded than now."""
    enough = side.contacts.events + more

    async def reached() -> bool:
        return side.contacts.events >= enough

    await soon(reached, within_s=within_s)


# -- a log that is waited for ------------------------------------------------------------------------------------------


async def _insisting(ask: Callable[[], Awaitable[R]]) -> R:
    while True:
        with suppress(Unavailable):
            return await ask()


class PatientStore:
    """A store whose appends are repeated, as they were, until the log answers."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        """Append however long it takes."""
        return await _insisting(lambda: self._store.append(group))

    async def append_each(self, groups: Sequence[Sequence[Append]]) -> Sequence[Sequence[int] | StaleExpectation]:
        """Append however long it takes."""
        return await _insisting(lambda: self._store.append_each(groups))

    async def last(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Stored]:
        """Read however long it takes."""
        return await _insisting(lambda: self._store.last(streams))

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        """Read however long it takes."""
        return await _insisting(lambda: self._store.read(stream, after=after, count=count))


class PatientVault:
    """A vault that is asked again until it answers."""

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault

    async def find(self, subjects: Collection[str]) -> Mapping[str, SubjectKey]:
        """Find however long it takes."""
        return await _insisting(lambda: self._vault.find(subjects))

    async def create(self, subjects: Collection[str], *, new: Collection[str] = ()) -> Mapping[str, SubjectKey]:
        """Create however long it takes."""
        return await _insisting(lambda: self._vault.create(subjects, new=new))

    async def destroy(self, subject: str) -> None:
        """Destroy however long it takes."""
        await _insisting(lambda: self._vault.destroy(subject))


# -- who works ---------------------------------------------------------------------------------------------------------


def started(settings: ProjectionsSettings) -> ForkServerProcess:
    """Start one worker process with all models, which also stands for election as evaluator."""
    process = _FORKS.Process(target=serve_worker, args=(settings,), daemon=True)
    process.start()
    return process


@contextmanager
def worker_processes(settings: ProjectionsSettings, number: int) -> Generator[list[ForkServerProcess]]:
    """Run worker processes while the block runs; the block may put others into the places of those it killed."""
    processes = [started(settings) for _ in range(number)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.join()


def settings_of(urls: Sequence[str], postgres_url: str, replicas: int = 1) -> ProjectionsSettings:
    """Say to worker processes where their servers are; they notice soon when one of them falls silent."""
    return ProjectionsSettings(
        nats_url=tuple(urls),
        master_keys={"one": base64.b64encode(b"k" * 32).decode()},
        postgres_url=postgres_url,
        replicas=replicas,
        stream_max_bytes=1 << 28,
        worker_beat_s=0.1,
        worker_dead_after_s=0.6,
        log_level="ERROR",
    )


@asynccontextmanager
async def beginning(said: ProjectionsSettings) -> AsyncGenerator[tuple[SegmentSide, list[str]]]:
    """Open the log with people and segments in it, before anybody works on it."""
    async with open_log(said.log()) as log:
        side = SegmentSide(said.postgres_url, PatientStore(log.store), log.reader, PatientVault(log.vault))
        for _ in range(PEOPLE):
            await side.contacts.person()
        await some_sales(side)
        yield side, await some_segments(side)


# -- the proof ---------------------------------------------------------------------------------------------------------


async def followed(side: SegmentSide, *, within_s: float = 120.0) -> None:
    """Wait until all models have applied all that their logs hold now."""
    ends = {context: await side.reader.last_sequence(context) for context in CONTEXTS}
    numbers = {context: len([one for one in MODELS if one.context == context]) for context in CONTEXTS}

    async def reached() -> bool:
        with suppress(psycopg.Error):
            for context, end in ends.items():
                ((lowest, number),) = await side.rows(_POSITIONS, context)
                if number != numbers[context] * PARTITIONS or lowest < end:
                    return False
            return True
        return False

    await soon(reached, within_s=within_s)


async def sums_of_all(side: SegmentSide) -> dict[str, Sums]:
    """Count and condense the rows of every model by partition."""
    async with await side.connect() as connection:
        standing = await standings(connection)
        return {model.name: await sums_of(connection, build_of(model, standing[model.name].build)) for model in MODELS}


async def assert_as_if_nothing_had_happened(side: SegmentSide, ids: Sequence[str], fresh_url: str) -> None:
    """Hold every model against a fold from the beginning in an empty database, and the members against their rules.

    It waits until those that work have come to the end of the logs. Members must equal a full evaluation and what the
    log told of them, where nobody enters twice or leaves twice.
    """
    await side.quiet(within_s=180)
    await followed(side)
    assert await side.rows("SELECT count(*) FROM patron.parked") == [(0,)]
    await assert_equal(side, ids)
    assert await side.reader.last_sequence("segments") > len(ids)
    fresh = SegmentSide(fresh_url, side.store, side.reader, side.vault)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(fresh.workers(MODELS))
        await followed(fresh)
    live, again = await sums_of_all(side), await sums_of_all(fresh)
    assert {name: sums.differing(again[name]) for name, sums in live.items()} == {name: [] for name in live}
    assert live["timeline"].total >= side.contacts.events
    assert all(sums.total for name, sums in live.items() if name != "custom_fields")
