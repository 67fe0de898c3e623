"""Fetching for FastStream: the pull subscription of nats-py replaced by one that is quick and survives faults.

nats-py 2.16 spends a request and its answer on every empty fetch, loops on errors with time limits below a second, and
hands on every message, wanted or not. Here the server always has a pull to fill, as with `Puller`; facts that nobody
reacts to are settled before FastStream sees them, at a hundredth of the cost (an import is mostly of these).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingCame
from nats.js.client import JetStreamContext
from typing_extensions import override

from patron_events.jetstream.connection import Connection, command, status_of
from patron_events.jetstream.errors import ConnectionLost

_PULL: Final = 128
_PULLS: Final = 2
_EXPIRES_S: Final = 30
_HEARTBEAT_S: Final = 3
_SILENCE_S: Final = 10.0
_REST_S: Final = 0.5
_LONG_S: Final = 5.0
_NS: Final = 10**9
_REQUEST: Final = msgspec.json.encode(
    {"batch": _PULL, "expires": _EXPIRES_S * _NS, "idle_heartbeat": _HEARTBEAT_S * _NS}
)
IsWanted = Callable[[bytes], bool]


class DurablePull:
    """A standing pull on one durable consumer, with the two methods that FastStream uses.

    held: replies of messages that were given out and are not settled. gone: the consumer was deleted.
    """

    def __init__(self, connection: Connection, stream: str, durable: str, is_wanted: IsWanted) -> None:
        self._connection = connection
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._is_wanted = is_wanted
        self._buffer: deque[Msg] = deque()
        self._open: dict[bytes, int] = {}
        self._inbox = connection.new_inbox()
        self._number = 0
        self._listening = 0
        self._stir = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._rest_until = 0.0
        self._closed = False
        self.held: dict[str, float] = {}
        self.gone = False
        self.skipped = 0

    async def open(self) -> None:
        """Begin to listen and to pull."""
        self._listening = await self._connection.listen(self._inbox + ".*", self._on_message)
        self._connection.on_change.add(self._reset)
        self._pull()

    async def fetch(self, batch: int = 1, timeout: float | None = None) -> list[Msg]:  # noqa: ASYNC109  # FastStream names it
        """Give what is there, up to `batch`, or wait for the first; raises nats.errors.TimeoutError for nothing."""
        if not self._buffer:
            self._mend()
            self._stir.clear()
            try:
                async with asyncio.timeout(min(timeout or _LONG_S, _LONG_S)):
                    await self._stir.wait()
            except TimeoutError:
                raise NothingCame from None
        taken = [self._buffer.popleft() for _ in range(min(batch, len(self._buffer)))]
        self._pull()
        if not taken:
            raise NothingCame
        return taken

    async def unsubscribe(self) -> None:
        """Stop; what nobody has begun to work on goes to another host at once."""
        self._closed = True
        self._connection.on_change.discard(self._reset)
        self._buffer.clear()
        for reply in list(self.held):  # also what waits inside FastStream, which forgets it when it stops
            self.settle(reply, b"-NAK")
        await self._connection.end_listening(self._listening, timeout_s=_SILENCE_S / 2)

    def settle(self, reply: str, how: bytes) -> None:
        """Send `+ACK`, `-NAK` or `+WPI` for a message; where that gets lost, it is delivered again."""
        if how != b"+WPI":
            self.held.pop(reply, None)
        try:
            self._connection.send(command(reply, how))
        except ConnectionLost:
            return
        self._pull()

    def beat(self, older_than_s: float) -> None:
        """Tell the server which messages are still worked on."""
        now = self._loop.time()
        for reply, since in list(self.held.items()):
            if now - since > older_than_s:
                self.settle(reply, b"+WPI")

    @property
    def hears(self) -> bool:
        """Tell whether the server spoke lately."""
        return self._loop.time() - self._heard < _SILENCE_S

    def _mend(self) -> None:
        if self._loop.time() - self._heard > _SILENCE_S:
            self._reset()
        self._pull()

    def _reset(self) -> None:
        self._open.clear()
        self._heard = self._loop.time()
        self._stir.set()

    def _pull(self) -> None:
        if self._closed or self.gone or self._loop.time() < self._rest_until:
            return
        while len(self._open) < _PULLS and len(self.held) < _PULL:
            self._number += 1
            reply = f"{self._inbox}.{self._number}"
            try:
                self._connection.send(command(self._next, _REQUEST, reply=reply))
            except ConnectionLost:
                return
            self._open[reply.encode()] = _PULL

    def _on_message(self, subject: bytes, reply: bytes, headers: bytes, body: bytes) -> None:
        self._heard = self._loop.time()
        if not reply.startswith(b"$JS.ACK."):
            self._on_status(subject, headers)
            return
        for oldest in self._open:  # the server fills it first; a message does not say which pull it answers
            self._open[oldest] -= 1
            if not self._open[oldest]:
                del self._open[oldest]
            break
        answer_to = reply.decode()
        if self._closed:  # it was under way: another host gets it now, and not when the time of this one is over
            self.settle(answer_to, b"-NAK")
            return
        if not self._is_wanted(body):
            self.skipped += 1
            self.settle(answer_to, b"+ACK")
            return
        self.held[answer_to] = self._heard
        self._buffer.append(Msg(self._connection, subject.decode(), answer_to, body))
        self._pull()
        self._stir.set()

    def _on_status(self, subject: bytes, headers: bytes) -> None:
        status = status_of(headers)
        if status == b"100":  # a heartbeat
            return
        self._open.pop(subject, None)
        if status == b"409" and b"Consumer Deleted" in headers:
            self.gone = True
        elif status != b"408":  # anything but its own end: no leader, no consumer, too many requests
            self._rest_until = self._loop.time() + _REST_S
        self._stir.set()


class Fetching(JetStreamContext):
    """The part of nats-py that FastStream asks for subscriptions; it gives out `DurablePull`s.

    wanted: by what is subscribed to, which messages are worth a reaction; `pulls` likewise.
    """

    def __init__(self, connection: Connection, wanted: dict[str, IsWanted]) -> None:
        super().__init__(connection)
        self._wanted = wanted
        self._connection = connection
        self.pulls: dict[str, DurablePull] = {}

    @override
    async def pull_subscribe(  # pyright: ignore[reportIncompatibleMethodOverride]  # only what FastStream gives
        self, subject: str, durable: str | None = None, stream: str | None = None, **_: Any
    ) -> Any:
        """Subscribe to a durable consumer that exists; each reads a subject of its own."""
        if durable is None or stream is None:
            raise ValueError("only durable consumers of named streams")
        pull = self.pulls[subject] = DurablePull(self._connection, stream, durable, self._wanted[subject])
        await pull.open()
        return pull


class FetchingConnection(Connection):
    """A connection whose JetStream subscriptions are `DurablePull`s. wanted: see `Fetching`."""

    def __init__(self, wanted: dict[str, IsWanted]) -> None:
        super().__init__()
        self._wanted = wanted
        self.fetching: Fetching | None = None

    @override
    def jetstream(self, **_: Any) -> JetStreamContext:
        """Give the context that FastStream subscribes with."""
        self.fetching = Fetching(self, self._wanted)
        return self.fetching
