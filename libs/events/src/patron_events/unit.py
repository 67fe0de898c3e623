"""The unit of work: decisions on one or more aggregates that are stored together or not at all."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from uuid_utils import uuid7

from patron_events.codec import encode_event
from patron_events.decider import Dated, Decider
from patron_events.envelope import Actor, Cause, Commit, Position, StreamId, encode_commit
from patron_events.journal import AnyDecider, Journal, Loaded
from patron_events.registry import Fact, type_of
from patron_events.rejections import Invalid, VersionMismatch
from patron_events.sealing import SubjectKey
from patron_events.store import Append

S = TypeVar("S")
C = TypeVar("C")
Work = Callable[["Unit"], Awaitable[None]]


class IdempotencyKeyReused(Invalid):
    """The idempotency key was used before with a different request."""

    code = "idempotency-key-reused"


@dataclass(frozen=True, slots=True)
class Asked:
    """One command as asked: its id, by whom, why, and the version that the caller saw, if it said so.

    command_id: the same for every repetition of the same command; it is the id of the commit.
    """

    actor: Actor
    cause: Cause = field(default_factory=Cause)
    command_id: str = field(default_factory=lambda: str(uuid7()))
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a command: the aggregate it decided first, its version and position afterwards.

    position: where readers of that aggregate's partition have seen all of it.
    last: sequence of the last commit of all that were stored together; 0 when nothing was.
    events: the new facts on that aggregate; empty when nothing had to change.
    repeated: the command was already on record; nothing was stored again.
    """

    stream: StreamId
    version: int
    position: Position
    events: tuple[Fact, ...] = ()
    repeated: bool = False
    last: int = 0


class AlreadyRecorded(Exception):
    """The command is on record; `committed` is what it was told."""

    def __init__(self, stream: StreamId, version: int, sequence: int) -> None:
        self.committed = Committed(stream, version, Position(stream.context, stream.partition, sequence), repeated=True)


class Draft:
    """One aggregate within a unit: what was loaded, and what has been decided since."""

    __slots__ = ("dated", "decider", "loaded", "state")

    def __init__(self, decider: AnyDecider, loaded: Loaded[Any]) -> None:
        self.decider = decider
        self.loaded = loaded
        self.state = loaded.state
        self.dated: list[Dated] = []


class Unit:
    """A unit of work: decisions on one or more aggregates of one context, stored together or not at all."""

    def __init__(
        self,
        journal: Journal,
        asked: Asked,
        now: datetime,
        *,
        fresh: bool,
        ends: Mapping[StreamId, Loaded[Any]] | None = None,
    ) -> None:
        """Begin. ends: what units before this one made of aggregates, to be stored in the same group as this one."""
        self._journal = journal
        self._ends = ends or {}
        self._fresh = fresh
        self._drafts: dict[StreamId, Draft] = {}
        self._first: Draft | None = None
        self.asked = asked
        self.now = now
        self.trusted_cache = False
        self._from_cache: dict[StreamId, AnyDecider] = {}

    async def _draft(self, decider: AnyDecider, aggregate_id: str) -> Draft:
        stream = decider.stream(aggregate_id)
        draft = self._drafts.get(stream)
        if draft is None:
            known = self._ends.get(stream) or (None if self._fresh else self._journal.cached(stream))
            if known is not None:
                self.trusted_cache = True
                self._from_cache[stream] = decider
            loaded = known if known is not None else await self._journal.load(decider, aggregate_id)
            draft = self._drafts[stream] = Draft(decider, loaded)
        return draft

    def presume_new(self, decider: AnyDecider, aggregate_id: str) -> None:
        """Take an aggregate to be absent without asking; the guard of the append proves it or starts again."""
        stream = decider.stream(aggregate_id)
        known = stream in self._drafts or stream in self._ends
        if not self._fresh and not known and self._journal.cached(stream) is None:
            self.trusted_cache = True
            self._from_cache[stream] = decider
            self._drafts[stream] = Draft(decider, Loaded(stream, decider.initial))

    def doubtful(self, proved: Collection[StreamId]) -> list[tuple[AnyDecider, str]]:
        """List what was taken from the cache and is not among `proved`; it may be behind."""
        return [(decider, stream.id) for stream, decider in self._from_cache.items() if stream not in proved]

    async def preload(self, wanted: Sequence[tuple[AnyDecider, str]]) -> None:
        """Read several aggregates in one round trip."""
        here = self._drafts.keys() | self._ends.keys()
        missing = [one for one in wanted if one[0].stream(one[1]) not in here]
        if not self._fresh:
            missing = [one for one in missing if self._journal.cached(one[0].stream(one[1])) is None]
        if missing:
            loaded = await self._journal.load_each(missing)
            for decider, aggregate_id in missing:
                stream = decider.stream(aggregate_id)
                self._drafts[stream] = Draft(decider, loaded[stream])

    async def state(self, decider: Decider[S, Any, Any], aggregate_id: str) -> S:
        """Read the state of an aggregate, with the decisions of this unit."""
        return (await self._draft(decider, aggregate_id)).state

    async def decide(self, decider: Decider[S, C, Any], aggregate_id: str, command: C) -> Sequence[Fact]:
        """Answer a command with facts, which this unit will store.

        The aggregate decided first is the one that carries the command id, the expected version and the answer.

        Raises:
            Rejection: as the decider says.
            VersionMismatch: the caller expected another version.
            IdempotencyKeyReused: the command id is on record for another request.
        """
        draft = await self._draft(decider, aggregate_id)
        if self._first is None:
            self._first = draft
            self._check_first(draft.loaded)
        facts: list[Fact] = []
        for decided in decider.decide(draft.state, command):
            dated = decided if isinstance(decided, Dated) else Dated(decided, self.now)
            draft.state = decider.evolve(draft.state, dated.fact, dated.occurred_at)
            draft.dated.append(dated)
            facts.append(dated.fact)
        return facts

    def _check_first(self, loaded: Loaded[Any]) -> None:
        done = loaded.commands.get(self.asked.command_id)
        if done is not None:
            version, sequence, request = done
            if request != self.asked.cause.request:
                raise IdempotencyKeyReused
            raise AlreadyRecorded(loaded.stream, version, sequence)
        expected = self.asked.expected_version
        if expected is not None and expected != loaded.version:
            detail = f"the record is at version {loaded.version}, the caller expected {expected}"
            raise VersionMismatch(detail)

    @property
    def touched(self) -> Collection[StreamId]:
        """The streams that were read or decided."""
        return self._drafts.keys()

    @property
    def changed(self) -> Sequence[Draft]:
        """The aggregates with new facts, the one decided first in front."""
        dated = [draft for draft in self._drafts.values() if draft.dated]
        return sorted(dated, key=lambda draft: draft is not self._first)

    def subjects(self) -> dict[str, bool]:
        """Name the data subjects whose keys are needed to store this unit, and whether each is probably new."""
        known = {stream.id for stream, draft in self._drafts.items() if draft.loaded.version}
        return {
            draft.loaded.stream.id: draft.loaded.stream.id not in known
            for draft in self.changed
            if any(type_of(type(dated.fact)).personal for dated in draft.dated)
        }

    def unchanged(self) -> Committed:
        """Answer for a unit that had nothing to store."""
        if self._first is None:
            msg = "a unit of work decides at least once"
            raise ValueError(msg)
        loaded = self._first.loaded
        return Committed(loaded.stream, loaded.version, loaded.position)


