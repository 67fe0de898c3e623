"""Companions: work that runs beside the workers in their process, and is started again after faults."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from patron_projections.engine.figures import Figures

_MOST_PAUSE_S: Final = 5.0

_log = structlog.stdlib.get_logger("patron.projections")


class Companion(NamedTuple):
    """Something that runs until `stop` is set. It may raise at any time, and begins from what is stored then.

    name: for logs and figures.
    """

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]


async def keep_running(companion: Companion, stop: asyncio.Event, figures: Figures) -> None:
    """Run a companion until `stop` is set; after a fault it rests for a while and begins again."""
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            await companion.run(stop)
        except Exception as error:  # noqa: BLE001  (whatever it raises, the workers and the next attempt go on)
            failures = 1 if time.monotonic() - began > _MOST_PAUSE_S else failures + 1
            figures.failures.labels(companion.name).inc()
            _log.warning("projection.interrupted", part=companion.name, error_type=type(error).__name__)
            await pause(stop, failures)


async def pause(stop: asyncio.Event, failures: int) -> None:
    """Wait longer after each failure in a row, up to five seconds, with jitter; ends early on `stop`."""
    longest = min(_MOST_PAUSE_S, 0.1 * 2 ** min(failures, 8))
    with suppress(TimeoutError):
        async with asyncio.timeout(longest * (0.5 + random.random() / 2)):  # noqa: S311  (jitter)
            await stop.wait()
