"""`patron rebuild`: build a read model again from the log beside the one that serves, prove it, and swap it in."""

import asyncio
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patron_cli.console import DONE, NOT_RUNNING, REFUSED, USAGE, Json, Stopped, print_json, say, screen
from patron_cli.installation import Data, local

if TYPE_CHECKING:
    from patron_projections.engine.listing import BuildState
    from patron_projections.engine.read_model import ReadModel
    from patron_projections.engine.rebuild import Proof, Rebuilt, Watch
    from patron_projections.settings import ProjectionsSettings


def rebuild(  # noqa: PLR0913 - options of the command line
    model: Annotated[str | None, typer.Argument(help="Name of a read model, such as timeline.")] = None,
    data: Data = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the partitions.")] = 1,
    *,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Only drop retired builds of the model.")] = False,
    listing: Annotated[bool, typer.Option("--list", help="List builds instead; of all models without MODEL.")] = False,
    all_partitions: Annotated[bool, typer.Option("--all-partitions", help="One line for each partition.")] = False,
    as_json: Json = False,
) -> None:
    """Build a read model again from the log while the old build answers, prove it, and swap it in.

    The new build is compared with a second fold of the log, partition by partition. It may be interrupted at any
    moment: the same command goes on where it stopped. Needs the data folder, or PATRON_... settings of a cluster.
    """
    from patron_projections.engine.builds import ModelChanged  # noqa: PLC0415 - other commands need no read models
    from patron_projections.engine.chain import MOST_ENDS, ChainBroken  # noqa: PLC0415 - as above
    from patron_projections.engine.rebuild import NotEqual, RebuildUnderWay  # noqa: PLC0415 - as above
    from patron_projections.engine.swap import SwapImpossible  # noqa: PLC0415 - as above

    if listing:
        _list(_settings(data), model, as_json=as_json)
        raise typer.Exit(DONE)
    if model is None:
        raise Stopped(f"name a read model: {', '.join(sorted(_models()))}", USAGE)
    found = _model(model)
    settings = _settings(data)
    if drop_old:
        _drop(settings, model, as_json=as_json)
        raise typer.Exit(DONE)
    began = time.monotonic()
    try:
        with _watched(quiet=as_json) as watch:
            done = asyncio.run(_rebuilt(settings, found, watch, workers))
    except RebuildUnderWay:
        raise Stopped(f"{model} is being rebuilt already", REFUSED) from None
    except (ModelChanged, ChainBroken, NotEqual, SwapImpossible) as error:
        raise Stopped(str(error), REFUSED) from None
    seconds = time.monotonic() - began
    if as_json:
        print_json(_document(done, seconds))
    else:
        _show(done.proof, every=all_partitions)
        rest = f" after an earlier attempt had reached {done.resumed_at:,}" if done.resumed_at else ""
        say(f"Build {done.build} of {model} serves: {done.events:,} events in {seconds:.1f} s{rest}.")
        say(
            "Hash chain: every commit was checked against its own hash, its link to the one before for the latest "
            f"{MOST_ENDS:,} records; `patron verify` checks all links."
        )
        say(f"The old build {done.replaced} is kept; `patron rebuild {model} --drop-old` drops it.")
    raise typer.Exit(DONE)


async def _rebuilt(settings: "ProjectionsSettings", model: "ReadModel", watch: "Watch", workers: int) -> "Rebuilt":
    from patron_projections.rebuilding import rebuild as run  # noqa: PLC0415 - as above

    return await run(settings, model, watch, workers)


def _drop(settings: "ProjectionsSettings", model: str, *, as_json: bool) -> None:
    from patron_projections.engine.removal import drop_retired  # noqa: PLC0415 - as above
    from patron_projections.rebuilding import connecting  # noqa: PLC0415 - as above

    async def dropped() -> list[int]:
        async with await connecting(settings)() as connection:
            return await drop_retired(connection, model)

    builds = asyncio.run(dropped())
    if as_json:
        print_json({"model": model, "dropped": builds})
    else:
        say(f"Dropped: {', '.join(map(str, builds))}." if builds else f"{model} has no retired build.")


def _models() -> "dict[str, ReadModel]":
    from patron_projections.service import MODELS  # noqa: PLC0415 - as above

    return {model.name: model for model in MODELS}


def _model(name: str) -> "ReadModel":
    models = _models()
    if name not in models:
        raise Stopped(f"there is no read model {name!r}; there are {', '.join(sorted(models))}", USAGE)
    return models[name]


