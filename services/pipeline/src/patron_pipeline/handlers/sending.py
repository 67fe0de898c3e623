"""What leaves the house: mail and webhooks, as ports; adapters are in `channels`.

A message that was handed over and one that was not cannot always be told apart (a lost connection): it is sent again,
with the same id, by which its receiver tells that it is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, ClassVar, Final, Protocol

from patron_events.journal import Journal
from patron_events.personal import known
from patron_events.rejections import Unavailable
from patron_pipeline.domain.rep import REP, rep_id


class MailUnavailable(Unavailable):
    """The mail server cannot take the message now."""

    code: ClassVar[str] = "mail-unavailable"


class WebhookUnavailable(Unavailable):
    """The receiver of webhooks cannot take the message now."""

    code: ClassVar[str] = "webhook-unavailable"


class Undeliverable(Exception):
    """The message was refused for good. reason: a code, such as refused or gone."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Mailer(Protocol):
    """Hands mail to a mail server."""

    async def send(self, message: EmailMessage) -> None:
        """Hand one message for one recipient over; raises MailUnavailable, Undeliverable."""
        ...


class Webhook(Protocol):
    """Calls the receiver of webhooks."""

    async def call(self, message_id: str, body: Mapping[str, Any]) -> None:
        """Hand one message over; raises WebhookUnavailable, Undeliverable."""
        ...


@dataclass(frozen=True, slots=True)
class Channels:
    """How this installation reaches people and systems; what is None is not set up.

    sender: address that mail comes from. public_url: where links in mail lead to; None: no links.
    """

    mailer: Mailer | None = None
    webhook: Webhook | None = None
    sender: str = "patron@localhost"
    public_url: str | None = None

    @property
    def domain(self) -> str:
        """The domain in which message ids are unique."""
        return self.sender.rpartition("@")[2]

    def message_id(self, unique: str) -> str:
        """Write a Message-ID (RFC 5322, 3.6.4) from what is unique already."""
        return f"<{unique}@{self.domain}>"


NO_CHANNELS: Final = Channels()


@dataclass(frozen=True, slots=True)
class Colleague:
    """A user as mail needs them; email None: no address is known."""

    email: str | None = None
    name: str | None = None
    time_zone: str | None = None


async def colleague(journal: Journal, subject: str | None) -> Colleague:
    """Read what the sales team says of a user."""
    if subject is None:
        return Colleague()
    rep = (await journal.load(REP, rep_id(subject))).state
    if rep.status != "active":
        return Colleague()
    described = rep.described
    return Colleague(known(described.email, None), known(described.name, None), described.time_zone)


def letter(channels: Channels, to: str, subject: str, message_id: str) -> EmailMessage:
    """Begin a message of this installation, marked as made by a machine (RFC 3834)."""
    message = EmailMessage()
    message["From"] = channels.sender
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    return message
