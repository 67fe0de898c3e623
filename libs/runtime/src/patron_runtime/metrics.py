"""Count and time what a service does, for Prometheus.

One worker process answers `/metrics` for itself. With several workers behind one port set
PROMETHEUS_MULTIPROC_DIR to an empty directory before the start: each worker then writes its figures there
and whichever is asked answers for all (process figures are left out, gauges are summed over live workers).
"""

import os
from collections.abc import Sequence
from typing import Final

from fastapi import FastAPI, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import (
    MultiProcessCollector,
    mark_process_dead,  # pyright: ignore[reportUnknownVariableType]  # the library leaves it untyped
)

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """Own the registry of one service; label values must be few and never personal."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._shared = _MULTIPROCESS_VARIABLE in os.environ
        if not self._shared:
            ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = self.counter("http_requests_total", "Answered requests.", labels)
        self._durations = self.histogram("http_request_duration_seconds", "Time to the end of the answer.", labels)
        # `labels()` locks and hashes texts each time; a service has a few dozen combinations.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def counter(self, name: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """Register a counter; its name ends in `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """Register a gauge; several workers are summed up."""
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode="livesum")

    def histogram(
        self, name: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS_S
    ) -> Histogram:
        """Register a histogram; its name ends in its unit, such as `_seconds`."""
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request under its route template."""
        key = method, route, status
        children = self._children.get(key)
        if children is None:
            values = method, route, str(status)
            children = self._requests.labels(*values), self._durations.labels(*values)
            self._children[key] = children
        children[0].inc()
        children[1].observe(duration_s)

    def exposition(self) -> bytes:
        """Write all figures in the text format of Prometheus."""
        if not self._shared:
            return generate_latest(self.registry)
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered)
        return generate_latest(gathered)

    def close(self) -> None:
        """Take the gauges of this worker out of the shared sum."""
        if self._shared:
            mark_process_dead(os.getpid())


def add_metrics(app: FastAPI, metrics: Metrics) -> None:
    """Add `/metrics`; it needs no token and is not part of the documented API."""

    async def exposition() -> Response:
        return Response(metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_api_route("/metrics", exposition, include_in_schema=False, response_model=None)
