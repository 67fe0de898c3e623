"""The beginning on a database that has no members yet: they are taken from what the log says of them.

Without that, an installation whose PostgreSQL was lost would tell all memberships a second time.

A snapshot that was taken is not taken again. Its request stands in the log as the cause of memberships, if it changed
anybody's; if not, it counts as taken when any membership was told after it, because the evaluator carries requests out
before it looks at what happened to customers. Where a request was not carried out yet and a membership that was
decided before it was told after it, just when PostgreSQL was lost, the snapshot keeps the members that it had until
it is asked for again: nothing false is told.
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
_TAKEN: Final = """
INSERT INTO patron.segment_states AS s (segment_id, rule_version, size, evaluated_at, snapshot_event_id)
SELECT d.id, d.rule_version, 0, clock_timestamp(), d.snapshot_event_id FROM patron.segment_definitions AS d
WHERE d.kind = 'snapshot' AND d.snapshot_event_id IS NOT NULL AND (
    d.snapshot_at < (SELECT max(recorded_at) FROM patron.memberships) OR EXISTS (
        SELECT FROM patron.memberships AS m WHERE m.segment_id = d.id AND m.cause_id = d.snapshot_event_id))
ON CONFLICT (segment_id) DO UPDATE
SET rule_version = excluded.rule_version, snapshot_event_id = excluded.snapshot_event_id
"""


async def seed(connection: AsyncConnection, reader: LogReader, turns: Turns) -> bool:
    """Wait until the read models hold what the logs hold now, and take members and positions from there.

    Answers whether the log tells of memberships: whatever differs from them now changed at an unknown time since.

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
    return told > 0
