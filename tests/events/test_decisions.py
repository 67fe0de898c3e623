"""The runner over the in-memory log: nothing is lost or doubled, and refusals rest on what is true now."""

import asyncio
from collections.abc import Sequence

import pytest

from events.things import BOX, LABEL, NOW, BoxFull, PutIn, asked
from patron_events.decisions import ATTEMPTS, Asked, Contended, Decisions, IdempotencyKeyReused, Unit, Work
from patron_events.envelope import Position, StreamId, decode_commit, partition_of, stored_hash
from patron_events.journal import Journal
from patron_events.memory import MemoryStore
from patron_events.rejections import Rejection, VersionMismatch
from patron_events.store import Append, StaleExpectation
from patron_events.vault import KeyDestroyed, MemoryVault


class World:
    """One log, and as many processes over it as a test wants."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.vault = MemoryVault()

    def process(self, *, cached: int = 20_000) -> Decisions:
        return Decisions(Journal(self.store, self.vault, cached=cached), now=lambda: NOW)

    async def size(self) -> int:
        return await self.store.last_sequence("contacts")


@pytest.fixture
def world() -> World:
    return World()


async def _words(process: Decisions, box: str = "b") -> tuple[str, ...]:
    return (await process.journal.load(BOX, box)).state


async def test_a_decision_is_stored_and_answered(world: World) -> None:
    committed = await world.process().run(BOX, "b", PutIn("x"), asked("c1"))
    assert (committed.stream, committed.version, committed.repeated) == (StreamId("contacts", "box", "b"), 1, False)
    assert committed.position == Position("contacts", partition_of("b"), 1)
    assert await _words(world.process()) == ("x",)


async def test_what_already_holds_is_answered_without_storing(world: World) -> None:
    process = world.process()
    await process.run(BOX, "b", PutIn("x"), asked())
    committed = await process.run(BOX, "b", PutIn("x"), asked())
    assert (committed.version, committed.events, committed.repeated, await world.size()) == (1, (), False, 1)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_repeated_command_is_answered_as_the_first_was(world: World, *, restarted: bool) -> None:
    process = world.process()
    first = await process.run(BOX, "b", PutIn("x"), asked("c1", request="r"))
    await process.run(BOX, "b", PutIn("y"), asked("c2", request="r"))
    again = await (world.process() if restarted else process).run(BOX, "b", PutIn("x"), asked("c1", request="r"))
    assert (again.version, again.position, again.repeated) == (first.version, first.position, True)
    assert await world.size() == 2


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_command_id_with_another_request_is_refused(world: World, *, restarted: bool) -> None:
    process = world.process()
    await process.run(BOX, "b", PutIn("x"), asked("c1", request="r"))
    with pytest.raises(IdempotencyKeyReused):
        await (world.process() if restarted else process).run(BOX, "b", PutIn("y"), asked("c1", request="s"))
    assert await world.size() == 1


async def test_a_repetition_is_harmless_also_when_the_record_moved_on_elsewhere(world: World) -> None:
    one, two = world.process(), world.process()
    await one.run(BOX, "b", PutIn("x"), asked("c1"))
    await two.run(BOX, "b", PutIn("y"), asked("c2"))
    assert (await one.run(BOX, "b", PutIn("y"), asked("c2"))).repeated
    assert await _words(one) == ("x", "y")


async def test_another_version_than_the_caller_saw_is_refused(world: World) -> None:
    process = world.process()
    await process.run(BOX, "b", PutIn("x"), asked(expected=0))
    with pytest.raises(VersionMismatch):
        await process.run(BOX, "b", PutIn("y"), asked(expected=0))
    assert (await process.run(BOX, "b", PutIn("y"), asked(expected=1))).version == 2


async def test_a_version_mismatch_is_told_of_the_record_as_it_is_now(world: World) -> None:
    one, two = world.process(), world.process()
    await one.run(BOX, "b", PutIn("x"), asked())
    await two.run(BOX, "b", PutIn("y"), asked())
    assert (await one.run(BOX, "b", PutIn("z"), asked(expected=2))).version == 3


async def test_conflicts_are_decided_again(world: World) -> None:
    processes = [world.process() for _ in range(6)]
    answers = await asyncio.gather(
        *(process.run(BOX, f"b{n % 2}", PutIn(f"w{n}"), asked()) for n, process in enumerate(processes))
    )
    assert sorted((answer.stream.id, answer.version) for answer in answers) == [
        (box, version) for box in ("b0", "b1") for version in (1, 2, 3)
    ]
    assert set(await _words(world.process(), "b0")) == {"w0", "w2", "w4"}


async def test_a_refusal_from_a_stale_cache_is_decided_again(world: World) -> None:
    one, two = world.process(), world.process()
    for word in ("x", "y"):
        await one.run(BOX, "b", PutIn(word), asked())
    await two.run(BOX, "b", PutIn("z"), asked())  # full now, and `one` does not know
    with pytest.raises(BoxFull):
        await one.run(BOX, "b", PutIn("w"), asked())
    assert (await one.run(BOX, "b", PutIn("z"), asked())).events == ()


class AlwaysLate(MemoryStore):
    """A log in which somebody else is always quicker."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = 0

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        del group
        self.attempts += 1
        raise StaleExpectation


