"""A connection to NATS whose hot paths skip nats-py's per-message objects.

nats-py builds a header dictionary, a message and a queue entry for each reply, and a task for each request; that
halves what one process can append or read. Here a listener gets the raw parts of a message synchronously, and
commands are written as bytes. Everything else (handshake, TLS, credentials, reconnection) stays nats-py's.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, cast

from nats.aio.client import Client

from patron_events.jetstream.errors import ConnectionLost, NoAnswer, NoResponders
from patron_events.jetstream.wire import Listener, WireParser

AnswerListener = Callable[[bytes, bytes], None]
"""Called with header block and body of one answer; `LOST` means that the connection broke."""

_STATUS: Final = b"NATS/1.0 "
_RECONNECT_WAIT_S: Final = 0.25
_PING_S: Final = 20


class Answer(NamedTuple):
    """One reply: its header block as sent (empty for none) and its body."""

    headers: bytes
    body: bytes


def status_of(headers: bytes) -> bytes:
    """Read the inline status of a header block, such as `404`; empty where there is none."""
    return headers[9:12] if headers.startswith(_STATUS) else b""


def header(headers: bytes, name: bytes) -> bytes:
    """Find one header's value; empty where it is absent. `name` ends with a colon."""
    start = headers.find(b"\r\n" + name)
    if start < 0:
        return b""
    start += len(name) + 2
    return headers[start : headers.find(b"\r\n", start)].strip()


def command(subject: str, body: bytes, *, headers: bytes = b"", reply: str = "") -> bytes:
    """Write the protocol command that publishes one message; `headers` are lines, each ended by CR LF."""
    if not headers:
        return b"PUB %b %b %d\r\n%b\r\n" % (subject.encode(), reply.encode(), len(body), body)
    size = len(headers) + 12
    return b"HPUB %b %b %d %d\r\nNATS/1.0\r\n%b\r\n%b\r\n" % (
        subject.encode(),
        reply.encode(),
        size,
        size + len(body),
        headers,
        body,
    )


