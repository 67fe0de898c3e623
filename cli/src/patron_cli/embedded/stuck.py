"""Notice a nats-server that runs but refuses: after a full disk 2.15.1 goes on refusing until it is started again.

Seen on a small volume: with space freed, appends still timed out after 24 s, `/healthz` said "unavailable … no
space left", and only a restart helped. In a cluster the liveness probe does the same.
"""

import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

_EVERY_S: Final = 2.0
_PATIENCE_S: Final = 8.0
_TIMEOUT_S: Final = 1.0
_ROOM_BYTES: Final = 16 << 20  # before there is some, starting again would only fail again
_UNAVAILABLE: Final = 503


class StuckWatch:
    """Watches the health of one nats-server by its monitoring address."""

    def __init__(self, monitor_url: str, store: Path) -> None:
        self._url = monitor_url.rstrip("/") + "/healthz"
        self._store = store
        self._asked_at = 0.0
        self._refusing_since: float | None = None

    def is_stuck(self) -> bool:
        """Tell whether it has refused for a while although there is room; asks at most every two seconds."""
        now = time.monotonic()
        if now - self._asked_at >= _EVERY_S:
            self._asked_at = now
            if not self._refuses():
                self._refusing_since = None
            elif self._refusing_since is None:
                self._refusing_since = now
        since = self._refusing_since
        return since is not None and now - since > _PATIENCE_S and shutil.disk_usage(self._store).free > _ROOM_BYTES

    def forget(self) -> None:
        """Begin anew, after a start."""
        self._refusing_since = None

    def _refuses(self) -> bool:
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S):  # noqa: S310  (our own server)
                return False
        except urllib.error.HTTPError as answer:
            # It also says 503 while it recovers its streams, which needs nothing but patience.
            return answer.code == _UNAVAILABLE and b"space" in answer.read(4096)
        except OSError:
            return False  # gone or frozen: another matter
