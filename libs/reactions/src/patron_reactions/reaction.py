"""Reactions: a fact of some context, and what is to be done about it.

A reaction is delivered each fact at least once, in any order, by any replica. Two habits make that effective once:
commands get an id that is derived from the fact (`Happened.asked`), and they are decided against present state.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from patron_events.decisions import Asked
from patron_events.envelope import Actor, Cause, Recorded, StreamId
from patron_events.registry import Fact

_DERIVED: Final = UUID("0f6f1a52-3a8b-5d0e-9a44-7f0a5b6c2d13")
DEEPEST: Final = 12
"""How many reactions may follow from one request; a longer chain is taken for a loop and ends in a dead letter."""


class LoopSuspected(Exception):
    """A fact is the work of so many reactions in a row that another one is not run."""


def derived_id(*parts: str) -> str:
    """Derive an id (UUIDv5) from parts that cannot run into each other; the same for every redelivery."""
    return str(uuid5(_DERIVED, "|".join(f"{len(part)}:{part}" for part in parts)))


def category_of(stream: StreamId) -> str:
    """Say of what category an aggregate is, in the words of reactions."""
    return f"{stream.context}.{stream.category}"


@dataclass(frozen=True, slots=True)
class Happened:
    """One fact that reached a reaction.

    reaction: name of the reaction. recorded: the fact with its commit, personal fields opened or ERASED.
    """

    reaction: str
    recorded: Recorded[Fact]

    @property
    def event(self) -> Fact:
        """The fact itself."""
        return self.recorded.event

    @property
    def stream(self) -> StreamId:
        """The aggregate that it is about."""
        return self.recorded.commit.stream

    @property
    def occurred_at(self) -> datetime:
        """When it happened, as those who told it say."""
        return self.recorded.occurred_at

    @property
    def stored_at(self) -> datetime:
        """When the log took it, by the clock of the server: the only one that all replicas share."""
        return self.recorded.commit.stored_at

    def derived(self, number: int | str = 0) -> str:
        """Derive an id from this reaction and fact; `number` tells several ids of one fact apart."""
        return derived_id(self.reaction, self.recorded.event_id, str(number))

    def cause(self) -> Cause:
        """Say why: the same conversation and trace, caused by this fact, one reaction deeper."""
        commit = self.recorded.commit
        return Cause(
            correlation_id=commit.cause.correlation_id or commit.commit_id,
            causation_id=self.recorded.event_id,
            traceparent=commit.cause.traceparent,
            depth=commit.cause.depth + 1,
        )

    def asked(self, number: int | str = 0, *, kind: str = "service") -> Asked:
        """Ask for a command in the name of this reaction; asking again is the same command.

        number: tells several commands of one fact apart. kind: `rule` where a rule of the installation decides.
        """
        return Asked(Actor(kind, self.reaction), self.cause(), self.derived(number))


Handle = Callable[[Happened], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is done about facts.

    name: kebab-case and permanent, because the ids of commands are derived from it; unique among all services.
    category: of what it follows the log, `context.aggregate` as deciders say it. facts: what it wants of that.
    handle: safe to repeat and to run side by side. Raising means "try again later"; after a bounded number of
        deliveries a dead letter is left. `Unavailable` is waited out for longer than other exceptions.
    only_last: of several wanted facts of one commit only the last is given; for what looks at present state.
    """

    name: str
    category: str
    facts: Sequence[type[Fact]]
    handle: Handle
    only_last: bool = False


def guard_against_loops(cause: Cause) -> None:
    """Refuse to go on where reactions seem to cause each other; raises LoopSuspected."""
    if cause.depth >= DEEPEST:
        raise LoopSuspected(f"{cause.depth} reactions in a row")
