"""Rebuild of the timeline from the log, hash chain and decryption included, beside plain COPY of its rows."""

import time
from collections.abc import AsyncGenerator
from typing import Any, Final

from bench.figure import Figure
from patron_projections.rebuilding import rebuild
from patron_projections.settings import ProjectionsSettings
from patron_projections.timeline import Timeline

TARGETS: Final = {1: 30_000, 2: 50_000}
SHARE_OF_COPY: Final = 0.3


class Steps:
    """Notes how long each step of a rebuild took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._step, self._began = "begin", time.perf_counter()

    def begins(self, step: str, total: int) -> None:
        """Note the end of the step before."""
        del total
        now = time.perf_counter()
        self.seconds[self._step] = self.seconds.get(self._step, 0.0) + now - self._began
        self._step, self._began = step, now

    def advanced(self, messages: int, events: int) -> None:
        """Take no notice."""


async def rebuilds(settings: ProjectionsSettings, copied: float) -> AsyncGenerator[dict[str, Any]]:
    """Rebuild with one process and with two. copied: rows a second of plain COPY in this run."""
    for workers, target in TARGETS.items():
        steps = Steps()
        began = time.perf_counter()
        done = await rebuild(settings, Timeline(), steps, workers)
        whole_s = time.perf_counter() - began
        rate = done.events / steps.seconds["fill"]
        name = f"rebuild of the timeline, {done.events} events, {workers} worker(s)"
        limit = "COPY of the timeline's rows into a bare table, rows/s"
        yield Figure(f"{name}: filling", rate, "events/s", copied, limit, target=target).line()
        yield Figure(f"{name}: share of COPY", rate, "events/s", copied, limit, SHARE_OF_COPY, of="ratio").line()
        yield Figure(f"{name}: with indexes, proof by a second fold, and swap", whole_s, "s").line()
