"""How far the evaluation of segments is: waiting for a position, and saying when an answer may be stale."""

import asyncio
import time
from typing import Any, Final

from patron_events.envelope import Position
from patron_projections.database import Database
from patron_projections.freshness import DEAD_AFTER_S, AfterInvalid, Freshness
from patron_runtime.problems import Refused

_STATE: Final = """
SELECT e.contacts, e.campaigns, extract(epoch FROM clock_timestamp() - l.caught_up_at)::float8 AS behind_s,
       l.seen_at > clock_timestamp() - make_interval(secs => %(dead_after)s) AS alive,
       (SELECT count(*) FROM patron.segment_definitions AS d LEFT JOIN patron.segment_states AS s
            ON s.segment_id = d.id WHERE d.id = %(segment)s::text AND s.segment_id IS NULL) AS unjudged
FROM patron.evaluator AS e LEFT JOIN patron.evaluator_lease AS l ON l.id = e.id
"""
_FIRST_PAUSE_S: Final = 0.004
_MOST_PAUSE_S: Final = 0.1


class Evaluated:
    """Tells how far the evaluator is. dead_after_s: after this much silence an answer is old."""

    def __init__(self, database: Database, dead_after_s: float = DEAD_AFTER_S) -> None:
        self._database = database
        self._dead_after_s = dead_after_s

    async def wait(self, after: str, wait_s: float, segment_id: str | None = None) -> None:
        """Wait until the members show what a command did, on customers (contacts) or on segments (campaigns).

        segment_id: the one segment that is asked about; it must have been judged at all.

        Raises:
            AfterInvalid: not a position of one of these logs.
            Refused: 503 `position-not-reached`, with the present position, when the time is over.
        """
        position = _parsed(after)
        deadline = time.monotonic() + wait_s
        pause = _FIRST_PAUSE_S
        while True:
            row = await self._row(segment_id)
            reached = 0 if row is None or row["unjudged"] else int(row[position.context])
            if reached >= position.sequence:
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                present = str(Position(position.context, None, reached))
                raise Refused(
                    503,
                    "position-not-reached",
                    f"Segments are evaluated up to {present}; ask again.",
                    {"Retry-After": "2", "Patron-Position": present},
                )
            await asyncio.sleep(min(pause, remaining))
            pause = min(pause * 1.5, _MOST_PAUSE_S)

    async def freshness(self) -> Freshness:
        """Tell up to where customers were evaluated."""
        row = await self._row()
        if row is None:
            return Freshness(str(Position("contacts", None, 0)), stale=True, behind_s=None)
        behind_s = round(row["behind_s"], 3) if row["alive"] and row["behind_s"] is not None else None
        stale = behind_s is None or behind_s > self._dead_after_s
        return Freshness(str(Position("contacts", None, int(row["contacts"]))), stale, behind_s)

    async def _row(self, segment_id: str | None = None) -> dict[str, Any] | None:
        rows = await self._database.rows(_STATE, {"dead_after": self._dead_after_s, "segment": segment_id})
        return rows[0] if rows else None


def _parsed(after: str) -> Position:
    try:
        position = Position.parse(after)
    except ValueError:
        raise AfterInvalid(field="after") from None
    if position.context not in {"contacts", "campaigns"}:
        raise AfterInvalid(field="after")
    return position
