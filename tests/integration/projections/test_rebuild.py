"""Rebuilds beside the serving build: equal, resumable, and unnoticed by those who read."""

import asyncio
from typing import ClassVar

import pytest
from msgspec import structs

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import StreamId, decode_commit, encode_commit
from patron_projections.engine.builds import BUILDING, ModelChanged, Standing, add_build, build_of, present_builds
from patron_projections.engine.chain import ChainBroken
from patron_projections.engine.outdated import Rebuilding
from patron_projections.engine.removal import drop_retired
from patron_projections.engine.tables import create_table
from patron_projections.engine.unerased import lock_rebuilds
from patron_projections.engine.worker import Worker
from patron_projections.people import People
from read_side import MODELS, VIEWS, ReadSide
from waiting import soon

BY_NAME = {model.name: model for model in MODELS}
SERVING = "SELECT build FROM patron.builds WHERE model = %s AND state = 'serving'"


class _Newer(People):
    """The directory of people, one version on."""

    version: ClassVar[int] = People.version + 1


class _Changed(People):
    """The directory of people, changed without a new version."""

    categories: ClassVar[frozenset[str]] = frozenset({"person", "company"})


class _CutOff(Exception):
    """The test ends a rebuild."""


class _Cutting:
    """Ends a rebuild when it begins a step, or after so many reports of one."""

    def __init__(self, step: str, reports: int = 0) -> None:
        self._step = step
        self._left = reports
        self._now = ""

    def begins(self, step: str, total: int) -> None:
        del total
        self._now = step
        self.advanced(0, 0)

    def advanced(self, messages: int, events: int) -> None:
        del messages, events
        if self._now == self._step:
            if self._left == 0:
                raise _CutOff
            self._left -= 1


async def test_a_rebuild_of_every_model_equals_live_rows_and_a_fresh_fold(
    log: CustomerLog, side: ReadSide, fresh: ReadSide
) -> None:
    async with side.worker():
        for _ in range(250):
            await log.anything()
        await side.caught_up(log.last)
        before = await side.checksums(VIEWS)
        for model in MODELS:
            done = await side.rebuilt(model)
            assert (done.build, done.replaced) == (2, 1)
            assert done.proof.serving is not None
            assert done.proof.build.differing(done.proof.second) == []
            assert done.proof.build.differing(done.proof.serving) == []
        assert await side.checksums(VIEWS) == before
        for _ in range(60):
            await log.anything()
        await side.caught_up(log.last)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    assert await side.checksums(VIEWS) == await fresh.checksums(VIEWS)
    indexes = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'patron' AND tablename LIKE %s"
    assert await side.rows(indexes, r"rm\_%\_v2") == await side.rows(indexes, r"rm\_%\_v1")


CUTS = [("fill", 1), ("index", 0), ("prove", 0), ("prove", 1), ("swap", 0)]


@pytest.mark.parametrize(
    ("name", "step", "reports"),
    [
        *(("people", step, reports) for step, reports in CUTS),
        *(pytest.param("timeline", step, reports, marks=pytest.mark.slow) for step, reports in CUTS),
    ],
)
async def test_a_rebuild_that_was_cut_off_leaves_the_serving_build_alone_and_goes_on(
    log: CustomerLog, side: ReadSide, name: str, step: str, reports: int
) -> None:
    async with side.worker():
        for _ in range(60):
            await log.anything()
        await side.caught_up(log.last)
        before = await side.checksums(VIEWS)
        with pytest.raises(_CutOff):
            await side.rebuilt(BY_NAME[name], _Cutting(step, reports))
        assert await side.rows(SERVING, name) == [(1,)]
        assert await side.checksums(VIEWS) == before
        await log.anything()
        await side.caught_up(log.last)
        done = await side.rebuilt(BY_NAME[name])
        assert done.build == 2
        assert (done.resumed_at > 0) is (step != "fill" or reports > 0)
        await log.anything()
        await side.caught_up(log.last)
    assert await side.rows("SELECT count(*) FROM patron.builds WHERE state = 'building'") == [(0,)]


