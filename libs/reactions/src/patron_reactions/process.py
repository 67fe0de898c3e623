"""One process of reactions: the log, a host for each service, and an end on SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvloop
from prometheus_client import start_http_server

from patron_events.decisions import Decisions
from patron_events.jetstream.log import Log, LogOptions, open_log
from patron_events.journal import Journal
from patron_events.vault import BlindIndex
from patron_reactions.figures import ReactionFigures
from patron_reactions.host import Host, Place
from patron_reactions.jetstream_timers import JetStreamTimers
from patron_reactions.service import Means, Reactions
from patron_runtime.logs import configure_logs
from patron_runtime.metrics import Metrics
from patron_runtime.settings import RuntimeSettings
from patron_runtime.tracing import configure_tracing

_CACHED = 2_000  # aggregates; reactions mostly meet each of them a few times within seconds


@dataclass(frozen=True, slots=True)
class Reacting:
    """What one service brings along. build: puts its reactions together over the log."""

    service: str
    build: Callable[[Means], Reactions]


@dataclass(frozen=True, slots=True)
class ReactionProcess:
    """What a process of reactions needs to know. metrics_port: None serves no `/metrics`."""

    name: str
    log: LogOptions
    index_key: bytes
    runtime: RuntimeSettings
    metrics_port: int | None = None


async def react(process: ReactionProcess, services: Sequence[Reacting], stop: asyncio.Event) -> None:
    """React for all `services` until `stop` is set.

    Raises (in a group): what `open_log` and `Host.run` raise; whatever else goes wrong is waited out.
    """
    metrics = Metrics()
    if process.metrics_port is not None:
        start_http_server(process.metrics_port, registry=metrics.registry)
    figures = ReactionFigures(metrics)
    try:
        async with open_log(process.log) as log, asyncio.TaskGroup() as running:
            place = Place(process.log.servers, log.connection, log.vault, process.log.sizing, metrics)
            for one in services:
                reactions = one.build(means_of(log, one.service, process.index_key))
                running.create_task(Host(place, reactions, figures).run(stop))
    finally:
        metrics.close()


def means_of(log: Log, service: str, index_key: bytes) -> Means:
    """Put together what the reactions of a service work with."""
    decisions = Decisions(Journal(log.store, log.vault, cached=_CACHED))
    timers = JetStreamTimers(log.connection, service)
    return Means(decisions, log.reader, timers, BlindIndex(index_key))


def run_reactions(process: ReactionProcess, services: Sequence[Reacting]) -> None:
    """Be a process of reactions, until SIGTERM or SIGINT."""
    uvloop.run(_process(process, services))


async def _process(process: ReactionProcess, services: Sequence[Reacting]) -> None:
    configure_logs(process.name, process.runtime)
    tracing = configure_tracing(process.name, "1.0.0")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await react(process, services, stop)
    finally:
        await asyncio.to_thread(tracing.close)
