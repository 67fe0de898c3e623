"""Rebuilds and workers as processes: sharing, killed at any moment, interrupted by hand, and drained."""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import subprocess
import time
from contextlib import suppress

import pytest

from customer_log import CustomerLog
from installations import PATRON
from patron_events.jetstream.log import Log
from patron_projections.app import serve_worker
from patron_projections.engine.builds import BUILDING, Standing, add_build, build_of
from patron_projections.engine.checksum import sums_of
from patron_projections.engine.filling import FillHere
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.rebuild import positions_of
from patron_projections.engine.tables import create_table
from patron_projections.rebuilding import connecting, rebuild, workshop
from patron_projections.settings import ProjectionsSettings
from read_side import MODELS, VIEWS, ReadSide, Unwatched, rebuild_here
from waiting import soon

BY_NAME = {model.name: model for model in MODELS}
# No position moves while the connection that ran this lives, so that a rebuild begins and cannot end.
HELD_UP = b"""
SELECT pg_advisory_lock(1);
CREATE FUNCTION held_up() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
CREATE TRIGGER held_up BEFORE UPDATE ON patron.positions EXECUTE FUNCTION held_up();
"""
SERVING = "SELECT build FROM patron.builds WHERE model = %s AND state = 'serving'"
PEOPLE, ROUNDS = 150, 6
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["patron_projections.app", "patron_projections.rebuilding"])


class Counting(Unwatched):
    """Counts the processes that a rebuild runs."""

    def __init__(self) -> None:
        self.most = 0

    def advanced(self, messages: int, events: int) -> None:
        """Count the processes of this moment."""
        del messages, events
        self.most = max(self.most, len(multiprocessing.active_children()))


@pytest.fixture
async def filled(jetstream: Log) -> CustomerLog:
    """Write a log of about a thousand commits."""
    log = CustomerLog(jetstream.store, jetstream.vault)
    await log.company()
    people = [log.new_id() for _ in range(PEOPLE)]
    await log.vault.create(people)
    await log.record_all([("person", one, log.person_facts(number)) for number, one in enumerate(people)])
    log.people += people
    for _ in range(ROUNDS):
        await log.record_all([("person", one, [log.change()]) for one in people])
    return log


@pytest.fixture
async def live(settings: ProjectionsSettings, jetstream: Log, filled: CustomerLog) -> ReadSide:
    """Give read models that are up to date."""
    side = ReadSide(settings.postgres_url, jetstream.store, jetstream.reader, jetstream.vault)
    async with side.worker():
        await side.caught_up(filled.last)
    return side


@pytest.mark.parametrize("name", ["people", "timeline"])
async def test_several_processes_build_what_one_builds(
    settings: ProjectionsSettings, live: ReadSide, name: str
) -> None:
    before = await live.checksums(VIEWS)
    watch = Counting()
    shared = await rebuild(settings, BY_NAME[name], watch, 2, share_from=1)
    alone = await rebuild(settings, BY_NAME[name], Unwatched())
    assert watch.most == 2
    assert (shared.build, alone.build) == (2, 3)
    assert shared.events == alone.events > PEOPLE * ROUNDS
    for done in (shared, alone):
        assert done.proof.serving is not None
        assert done.proof.build.differing(done.proof.serving) == []
    assert await live.checksums(VIEWS) == before


