"""A rehearsal answers as the real thing would, and leaves nothing behind."""

import pytest

from events.things import BOX, NOW, BoxFull, PutIn, asked
from patron_events.decisions import Decisions
from patron_events.envelope import StreamId
from patron_events.journal import Journal
from patron_events.memory import MemoryStore
from patron_events.rehearsal import RehearsalStore, RehearsalVault
from patron_events.store import Append, StaleExpectation
from patron_events.vault import MemoryVault

A, B = StreamId("contacts", "box", "a"), StreamId("contacts", "box", "b")


async def test_decisions_see_the_real_log_and_their_own() -> None:
    store, vault = MemoryStore(), MemoryVault()
    await Decisions(Journal(store, vault), now=lambda: NOW).run(BOX, "b", PutIn("x"), asked())
    rehearsal = Decisions(Journal(RehearsalStore(store), RehearsalVault(vault)), now=lambda: NOW)
    assert [(await rehearsal.run(BOX, "b", PutIn(word), asked())).version for word in ("x", "y", "z")] == [1, 2, 3]
    with pytest.raises(BoxFull):
        await rehearsal.run(BOX, "b", PutIn("w"), asked())
    assert await store.last_sequence("contacts") == 1


async def test_what_was_rehearsed_is_read_back_without_a_cache() -> None:
    store, vault = MemoryStore(), MemoryVault()
    await Decisions(Journal(store, vault), now=lambda: NOW).run(BOX, "b", PutIn("x"), asked())
    rehearsed, keys = RehearsalStore(store), RehearsalVault(vault)
    await Decisions(Journal(rehearsed, keys), now=lambda: NOW).run(BOX, "b", PutIn("y"), asked())
    assert (await Journal(rehearsed, keys).load(BOX, "b")).state == ("x", "y")


async def test_a_rehearsal_makes_keys_that_nobody_keeps() -> None:
    store, vault = MemoryStore(), MemoryVault()
    rehearsed, keys = RehearsalStore(store), RehearsalVault(vault)
    await Decisions(Journal(rehearsed, keys), now=lambda: NOW).run(BOX, "b", PutIn("x"), asked())
    assert await vault.find(["b"]) == {}
    assert set(await keys.find(["b", "c"])) == {"b"}


async def test_a_rehearsal_uses_real_keys_and_leaves_them_alone() -> None:
    vault = MemoryVault()
    real = await vault.create(["b"])
    keys = RehearsalVault(vault)
    assert await keys.create(["b"]) == real
    await keys.destroy("b")
    assert await vault.find(["b"]) == real


async def test_guards_hold_over_both_logs() -> None:
    store = MemoryStore()
    (first,) = await store.append([Append(A, 0, "1", b"real")])
    rehearsed = RehearsalStore(store)
    with pytest.raises(StaleExpectation):
        await rehearsed.append([Append(B, 0, "2", b"x"), Append(A, 0, "3", b"x")])
    assert await rehearsed.last([B]) == {}
    (second,) = await rehearsed.append([Append(A, first, "4", b"own")])
    with pytest.raises(StaleExpectation):
        await rehearsed.append([Append(A, first, "5", b"x")])
    assert [stored.body for stored in await rehearsed.read(A, count=10)] == [b"real", b"own"]
    assert [stored.body for stored in await rehearsed.read(A, after=first, count=10)] == [b"own"]
    assert [stored.body for stored in await rehearsed.read(A, after=second, count=10)] == []
    assert [stored.body for stored in await rehearsed.read(A, count=1)] == [b"real"]
    assert [stored.body for stored in await store.read(A, count=10)] == [b"real"]
    await store.append([Append(A, first, "6", b"late")])
    assert [stored.body for stored in await rehearsed.read(A, count=10)] == [b"real", b"own"]


async def test_many_groups_are_guarded_one_after_the_other() -> None:
    rehearsed = RehearsalStore(MemoryStore())
    answers = await rehearsed.append_each(
        [[Append(A, 0, "1", b"x")], [Append(A, 0, "2", b"x"), Append(B, 0, "3", b"x")], [Append(B, 0, "4", b"x")]]
    )
    assert [isinstance(answer, StaleExpectation) for answer in answers] == [False, True, False]
