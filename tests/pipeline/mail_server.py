"""A real SMTP server (aiosmtpd) that takes, refuses, stalls or hangs up, as a test says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.smtp import SMTP

Mood = Literal["takes", "refuses", "is-busy", "refuses-content", "stalls", "hangs-up", "takes-and-hangs-up"]


@dataclass
class Inbox:
    """What reached the server, and how it behaves. messages: as taken, also those whose answer got lost."""

    mood: Mood = "takes"
    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list[EmailMessage])
    recipients: list[str] = field(default_factory=list[str])
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def by_id(self) -> dict[str, EmailMessage]:
        """Show what a mailbox that tells repeats by their Message-ID holds."""
        return {str(one["Message-ID"]): one for one in self.messages}

    async def handle_RCPT(  # noqa: N802 - names of aiosmtpd
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        del server, session, options
        if self.mood == "refuses":
            return "550 5.1.1 no such mailbox"
        if self.mood == "is-busy":
            return "451 4.3.2 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - as above
        """Answer to the content."""
        del session
        if self.mood == "refuses-content":
            return "554 5.7.1 this looks like spam"
        if self.mood == "stalls":
            await self.released.wait()
        if self.mood == "hangs-up":
            server.transport.abort()
            return "421 gone"
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        if self.mood == "takes-and-hangs-up":
            server.transport.abort()
        return "250 OK"


@asynccontextmanager
async def mail_server() -> AsyncGenerator[Inbox]:
    """Serve SMTP on a free port of this machine."""
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop, hostname="mail.example"), "127.0.0.1", 0)
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        inbox.released.set()
        server.close()
