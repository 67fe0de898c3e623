"""The roster: all segments as the evaluator knows them, in the order in which they are judged."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import structlog
from psycopg import AsyncConnection

from patron_projections.segments.judging import Judge
from patron_projections.segments.segment import Segment, in_order, read_segments
from patron_rules.fields import Definitions

_log = structlog.stdlib.get_logger("patron.segments")


class Roster:
    """Segments, the statements that judge them, and how they depend on each other.

    faults: why segments stand still: their rule cannot be read, compiled or executed.
    """

    def __init__(self) -> None:
        self.definitions = Definitions()
        self.segments: dict[str, Segment] = {}
        self.judges: dict[str, Judge] = {}
        self.woken_by: dict[str, frozenset[str]] = {}
        self.faults: dict[str, str] = {}
        self.levels: Sequence[Sequence[str]] = ()
        self._users: dict[str, set[str]] = {}

    async def load(self, connection: AsyncConnection, now: datetime, ids: Collection[str] | None = None) -> None:
        """Read definitions again, of all segments or of some."""
        segments, faults = await read_segments(connection, ids)
        compiled = dict(self.judges)
        if ids is None:
            self.segments.clear()
            self.judges.clear()
            self.faults.clear()
        for one in faults:
            self.segments.pop(one, None)
        for segment in segments:
            self.segments[segment.id] = segment
            self.faults.pop(segment.id, None)
            await self._compile(segment, now, compiled.get(segment.id))
        for one, reason in faults.items():
            self.suspend(one, reason)
        self._arrange()

    async def _compile(self, segment: Segment, now: datetime, before: Judge | None) -> None:
        try:
            self.woken_by[segment.id] = segment.woken_by
            if before is not None and before.fits(segment, self.definitions):
                before.segment = segment
                self.judges[segment.id] = before
            else:
                # Compiling takes milliseconds of the processor; in a thread of its own the workers beside it go on.
                self.judges[segment.id] = await asyncio.to_thread(Judge, segment, self.definitions, now)
        except Exception as error:  # noqa: BLE001  (whatever a rule holds, only its own segment stands still)
            self.suspend(segment.id, type(error).__name__)

    def suspend(self, segment_id: str, reason: str) -> None:
        """Let a segment's members stand still until its definition changes."""
        self.judges.pop(segment_id, None)
        self.faults[segment_id] = reason
        _log.error("segment.suspended", segment=segment_id, reason=reason)

    def _arrange(self) -> None:
        uses = {one: segment.uses for one, segment in self.segments.items()}
        self._users = {}
        depth: dict[str, int] = {}
        for one in in_order(uses):
            depth[one] = 1 + max((depth.get(below, -1) for below in uses[one]), default=-1)
            for below in uses[one]:
                self._users.setdefault(below, set()).add(one)
        levels: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for one, number in depth.items():
            levels[number].append(one)
        self.levels = levels

    def users_of(self, segment_id: str) -> Collection[str]:
        """Name the segments whose rules use this one."""
        return self._users.get(segment_id, ())

    def woken(self, kinds: Collection[str]) -> list[str]:
        """Name the segments that may change for a customer of whom something of these kinds was recorded."""
        found = frozenset(kinds)
        return [one for one in self.judges if not found.isdisjoint(self.woken_by[one])]

    def ordered(self, ids: Mapping[str, object]) -> list[str]:
        """Put segments into the order in which they are judged."""
        return [one for level in self.levels for one in level if one in ids]
