"""Call a receiver of webhooks, signed by Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks)."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from patron_pipeline.handlers.sending import Undeliverable, WebhookUnavailable

_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
_TIMEOUT_S: Final = 15.0


def secret_bytes(secret: str) -> bytes:
    """Read a secret, `whsec_` and base64 of 24 to 64 bytes; raises ValueError."""
    try:
        raw = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("the secret of webhooks is whsec_ and base64") from None
    if not secret.startswith(_PREFIX) or len(raw) < _SHORTEST:
        raise ValueError("the secret of webhooks is whsec_ and base64 of at least 24 bytes")
    return raw


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Sign a message as the header `webhook-signature` carries it."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class StandardWebhook:
    """One receiver. The id of a message is the same at every attempt, its timestamp is that of the attempt."""

    url: str
    secret: bytes = field(repr=False)
    client: httpx.AsyncClient
    now: Callable[[], datetime] = _now

    async def call(self, message_id: str, body: Mapping[str, Any]) -> None:
        """Hand one message over; redirections are not followed.

        Raises:
            Undeliverable: the receiver says that it is gone for good (410).
            WebhookUnavailable: any other answer than 2xx, or none.
        """
        content = msgspec.json.encode(body)
        timestamp = int(self.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self.secret, message_id, timestamp, content),
        }
        try:
            answer = await self.client.post(
                self.url, content=content, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False
            )
        except httpx.HTTPError:
            raise WebhookUnavailable from None
        if answer.status_code == HTTPStatus.GONE:
            raise Undeliverable("gone")
        if not answer.is_success:
            raise WebhookUnavailable