class Connection(Client):
    """One connection; shared by everything in a process that talks to the log. Open it with `connect`.

    on_change: called when the connection breaks and when it is back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._listeners: dict[int, Listener] = {}
        self._ps = WireParser(self, self._listeners)
        self._awaited: dict[bytes, AnswerListener] = {}
        self._numbers = itertools.count(1)
        self._inbox = ""
        self._inbox_length = 0
        self._connected = asyncio.Event()
        self.on_change: set[Callable[[], None]] = set()

    async def open(self, servers: Sequence[str], **options: Any) -> None:
        """Connect, reconnecting for ever afterwards; raises nats.errors.Error where the first attempt fails."""
        await self.connect(
            list(servers),
            disconnected_cb=self._on_lost,
            reconnected_cb=self._on_back,
            error_cb=_ignore,
            max_reconnect_attempts=-1 if options.pop("patient", False) else 3,
            reconnect_time_wait=_RECONNECT_WAIT_S,  # pyright: ignore[reportArgumentType]  # only slept on; nats-py says int
            ping_interval=_PING_S,
            **options,
        )
        self.options["max_reconnect_attempts"] = -1
        self._inbox = self.new_inbox() + "."
        self._inbox_length = len(self._inbox)
        await self.listen(self._inbox + "*", self._answered)
        self._connected.set()

    async def listen(self, subject: str, listener: Listener) -> int:
        """Give every message on `subject` to `listener`, also after a reconnection; answers a number to stop it by."""
        number: int = self._sid + 1
        self._listeners[number] = listener
        await self.subscribe(subject)  # pyright: ignore[reportUnknownMemberType]  # nats-py leaves a parameter open
        return number

    def stop_listening(self, number: int) -> None:
        """End what `listen` began; harmless when it ended before."""
        self._listeners.pop(number, None)
        if self._subs.pop(number, None) is not None and self.is_connected:
            self.send(b"UNSUB %d\r\n" % number)

    async def end_listening(self, number: int, *, timeout_s: float) -> None:
        """End what `listen` began, after its listener was given all that the server had sent before it knew."""
        if self._subs.pop(number, None) is not None and self.is_connected:
            with suppress(ConnectionLost, NoAnswer, NoResponders):
                self.send(b"UNSUB %d\r\n" % number)
                await self.ask("$JS.API.INFO", timeout_s=timeout_s)  # commands are read in their order
        self._listeners.pop(number, None)

    def send(self, commands: bytes) -> None:
        """Write protocol commands to the server, together with what others send in this turn of the loop.

        Raises:
            ConnectionLost: there is no connection now; nothing was sent.
        """
        if not self.is_connected or self._flush_queue is None:
            raise ConnectionLost
        self._pending.append(commands)
        self._pending_data_size += len(commands)
        if self._flush_queue.empty():
            self._flush_queue.put_nowait(asyncio.get_running_loop().create_future())

    def expect(self, listener: AnswerListener) -> str:
        """Reserve a reply subject; `listener` gets every answer to it until `forget`."""
        token = b"%x" % next(self._numbers)
        self._awaited[token] = listener
        return self._inbox + token.decode()

    def forget(self, reply: str) -> None:
        """Stop listening for answers to a reserved reply subject."""
        self._awaited.pop(reply[self._inbox_length :].encode(), None)

    async def ask(self, subject: str, body: bytes = b"", *, timeout_s: float, headers: bytes = b"") -> Answer:
        """Send a request and wait for its one answer.

        Raises:
            ConnectionLost, NoResponders, NoAnswer: as their names say; after NoAnswer the outcome is unknown.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answered(headers: bytes, body: bytes) -> None:
            if not future.done():
                future.set_result(Answer(headers, body))

        reply = self.expect(answered)
        try:
            self.send(command(subject, body, headers=headers, reply=reply))
            async with asyncio.timeout(timeout_s):
                answer = await future
        except TimeoutError:
            raise NoAnswer from None
        finally:
            self.forget(reply)
        if answer == LOST:
            raise ConnectionLost
        if status_of(answer.headers) == b"503" and not answer.body:
            raise NoResponders
        return answer

    async def until_connected(self, timeout_s: float) -> None:
        """Wait for a connection; raises ConnectionLost where there is none within the time."""
        if self.is_connected:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError:
            raise ConnectionLost from None

    @property
    def max_message_bytes(self) -> int:
        """Largest message, headers included, that the server takes."""
        return self._max_payload

    def _answered(self, subject: bytes, _reply: bytes, headers: bytes, body: bytes) -> None:
        listener = self._awaited.get(subject[self._inbox_length :])
        if listener is not None:
            listener(headers, body)

    async def _process_pong(self) -> None:
        # nats-py sets the result also on a future whose flush was given up; the InvalidStateError then ends its
        # reading of the socket for good, without a reconnection, while the connection goes on saying that it is there.
        waiting = cast("list[asyncio.Future[bool]]", self._pongs)  # pyright: ignore[reportUnknownMemberType]  # nats-py leaves it open
        if waiting and waiting[0].done():
            waiting.pop(0)
            self._pings_outstanding = 0
            return
        await super()._process_pong()

    async def _on_lost(self) -> None:
        self._connected.clear()
        for listener in list(self._awaited.values()):
            listener(*LOST)
        self._notify()

    async def _on_back(self) -> None:
        self._connected.set()
        self._notify()

    def _notify(self) -> None:
        for notify in list(self.on_change):
            notify()


LOST: Final = Answer(b"LOST", b"")


async def _ignore(_: Exception) -> None:
    """Drop nats-py's report: each caller sees its own failure, and `on_change` tells the rest."""


async def connect(servers: str | Sequence[str], **options: Any) -> Connection:
    """Open a connection to the log; options are those of `nats.connect` (user, password, tls, user_credentials)."""
    connection = Connection()
    await connection.open([servers] if isinstance(servers, str) else servers, **options)
    return connection
