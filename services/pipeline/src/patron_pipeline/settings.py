"""Settings of the pipeline service; read once, by `app` only."""

from patron_events.jetstream.log import LogOptions
from patron_events.jetstream.streams import Sizing
from patron_runtime.environment import ServiceEnvironment


class PipelineSettings(ServiceEnvironment):
    """What `PATRON_…` variables say to this service."""

    def log(self) -> LogOptions:
        """Say how to reach the log; contacts are read to find people and companies, and never written."""
        return LogOptions(
            servers=self.nats_url,
            master_keys=self.master_key_bytes,
            contexts=("pipeline", "contacts"),
            monitor_urls=self.nats_monitor_url,
            sizing=Sizing(self.replicas, self.stream_max_bytes),
        )
