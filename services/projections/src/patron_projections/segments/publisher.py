"""The publisher: tells what the outbox holds to the SEGMENTS stream, each change once, in order per customer.

A change is told under the command id of its row before the row goes. Whoever tells it again, after a crash at any
moment or at the same time, finds that id on record. The lock keeps two publishers from running at once as long as
both have their connections; the guarded append is what proves it.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row

from patron_events.decisions import Decisions
from patron_events.envelope import Actor, Cause
from patron_events.rejections import Rejection
from patron_events.unit import Asked, Unit, Work
from patron_projections.segments.member import MEMBER, ChangeMembership

_LOCK: Final = 0x50A8
MOST_CHANGES: Final = 2_000
_OLDEST: Final = """
SELECT number, command_id, segment_id, customer_id::text AS customer_id, entered, rule_version, cause, cause_id,
       occurred_at
FROM (SELECT o.*, row_number() OVER (PARTITION BY customer_id ORDER BY number) AS turn
      FROM (SELECT * FROM patron.membership_outbox ORDER BY number LIMIT %s) AS o) AS oldest
WHERE turn = 1 ORDER BY number
"""
_DONE: Final = "DELETE FROM patron.membership_outbox WHERE number = ANY(%s)"


class _Untold(NamedTuple):
    number: int
    command_id: UUID
    segment_id: str
    customer_id: str
    entered: bool
    rule_version: int
    cause: str
    cause_id: str | None
    occurred_at: datetime


async def publish(connection: AsyncConnection, decisions: Decisions, most: int = MOST_CHANGES) -> int:
    """Tell the oldest changes, at most one per customer; answers how many, 0 when nothing was left.

    One per customer: the row of an earlier change is gone for good before a later one is told.

    Raises:
        Unavailable: the log cannot answer; what was not told stays.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        async with connection.cursor(row_factory=namedtuple_row) as cursor:
            await cursor.execute(_OLDEST, (most,))
            rows = await cursor.fetchall()
        if not rows:
            return 0
        untold = [_Untold(*row) for row in rows]
        answers = await decisions.transact_each(
            [_telling(change) for change in untold], [(MEMBER, change.customer_id) for change in untold]
        )
        told = [change.number for change, answer in zip(untold, answers, strict=True) if not _failed(answer)]
        await connection.execute(_DONE, (told,))
    refused = [answer for answer in answers if isinstance(answer, Rejection)]
    if refused:
        raise refused[0]
    return len(told)


def _failed(answer: object) -> bool:
    return isinstance(answer, Rejection)


def _telling(change: _Untold) -> tuple[Work, Asked]:
    command = ChangeMembership(
        change.segment_id, change.entered, change.rule_version, change.cause, change.cause_id, change.occurred_at
    )

    async def work(unit: Unit) -> None:
        await unit.decide(MEMBER, change.customer_id, command)

    caused_by = change.cause_id if change.cause in {"event", "rule", "hand"} else None
    cause = Cause(causation_id=caused_by)
    return work, Asked(Actor("rule", change.segment_id), cause, str(change.command_id))
