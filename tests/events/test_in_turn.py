"""Units that end in one aggregate share atomic groups, and each has an answer of its own."""

import asyncio
from collections.abc import Sequence

import pytest
from typing_extensions import override

from events.things import BOX, LABEL, NOW, BoxFull, PutIn, asked
from patron_events import decisions, in_turn
from patron_events.decisions import Asked, Decisions, Unit, Work
from patron_events.in_turn import InTurn
from patron_events.journal import Journal
from patron_events.memory import MemoryStore
from patron_events.rejections import Unavailable
from patron_events.store import Append
from patron_events.vault import MemoryVault
from patron_events.verify import verify


class Counting(MemoryStore):
    """Remembers the sizes of its groups; appends take a while, as they do elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[int] = []
        self.silent = False

    @override
    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        await asyncio.sleep(0)
        if self.silent:
            raise Unavailable
        self.groups.append(len(group))
        return await super().append(group)


class World:
    def __init__(self) -> None:
        self.store, self.vault = Counting(), MemoryVault()

    def process(self) -> Decisions:
        return Decisions(Journal(self.store, self.vault), now=lambda: NOW)

    async def words(self, category: str, one: str) -> tuple[str, ...]:
        decider = {"box": BOX, "label": LABEL}[category]
        return (await self.process().journal.load(decider, one)).state

    async def proved(self) -> None:
        """Hold the hash chain of everything against what is stored."""
        assert (await verify(self.store, "contacts")).is_sound


@pytest.fixture
def world() -> World:
    return World()


def putting(label: str, word: str, box: str = "shared") -> Work:
    """Put a word on a label of its own and into a box that all share."""

    async def work(unit: Unit) -> None:
        await unit.decide(LABEL, label, PutIn(word))
        await unit.decide(BOX, box, PutIn(word))

    return work


async def test_who_waits_together_is_stored_together(world: World) -> None:
    line = InTurn(world.process())
    one = line.transact(putting("l0", "a"), asked("c0"))
    rest = [line.transact(putting(f"l{number}", word), asked(f"c{number}")) for number, word in ((1, "b"), (2, "c"))]
    answers = await asyncio.gather(one, *rest)
    assert [(answer.stream.id, answer.version) for answer in answers] == [("l0", 1), ("l1", 1), ("l2", 1)]
    assert await world.words("box", "shared") == ("a", "b", "c")
    assert sum(world.store.groups) == 6
    assert len(world.store.groups) < 3
    again = await InTurn(world.process()).transact(putting("l2", "c"), asked("c2"))
    assert again.repeated
    assert again.position == answers[2].position
    await world.proved()


async def test_what_is_refused_does_not_spoil_the_others(world: World) -> None:
    line = InTurn(world.process())
    turns = [line.transact(putting(f"l{word}", word), asked()) for word in "abcde"]
    answers = await asyncio.gather(*turns, return_exceptions=True)
    assert [isinstance(answer, BoxFull) for answer in answers] == [False, False, False, True, True]
    assert await world.words("box", "shared") == ("a", "b", "c")
    assert await world.words("label", "le") == ()
    await world.proved()


async def test_a_fault_in_one_unit_is_the_answer_of_that_one_alone(world: World) -> None:
    async def broken(unit: Unit) -> None:
        await unit.decide(BOX, "shared", PutIn("x"))
        raise ZeroDivisionError

    line = InTurn(world.process())
    turns = [
        line.transact(putting("l1", "a"), asked()),
        line.transact(broken, asked()),
        line.transact(putting("l2", "b"), asked()),
    ]
    one, fault, two = await asyncio.gather(*turns, return_exceptions=True)
    assert isinstance(fault, ZeroDivisionError)
    assert not isinstance(one, BaseException)
    assert not isinstance(two, BaseException)
    assert await world.words("box", "shared") == ("a", "b")


async def test_two_processes_and_a_stale_memory_lose_nothing(world: World) -> None:
    lines = [InTurn(world.process()), InTurn(world.process())]
    await lines[0].transact(putting("first", "a", "0"), asked())
    turns = [
        lines[number % 2].transact(putting(f"l{number}", str(number), box=str(number // 3)), asked())
        for number in range(30)
    ]
    answers = await asyncio.gather(*turns, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(refused) == 1  # box 0 had one word before
    assert all(isinstance(one, BoxFull) for one in refused)
    for box in range(10):
        assert len(await world.words("box", str(box))) == 3
    await world.proved()


async def test_where_another_process_was_quicker_a_group_is_decided_again_as_one(world: World) -> None:
    here, there = InTurn(world.process()), InTurn(world.process())
    await here.transact(putting("l0", "a"), asked())
    await there.transact(putting("l1", "a"), asked())
    await world.process().run(BOX, "shared", PutIn("b"), asked())
    turns = [here.transact(putting(f"m{number}", "c"), asked()) for number in range(4)]
    assert [answer.version for answer in await asyncio.gather(*turns)] == [1] * 4
    # Four labels, and the word that only the first of them puts into the box: once in vain, once for good.
    assert world.store.groups[-2:] == [5, 5]
    assert await world.words("box", "shared") == ("a", "b", "c")
    await world.proved()


async def test_a_repetition_is_told_where_its_first_run_was_stored(world: World) -> None:
    line = InTurn(world.process())

    def into_the_box(word: str) -> Work:
        async def work(unit: Unit) -> None:
            await unit.decide(BOX, "shared", PutIn(word))

        return work

    turns = [
        line.transact(putting("l1", "a"), asked("c1")),
        line.transact(into_the_box("b"), asked("c2")),
        line.transact(into_the_box("c"), asked("c3")),
    ]
    told = (await asyncio.gather(*turns))[1]
    assert world.store.groups == [4]
    again = await line.transact(into_the_box("b"), asked("c2"))
    assert (again.repeated, again.version, again.position) == (True, told.version, told.position)


async def test_more_than_goes_into_a_group_is_stored_in_several(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "_MOST_CHAINED", 4)
    line = InTurn(world.process())
    turns = [line.transact(putting(f"l{number}", "a", box=f"{number}"), asked()) for number in range(5)]
    assert len(await asyncio.gather(*turns)) == 5
    assert world.store.groups == [4, 2, 2, 2]
    await world.proved()


async def test_work_that_never_ends_keeps_nobody_waiting_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_turn, "_LONGEST_S", 0.01)
    line = InTurn(world.process())

    async def endless(unit: Unit) -> None:
        del unit
        await asyncio.Event().wait()

    with pytest.raises(Unavailable):
        await line.transact(endless, asked())
    assert (await line.transact(putting("l1", "a"), asked())).version == 1


async def test_a_unit_may_meet_what_an_earlier_one_began_with(world: World) -> None:
    line = InTurn(world.process())

    async def late(unit: Unit) -> None:
        await unit.decide(BOX, "shared", PutIn("late"))
        await unit.decide(LABEL, "l1", PutIn("late"))

    await asyncio.gather(line.transact(putting("l1", "a"), asked()), line.transact(late, asked()))
    assert await world.words("label", "l1") == ("a", "late")
    await world.proved()


@pytest.mark.parametrize("way", ["presumed", "preloaded"])
async def test_what_an_earlier_unit_began_is_not_begun_again(world: World, way: str) -> None:
    line = InTurn(world.process())

    async def first(unit: Unit) -> None:
        unit.presume_new(BOX, "shared")  # so that it is not remembered as absent either
        await putting("l1", "a")(unit)

    async def again(unit: Unit) -> None:
        if way == "presumed":
            unit.presume_new(BOX, "shared")
        else:
            await unit.preload([(BOX, "shared")])
        await unit.decide(LABEL, "l2", PutIn("b"))
        await unit.decide(BOX, "shared", PutIn("b"))

    await asyncio.gather(line.transact(first, asked()), line.transact(again, asked()))
    assert world.store.groups == [4]
    assert await world.words("box", "shared") == ("a", "b")
    await world.proved()


async def test_who_reads_beside_their_unit_is_alone(world: World) -> None:
    line, process = InTurn(world.process()), world.process()
    seen: list[tuple[str, ...]] = []

    async def reading(unit: Unit) -> None:
        seen.append((await process.journal.load(BOX, "shared")).state)
        await unit.decide(BOX, "shared", PutIn("z"))

    await asyncio.gather(
        line.transact(putting("l1", "a"), asked()),
        line.transact(reading, asked(), alone=True),
        line.transact(putting("l2", "b"), asked()),
    )
    assert seen == [("a",)]
    assert await world.words("box", "shared") == ("a", "z", "b")


async def test_a_silent_log_is_told_to_all_and_the_line_goes_on(world: World) -> None:
    line = InTurn(world.process())
    world.store.silent = True
    turns = [line.transact(putting(f"l{word}", word), asked(word)) for word in "abc"]
    answers = await asyncio.gather(*turns, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    world.store.silent = False
    await asyncio.gather(*(line.transact(putting(f"l{word}", word), asked(word)) for word in "abc"))
    assert await world.words("box", "shared") == ("a", "b", "c")


async def test_somebody_who_has_gone_holds_nobody_up(world: World) -> None:
    line = InTurn(world.process())
    gone = asyncio.create_task(line.transact(putting("l1", "a"), asked()))
    other = asyncio.create_task(line.transact(putting("l2", "b"), asked()))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await other).version == 1
    assert await line.transact(putting("l3", "c"), Asked(asked().actor)) is not None
