"""Ending tasks for sure."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

_AGAIN_S: Final = 10.0


async def ended(*tasks: "asyncio.Task[Any]", again_s: float = _AGAIN_S) -> Sequence[BaseException | None]:
    """Cancel tasks and wait until all of them have ended; answers what each raised, in order.

    A cancellation can get lost: `asyncio.wait_for` before Python 3.12 drops one that comes with its result
    (python/cpython#86296), and a driver may take one for a fault of its own. So it is said again after `again_s`, which
    must be longer than what the tasks take to put things in order.
    """
    open_tasks = {task for task in tasks if not task.done()}
    while open_tasks:
        for task in open_tasks:
            task.cancel()
        _, open_tasks = await asyncio.wait(open_tasks, timeout=again_s)
    return [None if task.cancelled() else task.exception() for task in tasks]
