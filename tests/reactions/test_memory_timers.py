"""The in-memory timers pass the cases that all timers must pass."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from patron_reactions.memory import MemoryTimers
from patron_reactions.testing import TIMER_CASES, TimerCase
from patron_reactions.timers import Fired


class MemoryWorld:
    def __init__(self) -> None:
        self._timers = MemoryTimers(datetime(2026, 3, 1, 12, tzinfo=UTC))

    @property
    def timers(self) -> MemoryTimers:
        return self._timers

    def now(self) -> datetime:
        return self._timers.now

    async def fired(self, count: int, until: datetime) -> Sequence[Fired]:
        fired: list[Fired] = []
        while len(fired) < count:
            if (one := self._timers.fire()) is not None:
                fired.append(one)
                continue
            earliest = min((one.at for one in self._timers.pending.values()), default=until)
            if earliest >= until:
                break
            self._timers.now = earliest
        return fired


@pytest.mark.parametrize("case", TIMER_CASES, ids=lambda case: case.__name__)
async def test_memory_timers(case: TimerCase) -> None:
    await case(MemoryWorld())
