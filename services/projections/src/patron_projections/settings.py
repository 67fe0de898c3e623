"""Settings of the projections service; read once, by `app` only."""

from typing import Annotated, Final

from pydantic import Field

from patron_events.jetstream.log import LogOptions
from patron_events.jetstream.streams import Sizing
from patron_runtime.environment import ServiceEnvironment

CONTEXTS: Final = ("contacts", "campaigns", "segments", "pipeline")


class ProjectionsSettings(ServiceEnvironment):
    """What `PATRON_…` variables say to this service.

    postgres_url: the database of the read models; schema `patron` in it is this service's own.
    worker_metrics_port: where a worker tells its figures to Prometheus; none by default.
    worker_dead_after_s: silence after which other workers take a worker's partitions over; when no worker has been at
    the end of the log for so long, answers say that they may be stale.
    rfm_every_s: how often scores of recency, frequency and monetary value are made anew; an hour by default.
    """

    postgres_url: str = "postgresql://127.0.0.1:5432/patron"
    worker_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    worker_beat_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    worker_dead_after_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    rfm_every_s: Annotated[float, Field(gt=0, le=7 * 86_400)] = 3_600.0

    def log(self) -> LogOptions:
        """Say how to reach the log."""
        return LogOptions(
            servers=self.nats_url,
            master_keys=self.master_key_bytes,
            contexts=CONTEXTS,
            monitor_urls=self.nats_monitor_url,
            sizing=Sizing(self.replicas, self.stream_max_bytes),
        )
