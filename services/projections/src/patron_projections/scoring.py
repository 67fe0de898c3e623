"""Keep the table of RFM scores up to date beside the workers, and tell the evaluator of segments who changed.

Scores are against all other customers, so one purchase may move many: they are made anew at most once per period, by
whichever process comes first.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from psycopg import AsyncConnection

from patron_projections.engine.companions import Companion
from patron_projections.engine.worker import Connect
from patron_projections.reports.rfm import create_scores, refresh_rfm
from patron_projections.segments.members import nudge, prepare_evaluation

_ASPECT: Final = "rfm"
_LOOK_S: Final = 5.0  # also how long somebody waits who asks for scores now
_TABLE: Final = "CREATE TABLE IF NOT EXISTS patron.rfm_refreshes (id text PRIMARY KEY, at timestamptz NOT NULL)"
# One process takes the turn: the row is locked until its transaction ends, and then says that the period has begun.
_TURN: Final = """
INSERT INTO patron.rfm_refreshes AS last (id, at) VALUES ('rfm', %(now)s)
ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE last.at <= excluded.at - make_interval(secs => %(every_s)s)
RETURNING at
"""


async def prepare_scoring(connection: AsyncConnection) -> None:
    """Create the tables that are missing, those of the evaluator included; repeating is harmless."""
    await prepare_evaluation(connection)
    await create_scores(connection)
    await connection.execute(_TABLE)


async def refresh(connection: AsyncConnection, now: datetime, every_s: float) -> set[str] | None:
    """Make the scores anew if the last time was `every_s` ago; answers whose changed, None if it is not time yet."""
    async with connection.transaction():
        cursor = await connection.execute(_TURN, {"now": now, "every_s": every_s})
        if await cursor.fetchone() is None:
            return None
        changed = await refresh_rfm(connection, now)
        if changed:
            await nudge(connection, _ASPECT, sorted(changed))
        return changed


class Scoring:
    """Makes scores anew every `every_s` seconds."""

    def __init__(self, connect: Connect, every_s: float) -> None:
        self._connect = connect
        self._every_s = every_s

    @property
    def companion(self) -> Companion:
        """Give what runs beside the workers."""
        return Companion("rfm-scores", self._run)

    async def _run(self, stop: asyncio.Event) -> None:
        async with await self._connect() as connection:
            await prepare_scoring(connection)
            while not stop.is_set():
                await refresh(connection, datetime.now(UTC), self._every_s)
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(self._every_s, _LOOK_S)):
                        await stop.wait()
