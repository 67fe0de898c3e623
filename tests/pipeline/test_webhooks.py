"""Webhooks against a real HTTP receiver: one that takes, refuses, redirects, is gone, or hangs up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from patron_pipeline.channels.standard_webhooks import StandardWebhook, secret_bytes, signature
from patron_pipeline.handlers.sending import Undeliverable, WebhookUnavailable

SECRET = b"s" * 32
BODY = {"type": "activity.reminder", "data": {"minutes": 15}}


@dataclass
class Receiver:
    """Speaks HTTP/1.1 on a socket. status: what it answers; None: it takes the request and hangs up."""

    status: int | None = 204
    url: str = ""
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head)}
        self.taken.append((headers, await reader.readexactly(int(headers["content-length"]))))
        if self.status is not None:
            away = "Location: /elsewhere\r\n" if self.status == 307 else ""
            writer.write(f"HTTP/1.1 {self.status} X\r\n{away}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()


@asynccontextmanager
async def a_receiver() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    try:
        yield receiver
    finally:
        server.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as receiver:
        yield receiver


async def call(receiver: Receiver) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await StandardWebhook(receiver.url, SECRET, client).call("msg-1", BODY)


async def test_what_arrives_is_signed_over_id_time_and_content(receiver: Receiver) -> None:
    await call(receiver)
    ((headers, content),) = receiver.taken
    timestamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"] == signature(SECRET, headers["webhook-id"], timestamp, content)
    assert (headers["webhook-id"], headers["content-type"]) == ("msg-1", "application/json")


def test_the_signature_is_that_of_the_libraries_of_the_specification() -> None:
    # The vector that the libraries of github.com/standard-webhooks/standard-webhooks are tested against.
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [307, 400, 404, 429, 500, 503, None])
async def test_any_other_answer_than_success_is_tried_again_later(receiver: Receiver, status: int | None) -> None:
    receiver.status = status
    with pytest.raises(WebhookUnavailable):
        await call(receiver)
    assert len(receiver.taken) == 1


async def test_a_receiver_that_is_gone_is_told_from_one_that_is_down(receiver: Receiver) -> None:
    receiver.status = 410
    with pytest.raises(Undeliverable):
        await call(receiver)


async def test_a_receiver_that_nobody_reaches_is_tried_again_later() -> None:
    async with a_receiver() as receiver:
        pass
    with pytest.raises(WebhookUnavailable):
        await call(receiver)
