"""Ask the log again while it cannot answer: while a leader is elected, or a server starts."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from patron_events.jetstream.errors import ConnectionLost, NoAnswer, NoResponders
from patron_events.rejections import Unavailable

BUDGET_S: Final = 15.0  # a killed stream leader means 4-7 s without appends
_DELAY_S: Final = 0.1
R = TypeVar("R")


async def patiently(ask: Callable[[], Awaitable[R]], budget_s: float = BUDGET_S) -> R:
    """Repeat what may be repeated until the log answers; raises Unavailable when it did not within the budget."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + budget_s
    while True:
        try:
            return await ask()
        except (ConnectionLost, NoAnswer, NoResponders) as error:
            delay_s = random.uniform(0.5, 1.5) * _DELAY_S  # noqa: S311  # jitter
            if loop.time() + delay_s > deadline:
                raise Unavailable from error
            await asyncio.sleep(delay_s)