class Prepared:
    """The commits of one unit, encoded and ready to be appended."""

    def __init__(self, unit: Unit, keys: "dict[str, SubjectKey]") -> None:
        self.unit = unit
        self.appends: list[Append] = []
        self.changed = unit.changed
        self._hashes: list[str] = []
        for number, draft in enumerate(self.changed):
            loaded, stream = draft.loaded, draft.loaded.stream
            commit_id = unit.asked.command_id if number == 0 else f"{unit.asked.command_id}.{number}"
            events = tuple(
                encode_event(dated.fact, dated.occurred_at, stream.id, keys.get(stream.id)) for dated in draft.dated
            )
            asked = unit.asked
            commit = Commit(commit_id, unit.now, asked.actor, asked.cause, loaded.version + 1, loaded.hash, events)
            body, digest = encode_commit(commit)
            self.appends.append(Append(stream, loaded.sequence, commit_id, body))
            self._hashes.append(digest)

    def ends(self) -> Mapping[StreamId, Loaded[Any]]:
        """Give the aggregates as they will be, for units that go behind this one; their guard is still this one's."""
        return {
            append.stream: self._after(draft, append, digest, (append.expected, draft.loaded.commands))
            for draft, append, digest in zip(self.changed, self.appends, self._hashes, strict=True)
        }

    def _after(
        self, draft: Draft, append: Append, digest: str, at: tuple[int, Mapping[str, tuple[int, int, str | None]]]
    ) -> Loaded[Any]:
        """Fold one more commit. at: its sequence, and the commands on record before it."""
        sequence, known = at
        loaded: Loaded[Any] = Loaded(append.stream, draft.state)
        loaded.version, loaded.sequence, loaded.hash = draft.loaded.version + 1, sequence, digest
        request = self.unit.asked.cause.request
        loaded.commands = {**known, append.message_id: (loaded.version, sequence, request)}
        return loaded

    def settle(
        self, journal: Journal, sequences: Sequence[int], settled: "dict[StreamId, Loaded[Any]] | None" = None
    ) -> Committed:
        """Take the answer of the log into the cache, and tell the caller.

        settled: aggregates as units before this one in the same group left them; those of this one are put in.
        """
        before = {} if settled is None else settled
        for draft, append, digest, sequence in zip(self.changed, self.appends, self._hashes, sequences, strict=True):
            known = before.get(append.stream, draft.loaded).commands
            after = before[append.stream] = self._after(draft, append, digest, (sequence, known))
            journal.keep(after)
        first = self.changed[0]
        stream = first.loaded.stream
        together = zip(self.appends, sequences, strict=True)
        seen = max(sequence for append, sequence in together if append.stream.partition == stream.partition)
        return Committed(
            stream,
            first.loaded.version + 1,
            Position(stream.context, stream.partition, seen),
            tuple(dated.fact for dated in first.dated),
            last=max(sequences),
        )
