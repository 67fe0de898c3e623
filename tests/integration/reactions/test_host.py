"""Reactions hosted over a real log: redelivery, dead letters, timers, and hosts that stop."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count, repeat
from uuid import UUID

import pytest

from integration.reactions.hosts import Bench, a_bench, names
from patron_events.catalog.contacts import NoteAdded
from patron_events.rejections import Conflict
from patron_reactions import handling
from patron_reactions.consumers import ACK_WAIT_S, Consumer, declare, states_on
from patron_reactions.dead_letters import DeadLetterNotFound, DeadLetters
from patron_reactions.pulling import _PULL, DurablePull  # pyright: ignore[reportPrivateUsage]
from patron_reactions.reaction import Handle, Happened, Reaction
from patron_reactions.service import Reactions
from patron_reactions.timers import Fired, TimerReaction
from patron_servers import NatsServer
from reactions.bells import BELL, GONG
from waiting import soon


class Cracked(Conflict):
    """The bell is cracked."""

    code = "cracked"


@pytest.fixture
async def bench(own_nats: NatsServer) -> AsyncIterator[Bench]:
    async with a_bench(own_nats.url) as bench:
        yield bench


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redeliver soon: what is tested is that and how often, not how patiently."""
    monkeypatch.setattr(handling, "_FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(handling, "_LONGEST_DELAY_S", 0.02)


def reacting(name: str, handle: Handle, category: str = BELL.category) -> Reaction:
    return Reaction(name, category, (NoteAdded,), handle)


def echo(bench: Bench, *, source: str = "big", target: str = "small", name: str = "echo") -> Reaction:
    async def handle(happened: Happened) -> None:
        if happened.stream.id == source:
            await bench.tower.ring(target, happened.asked(), "echo")

    return reacting(name, handle)


async def echoed(bench: Bench, times: int) -> bool:
    return len(await bench.tower.rings("small")) >= times


async def settled(bench: Bench, stream: str = "CONTACTS") -> bool:
    states = await states_on(bench.connection, stream, "tower")
    return bool(states) and all(state.pending == state.open == 0 for state in states)


async def test_facts_from_before_the_start_and_after_it_are_reacted_to_once(bench: Bench) -> None:
    for _ in range(5):
        await bench.tower.ring("big")
    async with bench.hosting(Reactions("tower", [echo(bench)])):
        await soon(lambda: settled(bench))
        for _ in range(5):
            await bench.tower.ring("big")
        await soon(lambda: settled(bench))
    assert names(await bench.tower.rings("small")) == ["echo"] * 10
    async with bench.hosting(Reactions("tower", [echo(bench)])):
        await bench.tower.ring("big")
        await soon(lambda: settled(bench))
    assert names(await bench.tower.rings("small")) == ["echo"] * 11


async def test_pulls_that_were_filled_are_followed_by_others(bench: Bench) -> None:
    facts = 3 * _PULL + 7
    await asyncio.gather(*(bench.tower.ring(f"bell-{number}") for number in range(facts)))
    for service, wanted in (("all", facts), ("few", facts // 4 + 1)):
        await declare(bench.connection, Consumer("CONTACTS", service, "crm.contacts.>"))
        every = count() if service == "few" else repeat(0)
        pull = DurablePull(bench.connection, "CONTACTS", service, lambda _, every=every: next(every) % 4 == 0)
        await pull.open()
        taken = 0
        while taken < wanted:
            messages = await pull.fetch(32, timeout=5)  # raises where a filled pull is waited for in vain
            taken += len(messages)
            for message in messages:
                pull.settle(message.reply, b"+ACK")
        assert (taken, pull.skipped) == (wanted, facts - wanted)
        await pull.unsubscribe()


async def test_facts_of_a_category_wait_for_none_of_another(bench: Bench) -> None:
    heard, go_on = asyncio.Event(), asyncio.Event()

    async def stuck(happened: Happened) -> None:
        del happened
        await go_on.wait()

    async def hear(happened: Happened) -> None:
        del happened
        heard.set()

    both = [reacting("stuck", stuck), reacting("hear", hear, GONG.category)]
    await asyncio.gather(*(bench.tower.ring(f"bell-{number}") for number in range(3 * _PULL)))
    async with bench.hosting(Reactions("tower", both)):
        await bench.tower.ring("great", kind=GONG)
        await asyncio.wait_for(heard.wait(), 10)
        assert not await settled(bench)
        go_on.set()
        await soon(lambda: settled(bench))


async def test_what_followed_a_whole_log_is_followed_by_those_of_its_categories(bench: Bench) -> None:
    """As an installation has it that is older than consumers for each category."""
    whole = Consumer("CONTACTS", "reactions-tower", "crm.contacts.>")
    await declare(bench.connection, whole)
    pull = DurablePull(bench.connection, "CONTACTS", "reactions-tower", lambda _: True)
    await pull.open()
    for _ in range(3):
        await bench.tower.ring("big")
    for message in [one for _ in range(3) for one in await pull.fetch(1, timeout=5)]:
        pull.settle(message.reply, b"+ACK")
    await pull.unsubscribe()
    await bench.tower.ring("big")
    reactions = Reactions("tower", [echo(bench)])
    async with bench.hosting(reactions):
        await soon(lambda: echoed(bench, 1))
    await bench.tower.ring("big")
    async with bench.hosting(reactions):  # it finds its consumers as the first one left them
        await soon(lambda: echoed(bench, 2))
        assert [state.consumer for state in await states_on(bench.connection, "CONTACTS", "tower")] == [
            "reactions-tower_bell"
        ]
    assert names(await bench.tower.rings("small")) == ["echo"] * 2


async def test_two_hosts_share_the_work_and_double_none(bench: Bench) -> None:
    async with a_bench(bench.url) as other:
        first, second = (
            bench.hosting(Reactions("tower", [echo(bench)])),
            other.hosting(Reactions("tower", [echo(other)])),
        )
        async with first, second:
            for _ in range(40):
                await bench.tower.ring("big")
            await soon(lambda: settled(bench))
    assert len(await bench.tower.rings("small")) == 40


async def test_a_failing_reaction_is_repeated_alone_and_ends_in_a_dead_letter(bench: Bench) -> None:
    calls = {"fails": 0, "works": 0}

    async def fails(happened: Happened) -> None:
        calls["fails"] += 1
        raise ZeroDivisionError("a text that may be personal")

    async def works(happened: Happened) -> None:
        calls["works"] += 1

    both = [reacting("fails", fails), reacting("works", works)]
    letters = DeadLetters(bench.connection, "tower")
    async with bench.hosting(Reactions("tower", both)):
        await bench.tower.ring("big")
        await soon(lambda: settled(bench))
    assert calls == {"fails": handling.DELIVERIES, "works": 1}
    (letter,) = await letters.every()
    assert (letter.reaction, letter.what, letter.error, letter.deliveries) == (
        "fails",
        "contacts.note-added",
        "ZeroDivisionError",
        handling.DELIVERIES,
    )
    assert (letter.stream, letter.sequence, letter.detail, letter.retries) == ("CONTACTS", 1, None, 0)
    assert "personal" not in repr(letter)


async def test_a_refusal_that_nobody_expected_says_which(bench: Bench) -> None:
    async def refuses(happened: Happened) -> None:
        raise Cracked

    letters = DeadLetters(bench.connection, "tower")
    async with bench.hosting(Reactions("tower", [reacting("refuses", refuses)])):
        await bench.tower.ring("big")
        await soon(lambda: settled(bench))
    (letter,) = await letters.every()
    assert (letter.code, letter.detail, letter.deliveries) == ("cracked", "The bell is cracked.", 4)


async def test_a_dead_letter_is_repeated_on_request(bench: Bench) -> None:
    mended = False

    async def handle(happened: Happened) -> None:
        if not mended:
            raise Cracked
        await bench.tower.ring("small", happened.asked())

    async def on_time(fired: Fired) -> None:
        if not mended:
            raise Cracked
        await bench.tower.ring("late", fired.asked())

    letters = DeadLetters(bench.connection, "tower")
    reaction = reacting("mends", handle)

    async def plan(happened: Happened) -> None:
        if happened.stream.id == "big":
            await bench.timers.put("on-time", "on-time", datetime.now(UTC), because=happened)

    planning = reacting("plans", plan)
    async with bench.hosting(Reactions("tower", [reaction, planning], [TimerReaction("on-time", on_time)])):
        await bench.tower.ring("big")

        async def dead() -> bool:
            return await letters.count() == 2

        await soon(dead)
        for letter in await letters.every():
            await letters.wish(UUID(letter.id))

        async def tried() -> bool:
            return [letter.retries for letter in await letters.every()] == [1, 1]

        await soon(tried)
        mended = True
        for letter in await letters.every():
            await letters.wish(UUID(letter.id))

        async def gone() -> bool:
            return await letters.count() == 0

        await soon(gone)
    assert len(await bench.tower.rings("late")) == 1
    # "small" and "late" ring because of "mends" too: what matters is that each fact did it once
    assert len(await bench.tower.rings("small")) >= 1
    with pytest.raises(DeadLetterNotFound):
        await letters.wish(UUID(int=1))


async def test_a_loop_of_reactions_ends_in_a_dead_letter(bench: Bench) -> None:
    there, back = echo(bench, source="a", target="b", name="there"), echo(bench, source="b", target="a", name="back")
    letters = DeadLetters(bench.connection, "tower")
    async with bench.hosting(Reactions("tower", [there, back])):
        await bench.tower.ring("a")

        async def stopped() -> bool:
            return await letters.count() == 2  # the last ring reached both, and neither was run

        await soon(stopped)
        await soon(lambda: settled(bench))
    assert {letter.error for letter in await letters.every()} == {"LoopSuspected"}
    assert len(await bench.tower.rings("a")) + len(await bench.tower.rings("b")) == 13


async def test_timers_fire_into_reactions_and_are_gone_then(bench: Bench) -> None:
    async def plan(happened: Happened) -> None:
        if happened.stream.id == "big":
            await bench.timers.put("soon", "again", datetime.now(UTC) + timedelta(seconds=0.5), because=happened)
            await bench.timers.put("never", "again", datetime.now(UTC) + timedelta(seconds=0.6), because=happened)
            await bench.timers.cancel("never")

    async def again(fired: Fired) -> None:
        await bench.tower.ring("small", fired.asked(), fired.key)

    both = Reactions("tower", [reacting("plan", plan)], [TimerReaction("again", again)])
    async with bench.hosting(both):
        await bench.tower.ring("big")

        async def rung() -> bool:
            return bool(await bench.tower.rings("small"))

        await soon(rung)
        await soon(lambda: settled(bench, "TIMERS"))
    assert names(await bench.tower.rings("small")) == ["soon"]
    assert [state.pending for state in await states_on(bench.connection, "TIMERS", "tower")] == [0]


async def test_a_stopped_host_finishes_what_is_under_way(bench: Bench) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(happened: Happened) -> None:
        begun.set()
        await go_on.wait()
        await bench.tower.ring("small", happened.asked())

    async def only_big(happened: Happened) -> None:
        if happened.stream.id == "big":
            await slow(happened)

    reactions = Reactions("tower", [reacting("slow", only_big)])
    async with bench.hosting(reactions):
        await bench.tower.ring("big")
        await begun.wait()
        asyncio.get_running_loop().call_later(0.3, go_on.set)
    assert len(await bench.tower.rings("small")) == 1
    # What it was given and had not begun goes to another one at once, and not when its time is over.
    async with bench.hosting(reactions):
        await soon(lambda: settled(bench), within_s=ACK_WAIT_S / 2)
    assert len(await bench.tower.rings("small")) == 1


async def test_a_host_goes_on_when_the_server_was_killed(bench: Bench, own_nats: NatsServer) -> None:
    async with bench.hosting(Reactions("tower", [echo(bench)])):
        await bench.tower.ring("big")

        async def once() -> bool:
            return len(await bench.tower.rings("small")) == 1

        await soon(once)  # it works, and is not still on its way
        own_nats.kill()
        own_nats.start()
        await bench.tower.ring("big")

        async def twice() -> bool:
            return len(await bench.tower.rings("small")) == 2

        await soon(twice)


async def test_figures_name_reactions_and_not_records(bench: Bench) -> None:
    async with bench.hosting(Reactions("tower", [echo(bench)])):
        await bench.tower.ring("big")
        await soon(lambda: settled(bench))
    told = bench.metrics.exposition().decode()
    assert 'reactions_total{outcome="done",reaction="echo"} 2.0' in told
    assert 'reaction_delay_seconds_count{reaction="echo"} 2.0' in told
    assert "crm." not in told
