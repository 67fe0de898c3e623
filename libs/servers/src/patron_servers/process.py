"""Start a server under a keeper, know its process id, and end it in either way."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from patron_servers import keeper
from patron_servers.errors import DataFolderInUse, ServerDidNotStart

LARGEST_LOG = 16 * 1024 * 1024  # bytes; a larger log becomes `<name>.1` at the next start
LOCK_WAIT_S = 20.0  # PostgreSQL's children notice within seconds that the postmaster was killed


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run: the command, the files beside its data, the signal that ends it cleanly, and as whom."""

    command: Sequence[str]
    log: Path
    lock: Path
    stop_signal: signal.Signals
    user: tuple[int, int] | None = None  # user and group id; None: as we are
    before: Callable[[], None] | None = None  # called when the lock is held, before the start


class ServerProcess:
    """One running server. It ends with this process, however this process ends.

    Its children inherit a lock on the data folder: two servers never share one, and a restart waits for the last child.
    """

    def __init__(self, launch: Launch) -> None:
        """Start it.

        Raises:
            DataFolderInUse: the lock was not released within 20 s.
            ServerDidNotStart: the program could not be executed.
        """
        self._launch = launch
        lock = _take(launch.lock)
        try:
            if launch.before is not None:
                launch.before()
            self._keeper = self._start_keeper(lock)
        finally:
            os.close(lock)
        self.pid = _told_pid(self._keeper)
        if self.pid == 0:
            raise ServerDidNotStart(f"{launch.command[0]} could not be executed", launch.log)

    def _start_keeper(self, lock: int) -> "subprocess.Popen[bytes]":
        launch = self._launch
        if launch.log.exists() and launch.log.stat().st_size > LARGEST_LOG:
            launch.log.replace(launch.log.with_suffix(launch.log.suffix + ".1"))
        user = "-" if launch.user is None else "{}:{}".format(*launch.user)
        with launch.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the command is our own
                [sys.executable, "-I", "-S", keeper.__file__, str(int(launch.stop_signal)), user, *launch.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "PATRON_KEEPER_LOCK": str(lock)},
                pass_fds=[lock],
                start_new_session=True,  # Ctrl-C reaches the starter, which stops its servers in order
            )

    @property
    def running(self) -> bool:
        """Tell whether the server still runs."""
        return self._keeper.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Poll `ready` until it holds.

        Raises:
            ServerDidNotStart: the server ended, or `timeout_s` passed.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                raise ServerDidNotStart("the server ended while it started", self._launch.log)
            if time.monotonic() > deadline:
                raise ServerDidNotStart(f"the server was not ready after {timeout_s:g} s", self._launch.log)
            time.sleep(0.02)

    def stop(self) -> None:
        """End it cleanly, and the hard way when it takes more than 30 s; return when it is gone. Safe to repeat."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        self._keeper.wait()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL) and return when it is gone. Safe to repeat."""
        if self.running and self._keeper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it ended by itself in this moment
                os.write(self._keeper.stdin.fileno(), b"k")
        self.stop()


def _told_pid(started: "subprocess.Popen[bytes]") -> int:
    """Read the server's process id from its keeper; 0 when there is no server."""
    if started.stdout is None:
        return 0
    with started.stdout as said:
        return int(said.readline() or 0)


def _take(lock: Path) -> int:
    """Open and lock the file; the lock lives as long as any process that inherits the descriptor."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise DataFolderInUse(f"a server still works on {lock.parent}") from None
            time.sleep(0.05)
        else:
            return descriptor
