"""Composition root of the projections service: the only module that builds adapters.

Run `python -m patron_projections.app api` for the queries and `python -m patron_projections.app worker` for a
worker, any number of each, behind settings in `PATRON_…` variables.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import uvicorn
import uvloop
from prometheus_client import start_http_server

from patron_events.decisions import Decisions
from patron_events.jetstream.log import Log, open_log
from patron_events.journal import Journal
from patron_projections.engine.builds import ModelChanged
from patron_projections.engine.companions import Companion, keep_running
from patron_projections.engine.figures import Figures
from patron_projections.engine.outdated import Rebuilding
from patron_projections.engine.read_model import ReadModel, categories_of
from patron_projections.engine.reading import Source
from patron_projections.engine.worker import Connect, Pace, Worker, Workplace
from patron_projections.rebuilding import connecting, make_batches_cheap, workshop
from patron_projections.scoring import Scoring
from patron_projections.segments.evaluator import Evaluator, EvaluatorPlace
from patron_projections.segments.evaluator_figures import EvaluatorFigures
from patron_projections.service import MODELS, build
from patron_projections.settings import CONTEXTS, ProjectionsSettings
from patron_runtime.logs import configure_logs
from patron_runtime.metrics import Metrics
from patron_runtime.service import Service, server_options
from patron_runtime.tracing import configure_tracing

_CHANGED: Final = 78  # EX_CONFIG of sysexits.h: another start does not help


def create_app(settings: ProjectionsSettings) -> Service:
    """Build the queries over PostgreSQL; they need nothing else."""
    return build(settings.verifier(), settings.runtime(), settings.postgres_url, settings.worker_dead_after_s)


async def run_worker(settings: ProjectionsSettings, stop: asyncio.Event, models: Sequence[ReadModel] = MODELS) -> None:
    """Keep the read models up to date until `stop` is set; ends after the batch under way.

    Each context that has models is followed by a worker of its own; companions run beside them.

    Raises:
        ServerUnfit, StreamDiffers: the log is not what the design needs; everything else is waited out.
        ModelChanged (in a group): a model was changed without a new version.
    """
    metrics = Metrics()
    if settings.worker_metrics_port is not None:
        start_http_server(settings.worker_metrics_port, registry=metrics.registry)
    connect = connecting(settings)
    figures = Figures(metrics)
    async with open_log(settings.log()) as log:
        workers = [
            Worker(_workplace(settings, log, connect, figures, context, of_context), of_context)
            for context in CONTEXTS
            if (of_context := [model for model in models if model.context == context])
        ]
        async with asyncio.TaskGroup() as running:
            for worker in workers:
                running.create_task(worker.run(stop))
            rebuilding = Rebuilding(lambda model: workshop(log, connect, model), models, settings.worker_beat_s)
            rebuilds = Companion("rebuilds", rebuilding.run)
            for companion in (rebuilds, *_companions(settings, log, connect, metrics)):
                running.create_task(keep_running(companion, stop, figures))


def _workplace(
    settings: ProjectionsSettings,
    log: Log,
    connect: Connect,
    figures: Figures,
    context: str,
    models: Sequence[ReadModel],
) -> Workplace:
    return Workplace(
        connect=connect,
        source=Source(log.reader, log.vault, context, categories_of(models)),
        aggregates=log.store,
        figures=figures,
        pace=_pace(settings),
    )


def _companions(settings: ProjectionsSettings, log: Log, connect: Connect, metrics: Metrics) -> Sequence[Companion]:
    """Build what runs beside the workers."""
    evaluator = Evaluator(
        EvaluatorPlace(
            connect=connect,
            reader=log.reader,
            decisions=Decisions(Journal(log.store, log.vault)),
            figures=EvaluatorFigures(metrics),
            pace=_pace(settings),
        )
    )
    return (evaluator.companion, Scoring(connect, settings.rfm_every_s).companion)


def _pace(settings: ProjectionsSettings) -> Pace:
    return Pace(beat_s=settings.worker_beat_s, dead_after_s=settings.worker_dead_after_s)


async def _worker_process(settings: ProjectionsSettings, models: Sequence[ReadModel]) -> None:
    configure_logs("projections-worker", settings.runtime())
    tracing = configure_tracing("projections-worker", "1.0.0")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    make_batches_cheap()
    try:
        await run_worker(settings, stop, models)
    finally:
        await asyncio.to_thread(tracing.close)


def serve_worker(settings: ProjectionsSettings, models: Sequence[ReadModel] = MODELS) -> None:
    """Run a worker in this process until SIGTERM."""
    uvloop.run(_worker_process(settings, models))


def _served(settings: ProjectionsSettings) -> int:
    code = 0
    try:
        serve_worker(settings)
    except* ModelChanged as changed:
        sys.stderr.write("".join(f"patron: {one}\n" for one in changed.exceptions))
        code = _CHANGED
    return code


def main(arguments: list[str]) -> int:
    """Run one process of the service: `api` or `worker`."""
    settings = ProjectionsSettings()  # pyright: ignore[reportCallIssue]  # the environment fills it
    match arguments:
        case ["api"]:
            host, port = os.environ.get("PATRON_HOST", "127.0.0.1"), int(os.environ.get("PATRON_PORT", "8081"))
            uvicorn.run(create_app(settings), host=host, port=port, **server_options())
        case ["worker"]:
            return _served(settings)
        case _:
            sys.stderr.write("usage: python -m patron_projections.app api|worker\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
