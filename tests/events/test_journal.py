"""Loading aggregates: folded whole, kept in a bounded cache, unreadable ones named."""

from collections.abc import Sequence

import msgspec
import pytest

from events.things import ANN, BOX, LABEL, NOW, PutIn, asked
from patron_events.catalog.contacts import NoteAdded
from patron_events.codec import encode_event
from patron_events.decisions import Decisions
from patron_events.envelope import GENESIS, Cause, Commit, StoredEvent, StreamId, encode_commit
from patron_events.journal import Journal, RecordUnreadable
from patron_events.memory import MemoryStore
from patron_events.sealing import SubjectKey
from patron_events.store import Append, Stored
from patron_events.vault import MemoryVault

BOX_B = StreamId("contacts", "box", "b")


class CountingStore(MemoryStore):
    """A log that counts how many commits were read from it."""

    read_commits = 0

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        found = await super().read(stream, after=after, count=count)
        self.read_commits += len(found)
        return found


async def _filled(store: MemoryStore, vault: MemoryVault, *words: str, box: str = "b") -> None:
    decisions = Decisions(Journal(store, vault), now=lambda: NOW)
    for word in words:
        await decisions.run(BOX, box, PutIn(word), asked(f"put {word}", request="r"))


async def test_nothing_on_record_is_the_initial_state() -> None:
    loaded = await Journal(MemoryStore(), MemoryVault()).load(BOX, "b")
    assert (loaded.state, loaded.version, loaded.sequence, loaded.hash, loaded.commands) == ((), 0, 0, GENESIS, {})


async def test_an_aggregate_is_folded_whole() -> None:
    store, vault = MemoryStore(), MemoryVault()
    await _filled(store, vault, "x", "y")
    loaded = await Journal(store, vault).load(BOX, "b")
    assert (loaded.state, loaded.version, loaded.sequence) == (("x", "y"), 2, 2)
    assert loaded.commands == {"put x": (1, 1, "r"), "put y": (2, 2, "r")}
    assert str(loaded.position) == f"contacts.{BOX_B.partition}.2"


async def test_what_is_cached_and_still_current_is_not_read_again() -> None:
    store, vault = CountingStore(), MemoryVault()
    await _filled(store, vault, "x", "y")
    journal = Journal(store, vault)
    first = await journal.load(BOX, "b")
    seen = store.read_commits
    assert await journal.load(BOX, "b") is first
    assert store.read_commits == seen
    await _filled(store, vault, "z")
    assert (await journal.load(BOX, "b")).state == ("x", "y", "z")


async def test_of_what_is_cached_only_what_came_after_is_read() -> None:
    store, vault = CountingStore(), MemoryVault()
    await _filled(store, vault, "x")
    journal = Journal(store, vault)
    first = await journal.load(BOX, "b")
    await _filled(store, vault, "y", "z")
    seen = store.read_commits
    loaded = await journal.load(BOX, "b")
    assert store.read_commits - seen == 2
    whole = await Journal(store, vault).load(BOX, "b")
    for name in ("state", "version", "sequence", "hash", "commands"):
        assert getattr(loaded, name) == getattr(whole, name)
    assert (first.state, first.version, len(first.commands)) == (("x",), 1, 1), "others still hold it"


async def test_the_cache_forgets_what_was_unused_for_longest() -> None:
    store, vault = MemoryStore(), MemoryVault()
    for box in "abc":
        await _filled(store, vault, "x", box=box)
    journal = Journal(store, vault, cached=2)
    await journal.load(BOX, "a")
    await journal.load(BOX, "b")
    assert journal.cached(BOX.stream("a")) is not None  # used now, so b is the oldest
    await journal.load(BOX, "c")
    assert [box for box in "abc" if journal.cached(BOX.stream(box)) is not None] == ["a", "c"]


async def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    store, vault = MemoryStore(), MemoryVault()
    await _filled(store, vault, "x")
    old = await Journal(store, vault).load(BOX, "b")
    await _filled(store, vault, "y")
    journal = Journal(store, vault)
    new = await journal.load(BOX, "b")
    journal.keep(old)
    assert journal.cached(BOX_B) is new


async def test_many_are_loaded_together() -> None:
    store, vault = MemoryStore(), MemoryVault()
    await _filled(store, vault, "x", box="a")
    await _filled(store, vault, "y", box="b")
    wanted = [(BOX, "a"), (BOX, "b"), (BOX, "none"), (LABEL, "a")]
    loaded = await Journal(store, vault).load_each(wanted)
    assert {stream.category + " " + stream.id: one.state for stream, one in loaded.items()} == {
        "box a": ("x",),
        "box b": ("y",),
        "box none": (),
        "label a": (),
    }


async def _recorded(store: MemoryStore, event: StoredEvent) -> None:
    commit = Commit("c", NOW, ANN, Cause(), 1, GENESIS, (event,))
    await store.append([Append(BOX_B, 0, "c", encode_commit(commit)[0])])


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (StoredEvent("contacts.person-cloned", 1, NOW, msgspec.Raw(b"{}")), "contacts.person-cloned"),
        (StoredEvent("contacts.note-added", 9, NOW, msgspec.Raw(b"{}")), "version 9"),
        (StoredEvent("contacts.note-added", 1, NOW, msgspec.Raw(b'{"note_id":7}')), "note_id"),
    ],
)
async def test_an_unreadable_record_says_what_cannot_be_read(event: StoredEvent, named: str) -> None:
    store = MemoryStore()
    await _recorded(store, event)
    with pytest.raises(RecordUnreadable) as refused:
        await Journal(store, MemoryVault()).load(BOX, "b")
    assert named in refused.value.detail


async def test_a_record_with_an_altered_sealed_part_is_unreadable() -> None:
    store, vault = MemoryStore(), MemoryVault()
    fact = NoteAdded(note_id="n", text="x", author="ann")
    sealed_elsewhere = encode_event(fact, NOW, "b", SubjectKey(b"x" * 32))
    await vault.create(["b"])
    await _recorded(store, sealed_elsewhere)
    with pytest.raises(RecordUnreadable):
        await Journal(store, vault).load(BOX, "b")


async def test_a_body_that_is_no_commit_is_unreadable() -> None:
    store = MemoryStore()
    await store.append([Append(BOX_B, 0, "c", b"\xff")])
    with pytest.raises(RecordUnreadable):
        await Journal(store, MemoryVault()).load(BOX, "b")
