"""How fresh an answer is: waiting for a position, and saying when an answer may be stale.

An answer is stale when no worker has been at the end of the log within a time from the settings (5 s): the log cannot
be reached, the workers lag, or there are none. The rows are right as of the position that is told.
"""

import asyncio
import time
from typing import ClassVar, Final, NamedTuple

from patron_events.envelope import Position
from patron_events.rejections import Invalid
from patron_projections.database import Database
from patron_projections.engine.read_model import ReadModel
from patron_runtime.problems import Refused

DEAD_AFTER_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.004
_MOST_PAUSE_S: Final = 0.1
_REACHED: Final = """
SELECT min(p.sequence) AS sequence FROM patron.positions AS p JOIN patron.builds AS b USING (model, build)
WHERE p.model = %(model)s AND b.state = 'serving' AND p.stream = %(stream)s
  AND (%(partition)s::int2 IS NULL OR p.partition = %(partition)s::int2)
"""
_STATE: Final = """
SELECT (SELECT min(p.sequence) FROM patron.positions AS p JOIN patron.builds AS b USING (model, build)
        WHERE p.model = %(model)s AND b.state = 'serving' AND p.stream = %(stream)s) AS sequence,
       extract(epoch FROM clock_timestamp() - min(caught_up_at))::float8 AS behind_s,
       count(*) AS workers, count(caught_up_at) AS heard
FROM patron.workers
WHERE stream = %(stream)s AND seen_at > clock_timestamp() - make_interval(secs => %(dead_after)s)
"""


class AfterInvalid(Invalid):
    """`after` is not a position that a command answered with."""

    code: ClassVar[str] = "after-invalid"


class Freshness(NamedTuple):
    """Where a read model stands. behind_s: seconds since it was known to be complete; None if never."""

    position: str
    stale: bool
    behind_s: float | None

    def document(self) -> dict[str, object]:
        """Write it for an answer."""
        return {"reached": self.position, "stale": self.stale, "behind_s": self.behind_s}


class Freshnesses:
    """Looks up positions for queries. dead_after_s: after this much silence a worker, and an answer, is old."""

    def __init__(self, database: Database, dead_after_s: float = DEAD_AFTER_S) -> None:
        self._database = database
        self._dead_after_s = dead_after_s

    async def wait(self, model: ReadModel, after: str, wait_s: float) -> None:
        """Wait until a model has applied the log up to a position.

        Raises:
            AfterInvalid: not a position of the log that this model follows.
            Refused: 503 `position-not-reached`, with the present position, when the time is over.
        """
        position = _parsed(after, model.context)
        deadline = time.monotonic() + wait_s
        pause = _FIRST_PAUSE_S
        while True:
            sequence = await self._reached(model, position.partition)
            if sequence >= position.sequence:
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                present = str(Position(model.context, position.partition, sequence))
                raise Refused(
                    503,
                    "position-not-reached",
                    f"The read model stands at {present}; ask again.",
                    {"Retry-After": "2", "Patron-Position": present},
                )
            await asyncio.sleep(min(pause, remaining))
            pause = min(pause * 1.5, _MOST_PAUSE_S)

    async def _reached(self, model: ReadModel, partition: int | None) -> int:
        values = {"model": model.name, "stream": model.context, "partition": partition}
        rows = await self._database.rows(_REACHED, values)
        return int(rows[0]["sequence"] or 0)

    async def of(self, model: ReadModel) -> Freshness:
        """Tell where a model stands."""
        values = {
            "model": model.name,
            "stream": model.context,
            "dead_after": self._dead_after_s,
        }
        (row,) = await self._database.rows(_STATE, values)
        position = str(Position(model.context, None, int(row["sequence"] or 0)))
        behind_s = None if row["heard"] < row["workers"] or not row["workers"] else round(row["behind_s"], 3)
        return Freshness(position, behind_s is None or behind_s > self._dead_after_s, behind_s)


def _parsed(after: str, context: str) -> Position:
    try:
        position = Position.parse(after)
    except ValueError:
        raise AfterInvalid(field="after") from None
    if position.context != context:
        raise AfterInvalid(field="after")
    return position
