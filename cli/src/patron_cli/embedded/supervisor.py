"""Start everything in order, keep it running, stop it in the reverse order."""

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import structlog

from patron_cli.embedded.child import Backoff, Child, Program
from patron_cli.embedded.environment import service_environment
from patron_cli.embedded.folder import DataFolder
from patron_cli.embedded.listening import open_port
from patron_cli.embedded.readiness import not_ready
from patron_cli.embedded.state import State, read_state, write_state
from patron_cli.embedded.stuck import StuckWatch
from patron_servers import NatsServer, PostgresServer

WORKERS: Final = ("projections", "reactions")
READY_TIMEOUT_S: Final = 120.0
_STOP_WEB_S: Final = 30.0  # a request may wait so long for its position
_STOP_WORKER_S: Final = 20.0
_OLD_OWNER_S: Final = 20.0
_TURN_S: Final = 1.0
_TURN_WHILE_STARTING_S: Final = 0.05
_LOGS_EVERY_S: Final = 60.0

_log = structlog.stdlib.get_logger("patron.supervisor")


class NotReady(Exception):
    """The services did not become ready in time; the text says what is missing and where the logs are."""


class Interrupted(Exception):
    """Somebody asked to stop before everything was ready."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run. port: 0 chooses a free one. workers: web processes that share it."""

    folder: DataFolder
    host: str
    port: int
    workers: int


