"""Waiting for what happens beside a test."""

import asyncio
from collections.abc import Awaitable, Callable


async def soon(holds: Callable[[], Awaitable[bool] | bool], *, within_s: float = 60.0) -> None:
    """Ask again until it holds; raises TimeoutError."""
    async with asyncio.timeout(within_s) as limit:
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            if limit.expired():  # the question took the end of the time for a fault of what it asked
                raise TimeoutError
            await asyncio.sleep(0.01)
