"""In-memory twins: timers without a server, and a host that runs reactions until nothing is left to react to."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from patron_events.envelope import Cause
from patron_events.opening import Unreadable, open_commits
from patron_events.store import LogReader
from patron_events.vault import KeyVault
from patron_reactions.dead_letters import DeadLetter, DeadLetterNotFound
from patron_reactions.oversight import Seen, TimersSeen
from patron_reactions.reaction import Happened, category_of, guard_against_loops
from patron_reactions.service import Reactions
from patron_reactions.timers import Because, Fired, cause_of_timer, check_key, check_timer

_MOST_STEPS = 100_000


class Pending(NamedTuple):
    """A timer that waits."""

    key: str
    kind: str
    at: datetime
    data: Mapping[str, Any]
    because: Cause
    set_at: datetime


class MemoryTimers:
    """Keeps timers in a dictionary; `advance` of InMemory makes time pass. now: the clock of the "server"."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self._pending: dict[str, Pending] = {}

    async def put(
        self, key: str, kind: str, at: datetime, data: Mapping[str, Any] | None = None, *, because: Because
    ) -> None:
        """Set a timer, or set it anew."""
        check_timer(key, kind, at)
        kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(data or {}))
        self._pending[key] = Pending(key, kind, at.astimezone(UTC), kept, because.cause(), self.now)

    async def cancel(self, key: str) -> None:
        """Take a timer back."""
        check_key(key)
        self._pending.pop(key, None)

    @property
    def pending(self) -> Mapping[str, Pending]:
        """What waits, by key."""
        return dict(self._pending)

    def fire(self) -> Fired | None:
        """Take the earliest timer that is due; None where none is."""
        due = [one for one in self._pending.values() if one.at <= self.now]
        if not due:
            return None
        first = min(due, key=lambda one: (one.at, one.key))
        del self._pending[first.key]
        because = cause_of_timer(first.because, first.set_at, self.now)
        return Fired(first.key, first.kind, first.at, self.now, first.data, because)


class MemoryLetters:
    """Dead letters in a dictionary; `wished` holds the ids whose repetition was asked for."""

    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}
        self.wished: set[str] = set()

    async def leave(self, letter: DeadLetter) -> None:
        """Keep a letter in the place of an earlier state of it."""
        self._letters[letter.id] = letter

    async def count(self) -> int:
        """Tell how many there are."""
        return len(self._letters)

    async def every(self) -> Sequence[DeadLetter]:
        """List all, the newest first."""
        return sorted(self._letters.values(), key=lambda letter: (letter.died_at, letter.id), reverse=True)

    async def find(self, letter_id: UUID) -> DeadLetter:
        """Find one; raises DeadLetterNotFound."""
        letter = self._letters.get(str(letter_id))
        if letter is None:
            raise DeadLetterNotFound
        return letter

    async def wish(self, letter_id: UUID) -> DeadLetter:
        """Ask for a repetition; raises DeadLetterNotFound."""
        letter = await self.find(letter_id)
        self.wished.add(letter.id)
        return letter


class MemoryOversight:
    """The twin of `Oversight` where no server is: nothing is consumed, and dead letters are what was put in."""

    def __init__(self, service: str) -> None:
        self._service = service
        self.letters = MemoryLetters()

    async def seen(self) -> Seen:
        """Tell how far everything is."""
        return Seen(
            self._service, alive=False, consumers=(), timers=TimersSeen(0, 0), dead_letters=await self.letters.count()
        )


class InMemory:
    """Hosts reactions over an in-memory log, one at a time; an exception of a reaction reaches the caller."""

    def __init__(self, reactions: Reactions, log: LogReader, vault: KeyVault, timers: MemoryTimers) -> None:
        self._reactions = reactions
        self._log = log
        self._vault = vault
        self.timers = timers
        self._read: dict[str, int] = {}

    async def settle(self) -> int:
        """React to everything new, also to what reactions and due timers cause; answers the number of reactions run."""
        run = 0
        while done := await self._react() + await self._fire():
            run += done
            if run > _MOST_STEPS:
                raise RuntimeError("reactions cause each other without end")
        return run

    async def advance(self, to: datetime) -> int:
        """Let time pass: every timer fires at its own time, and what it causes is reacted to before the next one."""
        run = await self.settle()
        while (earliest := min((one.at for one in self.timers.pending.values()), default=to)) < to:
            self.timers.now = max(self.timers.now, earliest)
            run += await self.settle()
        self.timers.now = max(self.timers.now, to)
        return run + await self.settle()

    async def redeliver(self) -> int:
        """Deliver everything again from the beginning, as a host does whose acknowledgements were lost."""
        self._read.clear()
        return await self.settle()

    async def _fire(self) -> int:
        fired = self.timers.fire()
        if fired is None:
            return 0
        reaction = self._reactions.on(fired.kind)
        if reaction is None:
            raise LookupError(f"nothing reacts to timers of kind {fired.kind}")
        guard_against_loops(fired.because)
        await reaction.handle(fired)
        return 1

    async def _react(self) -> int:
        run = 0
        for context in self._reactions.contexts:
            async with aclosing(self._log.follow(context, after=self._read.get(context, 0))) as batches:
                batch = await anext(batches)
            self._read[context] = batch.through
            for opened in await open_commits(batch.commits, self._vault):
                if isinstance(opened, Unreadable):
                    raise opened.reason
                for reaction, recorded in self._reactions.called_by(category_of(opened.head.stream), opened.events):
                    guard_against_loops(recorded.commit.cause)
                    await reaction.handle(Happened(reaction.name, recorded))
                    run += 1
        return run
