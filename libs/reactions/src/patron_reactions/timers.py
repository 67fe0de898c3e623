"""Timers: something is to be looked at when its time has come, by the clock of the server.

A timer is derived from facts and may be set again at any time: the same key replaces. When it fires, the reaction
decides against present state; a timer that was overtaken by events, or fires twice, therefore changes nothing.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from patron_events.decisions import Asked
from patron_events.envelope import Actor, Cause
from patron_reactions.reaction import Happened, derived_id

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_KIND: Final = re.compile(r"[a-z]+(?:-[a-z]+)*")
HASTE: Final = timedelta(minutes=1)
"""A timer that fires sooner than this after it was set continues the chain of reactions; a later one begins anew."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A timer whose time has come.

    due_at: when it was to fire. fired_at: when the server fired it, by its own clock; decide "is it time?" by this
        one and never by the clock of this machine, which may be wrong. data: as set.
    because: the cause of the fact that set it.
    """

    key: str
    kind: str
    due_at: datetime
    fired_at: datetime
    data: Mapping[str, Any]
    because: Cause

    def derived(self, number: int | str = 0) -> str:
        """Derive an id from this timer and its time; the same when it fires twice."""
        return derived_id("timer", self.kind, self.key, self.due_at.isoformat(), str(number))

    def cause(self) -> Cause:
        """Say why: the conversation in which the timer was set."""
        return self.because

    def asked(self, number: int | str = 0, *, kind: str = "service") -> Asked:
        """Ask for a command in the name of this timer; asking again is the same command."""
        return Asked(Actor(kind, f"timer:{self.kind}"), self.cause(), self.derived(number))


Because = Happened | Fired


class Timers(Protocol):
    """Sets and cancels the timers of one service. Raises Unavailable (every method) when it cannot answer."""

    async def put(
        self, key: str, kind: str, at: datetime, data: Mapping[str, Any] | None = None, *, because: Because
    ) -> None:
        """Set a timer, or set it anew; a time in the past fires at once.

        key: unique in the service, such as `deal-rotting.<id>`: letters, digits, `_`, `-`, parts joined by dots.
        kind: which TimerReaction gets it. data: small and not personal, as JSON.

        Raises:
            ValueError: key or kind are malformed, or `at` has no time zone.
        """
        ...

    async def cancel(self, key: str) -> None:
        """Take a timer back; harmless where there is none. One that is firing at this moment still fires."""
        ...


@dataclass(frozen=True, slots=True)
class TimerReaction:
    """What is done when timers of a kind fire; `handle` follows the same rules as that of a Reaction."""

    kind: str
    handle: "Callable[[Fired], Awaitable[None]]"


def check_timer(key: str, kind: str, at: datetime) -> None:
    """Refuse what could not be a subject, or an instant; raises ValueError."""
    check_key(key)
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} is no kind of timer")
    if at.utcoffset() is None:
        raise ValueError("a timer needs a time zone")


def check_key(key: str) -> None:
    """Refuse a key that could not be part of a subject; raises ValueError."""
    if not _TOKEN.fullmatch(key):
        raise ValueError(f"{key!r} is no key of a timer")


def cause_of_timer(because: Cause, set_at: datetime, fired_at: datetime) -> Cause:
    """Continue a chain of reactions through a timer; waiting ends the chain, so that yearly reminders are no loop."""
    if fired_at - set_at < HASTE:
        return because
    return Cause(because.correlation_id, because.causation_id, because.traceparent)
