"""Run an installation in this terminal, until Ctrl-C."""

import os
from collections.abc import Callable

from patron_cli.embedded.starting import explained
from patron_cli.embedded.state import State
from patron_cli.embedded.supervisor import Supervisor, Wanted
from patron_runtime.logs import configure_logs
from patron_runtime.settings import RuntimeSettings

PRIVATE = 0o077


def run_here(wanted: Wanted, on_ready: Callable[[State], None]) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        Stopped: it cannot start; nothing is left running.
    """
    os.umask(PRIVATE)
    configure_logs("supervisor", RuntimeSettings(log_level=os.environ.get("PATRON_LOG_LEVEL", "INFO")))
    with explained():
        Supervisor(wanted).run(on_ready)