async def test_whoever_never_comes_first_is_told_so_after_bounded_attempts() -> None:
    store = AlwaysLate()
    with pytest.raises(Contended) as contended:
        await World(store).process().run(BOX, "b", PutIn("x"), asked())
    assert store.attempts == ATTEMPTS
    assert contended.value.retry_after_s > 0


class AnswerLost(MemoryStore):
    """A log that stores the first group and then says that the guard failed, as after a lost answer."""

    lost = False

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        answer = await super().append(group)
        if not self.lost:
            self.lost = True
            raise StaleExpectation
        return answer


async def test_a_stored_command_whose_answer_was_lost_is_found_by_its_id() -> None:
    world = World(AnswerLost())
    committed = await world.process().run(BOX, "b", PutIn("x"), asked("c1"))
    assert (committed.version, committed.repeated, await world.size()) == (1, True, 1)


def _both(word: str) -> Work:
    async def work(unit: Unit) -> None:
        await unit.decide(BOX, "b", PutIn(word))
        await unit.decide(LABEL, word, PutIn(word))

    return work


async def test_a_unit_is_stored_whole_or_not_at_all(world: World) -> None:
    process = world.process()
    committed = await process.transact(_both("x"), asked("c1"))
    assert (committed.stream.category, committed.version, committed.last, await world.size()) == ("box", 1, 2, 2)

    async def refused(unit: Unit) -> None:
        await unit.decide(BOX, "b", PutIn("y"))
        for word in "1234":
            await unit.decide(LABEL, "full", PutIn(word))

    with pytest.raises(BoxFull):
        await process.transact(refused, asked())
    assert await world.size() == 2
    assert await _words(process) == ("x",)


async def test_a_unit_sees_its_own_decisions(world: World) -> None:
    seen: list[tuple[str, ...]] = []

    async def work(unit: Unit) -> None:
        await unit.decide(BOX, "b", PutIn("x"))
        seen.append(await unit.state(BOX, "b"))

    await world.process().transact(work, asked())
    assert seen == [("x",)]


async def test_an_aggregate_presumed_new_is_looked_up_when_it_is_not(world: World) -> None:
    await world.process().run(BOX, "b", PutIn("x"), asked())

    async def work(unit: Unit) -> None:
        unit.presume_new(BOX, "b")
        await unit.decide(BOX, "b", PutIn("y"))

    assert (await world.process().transact(work, asked())).version == 2


async def test_a_unit_that_decides_nothing_is_a_mistake_of_the_program(world: World) -> None:
    async def nothing(unit: Unit) -> None:
        del unit

    with pytest.raises(ValueError, match="decides at least once"):
        await world.process().transact(nothing, asked())


def _put(box: str, word: str) -> Work:
    async def work(unit: Unit) -> None:
        await unit.decide(BOX, box, PutIn(word))

    return work


def _each(*puts: tuple[str, str]) -> list[tuple[Work, Asked]]:
    return [(_put(box, word), asked()) for box, word in puts]


