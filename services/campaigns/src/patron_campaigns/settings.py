"""Settings of the campaigns service; read once, by `app` only."""

from patron_events.jetstream.log import LogOptions
from patron_events.jetstream.streams import Sizing
from patron_runtime.environment import ServiceEnvironment


class CampaignsSettings(ServiceEnvironment):
    """What `PATRON_…` variables say to this service: nothing but what every service is told."""

    def log(self) -> LogOptions:
        """Say how to reach the log; contacts are read for the definitions of custom fields, and never written."""
        return LogOptions(
            servers=self.nats_url,
            master_keys=self.master_key_bytes,
            contexts=("campaigns", "contacts"),
            monitor_urls=self.nats_monitor_url,
            sizing=Sizing(self.replicas, self.stream_max_bytes),
        )
