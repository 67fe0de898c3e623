"""Units of work that all end in one aggregate: who waits while others are stored is stored together with the next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from patron_events.decisions import Asked, Committed, Decisions, Work
from patron_events.rejections import Unavailable

_TOGETHER: Final = 64
_LONGEST_S: Final = 300.0
"""So long those who are served together keep the others waiting."""


@dataclass(eq=False, slots=True)
class _Turn:
    work: Work
    asked: Asked
    alone: bool
    future: asyncio.Future[Committed] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class InTurn:
    """The line in front of one aggregate, for one process; guards keep processes apart."""

    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._waiting: deque[_Turn] = deque()
        self._serving: asyncio.Task[None] | None = None

    async def transact(self, work: Work, asked: Asked, *, alone: bool = False) -> Committed:
        """Run a unit when its turn has come; raises as `Decisions.transact`.

        alone: not together with others, for work that reads the log beside its unit.
        """
        turn = _Turn(work, asked, alone)
        self._waiting.append(turn)
        if self._serving is None:
            # A task of its own: whoever asked first may be gone before the others have their answers.
            self._serving = asyncio.create_task(self._serve())
        return await turn.future

    async def _serve(self) -> None:
        turns: list[_Turn] = []
        try:
            while self._waiting:
                turns = self._next()
                answers = await self._answers(turns)
                for turn, answer in zip(turns, answers, strict=True):
                    if turn.future.done():  # who asked has gone
                        continue
                    if isinstance(answer, Exception):
                        turn.future.set_exception(answer)
                    else:
                        turn.future.set_result(answer)
        finally:
            self._serving = None
            for turn in (*turns, *self._waiting):  # without an answer only when the process ends
                turn.future.cancel()
            self._waiting.clear()

    async def _answers(self, turns: Sequence[_Turn]) -> Sequence[Committed | Exception]:
        """Run units; where work never ends, those behind it are not kept waiting for ever."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                return await self._decisions.transact_chained([(turn.work, turn.asked) for turn in turns])
        except TimeoutError:  # what became of them is not known
            return [Unavailable("It took too long.") for _ in turns]

    def _next(self) -> list[_Turn]:
        turns = [self._waiting.popleft()]
        while self._waiting and len(turns) < _TOGETHER and not (turns[-1].alone or self._waiting[0].alone):
            turns.append(self._waiting.popleft())
        return turns