class Supervisor:
    """Run an installation in this process until SIGTERM or SIGINT; only one per folder at a time."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._folder = wanted.folder
        self._started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._phase: Literal["starting", "ready", "stopping"] = "starting"
        self._port = wanted.port
        self._nats: NatsServer | None = None
        self._postgres: PostgresServer | None = None
        self._stuck: StuckWatch | None = None
        self._sockets: list[socket.socket] = []  # ours too, so that callers wait while a web process is down
        self._children: list[Child] = []
        self._restarts: dict[str, int] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._asked_to_stop = False

    def run(self, on_ready: Callable[[State], None]) -> None:
        """Start, tell `on_ready` once, keep everything running, and stop when asked to.

        Raises:
            AlreadyRunning, PortTaken, HostUnusable, NotReady: nothing is left running.
            ProgramNotFound, DataFolderInUse, ServerDidNotStart: as `patron_servers` says.
        """
        self._folder.hold()  # until this process is gone, so that nobody sees a stopped installation too early
        with self._listening_to_signals() as wakeups:
            try:
                self._start()
                self._until_ready(wakeups)
                on_ready(self._state())
                self._keep(wakeups)
            except Interrupted:
                _log.info("installation.interrupted")
            finally:
                self._stop()

    # -- start ----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        left_over = read_state(self._folder)
        # A supervisor that was killed leaves its web processes finishing what is under way.
        patience_s = _OLD_OWNER_S if left_over is not None and left_over.port == self._wanted.port else 0.0
        self._sockets = open_port(self._wanted.host, self._wanted.port, self._wanted.workers, patience_s=patience_s)
        self._port = self._sockets[0].getsockname()[1]
        self._folder.prepare()
        self._write()
        self._nats, self._postgres = NatsServer(self._folder.nats), PostgresServer(self._folder.postgres)
        with ThreadPoolExecutor(2) as both:
            starting = [both.submit(self._nats.start), both.submit(self._postgres.start)]
            for one in starting:
                one.result()
        self._stuck = StuckWatch(self._nats.monitor_url, self._folder.nats)
        _link(self._folder.logs / "nats-server.log", self._folder.nats / "nats-server.log")
        _link(self._folder.logs / "postgres.log", self._postgres.home / "postgres.log")
        environment = service_environment(
            self._folder,
            nats_url=self._nats.url,
            nats_monitor_url=self._nats.monitor_url,
            postgres_url=self._postgres.url,
        )
        workers = [self._worker(name, environment) for name in WORKERS]
        self._children = [*workers, *self._web(environment)]
        for child in self._children:
            child.start()
        self._write()

    def _worker(self, name: str, environment: Mapping[str, str]) -> Child:
        return Child(Program(name, (name,), environment, self._folder.logs / f"{name}.log"))

    def _web(self, environment: Mapping[str, str]) -> list[Child]:
        return [
            Child(
                Program(
                    name := f"web-{number}",
                    ("web", str(one.fileno())),
                    environment,
                    self._folder.logs / f"{name}.log",
                    sockets=(one.fileno(),),
                )
            )
            for number, one in enumerate(self._sockets, start=1)
        ]

    def _until_ready(self, wakeups: socket.socket) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while missing := not_ready(self._state(), self._folder):
            if time.monotonic() > deadline:
                raise NotReady(f"not ready after {READY_TIMEOUT_S:g} s: {missing}; see {self._folder.logs}")
            self._tend()
            for child in self._children:
                if (refusal := child.refusal()) is not None:
                    raise NotReady(f"{child.name} refuses to start: {refusal}; see {child.program.log}")
            self._rest(wakeups, _TURN_WHILE_STARTING_S)
        self._phase = "ready"
        self._write()
        _log.info("installation.ready", port=self._port)

    # -- keep -----------------------------------------------------------------------------------------------------

    def _keep(self, wakeups: socket.socket) -> None:
        trimmed_at = time.monotonic()
        with contextlib.suppress(Interrupted):
            while True:
                if self._tend():
                    self._write()
                if time.monotonic() - trimmed_at > _LOGS_EVERY_S:
                    trimmed_at = time.monotonic()
                    for child in self._children:
                        child.trim_log()
                self._rest(wakeups, _TURN_S)

    def _rest(self, wakeups: socket.socket, timeout_s: float) -> None:
        """Wait until something ends, somebody asks to stop (raises Interrupted), or the time is over."""
        if not self._asked_to_stop:
            ready, _, _ = select.select([wakeups], [], [], timeout_s)
            if ready:
                wakeups.recv(4096)
        if self._asked_to_stop:
            raise Interrupted

    def _tend(self) -> bool:
        """Start again what ended; tell whether anything was."""
        self._unstick()
        changed = [self._revive("nats-server", self._nats), self._revive("postgres", self._postgres)]
        changed += [child.tend() for child in self._children]
        return any(changed)

    def _unstick(self) -> None:
        """Stop a nats-server that refuses for no reason any more; `_revive` starts it again."""
        if self._nats is None or self._stuck is None or not self._nats.running or not self._stuck.is_stuck():
            return
        _log.warning("process.stuck", process="nats-server")
        self._stuck.forget()
        self._nats.stop()

    def _revive(self, name: str, server: NatsServer | PostgresServer | None) -> bool:
        if server is None or server.running:
            return False
        backoff = self._backoffs.setdefault(name, Backoff())
        if not backoff.is_due():
            return False
        _log.warning("process.ended", process=name)
        backoff.started()
        try:
            server.start()
        except Exception as error:  # noqa: BLE001  (tried again, with a growing pause)
            _log.error("process.not-started", process=name, reason=str(error).splitlines()[0])
            return False
        self._restarts[name] = self._restarts.get(name, 0) + 1
        _log.info("process.started", process=name, pid=server.pid)
        return True

    # -- stop -----------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._phase = "stopping"
        self._write()
        for one in self._sockets:
            one.close()
        web = [child for child in self._children if child.name not in WORKERS]
        for group, timeout_s in ((web, _STOP_WEB_S), (self._children, _STOP_WORKER_S)):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + timeout_s
            for child in group:
                child.wait(max(0.1, deadline - time.monotonic()))
        with ThreadPoolExecutor(2) as both:
            for server in (self._postgres, self._nats):
                if server is not None:
                    both.submit(server.stop)
        self._folder.state_file.unlink(missing_ok=True)
        if self._nats is not None:
            _log.info("installation.stopped")

    # -- tell -----------------------------------------------------------------------------------------------------

    def _state(self) -> State:
        servers = {"nats-server": self._nats, "postgres": self._postgres}
        pids = {name: server.pid for name, server in servers.items() if server is not None and server.running}
        restarts = {child.name: child.restarts for child in self._children} | self._restarts
        return State(
            phase=self._phase,
            started_at=self._started_at,
            host=self._wanted.host,
            port=self._port,
            workers=self._wanted.workers,
            pids={"supervisor": os.getpid(), **pids, **{child.name: child.pid for child in self._children}},
            restarts={name: count for name, count in restarts.items() if count},
            nats_url=self._nats.url if self._nats else "",
            nats_monitor_url=self._nats.monitor_url if self._nats else "",
            postgres_url=self._postgres.url if self._postgres and self._postgres.running else "",
        )

    def _write(self) -> None:
        write_state(self._folder, self._state())

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Generator[socket.socket]:
        """Wake up when a child ends, and remember that somebody asked to stop."""

        def stop(_number: int, _frame: object) -> None:
            self._asked_to_stop = True

        def note(_number: int, _frame: object) -> None:
            """Do nothing: the wake-up is enough, and an ignored SIGCHLD would reap our children."""

        receiver, sender = socket.socketpair()
        sender.setblocking(False)
        handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: stop, signal.SIGCHLD: note}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        try:
            yield receiver
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            receiver.close()
            sender.close()


def _link(link: Path, target: Path) -> None:
    """Show a server's own log among ours."""
    with contextlib.suppress(OSError):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
