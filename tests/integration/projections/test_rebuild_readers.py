"""Who reads during a rebuild: every answer is the rows of one build as of one position of the log."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NamedTuple

import pytest
from msgspec import structs

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import PARTITIONS
from patron_events.opening import Opened
from patron_projections.audit import Audit
from patron_projections.database import Database, Rows
from patron_projections.engine.read_model import Folded, ReadModel, Row
from patron_projections.people import People
from patron_projections.timeline import Timeline
from read_side import ReadSide
from waiting import soon

MARK: Final = "the newer fold"
MOST: Final = 200
"""So much is appended meanwhile: on a slow machine readers of ever more rows would keep a rebuild from its end."""
ALL: Final = frozenset(range(PARTITIONS))
SERVING = "SELECT build, version FROM patron.builds WHERE model = %s AND state = 'serving'"


class _People(People):
    """The directory of people, one version on: everybody has the job MARK."""

    version: ClassVar[int] = People.version + 1

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        last = commit.events[-1]
        job = structs.replace(last, event=events.PersonDetailsChanged(job_title=MARK), index=last.index + 1)
        return super().fold(row, structs.replace(commit, events=(*commit.events, job)))


def _by_mark(commit: Opened) -> Opened:
    actor = structs.replace(commit.head.actor, id=MARK)
    return structs.replace(commit, head=structs.replace(commit.head, actor=actor))


class _Timeline(Timeline):
    """The timeline, one version on: MARK did everything."""

    version: ClassVar[int] = Timeline.version + 1

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        return super().fold(row, _by_mark(commit))


class _Audit(Audit):
    """The audit trail, one version on: MARK did everything."""

    version: ClassVar[int] = Audit.version + 1

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        return super().fold(row, _by_mark(commit))


class _Case(NamedTuple):
    """Two versions of a model. lasting: asks for rows that stay; present: for the newest of each id, or None."""

    old: ReadModel
    newer: ReadModel
    lasting: str
    present: str | None


CASES: Final[Mapping[str, _Case]] = {
    "people": _Case(
        People(),
        _People(),
        "SELECT id::text, position, job_title AS mark FROM patron.people_versions",
        "SELECT id::text, position, job_title AS mark FROM patron.people",
    ),
    "timeline": _Case(
        Timeline(), _Timeline(), "SELECT customer_id::text AS id, position, actor_id AS mark FROM patron.timeline", None
    ),
    "audit": _Case(
        Audit(),
        _Audit(),
        "SELECT record_id AS id, position, actor_id AS mark FROM patron.audit",
        "SELECT id, position FROM patron.audit_facets",
    ),
}


def _places(rows: Rows) -> list[tuple[int, str]]:
    return sorted((row["position"], row["id"]) for row in rows)


def _newest(places: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Give the last position of each id."""
    last = {one: position for position, one in places}
    return sorted((position, one) for one, position in last.items())


def _marked(rows: Rows) -> set[bool]:
    return {row["mark"] == MARK for row in rows}


@pytest.mark.parametrize("name", ["people", "timeline", "audit"])
async def test_every_answer_is_one_build_as_of_one_position(
    log: CustomerLog, side: ReadSide, fresh: ReadSide, name: str
) -> None:
    case = CASES[name]
    answers: list[list[Rows]] = []
    over = asyncio.Event()
    database = Database(side.url)
    await database.open()

    async def read() -> None:
        statements = [case.lasting, *([case.present] if case.present else []), case.lasting]
        while not over.is_set():
            answers.append(await database.answers(statements, {}))
            await asyncio.sleep(0.02)

    async def append() -> None:
        for _ in range(MOST):
            if over.is_set():
                return
            await log.anything(erasures=False)
            await asyncio.sleep(0.05)  # readers, workers and the rebuild share this process

    async def read_on(more: int) -> None:
        enough = len(answers) + more

        async def reached() -> bool:
            return len(answers) >= enough

        await soon(reached)

    for _ in range(60):
        await log.anything(erasures=False)
    async with side.worker(ALL, [case.old]):
        await side.caught_up(log.last, models=[case.old])
    async with side.worker(ALL, [case.old]), side.worker(ALL, [case.newer]):
        tasks = [asyncio.create_task(append()), asyncio.create_task(read())]
        try:
            for build in (2, 3):
                assert (await side.rebuilt(case.newer)).build == build
                await read_on(5)
        finally:
            over.set()
            await asyncio.gather(*tasks)
        await side.caught_up(log.last, models=[case.newer])
    await database.close()
    assert await side.rows(SERVING, name) == [(3, case.newer.version)]
    async with fresh.worker(models=[case.newer]):
        await fresh.caught_up(log.last, models=[case.newer])
    views = [str(table.info["view"]) for table in (case.newer.kept, case.newer.added) if table is not None]
    assert await side.checksums(views) == await fresh.checksums(views)
    _check(answers, sorted([(position, one) for one, position, _ in await fresh.rows(case.lasting)]))


def _check(answers: Sequence[list[Rows]], final: Sequence[tuple[int, str]]) -> None:
    """Hold each answer to what stands in the log up to its position; answers never go back in time or to a build."""
    reached, turned = 0, False
    for first, *present, again in answers:
        (newer,) = _marked(first)
        mark = MARK if newer else None
        places = _places(first)
        position = places[-1][0]
        assert places == [place for place in final if place[0] <= position]
        assert position >= reached
        assert newer or not turned
        reached, turned = position, newer
        for rows in present:
            assert _places(rows) == _newest(places)
            assert {row.get("mark", mark) == MARK for row in rows} == {newer}
        assert (_places(again), _marked(again)) == (places, {newer})
    assert {_marked(first) == {True} for first, *_ in answers} == {True, False}
