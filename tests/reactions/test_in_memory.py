"""Reactions over an in-memory log: derived commands, timers, loops."""

from collections import Counter
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from patron_events.catalog.contacts import NoteAdded
from patron_events.envelope import Recorded
from patron_events.memory import MemoryStore
from patron_events.opening import Unreadable, open_commits
from patron_events.registry import Fact, NewerEventVersion
from patron_events.vault import MemoryVault
from patron_reactions.memory import InMemory, MemoryTimers
from patron_reactions.reaction import Happened, LoopSuspected, Reaction
from patron_reactions.service import Reactions
from patron_reactions.timers import Fired, TimerReaction
from patron_reactions.work import Delivery, Work
from reactions.bells import BELL, Tower

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class World:
    """Bells, and what reacts to them."""

    def __init__(self) -> None:
        self.store, self.vault = MemoryStore(), MemoryVault()
        self.tower = Tower(self.store, self.vault)
        self.timers = MemoryTimers(NOON)

    async def recorded(self) -> list[Recorded[Fact]]:
        async with aclosing(self.store.follow("contacts")) as batches:
            opened = await open_commits((await anext(batches)).commits, self.vault)
        return [event for commit in opened if not isinstance(commit, Unreadable) for event in commit.events]

    def host(self, *reactions: Reaction | TimerReaction) -> InMemory:
        of_facts = [one for one in reactions if isinstance(one, Reaction)]
        of_timers = [one for one in reactions if isinstance(one, TimerReaction)]
        return InMemory(Reactions("tower", of_facts, of_timers), self.store, self.vault, self.timers)

    def echo(self, *, source: str, target: str, name: str = "echo") -> Reaction:
        async def handle(happened: Happened) -> None:
            if happened.stream.id == source:
                await self.tower.ring(target, happened.asked(), "echo")

        return Reaction(name, BELL.category, (NoteAdded,), handle)

    def morning(self, bell: str) -> tuple[Reaction, TimerReaction]:
        """Ring again a day after each ring by hand."""

        async def plan(happened: Happened) -> None:
            if isinstance(happened.event, NoteAdded) and happened.event.note_id.startswith("rung"):
                await self.timers.put(f"again.{bell}", "again", NOON + DAY, {"bell": bell}, because=happened)

        async def ring(fired: Fired) -> None:
            await self.tower.ring(fired.data["bell"], fired.asked(), "again")

        return Reaction("plan-again", BELL.category, (NoteAdded,), plan), TimerReaction("again", ring)


@pytest.fixture
def world() -> World:
    return World()


async def test_of_a_commit_that_cannot_be_read_those_fail_whom_it_calls_once_it_can_be(world: World) -> None:
    async def handle(happened: Happened) -> None:
        raise AssertionError(happened)

    each = Reaction("each", BELL.category, (NoteAdded,), handle)
    last = Reaction("last", BELL.category, (NoteAdded,), handle, only_last=True)
    work = Work(Reactions("tower", [each, last]), world.vault)
    await world.tower.ring("big", times=2)
    async with aclosing(world.store.follow("contacts")) as batches:
        (stored,) = (await anext(batches)).commits
    delivery = Delivery("CONTACTS", stored.sequence, stored.stream.subject, stored.stored_at, 1, stored.body)
    of_the_future = delivery._replace(body=stored.body.replace(b'"v":1', b'"v":99'))
    failing, readable = await work.jobs(of_the_future), await work.jobs(delivery)
    assert [(job.reaction, job.id, job.event_id) for job in failing] == [
        (job.reaction, job.id, job.event_id) for job in readable
    ]
    assert Counter(job.reaction for job in failing) == {"each": 2, "last": 1}
    for job in failing:
        with pytest.raises(NewerEventVersion):
            await job.run()


