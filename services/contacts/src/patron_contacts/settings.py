"""Settings of the contacts service; read once, by `app` only."""

from typing import Annotated

from pydantic import Field

from patron_events.jetstream.log import LogOptions
from patron_events.jetstream.streams import Sizing
from patron_runtime.environment import ServiceEnvironment


class ContactsSettings(ServiceEnvironment):
    """What `PATRON_…` variables say to this service.

    default_region: ISO 3166 region of phone numbers in national form where a record names no country.
    reactions_metrics_port: where a process of reactions serves `/metrics`; nowhere by default.
    """

    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    reactions_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None

    def log(self) -> LogOptions:
        """Say how to reach the log."""
        return LogOptions(
            servers=self.nats_url,
            master_keys=self.master_key_bytes,
            contexts=("contacts",),
            monitor_urls=self.nats_monitor_url,
            sizing=Sizing(self.replicas, self.stream_max_bytes),
        )
