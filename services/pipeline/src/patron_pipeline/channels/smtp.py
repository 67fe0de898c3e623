"""Hand mail to a mail server (RFC 5321), one connection a message."""

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final, Literal

import aiosmtplib

from patron_pipeline.handlers.sending import MailUnavailable, Undeliverable

_PERMANENT: Final = 500


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Mail by one server. security: starttls (which the server must offer), tls from the beginning, or none.

    timeout_s: for each answer of the server. tls: what certificates are trusted; None: those of the system.
    """

    host: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    security: Literal["none", "starttls", "tls"] = "starttls"
    timeout_s: float = 20.0
    tls: ssl.SSLContext | None = None

    async def send(self, message: EmailMessage) -> None:
        """Hand one message over.

        Raises:
            Undeliverable: its recipient or content was refused for good (5xx).
            MailUnavailable: anything else, also when nobody knows whether the server took it.
        """
        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.username,
                password=self.password,
                use_tls=self.security == "tls",
                start_tls=self.security == "starttls",
                timeout=self.timeout_s,
                tls_context=self.tls,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            if all(one.code >= _PERMANENT for one in refused.recipients):
                raise Undeliverable("refused") from None
            raise MailUnavailable from None
        except aiosmtplib.SMTPDataError as refused:
            if refused.code >= _PERMANENT:
                raise Undeliverable("refused") from None
            raise MailUnavailable from None
        except (aiosmtplib.SMTPException, OSError):  # a refused sender or login is the installation's fault, not theirs
            raise MailUnavailable from None
