"""Live lag: from the acknowledgement of a commit to its visible rows, at a steady rate of events.

Commits go to the log in small groups at fixed times; a reader of the positions, which move in the transaction of
the rows, notes when each became visible. What the reader adds, up to the period of its looks, is in the figure.
"""

import asyncio
import multiprocessing
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench.figure import Figure, percentile
from bench.history import History, moved
from patron_projections.app import serve_worker
from patron_projections.engine.read_model import ReadModel
from patron_projections.settings import ProjectionsSettings

RATE = 2_000
SECONDS = 20
WARM_UP_S = 3
GROUP = 40
LOOK_S = 0.002


@dataclass(slots=True)
class Watch:
    """Acknowledged sequences that are not visible yet, by time, and the lags of those that are."""

    waiting: deque[tuple[int, float]] = field(default_factory=deque[tuple[int, float]])
    lags_ms: list[float] = field(default_factory=list[float])

    def visible(self, through: int, now: float) -> None:
        """Note that everything up to a sequence is visible."""
        while self.waiting and self.waiting[0][0] <= through:
            self.lags_ms.append((now - self.waiting.popleft()[1]) * 1000)


async def _look(url: str, model: str, watch: Watch) -> None:
    # One worker applies commits in order, so the highest position of any partition says what is visible.
    query = """
    SELECT coalesce(max(sequence), 0) FROM patron.positions JOIN patron.builds USING (model, build)
    WHERE model = %s AND state = 'serving'
    """
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            cursor = await connection.execute(query, (model,))
            (row,) = await cursor.fetchall()
            watch.visible(int(row[0]), time.perf_counter())
            await asyncio.sleep(LOOK_S)


async def _write(history: History, watch: Watch, seconds: float) -> float:
    """Append at the rate; answers the rate that was kept."""
    began, written = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        await history.add_activities(GROUP)
        watch.waiting.append((history.last, time.perf_counter()))
        written += GROUP
        await asyncio.sleep(max(0.0, began + written / RATE - time.perf_counter()))
    return written / (time.perf_counter() - began)


async def lag(
    settings: ProjectionsSettings, history: History, models: Sequence[ReadModel]
) -> AsyncGenerator[dict[str, Any]]:
    """Measure with one worker that has caught up with the history."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=serve_worker, args=(settings, models), daemon=True)
    process.start()
    watch = Watch()
    looking: asyncio.Task[None] | None = None
    try:
        await moved(settings.postgres_url, history.last - 1, "min")
        looking = asyncio.create_task(_look(settings.postgres_url, models[0].name, watch))
        await _write(history, watch, WARM_UP_S)
        watch.lags_ms.clear()
        kept = await _write(history, watch, SECONDS)
        await moved(settings.postgres_url, history.last - 1, "max")
    finally:
        if looking is not None:
            looking.cancel()
        process.terminate()
        await asyncio.to_thread(process.join)
    what = f"live lag at {kept:.0f} events/s, acknowledgement to visible row"
    for of_hundred, target in ((50, 50), (99, 250)):
        value = percentile(watch.lags_ms, of_hundred)
        yield Figure(f"{what}, p{of_hundred}", value, "ms", target=target, lower_is_better=True).line()
