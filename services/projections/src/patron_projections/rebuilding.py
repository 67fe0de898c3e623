"""Composition of rebuilds: the adapters of one, and the processes that share its partitions."""

import asyncio
import gc
import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import uvloop
from psycopg import AsyncConnection

from patron_events.ending import ended
from patron_events.jetstream.log import Log, open_log
from patron_projections.engine.builds import Build, build_of
from patron_projections.engine.chain import ChainBroken
from patron_projections.engine.filling import Advanced, Fill, FillHere, Marks
from patron_projections.engine.positions import Fenced
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.reading import Source
from patron_projections.engine.rebuild import Rebuild, Rebuilt, Watch, Workshop, positions_of
from patron_projections.engine.worker import Connect
from patron_projections.service import MODELS
from patron_projections.settings import ProjectionsSettings

_CONNECT_S: Final = 5
_YOUNG_OBJECTS: Final = 100_000
# Starting a process and its connections takes longer than this much work.
_WORTH_PROCESSES: Final = 5_000
# Started once, this module and what it imports are shared by all processes.
_PROCESSES: Final = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])
Told = tuple[int, int] | Exception | None


class ShareFailed(Exception):
    """A process that filled a share of the partitions ended before it was done; what it committed stays."""


def make_batches_cheap() -> None:
    """Let the collector of cycles rest: batches make many objects that live for a moment and hold no cycles."""
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 50, 50)


def connecting(settings: ProjectionsSettings) -> Connect:
    """Give what opens connections to PostgreSQL."""

    async def connect() -> AsyncConnection:
        return await AsyncConnection.connect(settings.postgres_url, autocommit=True, connect_timeout=_CONNECT_S)

    return connect


def workshop(log: Log, connect: Connect, model: ReadModel) -> Workshop:
    """Put together what a rebuild in this process works with."""
    source = Source(log.reader, log.vault, model.context, model.categories, checked=True)
    return Workshop(connect, source, log.reader.last_sequence, FillHere(connect, source))


async def rebuild(
    settings: ProjectionsSettings,
    model: ReadModel,
    watch: Watch,
    workers: int = 1,
    *,
    share_from: int = _WORTH_PROCESSES,
) -> Rebuilt:
    """Rebuild a model; see `Rebuild.run`.

    workers: processes that share the partitions. share_from: messages of the log to be read; fewer are not shared.
    """
    connect = connecting(settings)
    make_batches_cheap()
    async with open_log(settings.log()) as log:
        shop = workshop(log, connect, model)
        if workers > 1:
            fill = FillTogether(settings, shop.fill, workers, share_from)
            shop = Workshop(shop.connect, shop.source, shop.newest, fill)
        return await Rebuild(shop, model, watch).run()


@dataclass(frozen=True, slots=True)
class FillTogether:
    """Fills in several processes, each with its share of the partitions.

    alone: fills what is less than `share_from` messages of the log.
    """

    settings: ProjectionsSettings
    alone: Fill
    workers: int
    share_from: int

    async def __call__(self, build: Build, marks: Marks, advanced: Advanced) -> None:
        """Fill; raises ChainBroken and ShareFailed."""
        async with await connecting(self.settings)() as connection:
            positions = await positions_of(connection, build)
        if max(marks.values()) - min(positions.values()) < self.share_from:
            await self.alone(build, marks, advanced)
            return
        shares = [
            _Share(self.settings, build, {one: mark for one, mark in marks.items() if one % self.workers == number})
            for number in range(self.workers)
        ]

        def only_events(_messages: int, events: int) -> None:
            advanced(0, events)  # every share reads the whole log: one of them tells of its messages

        tasks = [
            asyncio.create_task(share.run(only_events if number else advanced)) for number, share in enumerate(shares)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            await ended(*tasks)


class _Share:
    """One process and its partitions."""

    def __init__(self, settings: ProjectionsSettings, build: Build, marks: Marks) -> None:
        self._ours, theirs = _PROCESSES.Pipe(duplex=False)
        arguments = (theirs, settings, build.name, build.number, build.bare, dict(marks))
        self._process = _PROCESSES.Process(target=_fill_share, args=arguments, daemon=True)
        self._theirs = theirs

    async def run(self, advanced: Advanced) -> None:
        """Run it to its end, or kill it."""
        self._process.start()
        self._theirs.close()
        try:
            while (told := await asyncio.to_thread(_received, self._ours)) is not None:
                if isinstance(told, Exception):
                    raise told
                advanced(*told)
            await asyncio.to_thread(self._process.join)
            if self._process.exitcode != 0:
                msg = f"exit code {self._process.exitcode}"
                raise ShareFailed(msg)
        finally:
            self._process.kill()
            self._process.join()


def _received(pipe: "Connection[Told, Told]") -> Told:
    try:
        return pipe.recv()
    except EOFError:
        return None


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _fill_share(
    pipe: "Connection[Told, Told]",
    settings: ProjectionsSettings,
    model: str,
    number: int,
    bare: bool,  # noqa: FBT001 - as above
    marks: Marks,
) -> None:
    """Fill a share in a process of its own; ends with the process that started it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started it hears of Ctrl-C too, and ends this one
    build = build_of(next(one for one in MODELS if one.name == model), number, bare=bare)

    make_batches_cheap()

    async def work() -> None:
        async with open_log(settings.log()) as log:
            shop = workshop(log, connecting(settings), build.model)
            await shop.fill(build, marks, lambda messages, events: pipe.send((messages, events)))

    try:
        uvloop.run(work())
    except (ChainBroken, Fenced) as error:
        pipe.send(ShareFailed(str(error)))
    pipe.close()
