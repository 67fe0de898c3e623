"""Filling of a build from the log up to marks: in this process, or a share of the partitions in one of several."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from psycopg import AsyncConnection

from patron_events.opening import Opened
from patron_projections.engine.builds import Build
from patron_projections.engine.figures import Figures
from patron_projections.engine.positions import Fenced
from patron_projections.engine.reading import Source, reading
from patron_projections.engine.writer import Writer
from patron_runtime.metrics import Metrics

Marks = Mapping[int, int]
Advanced = Callable[[int, int], None]
_FENCED_MOST: Final = 50
_FENCED_PAUSE_S: Final = 0.1


class Fill(Protocol):
    """Applies the log to a build up to the mark of each partition.

    advanced: hears how many messages of the log and events were dealt with since it was called last.
    """

    async def __call__(self, build: Build, marks: Marks, advanced: Advanced) -> None:
        """Fill."""
        ...


@dataclass(frozen=True, slots=True)
class FillHere:
    """Fills in this process."""

    connect: Callable[[], Awaitable[AsyncConnection]]
    source: Source

    async def __call__(self, build: Build, marks: Marks, advanced: Advanced) -> None:
        """Fill, and wait a moment where the process that was killed before is not quite gone.

        Raises:
            ChainBroken: the log was altered.
            Fenced: somebody else goes on filling the same build.
        """
        for attempt in range(_FENCED_MOST):
            try:
                async with await self.connect() as connection:
                    await fill(connection, self.source, build, marks, advanced)
            except Fenced:
                if attempt == _FENCED_MOST - 1:
                    raise
                await asyncio.sleep(_FENCED_PAUSE_S)
            else:
                return


async def fill(connection: AsyncConnection, source: Source, build: Build, marks: Marks, advanced: Advanced) -> None:
    """Apply the log to a build from where it stands; each batch moves the positions in its own transaction.

    Raises:
        ChainBroken: the log was altered.
        Fenced: somebody else fills the same partitions.
    """
    writer = Writer(connection, [build], source.stream, Figures(Metrics()))
    await writer.prepare()
    positions = writer.positions.of(build)
    owned = frozenset(partition for partition, mark in marks.items() if positions[partition] < mark)
    if not owned:
        return
    through, last = writer.positions.start(owned), max(marks[partition] for partition in owned)
    async with reading(source, through, owned) as feed:
        while through < last:
            portion = await feed.next(1.0)
            if portion is None:
                continue
            reached = {partition: min(portion.through, marks[partition]) for partition in owned}
            items = [place for place in portion.items if place.sequence <= marks[place.partition]]
            await writer.apply(items, reached)
            events = sum([place.item.head.size for place in items if isinstance(place.item, Opened)])
            advanced(min(portion.through, last) - through, events)
            through = portion.through