def _settings(data: Path | None) -> "ProjectionsSettings":
    """Take the settings of a cluster from the environment, or those of the installation on the data folder."""
    from patron_cli.embedded.environment import service_environment  # noqa: PLC0415 - as above
    from patron_projections.settings import ProjectionsSettings  # noqa: PLC0415 - as above

    if data is None and os.environ.get("PATRON_POSTGRES_URL") and os.environ.get("PATRON_MASTER_KEYS"):
        return ProjectionsSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    here = local(data)
    if here.folder is None or here.state is None or not here.state.postgres_url:
        raise Stopped("the installation is still starting", NOT_RUNNING)
    os.environ.update(
        service_environment(
            here.folder,
            nats_url=here.state.nats_url,
            nats_monitor_url=here.state.nats_monitor_url,
            postgres_url=here.state.postgres_url,
        )
    )
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # our figures are not those of a service
    return ProjectionsSettings()  # pyright: ignore[reportCallIssue]  # as above


@contextmanager
def _watched(*, quiet: bool) -> "Generator[Watch]":
    """Show each step with a bar, events a second and time left where there is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(
        *columns, TimeRemainingColumn(), console=console, disable=quiet or not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task("rebuild", total=1, rate="")

        class Bar:
            def __init__(self) -> None:
                self._began = time.monotonic()
                self._events = 0

            def begins(self, step: str, total: int) -> None:
                self._began, self._events = time.monotonic(), 0
                progress.reset(task, total=total or None, description=step, rate="")

            def advanced(self, messages: int, events: int) -> None:
                self._events += events
                rate = self._events / max(0.001, time.monotonic() - self._began)
                progress.update(task, advance=messages, rate=f"{rate:,.0f} events/s")

        yield Bar()


def _rows(proof: "Proof") -> list[dict[str, Any]]:
    different = set(proof.build.differing(proof.second))
    return [
        {
            "partition": partition,
            "rows": rows,
            "checksum": proof.build.of(partition),
            "second_fold": proof.second.of(partition),
            "equal": partition not in different,
        }
        for partition, rows in enumerate(proof.build.rows)
    ]


def _list(settings: "ProjectionsSettings", model: str | None, *, as_json: bool) -> None:
    from patron_projections.engine.listing import list_builds  # noqa: PLC0415 - as above
    from patron_projections.rebuilding import connecting  # noqa: PLC0415 - as above

    async def listed() -> "list[BuildState]":
        async with await connecting(settings)() as connection:
            return await list_builds(connection)

    wanted = None if model is None else _model(model).name
    builds = [one for one in asyncio.run(listed()) if wanted in {None, one.model}]
    if as_json:
        print_json({"builds": [one._asdict() | {"since": one.since.isoformat()} for one in builds]})
        return
    from rich import box  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("read model", "build", "version", "state", "rows", "since", box=box.SIMPLE_HEAD)
    for one in builds:
        since = one.since.strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(one.model, str(one.build), str(one.version), one.state, f"{one.rows:,}", since)
    screen().print(table)


def _document(done: "Rebuilt", seconds: float) -> dict[str, Any]:
    from patron_projections.engine.chain import MOST_ENDS  # noqa: PLC0415 - as above

    serving = done.proof.serving
    return {
        "model": done.model,
        "build": done.build,
        "replaced": done.replaced,
        "resumed_at": done.resumed_at,
        "events": done.events,
        "seconds": round(seconds, 3),
        "rows": done.proof.build.total,
        "checksum": done.proof.build.whole,
        "equals_replaced": None if serving is None else not done.proof.build.differing(serving),
        "partitions": _rows(done.proof),
        "hash_chain": {"every_commit": True, "links_of_latest_aggregates": MOST_ENDS},
    }


def _show_side_by_side(proof: "Proof") -> None:
    """Print the rows and the beginning of the checksum of every partition, with `≠` where the second fold differs."""
    from rich.columns import Columns  # noqa: PLC0415 - only for people

    say("Rows and checksum by partition:")
    cells = [
        f"{row['partition']:>3} {row['rows']:>7,} {'=' if row['equal'] else '≠'} {row['checksum'][:8]}"
        for row in _rows(proof)
    ]
    screen().print(Columns(cells, padding=(0, 2), column_first=True))


def _show(proof: "Proof", *, every: bool) -> None:
    from rich import box  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415 - as above

    if not every:
        _show_side_by_side(proof)
    table = Table("partition", "rows", "checksum", "second fold", "equal", box=box.SIMPLE_HEAD)
    for row in _rows(proof):
        if every or not row["equal"]:
            cells = (row["partition"], row["rows"], row["checksum"], row["second_fold"], row["equal"])
            table.add_row(*(str(cell) for cell in cells))
    equal = len(proof.build.rows) - len(proof.build.differing(proof.second))
    table.add_row("all", f"{proof.build.total:,}", proof.build.whole, proof.second.whole, f"{equal} of 256")
    screen().print(table)
    if proof.serving is None:
        say("Not compared with the build that served: it has another version or stood behind.")
    else:
        different = len(proof.build.differing(proof.serving))
        say("Equal to the build that served." if not different else f"{different} partitions differ from what served.")
