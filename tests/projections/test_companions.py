"""Work beside the workers: a fault ends one attempt only."""

import asyncio

from patron_projections.engine.companions import Companion, keep_running
from patron_projections.engine.figures import Figures
from patron_runtime.metrics import Metrics


async def test_a_companion_begins_again_after_a_fault() -> None:
    stop = asyncio.Event()
    attempts: list[int] = []
    metrics = Metrics()

    async def work(until: asyncio.Event) -> None:
        attempts.append(len(attempts))
        if len(attempts) < 3:
            raise ZeroDivisionError
        until.set()

    await keep_running(Companion("evaluator", work), stop, Figures(metrics))
    assert attempts == [0, 1, 2]
    counted = metrics.registry.get_sample_value("projection_failures_total", {"part": "evaluator"})
    assert counted == 2
