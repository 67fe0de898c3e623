"""Sharing of partitions: workers show that they live, and their rank among the living says what each owns.

This only saves work. Two workers that both believe to own a partition do no harm: the positions' fence lets
one of them through (see `positions`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from patron_events.envelope import PARTITIONS

_BEAT: Final = """
INSERT INTO patron.workers (id, stream, seen_at, log_sequence, caught_up_at, events_per_s, applied_at)
VALUES (%(id)s, %(stream)s, clock_timestamp(), %(log)s,
        CASE WHEN %(idle)s::float8 IS NULL THEN NULL ELSE clock_timestamp() - make_interval(secs => %(idle)s) END,
        %(rate)s, %(applied_at)s)
ON CONFLICT (id) DO UPDATE
SET seen_at = excluded.seen_at, log_sequence = excluded.log_sequence,
    caught_up_at = excluded.caught_up_at, events_per_s = excluded.events_per_s,
    applied_at = excluded.applied_at
"""
_LIVING: Final = """
SELECT id FROM patron.workers
WHERE stream = %s AND seen_at > clock_timestamp() - make_interval(secs => %s) ORDER BY id
"""
_SWEEP: Final = """
DELETE FROM patron.workers WHERE seen_at < clock_timestamp() - make_interval(secs => %s)
"""
_LEAVE: Final = "DELETE FROM patron.workers WHERE id = %s"
_FORGOTTEN_AFTER: Final = 20


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a worker is doing.

    log_sequence: newest commit it has heard of; idle_s: seconds since it last had nothing left to do.
    applied_at: when the last commit that it applied was stored, while more of them wait.
    """

    log_sequence: int = 0
    idle_s: float | None = None
    events_per_s: float = 0.0
    applied_at: datetime | None = None


class Membership:
    """This worker among the others of its stream."""

    def __init__(self, worker_id: str, stream: str, dead_after_s: float) -> None:
        self._id = worker_id
        self._stream = stream
        self._dead_after_s = dead_after_s

    async def beat(self, connection: AsyncConnection, pulse: Pulse) -> frozenset[int]:
        """Show that this worker lives, and learn which partitions are its own now."""
        values = {
            "id": self._id,
            "stream": self._stream,
            "log": pulse.log_sequence,
            "idle": pulse.idle_s,
            "rate": pulse.events_per_s,
            "applied_at": pulse.applied_at,
        }
        await connection.execute(_BEAT, values)
        await connection.execute(_SWEEP, (self._dead_after_s * _FORGOTTEN_AFTER,))
        cursor = await connection.execute(_LIVING, (self._stream, self._dead_after_s))
        living = [row[0] for row in await cursor.fetchall()]
        rank = living.index(self._id)
        return frozenset(partition for partition in range(PARTITIONS) if partition % len(living) == rank)

    async def leave(self, connection: AsyncConnection) -> None:
        """Give the partitions back at once instead of letting others wait."""
        await connection.execute(_LEAVE, (self._id,))