async def test_what_looks_at_present_state_is_given_the_last_fact_of_a_commit(world: World) -> None:
    given: dict[str, list[str]] = {"each": [], "last": []}

    def noting(name: str, *, only_last: bool) -> Reaction:
        async def handle(happened: Happened) -> None:
            assert isinstance(happened.event, NoteAdded)
            given[name].append(happened.event.note_id)

        return Reaction(name, BELL.category, (NoteAdded,), handle, only_last)

    host = world.host(noting("each", only_last=False), noting("last", only_last=True))
    await world.tower.ring("big", times=3)
    await world.tower.ring("big")
    await host.settle()
    assert given == {"each": ["rung-0", "rung-1", "rung-2", "rung-3"], "last": ["rung-2", "rung-3"]}


async def test_a_fact_causes_a_command_that_tells_why(world: World) -> None:
    host = world.host(world.echo(source="big", target="small"))
    await world.tower.ring("big")
    assert await host.settle() == 2
    assert await world.tower.rings("small") == ("echo-0",)
    first, second = await world.recorded()
    assert second.commit.cause.causation_id == first.event_id
    assert second.commit.cause.correlation_id == first.commit.commit_id
    assert (first.commit.cause.depth, second.commit.cause.depth) == (0, 1)
    assert (second.commit.actor.kind, second.commit.actor.id) == ("service", "echo")


async def test_redelivery_changes_nothing(world: World) -> None:
    host = world.host(world.echo(source="big", target="small"), *world.morning("big"))
    await world.tower.ring("big")
    await host.advance(NOON + DAY)
    for _ in range(3):
        await host.redeliver()
    assert await world.tower.rings("small") == ("echo-0", "echo-1")
    assert await world.tower.rings("big") == ("rung-0", "again-1")


async def test_a_timer_fires_at_its_time_and_not_before(world: World) -> None:
    host = world.host(*world.morning("big"))
    await world.tower.ring("big")
    await host.advance(NOON + DAY - timedelta(microseconds=1))
    assert await world.tower.rings("big") == ("rung-0",)
    await host.advance(NOON + DAY)
    assert await world.tower.rings("big") == ("rung-0", "again-1")
    assert not world.timers.pending


async def test_reactions_that_cause_each_other_are_stopped(world: World) -> None:
    there, back = world.echo(source="a", target="b", name="there"), world.echo(source="b", target="a", name="back")
    host = world.host(there, back)
    await world.tower.ring("a")
    with pytest.raises(LoopSuspected):
        await host.settle()
    assert len(await world.tower.rings("a")) + len(await world.tower.rings("b")) == 13


async def test_a_timer_that_sets_itself_is_no_loop_when_it_waits(world: World) -> None:
    async def daily(fired: Fired) -> None:
        await world.tower.ring("big", fired.asked(), "daily")
        await world.timers.put("daily", "daily", fired.due_at + DAY, because=fired)

    async def begin(happened: Happened) -> None:
        if happened.recorded.commit.version == 1:
            await world.timers.put("daily", "daily", NOON + DAY, because=happened)

    host = world.host(Reaction("begin", BELL.category, (NoteAdded,), begin), TimerReaction("daily", daily))
    await world.tower.ring("big")
    await host.advance(NOON + 40 * DAY)
    assert len(await world.tower.rings("big")) == 41


async def test_a_timer_that_sets_itself_at_once_is_stopped(world: World) -> None:
    async def hot(fired: Fired) -> None:
        await world.tower.ring("big", fired.asked(), "hot")

    async def begin(happened: Happened) -> None:
        moment = world.timers.now + timedelta(milliseconds=1)
        await world.timers.put("hot", "hot", moment, because=happened)

    host = world.host(Reaction("begin", BELL.category, (NoteAdded,), begin), TimerReaction("hot", hot))
    await world.tower.ring("big")
    with pytest.raises(LoopSuspected):
        await host.advance(NOON + DAY)


def test_two_reactions_cannot_share_a_name(world: World) -> None:
    one = world.echo(source="a", target="b")
    with pytest.raises(ValueError, match="share a name"):
        world.host(one, one)
