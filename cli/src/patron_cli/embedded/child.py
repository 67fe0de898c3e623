"""One process that the supervisor keeps running."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

REFUSES_TO_START: Final = 78  # EX_CONFIG of sysexits.h: another start does not help
LARGEST_LOG: Final = 32 << 20  # bytes; a larger log becomes `<name>.1`
_FIRST_PAUSE_S: Final = 0.2
_MOST_PAUSE_S: Final = 10.0
_STABLE_S: Final = 30.0
_LAST_WORDS: Final = 4_096  # bytes

_log = structlog.stdlib.get_logger("patron.supervisor")


class Backoff:
    """How long to wait before something that ended is started again: longer after each short life."""

    def __init__(self) -> None:
        self._failures = 0
        self._started_at = 0.0
        self._due_at: float | None = None

    def started(self) -> None:
        """Note a start."""
        self._started_at = time.monotonic()
        self._due_at = None

    def is_due(self) -> bool:
        """Tell whether the time of the next start has come; to be asked while the thing is down."""
        now = time.monotonic()
        if self._due_at is None:
            self._failures = 0 if now - self._started_at > _STABLE_S else self._failures + 1
            pause = 0.0 if self._failures == 0 else min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (self._failures - 1))
            self._due_at = now + pause
        return now >= self._due_at


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: arguments of `patron_cli.embedded.process`, its environment, log, and sockets that it inherits."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    sockets: Sequence[int] = ()


class Child:
    """A program that is started again when it ends; it ends by itself when this process does (`parent`).

    code: exit code of its last end.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.restarts = 0
        self.code: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._backoff = Backoff()

    @property
    def name(self) -> str:
        """Name in state, logs and messages."""
        return self.program.name

    @property
    def pid(self) -> int:
        """Process id; 0 while it is down."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self) -> None:
        """Start it."""
        self.trim_log()
        with self.program.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "patron_cli.embedded.process", *self.program.arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=dict(self.program.environment),
                pass_fds=self.program.sockets,
                start_new_session=True,  # Ctrl-C reaches the supervisor, which stops everything in order
            )
        self._backoff.started()
        _log.info("process.started", process=self.name, pid=self._process.pid)

    def tend(self) -> bool:
        """Start it again if it ended and the pause is over; tell whether that happened."""
        if self._process is not None:
            self.code = self._process.poll()
            if self.code is None:
                return False
            _log.warning("process.ended", process=self.name, pid=self._process.pid, code=self.code)
            self._close()
        if not self._backoff.is_due():
            return False
        self.restarts += 1
        self.start()
        return True

    def refusal(self) -> str | None:
        """Give what it said last when it ended because it can never start like this; None otherwise."""
        if self.code != REFUSES_TO_START:
            return None
        with self.program.log.open("rb") as log:
            log.seek(max(0, self.program.log.stat().st_size - _LAST_WORDS))
            said = log.read().decode(errors="replace").splitlines()
        return next((line.removeprefix("patron: ") for line in reversed(said) if line.startswith("patron: ")), "")

    def ask_to_stop(self) -> None:
        """Send SIGTERM: finish what is under way, then end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float) -> None:
        """Return when it is gone; it is killed after `timeout_s`."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _log.warning("process.killed", process=self.name, pid=self._process.pid, timeout_s=timeout_s)
            self._process.kill()
            self._process.wait()
        self._close()

    def trim_log(self) -> None:
        """Set a large log aside; the process goes on writing to the same file, which is open for appending."""
        log = self.program.log
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
