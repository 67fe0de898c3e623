"""Tell rules as sentences: given this history, when that is asked, then these facts follow.

given(DEAL, opened, won).when(MoveDeal(to=OFFER)).then_rejected(DealClosed)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from patron_events.decider import Dated, Decider
from patron_events.registry import Fact
from patron_events.rejections import Rejection

S = TypeVar("S")
C = TypeVar("C")

THEN: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When facts of a history happened that do not say so themselves."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """What became of a command: the facts it created or its refusal, and the state afterwards."""

    facts: Sequence[Fact | Dated]
    state: S
    refusal: Rejection | None = None

    def then(self, *expected: Fact | Dated) -> "Outcome[S]":
        """Expect exactly these facts in this order; none at all when called without any."""
        if self.refusal is not None:
            msg = f"refused with {self.refusal.code}: {self.refusal.detail}"
            raise AssertionError(msg) from self.refusal
        if tuple(self.facts) != expected:
            msg = f"expected {expected}, got {tuple(self.facts)}"
            raise AssertionError(msg)
        return self

    def then_rejected(self, kind: type[Rejection], *, field: str | None = None) -> Rejection:
        """Expect this refusal and no other, and if `field` is given that it blames this part."""
        if self.refusal is None or type(self.refusal) is not kind:
            msg = f"expected {kind.__name__}, got {self.refusal!r} and {tuple(self.facts)}"
            raise AssertionError(msg)
        if field is not None and self.refusal.field != field:
            msg = f"expected {field!r} to be blamed, not {self.refusal.field!r}"
            raise AssertionError(msg)
        return self.refusal


@dataclass(frozen=True, slots=True)
class Given(Generic[S, C]):
    """An aggregate with its history folded."""

    decider: Decider[S, C, Any]
    state: S

    def when(self, command: C) -> Outcome[S]:
        """Ask for one command; a refusal becomes part of the outcome."""
        try:
            facts = tuple(self.decider.decide(self.state, command))
        except Rejection as refusal:
            return Outcome((), self.state, refusal)
        return Outcome(facts, _folded(self.decider, self.state, facts))


def given(decider: Decider[S, C, Any], *history: Fact | Dated) -> Given[S, C]:
    """Begin with an aggregate that has this history; facts without a time of their own happened at `THEN`."""
    return Given(decider, _folded(decider, decider.initial, history))


def _folded(decider: Decider[S, Any, Any], state: S, facts: Sequence[Fact | Dated]) -> S:
    for one in facts:
        dated = one if isinstance(one, Dated) else Dated(one, THEN)
        state = decider.evolve(state, dated.fact, dated.occurred_at)
    return state
