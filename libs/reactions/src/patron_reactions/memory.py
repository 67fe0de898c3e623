"""In-memory twins: timers without a server, and a host that runs reactions until nothing is left to react to."""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from patron_events.envelope import Cause
from patron_events.opening import Unreadable, open_commits
from patron_events.store import LogReader
from patron_events.vault import KeyVault
from patron_reactions.reaction import Happened, guard_against_loops
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
                for recorded in opened.events:
                    for reaction in self._reactions.to(context, type(recorded.event)):
                        guard_against_loops(recorded.commit.cause)
                        await reaction.handle(Happened(reaction.name, recorded))
                        run += 1
        return run
