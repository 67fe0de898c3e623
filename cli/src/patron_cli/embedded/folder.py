"""The data folder of an embedded installation: where things are, and the secrets that are made on first use."""

import base64
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

_MASTER_KEY_BYTES: Final = 32
_GLANCE_S: Final = 0.3  # longer than another process needs to look whether the folder is held
_GIB: Final = 1 << 30
_LEAST_STREAM_BYTES: Final = 256 << 20
_MOST_STREAM_BYTES: Final = 16 * _GIB


class AlreadyRunning(Exception):
    """Another supervisor holds this folder."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Names of everything below one folder; only the owner may read what is in it."""

    path: Path

    @property
    def state_file(self) -> Path:
        """What runs now; see `state`."""
        return self.path / "state.json"

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def keys(self) -> Path:
        """Master keys and the key pair of the issuer."""
        return self.path / "keys"

    @property
    def nats(self) -> Path:
        """The log itself: the only truth."""
        return self.path / "nats"

    @property
    def postgres(self) -> Path:
        """Read models; all of it can be built again from the log."""
        return self.path / "postgres"

    @property
    def metrics(self) -> Path:
        """Figures that the processes share, for `/metrics`; emptied at every start."""
        return self.path / "metrics"

    @property
    def exists(self) -> bool:
        """Tell whether an installation was ever started here."""
        return self.keys.is_dir()

    def prepare(self) -> None:
        """Make the folders. Safe to repeat."""
        # PostgreSQL runs as another user when root starts it, and must be able to pass through to its own folder.
        passable = 0o711 if os.geteuid() == 0 else 0o700
        self.path.chmod(passable)
        self.postgres.mkdir(exist_ok=True)
        self.postgres.chmod(passable)
        shutil.rmtree(self.metrics, ignore_errors=True)
        for folder in (self.logs, self.keys, self.nats, self.metrics):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)

    def hold(self) -> None:
        """Take the folder for this process, until it ends.

        Raises:
            AlreadyRunning: somebody else has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _GLANCE_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise AlreadyRunning(str(self.path)) from None
                time.sleep(0.02)
            else:
                return

    @property
    def held(self) -> bool:
        """Tell whether a supervisor works on this folder: true from its first moment to its last, however it ends."""
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def master_keys(self) -> Mapping[str, str]:
        """Give the master keys (base64, by id, the current one last); the first one is made here."""
        path = self.keys / "master-keys.json"
        if not path.exists():
            fresh = {uuid4().hex[:8]: base64.b64encode(secrets.token_bytes(_MASTER_KEY_BYTES)).decode()}
            _write_private(path, json.dumps(fresh))
        return json.loads(path.read_text())

    def stream_max_bytes(self) -> int:
        """Give the largest size of a stream, decided once: a declared stream never changes by itself (DESIGN 2)."""
        path = self.path / "settings.json"
        if not path.exists():
            # nats-server lets all streams together reserve three quarters of what is free.
            share = shutil.disk_usage(self.path).free // 16  # for contexts to come as well
            size = max(_LEAST_STREAM_BYTES, min(_MOST_STREAM_BYTES, share >> 20 << 20))
            _write_private(path, json.dumps({"stream_max_bytes": size}))
        return int(json.loads(path.read_text())["stream_max_bytes"])

    @property
    def _lock_file(self) -> Path:
        return self.path / "supervisor.lock"


def _write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
