"""Settings of the pipeline service; read once, by `app` only."""

from typing import Annotated, Final, Literal, Self

import httpx
from pydantic import Field, SecretStr, model_validator

from patron_events.jetstream.log import LogOptions
from patron_events.jetstream.streams import Sizing
from patron_pipeline.channels.smtp import SmtpMailer
from patron_pipeline.channels.standard_webhooks import StandardWebhook, secret_bytes
from patron_pipeline.handlers.sending import NO_CHANNELS, Channels
from patron_runtime.environment import ServiceEnvironment

_URL: Final = r"^https?://[^\s/?#]+[^\s?#]*$"


class PipelineSettings(ServiceEnvironment):
    """What `PATRON_…` variables say to this service.

    default_region: ISO 3166 region of phone numbers in national form where a lead says no country.
    reactions_metrics_port: where a process of reactions serves `/metrics`; nowhere by default.
    public_url: where people outside reach this service, for links in mail and addresses of calendars.
    smtp_…, mail_from: the mail server, and the address that mail comes from; no mail is sent without them.
    reminder_webhook_…: who is called with reminders; the secret is `whsec_` and base64 (Standard Webhooks).
    """

    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    reactions_metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    public_url: Annotated[str, Field(pattern=_URL)] | None = None
    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    mail_from: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")] | None = None
    reminder_webhook_url: Annotated[str, Field(pattern=_URL)] | None = None
    reminder_webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        """Refuse halves at the start, not when the first reminder is due."""
        if (self.smtp_host is None) is not (self.mail_from is None):
            raise ValueError("PATRON_SMTP_HOST and PATRON_MAIL_FROM belong together")
        if (self.reminder_webhook_url is None) is not (self.reminder_webhook_secret is None):
            raise ValueError("PATRON_REMINDER_WEBHOOK_URL and PATRON_REMINDER_WEBHOOK_SECRET belong together")
        if self.reminder_webhook_secret is not None:
            secret_bytes(self.reminder_webhook_secret.get_secret_value())
        return self

    def channels(self) -> Channels:
        """Build the ways to reach people and systems; the client of webhooks lives as long as the process."""
        password, secret = self.smtp_password, self.reminder_webhook_secret
        mailer = webhook = None
        if self.smtp_host is not None:
            mailer = SmtpMailer(
                self.smtp_host,
                self.smtp_port,
                self.smtp_username,
                None if password is None else password.get_secret_value(),
                self.smtp_security,
            )
        if self.reminder_webhook_url is not None and secret is not None:
            key = secret_bytes(secret.get_secret_value())
            webhook = StandardWebhook(self.reminder_webhook_url, key, httpx.AsyncClient())
        return Channels(mailer, webhook, self.mail_from or NO_CHANNELS.sender, self.public_url)

    def log(self) -> LogOptions:
        """Say how to reach the log; contacts are read to find people and companies, and never written."""
        return LogOptions(
            servers=self.nats_url,
            master_keys=self.master_key_bytes,
            contexts=("pipeline", "contacts"),
            monitor_urls=self.nats_monitor_url,
            sizing=Sizing(self.replicas, self.stream_max_bytes),
        )
