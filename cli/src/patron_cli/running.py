"""`patron up` and `patron down`: start and stop an installation on this machine."""

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from patron_cli.console import CANNOT_START, DONE, REFUSED, Json, Stopped, print_json, say
from patron_cli.embedded.folder import DataFolder
from patron_cli.embedded.state import State, read_state, running_state
from patron_cli.installation import Data, folder_of

if TYPE_CHECKING:
    from patron_cli.embedded.supervisor import Wanted

DEFAULT_PORT: Final = 8080
_READY_S: Final = 180.0
_STOP_S: Final = 90.0
_PAUSE_S: Final = 0.05


def up(
    data: Data = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of all services; 0 chooses a free one.")
    ] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Web processes that share the port.")] = 1,
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")] = False,
    as_json: Json = False,
) -> None:
    """Start everything on one port: the log, the read models, all services.

    Data, keys, logs (logs/*.log) and state.json are in the data folder. A second `up` on a running installation says
    where it runs and is no error; after `patron down` it takes seconds and keeps the data.
    """
    folder = folder_of(data)
    if folder.held:
        state = _await_ready(folder)
        _tell(folder, state, as_json=as_json, news="runs already")
        return
    if detach:
        from patron_cli.embedded.detached import start_detached  # noqa: PLC0415 - `down` and `token` need none of it

        state = start_detached(_wanted(folder, host, port, workers))
        _tell(folder, state, as_json=as_json, news="runs")
        return
    from patron_cli.embedded.foreground import run_here  # noqa: PLC0415 - as above

    run_here(_wanted(folder, host, port, workers), lambda state: _tell(folder, state, as_json=as_json, news="runs"))


def down(data: Data = None, *, as_json: Json = False) -> None:
    """Stop what `up` started, after the requests under way; the data stays. Safe to repeat."""
    folder = folder_of(data)
    stopped = folder.held
    if stopped:
        _stop(folder)
    if as_json:
        print_json({"data": str(folder.path), "stopped": stopped})
    else:
        say(f"Stopped. The data stays in {folder.path}." if stopped else f"Nothing runs on {folder.path}.")
    raise typer.Exit(DONE)


def _wanted(folder: DataFolder, host: str, port: int, workers: int) -> "Wanted":
    from patron_cli.embedded.supervisor import Wanted  # noqa: PLC0415 - loads the servers

    return Wanted(folder, host, port, workers)


def _await_ready(folder: DataFolder) -> State:
    deadline = time.monotonic() + _READY_S
    while folder.held:
        state = running_state(folder)
        if state is not None and state.phase == "ready":
            return state
        if time.monotonic() > deadline:
            raise Stopped(f"the installation on {folder.path} is not ready; see {folder.logs}", CANNOT_START)
        time.sleep(_PAUSE_S)
    raise Stopped(f"the installation on {folder.path} was just being stopped; try again", CANNOT_START)


def _stop(folder: DataFolder) -> None:
    deadline = time.monotonic() + _STOP_S
    asked: int | None = None
    while folder.held:
        state = read_state(folder)
        # A supervisor that has only just begun has not told its number yet.
        if state is not None and (pid := state.pids["supervisor"]) != asked:
            os.kill(pid, signal.SIGTERM)
            asked = pid
        if time.monotonic() > deadline:
            raise Stopped(f"process {asked} has not ended after {_STOP_S:g} s; see {folder.logs}", REFUSED)
        time.sleep(_PAUSE_S)


def _tell(folder: DataFolder, state: State, *, as_json: bool, news: str) -> None:
    where = {
        "url": state.url,
        "data": str(folder.path),
        "logs": str(folder.logs),
        "docs": [f"{state.url}/{name}/v1/docs" for name in ("contacts", "campaigns", "pipeline", "projections")],
        "already_running": news != "runs",
        "pids": dict(state.pids),
    }
    if as_json:
        print_json(where)
        sys.stdout.flush()
        return
    this = "patron" if folder.path == folder_of(None).path else f"patron --data {folder.path}"
    at = "" if this == "patron" else f" --data {folder.path}"
    say(f"""\
Patron {news} at {state.url}

  services   {state.url}/               what is here
             {state.url}/health/ready   {state.url}/metrics
  docs       {state.url}/contacts/v1/docs
             {state.url}/campaigns/v1/docs
             {state.url}/pipeline/v1/docs
             {state.url}/projections/v1/docs
  data       {folder.path}
  logs       {folder.logs}

First steps:
  patron demo{at}                              fill it with an invented organisation
  patron import people FILE                 bring your own in
  patron get{at} /projections/v1/people        ask
  patron token{at} --role agent                a token for other programs
  patron status{at}                            how it is
  patron down{at}                              stop it; the data stays""")
    sys.stdout.flush()
