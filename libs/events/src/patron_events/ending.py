"""Ending tasks for sure."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

_AGAIN_S: Final = 10.0
"""Longer than what a task that was told to end takes to put things in order."""


async def ended(*tasks: "asyncio.Task[Any]") -> Sequence[BaseException | None]:
    """Cancel tasks and wait until all of them have ended; answers what each raised, in order.

    A cancellation can get lost: `asyncio.wait_for` before Python 3.12 drops one that comes with its result
    (python/cpython#86296), and a driver may take one for a fault of its own. So it is said again.
    """
    open_tasks = {task for task in tasks if not task.done()}
    while open_tasks:
        for task in open_tasks:
            task.cancel()
        _, open_tasks = await asyncio.wait(open_tasks, timeout=_AGAIN_S)
    return [None if task.cancelled() else task.exception() for task in tasks]
