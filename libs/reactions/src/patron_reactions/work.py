"""From a delivered message to the reactions that it calls for."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from patron_events.envelope import Cause, Recorded, StreamId
from patron_events.opening import Unreadable, open_commits
from patron_events.registry import Fact, type_of
from patron_events.store import Stored
from patron_events.vault import KeyVault
from patron_reactions.jetstream_timers import due_subject, read_fired
from patron_reactions.reaction import Happened, category_of, derived_id, guard_against_loops
from patron_reactions.service import Reactions


class NobodyReacts(Exception):
    """A timer fired whose kind this release does not know."""


class Delivery(NamedTuple):
    """A message as it came. deliveries: 1, 2, 3 …; stored_at: the server's clock."""

    stream: str
    sequence: int
    subject: str
    stored_at: datetime
    deliveries: int
    body: bytes


class Job(NamedTuple):
    """One reaction to be run. id: of its dead letter. what, event_id: as DeadLetter says. due_at: of a timer."""

    id: str
    reaction: str
    what: str
    event_id: str
    cause: Cause
    run: Callable[[], Awaitable[None]]
    due_at: datetime | None = None


class _Type(msgspec.Struct, frozen=True):
    type: str


class _Types(msgspec.Struct, frozen=True):
    id: str
    events: tuple[_Type, ...]


_decode_types: Final = msgspec.json.Decoder(_Types).decode


class Work:
    """Finds the jobs of messages. Raises Unavailable when keys cannot be fetched."""

    def __init__(self, reactions: Reactions, vault: KeyVault) -> None:
        self._reactions = reactions
        self._vault = vault
        self._due = due_subject(reactions.service, "")
        self._names = {
            category: {type_of(fact).name: fact for fact in reactions.to(category)} for category in reactions.categories
        }

    def is_wanted(self, category: str) -> Callable[[bytes], bool]:
        """Tell which commits of a category call for anything, by a glance at the names of their facts."""
        names = [f'"type":"{name}"'.encode() for name in self._names[category]]
        return lambda body: any(name in body for name in names)

    async def jobs(self, delivery: Delivery) -> Sequence[Job]:
        """List what a message calls for."""
        if delivery.subject.startswith(self._due):
            return [self._of_timer(delivery)]
        stream = StreamId.parse(delivery.subject)
        stored = Stored(stream, delivery.sequence, delivery.stored_at, delivery.body)
        (opened,) = await open_commits([stored], self._vault)
        if isinstance(opened, Unreadable):
            return self._unreadable(category_of(stream), opened)
        called = self._reactions.called_by(category_of(stream), opened.events)
        return [self._job(reaction.name, recorded, reaction.handle) for reaction, recorded in called]

    def _job(self, name: str, recorded: Recorded[Fact], handle: Callable[[Happened], Awaitable[None]]) -> Job:
        async def run() -> None:
            guard_against_loops(recorded.commit.cause)
            await handle(Happened(name, recorded))

        letter_id = derived_id("dead-letter", self._reactions.service, name, recorded.event_id)
        return Job(letter_id, name, recorded.type, recorded.event_id, recorded.commit.cause, run)

    def _unreadable(self, category: str, commit: Unreadable) -> Sequence[Job]:
        """Fail for everyone who wants a fact of a commit that cannot be read, so that none is skipped in silence."""

        async def run() -> None:
            raise commit.reason

        types = _decode_types(commit.stored.body)
        names = self._names.get(category, {})
        return [
            Job(
                derived_id("dead-letter", self._reactions.service, reaction.name, f"{types.id}:{index}"),
                reaction.name,
                types.events[index].type,
                f"{types.id}:{index}",
                Cause(),
                run,
            )
            for reaction, index in self._reactions.called(category, [names.get(one.type) for one in types.events])
        ]

    def broken(self, delivery: Delivery, error: Exception) -> Job:
        """Make a job that fails, for a message that is neither a commit nor a timer."""

        async def run() -> None:
            raise error

        place = f"{delivery.stream}:{delivery.sequence}"
        letter_id = derived_id("dead-letter", self._reactions.service, "broken", place)
        return Job(letter_id, "broken-message", "unknown", place, Cause(), run)

    def _of_timer(self, delivery: Delivery) -> Job:
        fired = read_fired(delivery.body, delivery.stored_at)
        reaction = self._reactions.on(fired.kind)

        async def run() -> None:
            if reaction is None:
                raise NobodyReacts
            guard_against_loops(fired.because)
            await reaction.handle(fired)

        event_id = f"{fired.key}@{fired.due_at.isoformat()}"
        name = f"timer:{fired.kind}"
        letter_id = derived_id("dead-letter", self._reactions.service, name, event_id)
        return Job(letter_id, name, fired.kind, event_id, fired.because, run, fired.due_at)
