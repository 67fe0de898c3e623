"""Who sells now, and which rules are in force now: read from the log, a second old at most."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from patron_events.journal import Journal
from patron_pipeline.domain.assignment import Seller
from patron_pipeline.domain.assignment_document import AssignmentRules, assignment_rules
from patron_pipeline.domain.rep import REP, Rep, rep_id
from patron_pipeline.domain.rules import RULES
from patron_pipeline.domain.score_document import ScoreRules, score_rules
from patron_pipeline.handlers.reps import SalesTeam

T = TypeVar("T")
_FRESH_S: Final = 1.0


@dataclass(slots=True)
class _Remembered(Generic[T]):
    """Something that is read again when it is a second old."""

    read: Callable[[], Awaitable[T]]
    _known: tuple[float, T] | None = field(default=None)

    async def get(self, *, newest: bool) -> T:
        if self._known is None or newest or time.monotonic() - self._known[0] >= _FRESH_S:
            asked = time.monotonic()
            self._known = (asked, await self.read())
        return self._known[1]


@dataclass(frozen=True, slots=True)
class Sellers:
    """Those whom rules may give leads, available or not."""

    team: SalesTeam

    async def current(self, *, newest: bool = False) -> Sequence[Seller]:
        """Tell who sells, in order of their subjects."""
        reps = await self.team.current(newest=newest)
        return tuple(seller_of(reps[subject]) for subject in sorted(reps))

    async def at_this_moment(self, subject: str) -> Seller:
        """Ask the log for one of them, also for somebody who sells no more: they are not available."""
        return seller_of((await self.team.journal.load(REP, rep_id(subject))).state)


def seller_of(rep: Rep) -> Seller:
    """Show a representative as rules look at them."""
    placed = rep.placed
    return Seller(rep.subject, placed.team, placed.territories, placed.capacity, available=rep.takes_leads)


@dataclass(frozen=True, slots=True)
class InForce(Generic[T]):
    """The version of rules that decides now."""

    number: int
    rules: T


class RulesInForce:
    """The rules that decide now; None where none were published."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._assignment = _Remembered(self._read_assignment)
        self._score = _Remembered(self._read_score)

    async def assignment(self, *, newest: bool = False) -> InForce[AssignmentRules] | None:
        """Tell how leads are assigned."""
        return await self._assignment.get(newest=newest)

    async def score(self, *, newest: bool = False) -> InForce[ScoreRules] | None:
        """Tell how leads are scored."""
        return await self._score.get(newest=newest)

    async def _read_assignment(self) -> InForce[AssignmentRules] | None:
        found = (await self._journal.load(RULES, "assignment")).state.in_force
        return None if found is None else InForce(found.number, assignment_rules(found.document))

    async def _read_score(self) -> InForce[ScoreRules] | None:
        found = (await self._journal.load(RULES, "score")).state.in_force
        return None if found is None else InForce(found.number, score_rules(found.document))
