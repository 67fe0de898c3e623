"""Evaluators killed at random moments, two at once, PostgreSQL restarted: nothing is doubled, nothing is missing."""

import asyncio
import base64
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from patron_events.catalog import campaigns
from patron_events.catalog import contacts as events
from patron_events.jetstream.log import Log, open_log
from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from patron_projections.settings import ProjectionsSettings
from patron_servers import NatsServer, PostgresServer
from segment_side import SegmentSide, assert_equal
from under_fault import VIPS, anything, happening, some_segments, started, worker_processes
from waiting import soon

WORKERS = 2


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


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kills", [5, pytest.param(50, marks=pytest.mark.slow)])
async def test_no_change_is_doubled_or_missing_after_kills(
    settings: ProjectionsSettings, jetstream: Log, kills: int
) -> None:
    dice = random.Random(11)
    side = SegmentSide(settings.postgres_url, jetstream.store, jetstream.reader, jetstream.vault)
    for _ in range(30):
        await side.contacts.person()
    ids = await some_segments(side)
    async with AsyncExitStack() as stack:
        processes = stack.enter_context(worker_processes(settings, WORKERS))
        async with happening(side, ids):
            for _ in range(kills):
                # The moment of the kill is what is tried here, so it is left to chance.
                await asyncio.sleep(dice.uniform(0.2, 1.2))
                victim = dice.randrange(WORKERS)
                processes[victim].kill()
                await asyncio.to_thread(processes[victim].join)
                processes[victim] = started(settings)
        await side.quiet(within_s=180)
    await assert_equal(side, ids)
    assert await side.reader.last_sequence("segments") > len(ids)


async def test_two_evaluators_at_once_do_no_harm(side: SegmentSide) -> None:
    for _ in range(10):
        await side.contacts.person()
    ids = await some_segments(side)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(side.workers())
        # Any silence counts as death, so that both believe to be the one.
        for _ in range(2):
            await stack.enter_async_context(side.evaluating(dead_after_s=0.0))
        for _ in range(150):
            await anything(side, ids)
        await side.quiet()
        await assert_equal(side, ids)


async def test_another_evaluator_takes_over_from_one_that_stopped(side: SegmentSide) -> None:
    async with side.workers():
        ann = await side.contacts.person()
        vips = await side.segment(VIPS)
        async with side.evaluating():
            await side.quiet()
        await side.contacts.record("person", ann, events.TagsChanged(tags=("a",)))
        async with side.evaluating():
            await side.quiet()
            assert await side.members(vips) == {ann}
            await assert_equal(side, [vips])


async def test_members_are_taken_from_the_log_when_the_database_is_lost(side: SegmentSide, lost: SegmentSide) -> None:
    for _ in range(10):
        await side.contacts.person()
    ids = await some_segments(side)
    async with side.working():
        for _ in range(60):
            await anything(side, ids)
        await side.quiet()
        told = await side.reader.last_sequence("segments")
    async with lost.working():
        await lost.quiet()
        assert await lost.reader.last_sequence("segments") == told
        await assert_equal(lost, ids)


async def test_a_snapshot_that_changed_nobody_is_not_taken_again(side: SegmentSide, lost: SegmentSide) -> None:
    ann, bob = await side.contacts.person(), await side.contacts.person()
    async with side.working():
        await side.quiet()
        empty = await side.segment(VIPS, campaigns.SnapshotRequested(rule_version=1), kind="snapshot", name="Empty")
        taken = campaigns.SnapshotRequested(rule_version=1), campaigns.CustomersIncluded((bob,))
        same = await side.segment(VIPS, *taken, kind="snapshot", name="Same")
        await side.quiet()
        await side.say(same, campaigns.SnapshotRequested(rule_version=1))
        await side.quiet()
        for person in (ann, bob):
            await side.contacts.record("person", person, events.TagsChanged(tags=("a",)))
        await side.segment(VIPS, name="Vips")
        await side.quiet()
        assert (await side.members(empty), await side.members(same)) == (set(), {bob})
        told = await side.reader.last_sequence("segments")
    async with lost.working():
        await lost.quiet()
        assert await lost.reader.last_sequence("segments") == told
        assert (await lost.members(empty), await lost.members(same)) == (set(), {bob})


async def test_what_changed_while_postgres_was_lost_is_told_with_the_time_it_is_found(
    side: SegmentSide, lost: SegmentSide
) -> None:
    ann, bob = await side.contacts.person(), await side.contacts.person()
    async with side.working():
        await side.contacts.record("person", ann, events.TagsChanged(tags=("a",)))
        vips = await side.segment(VIPS)
        await side.quiet()
    found_after = side.clock.now()
    await side.contacts.record("person", bob, events.TagsChanged(tags=("a",)))
    rows: list[tuple[Any, ...]] = []

    async def told() -> bool:
        rows[:] = await lost.rows("SELECT customer_id::text, occurred_at FROM patron.memberships ORDER BY position")
        return len(rows) > 1

    async with lost.working():
        await lost.quiet()
        await soon(told)
    assert [(customer, at > found_after) for customer, at in rows] == [(ann, False), (bob, True)]
    assert await lost.members(vips) == {ann, bob}


@pytest.mark.timeout(300)
async def test_postgres_is_restarted_under_load(own_postgres: PostgresServer) -> None:
    store = MemoryStore()
    side = SegmentSide(own_postgres.url, store, store, MemoryVault())
    for _ in range(20):
        await side.contacts.person()
    ids = await some_segments(side)
    async with side.working():
        for restarts in range(3):
            for _ in range(40):
                await anything(side, ids)
            await (asyncio.to_thread(own_postgres.kill) if restarts % 2 else asyncio.to_thread(own_postgres.stop))
            await asyncio.to_thread(own_postgres.start)
        await side.quiet(within_s=90)
        await assert_equal(side, ids)
