"""Questions of operators: what is parked, how far the models are, and the wish to try again."""

from typing import ClassVar, Final

from patron_events.envelope import StreamId
from patron_events.rejections import NotFound
from patron_projections.database import Database, Rows
from patron_projections.engine.read_model import ReadModel
from patron_projections.freshness import DEAD_AFTER_S

_PARKED: Final = """
SELECT k.model, k.build, k.subject, k.stream, k.partition, k.sequence, k.reason, k.waiting, k.parked_at,
       k.retry_requested, k.envelope
FROM patron.parked AS k JOIN patron.builds AS b USING (model, build)
WHERE b.state = 'serving' AND (k.model, k.build, k.subject) > (%(model)s, %(build)s, %(subject)s)
ORDER BY k.model, k.build, k.subject LIMIT %(limit)s
"""
_RETRY: Final = """
UPDATE patron.parked AS k SET retry_requested = true FROM patron.builds AS b
WHERE k.model = %(model)s AND k.subject = %(subject)s
  AND b.model = k.model AND b.build = k.build AND b.state = 'serving'
RETURNING k.model
"""
# Without the time of the last refresh it is time for the next one.
_SCORE: Final = "DELETE FROM patron.rfm_refreshes"
_POSITIONS: Final = """
WITH log AS (
    SELECT stream, max(log_sequence) AS sequence, count(*) AS workers,
           CASE WHEN count(*) = count(caught_up_at)
                THEN extract(epoch FROM clock_timestamp() - min(caught_up_at))::float8 END AS behind_s,
           coalesce(extract(epoch FROM clock_timestamp() - min(applied_at))::float8, 0) AS lag_s
    FROM patron.workers WHERE seen_at > clock_timestamp() - make_interval(secs => %(dead_after)s) GROUP BY stream
), reached AS (
    SELECT p.model, b.version, b.build, p.stream, min(p.sequence) AS sequence, max(p.sequence) AS furthest
    FROM patron.positions AS p JOIN patron.builds AS b USING (model, build) WHERE b.state = 'serving'
    GROUP BY p.model, b.version, b.build, p.stream
)
SELECT r.*, greatest(coalesce(log.sequence, 0) - r.sequence, 0) AS lag_events, log.behind_s, log.workers,
       CASE WHEN log.workers IS NULL THEN NULL WHEN log.sequence > r.sequence THEN log.lag_s ELSE 0 END AS lag_s,
       (SELECT count(*) FROM patron.parked AS k WHERE k.model = r.model AND k.build = r.build) AS parked
FROM reached AS r LEFT JOIN log USING (stream) ORDER BY r.model
"""
_WORKERS: Final = """
SELECT id, stream, extract(epoch FROM clock_timestamp() - seen_at)::float8 AS seen_s_ago, log_sequence, events_per_s
FROM patron.workers ORDER BY stream, id
"""


class NotParked(NotFound):
    """This aggregate is not parked in this read model."""

    code: ClassVar[str] = "not-parked"


class Operations:
    """Looks after the read models of all streams. dead_after_s: a worker silent for so long does not count."""

    def __init__(self, database: Database, dead_after_s: float = DEAD_AFTER_S) -> None:
        self._database = database
        self._dead_after_s = dead_after_s

    async def parked(self, after: tuple[str, int, str], limit: int) -> Rows:
        """List parked aggregates by model and subject, beyond a place."""
        place = dict(zip(("model", "build", "subject"), after, strict=True))
        return await self._database.rows(_PARKED, place | {"limit": limit})

    async def retry(self, model: ReadModel, category: str, aggregate_id: str) -> None:
        """Ask the worker that owns a parked aggregate to try it again.

        Raises:
            NotParked: there is nothing to try again.
        """
        subject = StreamId(model.context, category, aggregate_id).subject
        if not await self._database.rows(_RETRY, {"model": model.name, "subject": subject}):
            raise NotParked

    async def score(self) -> None:
        """Ask the workers to make the RFM scores anew now instead of at the end of the period."""
        await self._database.rows(_SCORE)

    async def positions(self) -> Rows:
        """Tell how far each model is: position, lag in messages of the log, seconds since it was complete."""
        return await self._database.rows(_POSITIONS, {"dead_after": self._dead_after_s})

    async def workers(self) -> Rows:
        """List the workers, by the stream that they follow, and when they were last seen."""
        return await self._database.rows(_WORKERS)
