"""One ordered pass over a stream: an ack-none consumer, two pulls outstanding, and a callback (DESIGN 4).

nats-py's `fetch()` and redelivering consumers give a tenth of the speed or another order. Here the server always has
a pull to fill while the last one is worked on, and asks for nothing back. What may get lost on the way (a broken
connection, a dead leader) shows as a gap in the sequences or as silence; both end in a new consumer that starts
behind the last message received.
"""

import asyncio
import random
import secrets
from collections import deque
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec
from nats.errors import Error as NatsError

from patron_events.jetstream.connection import Connection, command, status_of
from patron_events.jetstream.errors import ApiError, ConnectionLost, NoAnswer, NoResponders

_PULL: Final = 1000
_PULLS: Final = 2
_PULL_BYTES: Final = 8 << 20
_EXPIRES_S: Final = 30
_HEARTBEAT_S: Final = 2
_SILENCE_S: Final = 5.0
_HEARD_S: Final = 1.5 * _HEARTBEAT_S
_CREATE_S: Final = 2.0
_FIRST_DELAY_S: Final = 0.05
_LONGEST_DELAY_S: Final = 2.0
_NS: Final = 10**9
_encode: Final = msgspec.json.Encoder().encode
_PULL_REQUEST: Final = _encode(
    {
        "batch": _PULL,
        "max_bytes": _PULL_BYTES,
        "expires": _EXPIRES_S * _NS,
        "idle_heartbeat": _HEARTBEAT_S * _NS,
    }
)


class Pulled(NamedTuple):
    """One message as it came; `stored_ns` is the store's clock, `pending` what the stream holds behind it."""

    sequence: int
    stored_ns: int
    pending: int
    subject: bytes
    body: bytes


class _Created(msgspec.Struct, frozen=True):
    num_pending: int = 0
    error: ApiError | None = None


_decode_created: Final = msgspec.json.Decoder(_Created).decode


