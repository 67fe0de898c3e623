"""What an embedded installation is doing, as its supervisor last wrote it down."""

import os
from collections.abc import Mapping
from typing import Literal
from uuid import uuid4

import msgspec

from patron_cli.embedded.folder import DataFolder


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is; believe it only while the folder is held.

    phase: `ready` means that every check passed once; processes that die are started again all the same.
    pids: by name, such as `supervisor`, `nats-server`, `postgres`, `web-1`, `projections`.
    restarts: how often each process had to be started again.
    """

    phase: Literal["starting", "ready", "stopping"]
    started_at: str
    host: str
    port: int
    workers: int
    pids: Mapping[str, int]
    restarts: Mapping[str, int] = {}
    nats_url: str = ""
    nats_monitor_url: str = ""
    postgres_url: str = ""

    @property
    def url(self) -> str:
        """Where callers reach every service."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"


def read_state(folder: DataFolder) -> State | None:
    """Read what is written; None where nothing is, or something else than a state."""
    try:
        return msgspec.json.decode(folder.state_file.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def running_state(folder: DataFolder) -> State | None:
    """Read the state of an installation that runs now; None where none does, or it has only just begun."""
    return read_state(folder) if folder.held else None


def write_state(folder: DataFolder, state: State) -> None:
    """Replace the state in one step, so that nobody reads half of it."""
    draft = folder.state_file.with_name(f".state.{uuid4().hex}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(state)) + b"\n")
    draft.replace(folder.state_file)