async def test_somebody_erased_during_a_rebuild_leaves_nothing_personal_in_any_build(
    log: CustomerLog, side: ReadSide
) -> None:
    person, secret = await log.person(), "Zanzibar"
    await log.record("person", person, events.PersonNamed(given_name=secret))
    async with side.worker():
        await side.caught_up(log.last)
        for name in ("timeline", "people", "audit"):
            with pytest.raises(_CutOff):
                await side.rebuilt(BY_NAME[name], _Cutting("prove"))
        await log.erase(person)
        await side.caught_up(log.last)
        for name in ("timeline", "people", "audit"):
            assert (await side.rebuilt(BY_NAME[name])).build == 2
    tables = await _read_model_tables(side)
    assert len(tables) > len(VIEWS)
    assert [table for table in tables if await _holds(side, table, secret)] == []


@pytest.mark.parametrize("name", ["people", "timeline"])
async def test_a_rebuild_that_was_cut_off_for_good_keeps_nothing_of_somebody_erased(
    log: CustomerLog, side: ReadSide, name: str
) -> None:
    person, secret = await log.person(), "Zanzibar"
    await log.record("person", person, events.PersonNamed(given_name=secret))
    building = "SELECT count(*) FROM patron.builds WHERE state = 'building'"
    async with side.worker():
        await side.caught_up(log.last)
        with pytest.raises(_CutOff):
            await side.rebuilt(BY_NAME[name], _Cutting("prove", 1))
        async with await side.connect() as connection:
            # What a process that is killed during the proof leaves behind.
            second = build_of(BY_NAME[name], -2)
            for table in second.tables:
                await create_table(connection, table)
            await add_build(connection, second, Standing(-2, 0, None), BUILDING)
            # Somebody is still at it, or seems to be, when the erasure comes by.
            assert await lock_rebuilds(connection, name)
            await log.erase(person)
            await side.caught_up(log.last)
            assert await side.rows(building) == [(2,)]

        async def removed() -> bool:
            return await side.rows(building) == [(0,)]

        await soon(removed)
        assert await side.rows("SELECT count(*) FROM patron.unerased") == [(0,)]
        tables = await _read_model_tables(side)
        assert len(tables) == len(VIEWS)
        assert [table for table in tables if await _holds(side, table, secret)] == []
        assert (await side.rebuilt(BY_NAME[name])).resumed_at == 0


async def _read_model_tables(side: ReadSide) -> list[str]:
    found = await side.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'patron' AND tablename LIKE %s", "rm%")
    return [table for (table,) in found]


async def _holds(side: ReadSide, table: str, text: str) -> bool:
    query = f"SELECT count(*) FROM patron.{table} AS t WHERE t::text ILIKE %s"  # noqa: S608
    return await side.rows(query, f"%{text}%") != [(0,)]


async def test_somebody_erased_later_is_forgotten_in_retired_builds(log: CustomerLog, side: ReadSide) -> None:
    person = await log.person()
    other = await log.person()
    async with side.worker():
        await side.caught_up(log.last)
        await side.rebuilt(BY_NAME["people"])
        await log.record("person", other, events.TagsChanged(tags=("x",)))
        await side.caught_up(log.last)
        await log.erase(person)
        await side.caught_up(log.last)
    assert await side.rows("SELECT id::text FROM patron.rm_people_v1") == [(other,)]
    async with await side.connect() as connection:
        assert await drop_retired(connection, "people") == [1]
    assert await side.rows("SELECT to_regclass('patron.rm_people_v1')::text") == [(None,)]
    assert await side.rows("SELECT count(*) FROM patron.people") == [(2,)]