async def test_each_unit_answers_for_itself_in_order(world: World) -> None:
    process = world.process()
    answers = await process.transact_each(
        _each(("a", "1"), ("a", "2"), ("b", "1"), ("a", "3"), ("a", "4"), ("b", "1"), ("c", "1")), []
    )
    told = [one.code if isinstance(one, Rejection) else (one.stream.id, one.version) for one in answers]
    assert told == [("a", 1), ("a", 2), ("b", 1), ("a", 3), "box-full", ("b", 1), ("c", 1)]
    assert (await _words(process, "a"), await world.size()) == (("1", "2", "3"), 5)


async def test_many_units_that_come_too_late_are_decided_again(world: World) -> None:
    one, two = world.process(), world.process()
    await one.transact_each(_each(("a", "1"), ("b", "1")), [])
    await two.transact_each(_each(("a", "2"), ("b", "2")), [])
    answers = await one.transact_each(_each(("a", "3"), ("b", "3")), [])
    assert [one.version for one in answers if not isinstance(one, Rejection)] == [3, 3]


async def test_many_units_rest_no_refusal_on_a_stale_cache(world: World) -> None:
    one, two = world.process(), world.process()

    async def needs_label(unit: Unit) -> None:
        if await unit.state(LABEL, "l") == ():
            raise BoxFull
        await unit.decide(BOX, "b", PutIn("x"))

    (before,) = await one.transact_each([(needs_label, asked())], [])
    assert isinstance(before, BoxFull)
    await two.run(LABEL, "l", PutIn("there"), asked())
    (after,) = await one.transact_each([(needs_label, asked())], [])
    assert not isinstance(after, Rejection)


async def test_many_units_do_not_call_unchanged_what_changed_elsewhere(world: World) -> None:
    one, two = world.process(), world.process()
    await one.run(BOX, "b", PutIn("x"), asked())
    await two.run(BOX, "b", PutIn("y"), asked())
    (answer,) = await one.transact_each(_each(("b", "x")), [])
    assert not isinstance(answer, Rejection)
    assert answer.version == 2


async def test_many_units_are_harmless_to_repeat(world: World) -> None:
    works = [(_put("a", "1"), asked("c:0")), (_put("b", "1"), asked("c:1"))]
    first = await world.process().transact_each(works, [])
    again = await world.process().transact_each(works, [])
    assert [one.repeated for one in again if not isinstance(one, Rejection)] == [True, True]
    assert [one.version for one in again if not isinstance(one, Rejection)] == [1, 1]
    assert (len(first), await world.size()) == (2, 2)


async def test_one_erased_subject_spoils_no_other_unit(world: World) -> None:
    await world.vault.destroy("a")
    answers = await world.process().transact_each(_each(("a", "1"), ("b", "1")), [])
    assert isinstance(answers[0], KeyDestroyed)
    assert not isinstance(answers[1], Rejection)
    assert await world.size() == 1


async def test_nothing_is_written_about_an_erased_subject(world: World) -> None:
    process = world.process()
    await process.run(BOX, "b", PutIn("x"), asked())
    await world.vault.destroy("b")
    with pytest.raises(KeyDestroyed):
        await process.run(BOX, "b", PutIn("y"), asked())
    assert await world.size() == 1


async def test_the_commits_of_an_aggregate_are_a_chain(world: World) -> None:
    for process in (world.process(), world.process()):
        await process.run(BOX, "b", PutIn(f"{id(process)}"), asked())
    await world.process().run(BOX, "b", PutIn("z"), asked())
    stored = await world.store.read(StreamId("contacts", "box", "b"), count=10)
    commits = [decode_commit(one.body) for one in stored]
    assert [commit.version for commit in commits] == [1, 2, 3]
    assert [commit.prev for commit in commits] == ["0" * 64, commits[0].hash, commits[1].hash]
    assert [commit.hash for commit in commits] == [stored_hash(one.body) for one in stored]


async def test_a_small_cache_changes_no_answer(world: World) -> None:
    process = world.process(cached=1)
    for word in ("x", "y", "z"):
        for box in ("a", "b"):
            await process.run(BOX, box, PutIn(word), asked())
    assert (await _words(process, "a"), await _words(process, "b")) == (("x", "y", "z"), ("x", "y", "z"))
    with pytest.raises(BoxFull):
        await process.run(BOX, "a", PutIn("w"), asked())