class Puller:
    """Pulls everything above a sequence, in order and once.

    At most 3,000 messages are held or on their way, and 16 MB beyond what was received.
    pending: what the stream holds beyond what was taken. breaks: how often a new consumer was needed.
    """

    def __init__(self, connection: Connection, stream: str, after: int) -> None:
        self._connection = connection
        self._stream = stream
        self._received = after
        self._buffer: deque[Pulled] = deque()
        self._consumer: str | None = None
        self._delivered = 0
        self._inbox = ""
        self._listening = 0
        self._open_pulls: dict[bytes, int] = {}
        self._pull_number = 0
        self._stir = asyncio.Event()
        self._failures = 0
        self._heard = 0.0
        self._next_try = 0.0
        self._loop = asyncio.get_running_loop()
        self.pending = 0
        self.breaks = 0
        connection.on_change.add(self._break)

    @property
    def hears(self) -> bool:
        """Tell whether the server spoke lately, be it to say that there is nothing new."""
        return self._consumer is not None and self._loop.time() - self._heard < _HEARD_S

    async def wait(self, idle_s: float) -> None:
        """Return when messages are there, or after `idle_s` without any; mends the consumer meanwhile."""
        deadline = self._loop.time() + idle_s
        while not self._buffer and (left_s := deadline - self._loop.time()) > 0:
            if self._consumer is not None and self._loop.time() - self._heard > _SILENCE_S:
                self._break()
            if self._consumer is None:
                rest_s = self._next_try - self._loop.time()
                if rest_s > 0:
                    await asyncio.sleep(min(left_s, rest_s))
                else:
                    await self._create()
                continue
            self._stir.clear()
            with suppress(TimeoutError):  # a consumer that died is noticed by its silence, also in a long wait
                async with asyncio.timeout(min(left_s, _SILENCE_S)):
                    await self._stir.wait()

    def take(self, most: int) -> list[Pulled]:
        """Take what has come, up to `most` messages, and ask for more."""
        buffer = self._buffer
        taken = [buffer.popleft() for _ in range(min(most, len(buffer)))]
        if taken:
            self.pending = taken[-1].pending
        self._pull()
        return taken

    def close(self) -> None:
        """Stop; where the server cannot be reached it deletes the consumer by itself."""
        self._connection.on_change.discard(self._break)
        self._drop()

    def _drop(self) -> None:
        self._connection.stop_listening(self._listening)
        self._open_pulls.clear()
        consumer, self._consumer = self._consumer, None
        if consumer is not None and self._connection.is_connected:
            self._connection.send(command(f"$JS.API.CONSUMER.DELETE.{self._stream}.{consumer}", b""))

    async def _create(self) -> None:
        name = "reader-" + secrets.token_hex(8)
        config = {
            "name": name,
            "ack_policy": "none",
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._received + 1,
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": 2 * _EXPIRES_S * _NS,
        }
        request = _encode({"stream_name": self._stream, "config": config, "action": "create"})
        subject = f"$JS.API.CONSUMER.CREATE.{self._stream}.{name}"
        try:
            created = _decode_created((await self._connection.ask(subject, request, timeout_s=_CREATE_S)).body)
            if created.error is not None:
                self._rest()
                return
            self._inbox = self._connection.new_inbox()
            self._listening = await self._connection.listen(self._inbox + ".*", self._on_message)
        except (ConnectionLost, NoAnswer, NoResponders, NatsError):
            self._rest()
            return
        self._consumer, self._delivered, self._heard = name, 0, self._loop.time()
        self.pending = created.num_pending
        self._pull()

    def _rest(self) -> None:
        delay_s = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2**self._failures)
        self._failures += 1
        self._next_try = self._loop.time() + random.uniform(0.5, 1.0) * delay_s  # noqa: S311  # jitter

    def _break(self) -> None:
        self.breaks += 1
        self._drop()
        self._rest()
        self._stir.set()

    def _pull(self) -> None:
        """Keep two pulls outstanding while the buffer has room."""
        while self._consumer is not None and len(self._open_pulls) < _PULLS and len(self._buffer) <= _PULL:
            self._pull_number += 1
            reply = f"{self._inbox}.{self._pull_number}"
            try:
                self._connection.send(
                    command(f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}", _PULL_REQUEST, reply=reply)
                )
            except ConnectionLost:
                self._break()
                return
            self._open_pulls[reply.encode()] = _PULL

    def _on_message(self, subject: bytes, reply: bytes, headers: bytes, body: bytes) -> None:
        if not reply.startswith(b"$JS.ACK."):
            self._on_status(subject, headers)
            return
        # $JS.ACK[.<domain>.<account>].<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>
        tokens = reply.split(b".")
        start = 5 if len(tokens) == 9 else 7  # noqa: PLR2004  # the short form of the line above
        sequence, delivered = int(tokens[start]), int(tokens[start + 1])
        self._delivered += 1
        # A stream that really lacks a sequence shows no gap in the numbers of the consumer, and is followed.
        if delivered != self._delivered or sequence <= self._received:
            self._break()
            return
        self._received = sequence
        self._buffer.append(Pulled(sequence, int(tokens[start + 2]), int(tokens[start + 3]), subject, body))
        self._heard = self._loop.time()
        self._failures = 0
        for open_reply in self._open_pulls:  # the server fills the oldest first
            self._open_pulls[open_reply] -= 1
            if not self._open_pulls[open_reply]:
                del self._open_pulls[open_reply]
                self._pull()
            break
        self._stir.set()

    def _on_status(self, reply: bytes, headers: bytes) -> None:
        self._heard = self._loop.time()
        match status_of(headers):
            case b"100":
                return
            case b"408":
                self._open_pulls.pop(reply, None)
            case b"409" if b"Batch Completed" in headers or b"MaxBytes" in headers:
                self._open_pulls.pop(reply, None)
            case _:  # consumer gone, leader changed, server going down
                self._break()
                return
        self._pull()