@pytest.mark.parametrize(
    ("workers", "kills"), [(1, 4), (2, 3), pytest.param(2, 40, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
async def test_a_rebuild_killed_at_any_moment_leaves_the_serving_build_alone_and_goes_on(
    settings: ProjectionsSettings, live: ReadSide, workers: int, kills: int
) -> None:
    dice = random.Random(workers)
    before = await live.checksums(VIEWS)
    began = time.monotonic()
    assert await _until_the_end(settings, workers) == 0
    whole_s = time.monotonic() - began
    assert await live.rows(SERVING, "people") == [(2,)]
    for _ in range(kills):
        ((serving,),) = await live.rows(SERVING, "people")
        # The moment of the kill is what is tried here, so it is left to chance.
        code = await _until_the_end(settings, workers, killed_after_s=dice.uniform(0.0, whole_s))
        assert code in {0, -signal.SIGKILL}
        ((now,),) = await live.rows(SERVING, "people")
        assert now > serving if code == 0 else now >= serving  # killed after the swap, it has done its work
        assert await live.checksums(VIEWS) == before
    ((serving,),) = await live.rows(SERVING, "people")
    assert await _until_the_end(settings, workers) == 0
    assert (await live.rows(SERVING, "people"))[0][0] > serving
    assert await live.checksums(VIEWS) == before
    assert await live.rows("SELECT count(*) FROM patron.builds WHERE state = 'building'") == [(0,)]


async def _until_the_end(
    settings: ProjectionsSettings, workers: int, *, killed_after_s: float | None = None
) -> int | None:
    """Run a rebuild of the people in a process of its own; answers its exit code."""
    process = _FORKS.Process(target=rebuild_here, args=(settings, "people", workers))
    process.start()
    try:
        await asyncio.to_thread(process.join, killed_after_s)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
    return process.exitcode


async def test_a_rebuild_interrupted_by_hand_says_so_and_goes_on_where_it_was(
    settings: ProjectionsSettings, live: ReadSide
) -> None:
    before = await live.checksums(VIEWS)
    command = [*PATRON, "rebuild", "timeline", "--json"]
    environment = {
        **os.environ,
        "PATRON_NATS_URL": ",".join(settings.nats_url),
        "PATRON_MASTER_KEYS": json.dumps(dict(settings.master_keys)),
        "PATRON_POSTGRES_URL": settings.postgres_url,
        "PATRON_STREAM_MAX_BYTES": str(settings.stream_max_bytes),
    }

    async def begun() -> bool:
        return await live.rows("SELECT 1 FROM patron.builds WHERE state = 'building'") != []

    async with await live.connect() as held:
        await held.execute(HELD_UP)
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
        try:
            await soon(begun)
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 130
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        await held.execute("DROP FUNCTION held_up CASCADE")
    assert await live.rows(SERVING, "timeline") == [(1,)]
    assert await live.checksums(VIEWS) == before
    ended = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    done = json.loads(ended.stdout)
    assert (done["build"], done["replaced"], done["equals_replaced"]) == (2, 1, True)
    assert all(one["equal"] for one in done["partitions"])
    assert await live.checksums(VIEWS) == before


async def test_a_worker_that_is_told_to_end_leaves_whole_batches(
    settings: ProjectionsSettings, jetstream: Log, filled: CustomerLog
) -> None:
    side = ReadSide(settings.postgres_url, jetstream.store, jetstream.reader, jetstream.vault)
    over = asyncio.Event()

    async def append() -> None:
        while not over.is_set():
            await filled.anything(erasures=False)  # a fold afterwards would miss the key of somebody erased later

    async def under_way() -> bool:
        there = await side.rows("SELECT to_regclass('patron.builds') IS NOT NULL")
        return there == [(True,)] and await side.rows("SELECT 1 FROM patron.positions WHERE sequence > 0 LIMIT 1") != []

    appending = asyncio.create_task(append())
    process = _FORKS.Process(target=serve_worker, args=(settings,))
    process.start()
    try:
        await soon(under_way)
        process.terminate()
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
    finally:
        process.kill()
        over.set()
        await appending
    assert await side.rows("SELECT count(*) FROM patron.workers") == [(0,)]
    for model in MODELS:
        await _equals_a_fold_up_to_its_positions(settings, jetstream, model)


async def _equals_a_fold_up_to_its_positions(settings: ProjectionsSettings, log: Log, model: ReadModel) -> None:
    connect = connecting(settings)
    serving, second = build_of(model, 1), build_of(model, 9)
    async with await connect() as connection:
        await connection.execute("SET TimeZone = 'UTC'")
        marks = await positions_of(connection, serving)
        for table in second.tables:
            await create_table(connection, table)
        await add_build(connection, second, Standing(9, model.version, None), BUILDING)
        source = workshop(log, connect, model).source
        await FillHere(connect, source)(second, marks, Unwatched().advanced)
        assert await positions_of(connection, second) == marks
        assert (await sums_of(connection, serving)).differing(await sums_of(connection, second)) == []
