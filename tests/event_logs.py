"""Logs of a test's own in real servers, and connections that show, or lose, what passes between store and server."""

import json
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

from patron_events.jetstream.connection import Answer, Connection
from patron_events.jetstream.errors import NoAnswer
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.testing import Log
from patron_servers import NatsServer

GIB = 1 << 30


async def new_log(connection: Connection, replicas: int = 1, max_bytes: int = GIB // 4) -> Log:
    """Make an empty context with a name of its own."""
    context = "t" + secrets.token_hex(6)
    await assert_streams(connection, [log_stream(context, Sizing(replicas, max_bytes))])
    return Log(JetStreamStore(connection), JetStreamReader(connection), context)


class Observed(Connection):
    """Counts the error codes of the server, and loses answers or batch members on request."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: Counter[int] = Counter()
        self.lose_answers = 0
        self.lose_members = 0

    async def ask(self, subject: str, body: bytes = b"", *, timeout_s: float, headers: bytes = b"") -> Answer:
        answer = await super().ask(subject, body, timeout_s=timeout_s, headers=headers)
        if b'"error"' in answer.body:
            self.codes[json.loads(answer.body)["error"]["err_code"]] += 1
        if headers and self.lose_answers:
            self.lose_answers -= 1
            raise NoAnswer
        return answer

    def send(self, commands: bytes) -> None:
        if self.lose_members and b"Nats-Batch-Id" in commands and b"Nats-Batch-Commit" not in commands:
            self.lose_members -= 1
            return
        super().send(commands)


class ConfiguredServer(NatsServer):
    """A nats-server with one more line in its JetStream settings."""

    def __init__(self, folder: Path, line: str) -> None:
        super().__init__(folder)
        self._line = line

    def _config(self) -> str:
        return super()._config().replace("jetstream {\n", f"jetstream {{\n  {self._line}\n")


async def api(connection: Connection, call: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask JetStream's API."""
    body = b"" if request is None else json.dumps(request).encode()
    return json.loads((await connection.ask(f"$JS.API.{call}", body, timeout_s=10)).body)


async def update(connection: Connection, log: Log, **settings: Any) -> None:
    """Change settings of a log's stream."""
    name = log.context.upper()
    config = (await api(connection, f"STREAM.INFO.{name}"))["config"]
    answer = await api(connection, f"STREAM.UPDATE.{name}", config | settings)
    assert "error" not in answer, answer
