"""Outdated models: a worker process whose code is newer than a serving build rebuilds that model by itself."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from patron_events.ending import ended
from patron_projections.engine.builds import present_builds
from patron_projections.engine.chain import ChainBroken
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.rebuild import NotEqual, Rebuild, RebuildUnderWay, Workshop
from patron_projections.engine.swap import SwapImpossible

_REFUSED_PAUSE_S: Final = 30.0
_TIDYING_S: Final = 15.0
_log = structlog.stdlib.get_logger("patron.projections")


class _Quiet:
    """Hears nothing of the progress: the log says when it is done."""

    def begins(self, step: str, total: int) -> None:
        """Note the step in the log."""
        _log.info("projection.rebuild", step=step, messages=total)

    def advanced(self, messages: int, events: int) -> None:
        """Hear nothing."""


class Rebuilding:
    """Looks for outdated models, and rebuilds one after the other. shop: what the rebuild of a model works with."""

    def __init__(self, shop: Callable[[ReadModel], Workshop], models: Sequence[ReadModel], look_s: float) -> None:
        self._shop = shop
        self._models = models
        self._look_s = look_s

    async def run(self, stop: asyncio.Event) -> None:
        """Rebuild what is outdated until `stop` is set; a rebuild that is cut off goes on at the next start."""
        rebuilds = asyncio.create_task(self._rebuilds())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({rebuilds, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if rebuilds.done():
                rebuilds.result()
        finally:
            await ended(rebuilds, stopping, again_s=_TIDYING_S)

    async def _rebuilds(self) -> None:
        """Look once after each start; nothing becomes outdated later. Another process may be at it already."""
        while outdated := await self._outdated():
            rest_s = self._look_s
            for model in outdated:
                try:
                    done = await Rebuild(self._shop(model), model, _Quiet()).run()
                except RebuildUnderWay:
                    continue
                except (NotEqual, SwapImpossible, ChainBroken) as error:
                    # The others do not wait for this one, which is tried again when all had their turn.
                    _log.error("projection.not-rebuilt", model=model.name, error_type=type(error).__name__)
                    rest_s = _REFUSED_PAUSE_S
                    continue
                _log.info("projection.rebuilt", model=model.name, build=done.build, events=done.events)
            await asyncio.sleep(rest_s)
        await asyncio.Event().wait()

    async def _outdated(self) -> Sequence[ReadModel]:
        async with await self._shop(self._models[0]).connect() as connection:
            return (await present_builds(connection, self._models)).outdated
