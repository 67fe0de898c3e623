"""End with the supervisor, also when it was killed and could tell nobody."""

import os
import signal
import sys
import threading
import time
from typing import Final

_GRACE_S: Final = 30.0


def end_with_parent() -> None:
    """Watch standard input, whose other end only the supervisor holds: when it closes, stop as on SIGTERM.

    Unlike PR_SET_PDEATHSIG this works on every system and does not depend on the thread that started us.
    """
    threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)
