"""Run the command `patron` as a user does, and start whole installations with it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PATRON = (sys.executable, "-m", "patron_cli.main")
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class Program:
    """The command `patron` on one data folder."""

    folder: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What the command sees: nothing of the caller's own settings."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("PATRON_")}
        return {**foreign, "PATRON_DATA": str(self.folder)}

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end; the exit code is the caller's to check."""
        return subprocess.run(
            [*PATRON, *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=300
        )

    def json(self, *arguments: str) -> Any:
        """Run it with --json and read what it prints."""
        ended = self(*arguments, "--json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def ok(self, *arguments: str) -> str:
        """Run it, require success, and give what it prints."""
        ended = self(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


@dataclass(frozen=True, slots=True)
class Installation:
    """A running embedded installation."""

    patron: Program
    url: str

    @property
    def folder(self) -> Path:
        """Its data folder."""
        return self.patron.folder

    @property
    def state(self) -> dict[str, Any]:
        """What it says about itself now."""
        return json.loads((self.folder / "state.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return self.state["pids"]

    def client(self, role: str = "agent") -> httpx.Client:
        """Open an HTTP client with a token of this role."""
        token = self.patron.ok("token", "--role", role).strip()
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def is_ready(self) -> bool:
        """Tell whether every service says that it is ready."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health/ready", timeout=5).is_success
        return False


@contextmanager
def an_installation(folder: Path, *options: str) -> Generator[Installation]:
    """Run an installation on a free port; afterwards none of its processes is left."""
    patron = Program(folder)
    started = patron.json("up", "--detach", "--port", "0", *options)
    seen = family_of(started["pids"]["supervisor"])
    try:
        yield Installation(patron, started["url"])
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            seen |= family_of(json.loads((folder / "state.json").read_text())["pids"]["supervisor"])
        patron("down")
        left = alive(seen)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not left


def family_of(pid: int) -> set[int]:
    """Give a process and everything that descends from it."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(line.split()[0]): int(line.split()[1]) for line in listed.splitlines()}
    family = {pid} & parents.keys()
    while more := {one for one, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def alive(pids: set[int]) -> set[int]:
    """Give those that still run; what only waits to be reaped does not count."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    states = {int(line.split()[0]): line.split()[1] for line in listed.splitlines()}
    return {pid for pid in pids if not states.get(pid, "Z").startswith("Z")}


def eventually(holds: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Wait until something holds; fail when the time is over."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