async def test_a_newer_version_is_rebuilt_beside_the_serving_one_and_workers_go_on_with_it(
    log: CustomerLog, side: ReadSide
) -> None:
    others = [model for model in MODELS if model.name != "people"]
    await log.person()
    async with side.worker():
        await side.caught_up(log.last)
    stop = asyncio.Event()
    newer = _Newer()
    rebuilding = Rebuilding(side.shop, [newer, *others], 0.1)
    tasks = [asyncio.create_task(one.run(stop)) for one in (Worker(side.place, [newer, *others]), rebuilding)]

    async def turned() -> bool:
        return await side.rows(SERVING, "people") == [(2,)]

    try:
        await soon(turned)
        await log.person()
        await side.caught_up(log.last)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    assert await side.rows("SELECT count(*) FROM patron.people") == [(2,)]


async def test_a_model_that_changed_without_a_new_version_is_refused(log: CustomerLog, side: ReadSide) -> None:
    async with side.worker():
        await log.person()
        await side.caught_up(log.last)
    with pytest.raises(ModelChanged):
        await Worker(side.place, [_Changed()]).run(asyncio.Event())
    with pytest.raises(ModelChanged):
        await side.rebuilt(_Changed())


async def test_tables_of_a_release_without_builds_are_adopted(log: CustomerLog, side: ReadSide) -> None:
    audit = [BY_NAME["audit"]]
    async with side.worker():
        await log.person()
        await side.caught_up(log.last)
    before = await side.checksums(VIEWS)
    for statement in (
        "DROP TABLE patron.builds",
        "ALTER TABLE patron.positions RENAME COLUMN build TO version",
        "ALTER TABLE patron.parked RENAME COLUMN build TO version",
        "ALTER TABLE patron.workers DROP COLUMN applied_at",
    ):
        async with await side.connect() as connection:
            await connection.execute(statement.encode())
    async with await side.connect() as connection:
        present = await present_builds(connection, MODELS)
    assert [build.name for build in present.serving if build.model in audit] == ["audit"]
    assert {model.name for model in present.outdated} == {model.name for model in MODELS if model.version > 1}
    assert await side.checksums(VIEWS) == before


@pytest.mark.parametrize("sound", [True, False])
async def test_what_follows_an_unreadable_commit_stops_no_rebuild(
    log: CustomerLog, side: ReadSide, *, sound: bool
) -> None:
    person = await log.person()
    if sound:
        await log.record("person", person, events.TagsChanged(tags=("a",)))
        stream = StreamId("contacts", "person", person)
        body = (await log.store.read(stream, count=2))[1].body
        await log.append_bytes("person", person, rechained(body))
    else:
        await log.append_bytes("person", person, b"not a commit")
    await log.record("person", person, events.TagsChanged(tags=("b",)))
    async with side.worker():
        await side.caught_up(log.last)
        assert (await side.rebuilt(BY_NAME["timeline"])).build == 2
    ((waiting, envelope),) = await side.rows("SELECT waiting, envelope FROM patron.parked WHERE model = 'timeline'")
    assert waiting == 2
    assert (envelope is not None) is sound


def rechained(body: bytes) -> bytes:
    """Give the commit that follows this one, with an event that nobody knows."""
    before = decode_commit(body)
    (event,) = before.events
    unknown = structs.replace(event, type="contacts.never-heard-of")
    after = structs.replace(before, id="x", version=before.version + 1, prev=before.hash, events=(unknown,))
    return encode_commit(after)[0]


async def test_a_log_that_was_altered_stops_a_rebuild(log: CustomerLog, side: ReadSide) -> None:
    person = await log.person()
    stream = StreamId("contacts", "person", person)
    body = (await log.store.last([stream]))[stream].body
    await log.append_bytes("person", person, body.replace(b'"version":1', b'"version":2'))
    async with side.worker():
        await side.caught_up(log.last)
    with pytest.raises(ChainBroken):
        await side.rebuilt(BY_NAME["timeline"])
    assert await side.rows(SERVING, "timeline") == [(1,)]
