"""The beginning on a database that has no members yet: they are taken from what the log says of them.

Without that, an installation whose PostgreSQL was lost would tell all memberships a second time.
"""

from typing import Final

from psycopg import AsyncConnection

from patron_events.envelope import PARTITIONS
from patron_events.store import LogReader
from patron_projections.segments.arrivals import OF_CAMPAIGNS, OF_CONTACTS, OF_SEGMENTS, arrived
from patron_projections.segments.turns import Turns

_MEMBERS: Final = """
INSERT INTO patron.members (segment_id, customer_id, since, rule_version, cause, cause_id)
SELECT segment_id, customer_id, occurred_at, rule_version, cause, cause_id
FROM (SELECT DISTINCT ON (segment_id, customer_id) * FROM patron.memberships
      ORDER BY segment_id, customer_id, position DESC, index DESC) AS last
WHERE entered
"""
_SIZES: Final = """
INSERT INTO patron.segment_states (segment_id, rule_version, size, evaluated_at)
SELECT segment_id, 0, count(*), clock_timestamp() FROM patron.members GROUP BY segment_id
"""
# A snapshot that was taken is not taken again: its request stands in the log as the cause of memberships.
_TAKEN: Final = """
UPDATE patron.segment_states AS s SET snapshot_event_id = d.snapshot_event_id, rule_version = d.rule_version
FROM patron.segment_definitions AS d
WHERE d.id = s.segment_id AND d.kind = 'snapshot' AND EXISTS (
    SELECT FROM patron.memberships AS m WHERE m.segment_id = d.id AND m.cause_id = d.snapshot_event_id)
"""


async def seed(connection: AsyncConnection, reader: LogReader, turns: Turns) -> None:
    """Wait until the read models hold what the logs hold now, and take members and positions from there.

    Raises:
        Fenced: another evaluator has begun.
    """
    contacts, campaigns, told = [
        await reader.last_sequence(context) for context in ("contacts", "campaigns", "segments")
    ]
    for models, sequence in ((OF_SEGMENTS, told), (OF_CONTACTS, contacts), (OF_CAMPAIGNS, campaigns)):
        await arrived(connection, models, dict.fromkeys(range(PARTITIONS), sequence))
    async with connection.transaction():
        moved = await turns.move(connection, contacts=contacts, campaigns=campaigns)
        for statement in (_MEMBERS, _SIZES, _TAKEN):
            await connection.execute(statement)
    turns.settle(moved)
