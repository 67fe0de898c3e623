"""Deciders: pure rules of one kind of aggregate (Chassaing's decide and evolve)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Generic, TypeVar

from patron_events.envelope import StreamId
from patron_events.registry import Fact

S = TypeVar("S")
C_contra = TypeVar("C_contra", contravariant=True)
E = TypeVar("E", bound=Fact)


@dataclass(frozen=True, slots=True)
class Dated:
    """A fact that happened at another time than it is recorded at; `occurred_at` carries a time zone."""

    fact: Fact
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Decider(Generic[S, C_contra, E]):
    """The rules of one kind of aggregate.

    category: `context.aggregate`, such as `contacts.person`.
    decide: answers a command with the facts it creates, none when they already hold; raises a Rejection.
    evolve: folds one recorded fact into the state; total, it neither validates nor raises.
    """

    category: str
    initial: S
    decide: Callable[[S, C_contra], Sequence[E | Dated]]
    evolve: Callable[[S, E, datetime], S]

    def stream(self, aggregate_id: str) -> StreamId:
        """Name the stream of one instance."""
        context, category = _split(self.category)
        return StreamId(context, category, aggregate_id)


@cache
def _split(category: str) -> tuple[str, str]:
    context, _, name = category.partition(".")
    return context, name
