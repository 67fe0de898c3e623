"""Run an installation in the background, and wait until it is ready.

The background process is `python -m patron_cli.embedded.detached`; its standard output tells how the start went, in
one line of JSON, and is closed after that.
"""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import msgspec

from patron_cli.console import CANNOT_START, INTERRUPTED, Stopped
from patron_cli.embedded.child import LARGEST_LOG
from patron_cli.embedded.folder import DataFolder
from patron_cli.embedded.foreground import PRIVATE, run_here
from patron_cli.embedded.state import State
from patron_cli.embedded.supervisor import Wanted


class _Outcome(msgspec.Struct, frozen=True):
    state: State | None = None
    error: str = ""


def start_detached(wanted: Wanted) -> State:
    """Start the background process and return when everything is ready.

    Raises:
        Stopped: it cannot start; nothing is left running.
    """
    folder = wanted.folder
    os.umask(PRIVATE)
    folder.logs.mkdir(parents=True, exist_ok=True)
    log = folder.logs / "supervisor.log"
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(f"{log.name}.1"))
    options = ["--data", str(folder.path), "--host", wanted.host]
    options += ["--port", str(wanted.port), "--workers", str(wanted.workers)]
    with log.open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __spec__.name, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder.path,
            start_new_session=True,  # it outlives this terminal
        )
    return _outcome(process, log)


def _outcome(process: "subprocess.Popen[bytes]", log: Path) -> State:
    if process.stdout is None:
        raise RuntimeError("no pipe")
    try:
        with process.stdout as told:
            line = told.readline()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise Stopped("interrupted; nothing is left running", INTERRUPTED) from None
    try:
        outcome = msgspec.json.decode(line, type=_Outcome)
    except msgspec.DecodeError:
        process.wait()
        raise Stopped(f"the supervisor ended; see {log}", CANNOT_START) from None
    if outcome.state is None:
        process.wait()
        raise Stopped(outcome.error, CANNOT_START)
    return outcome.state


def main() -> None:
    """Be the background process."""
    parser = ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    asked = parser.parse_args()
    wanted = Wanted(DataFolder(asked.data), asked.host, asked.port, asked.workers)
    try:
        run_here(wanted, lambda state: _report(_Outcome(state=state)))
    except Stopped as stopped:
        _report(_Outcome(error=str(stopped)))
        sys.exit(stopped.code)


def _report(outcome: _Outcome) -> None:
    """Say how the start went, then let go of the starter's pipe."""
    sys.stdout.buffer.write(msgspec.json.encode(outcome) + b"\n")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    main()
