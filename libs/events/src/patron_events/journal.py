"""The journal: loads aggregates as state, and keeps them in a cache that guarded appends validate."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from patron_events.decider import Decider
from patron_events.envelope import GENESIS, Position, StreamId
from patron_events.opening import Opened, Unreadable, open_commits
from patron_events.rejections import Unavailable
from patron_events.store import EventStore, Stored
from patron_events.vault import KeyVault

S = TypeVar("S")
AnyDecider = Decider[Any, Any, Any]


class RecordUnreadable(Unavailable):
    """The record holds a fact that this release cannot read."""

    code = "record-unreadable"


class Loaded(Generic[S]):
    """An aggregate as read from the log.

    version, sequence, hash: of its last commit; 0, 0 and GENESIS when it has none.
    commands: per command id on record its version, sequence and request hash; what makes repeats harmless.
    """

    __slots__ = ("commands", "hash", "sequence", "state", "stream", "version")

    def __init__(self, stream: StreamId, state: S) -> None:
        self.stream = stream
        self.state = state
        self.version = 0
        self.sequence = 0
        self.hash = GENESIS
        self.commands: dict[str, tuple[int, int, str | None]] = {}

    @property
    def position(self) -> Position:
        """Where its last commit stands."""
        return Position(self.stream.context, self.stream.partition, self.sequence)

    def copy(self) -> "Loaded[S]":
        """Give another one that can be folded on; this one stays as it is for those who hold it."""
        other = Loaded(self.stream, self.state)
        other.version, other.sequence, other.hash = self.version, self.sequence, self.hash
        other.commands = dict(self.commands)
        return other


class Journal:
    """Typed reading of aggregates. States are shared between callers and must be immutable."""

    def __init__(self, store: EventStore, vault: KeyVault, *, cached: int = 20_000) -> None:
        self.store = store
        self.vault = vault
        self._cached = cached
        self._cache: OrderedDict[StreamId, Loaded[Any]] = OrderedDict()

    def cached(self, stream: StreamId) -> Loaded[Any] | None:
        """Look an aggregate up without asking the log; it may be behind."""
        loaded = self._cache.get(stream)
        if loaded is not None:
            self._cache.move_to_end(stream)
        return loaded

    def keep(self, loaded: Loaded[Any]) -> None:
        """Put an aggregate into the cache, at the cost of the one unused for longest."""
        known = self._cache.get(loaded.stream)
        if known is not None and known.sequence > loaded.sequence:
            return
        self._cache[loaded.stream] = loaded
        self._cache.move_to_end(loaded.stream)
        if len(self._cache) > self._cached:
            self._cache.popitem(last=False)

    async def load(self, decider: Decider[S, Any, Any], aggregate_id: str) -> Loaded[S]:
        """Read an aggregate as it is now.

        Raises:
            RecordUnreadable: it holds an unknown type or newer version, named in the detail.
            Unavailable: the log or the keys cannot be read.
        """
        stream = decider.stream(aggregate_id)
        return (await self.load_each([(decider, aggregate_id)]))[stream]

    async def load_each(self, wanted: Sequence[tuple[AnyDecider, str]]) -> dict[StreamId, Loaded[Any]]:
        """Read many aggregates as they are now, asking for their last commits together."""
        deciders = {decider.stream(aggregate_id): decider for decider, aggregate_id in wanted}
        last = await self.store.last(tuple(deciders))
        answers: dict[StreamId, Loaded[Any]] = {}
        fresh: list[tuple[Loaded[Any], Sequence[Stored]]] = []
        for stream, decider in deciders.items():
            newest, known = last.get(stream), self.cached(stream)
            if known is not None and newest is not None and known.sequence == newest.sequence:
                answers[stream] = known
                continue
            loaded = Loaded(stream, decider.initial) if newest is None or known is None else known.copy()
            answers[stream] = loaded
            if newest is None:
                self.keep(loaded)
            else:
                fresh.append((loaded, await self._commits(newest, loaded)))
        await self._fold(fresh, deciders)
        return answers

    async def _commits(self, newest: Stored, known: Loaded[Any]) -> Sequence[Stored]:
        """Read the commits of an aggregate that are not folded yet: all of them, or what came after those known."""
        (opened,) = await open_commits([newest], self.vault)
        if isinstance(opened, Unreadable):
            raise RecordUnreadable(str(opened.reason))
        missing = opened.head.version - known.version
        if missing == 1:
            return [newest]
        return await self.store.read(newest.stream, after=known.sequence, count=missing)

    async def _fold(
        self, fresh: Sequence[tuple[Loaded[Any], Sequence[Stored]]], deciders: dict[StreamId, AnyDecider]
    ) -> None:
        opened = iter(await open_commits([one for _, commits in fresh for one in commits], self.vault))
        for loaded, commits in fresh:
            decider = deciders[loaded.stream]
            for _ in commits:
                absorb(loaded, decider, next(opened))
            self.keep(loaded)


def absorb(loaded: Loaded[Any], decider: AnyDecider, commit: Opened | Unreadable) -> None:
    """Fold one more commit into a loaded aggregate."""
    if isinstance(commit, Unreadable):
        raise RecordUnreadable(str(commit.reason))
    head = commit.head
    for recorded in commit.events:
        loaded.state = decider.evolve(loaded.state, recorded.event, recorded.occurred_at)
    loaded.version, loaded.sequence, loaded.hash = head.version, head.sequence, commit.hash
    loaded.commands[head.commit_id] = (head.version, head.sequence, head.cause.request)
