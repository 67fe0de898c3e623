"""One nats-server with JetStream, on loopback, with every acknowledged write on disk."""

import http.client
import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from patron_servers.errors import ServerDidNotStart
from patron_servers.ports import LOOPBACK, free_port
from patron_servers.process import Launch, ServerProcess
from patron_servers.programs import find_nats_server

START_TIMEOUT_S = 60.0  # a large store is checked before the server answers
MAX_PAYLOAD = 8 * 1024 * 1024  # bytes; the log's largest commit is far below
MAX_HTTP_ANSWER = 16 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Member:
    """The place of a server in a cluster: the cluster's name, its own route port and everybody's."""

    cluster: str
    port: int
    routes: Sequence[int] = field(default=())


class NatsServer:
    """A nats-server that keeps its streams in `data_dir`.

    `url` and the ports stay the same when it is started again, so clients reconnect. A second server on the same folder
    raises DataFolderInUse. Usable as a context manager, which starts and stops it.

    port: 0 chooses a free one. name: shown by the server; also its identity in a cluster.
    bin_dir: folder of nats-server; None looks at PATRON_NATS_BIN, the wheel and PATH.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        name: str = "patron",
        member: Member | None = None,
        bin_dir: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()  # the server runs in another folder
        self.name = name
        self.port = port or free_port()
        self.monitor_port = free_port()
        self._member = member
        self._bin_dir = bin_dir
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        """Where the server tells about itself over HTTP (`/varz`, `/jsz?config=1`, `/healthz`)."""
        return f"http://{LOOPBACK}:{self.monitor_port}"

    @property
    def running(self) -> bool:
        """Tell whether the server runs."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """Process id of nats-server itself.

        Raises:
            RuntimeError: it was not started.
        """
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def start(self, *, wait: bool = True) -> Self:
        """Start the server and return when JetStream answers; nothing happens when it already runs.

        wait: False returns at once, for members of a cluster, which are ready only together.

        Raises:
            ProgramNotFound, DataFolderInUse, ServerDidNotStart: each with what to do or the log's last lines.
        """
        if self.running:
            return self
        program = find_nats_server(self._bin_dir)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        config = self.data_dir / "nats-server.conf"
        config.write_text(self._config())
        self._check(program, config)
        self._process = ServerProcess(
            Launch(
                command=[str(program), "--config", str(config)],
                log=self._log,
                lock=self.data_dir / "nats-server.lock",
                stop_signal=signal.SIGTERM,
            )
        )
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when the server and its JetStream are healthy.

        Raises:
            ServerDidNotStart: it ended, or `timeout_s` passed.
        """
        if self._process is None:
            raise RuntimeError("not started")
        try:
            self._process.wait_until(self.is_healthy, timeout_s)
        except ServerDidNotStart:
            self._process.kill()
            raise

    def is_healthy(self) -> bool:
        """Tell whether JetStream is up with every stream recovered."""
        try:
            return self.monitor("/healthz").get("status") == "ok"
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def monitor(self, path: str) -> Mapping[str, Any]:
        """Return what the server tells about itself at `path`, such as `/jsz?config=1`."""
        connection = http.client.HTTPConnection(LOOPBACK, self.monitor_port, timeout=5)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read(MAX_HTTP_ANSWER))
        finally:
            connection.close()

    def stop(self) -> None:
        """Shut down cleanly; the data stays. Safe to repeat."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the server as a power cut would; `start` brings it back with its data."""
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.data_dir / "nats-server.log"

    def _config(self) -> str:
        # Durations are quoted: an unquoted 2m is read as the number 2,000,000. Without `always` the server acknowledges
        # writes that it has not synced (Jepsen on 2.12.1: 131,418 of 930,005 lost).
        lines = [
            f"server_name: {json.dumps(self.name)}",
            f'listen: "{LOOPBACK}:{self.port}"',
            f'http: "{LOOPBACK}:{self.monitor_port}"',
            f"max_payload: {MAX_PAYLOAD}",
            'write_deadline: "10s"',
            "jetstream {",
            f"  store_dir: {json.dumps(str(self.data_dir))}",
            '  sync_interval: "always"',
            "}",
        ]
        if self._member is not None:
            routes = ", ".join(f'"nats-route://{LOOPBACK}:{port}"' for port in self._member.routes)
            lines += [
                "cluster {",
                f"  name: {json.dumps(self._member.cluster)}",
                f'  listen: "{LOOPBACK}:{self._member.port}"',
                f"  routes: [{routes}]",
                "}",
            ]
        return "\n".join(lines) + "\n"

    def _check(self, program: Path, config: Path) -> None:
        """Let the server read its configuration before it starts; a misread one would only show as lost settings."""
        checked = subprocess.run(  # noqa: S603 - our own program and file
            [program, "-t", "--config", config], capture_output=True, text=True, check=False
        )
        if checked.returncode != 0:
            self._log.write_text(checked.stdout + checked.stderr)
            raise ServerDidNotStart(f"nats-server refused {config}", self._log)
