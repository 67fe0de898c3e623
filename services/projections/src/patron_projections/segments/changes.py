"""Changes of membership: members, outbox, sizes and due times written together, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg import AsyncConnection

from patron_projections.segments.dirty import Because

_DIFFERENT: Final = """
SELECT segment_id, customer_id::text, holds FROM verdicts WHERE segment_id = ANY(%s) AND holds <> was
"""
_APPLY: Final = """
WITH changes AS (
    SELECT * FROM unnest(%(segments)s::text[], %(customers)s::uuid[], %(entered)s::bool[], %(versions)s::int4[],
                         %(causes)s::text[], %(cause_ids)s::text[], %(times)s::timestamptz[])
           WITH ORDINALITY AS c(segment_id, customer_id, entered, rule_version, cause, cause_id, at, place)
), gone AS (
    DELETE FROM patron.members AS m USING changes AS c
    WHERE NOT c.entered AND m.segment_id = c.segment_id AND m.customer_id = c.customer_id
    RETURNING m.segment_id, m.customer_id, m.since
), come AS (
    INSERT INTO patron.members (segment_id, customer_id, since, rule_version, cause, cause_id)
    SELECT segment_id, customer_id, at, rule_version, cause, cause_id FROM changes WHERE entered
), told AS (
    INSERT INTO patron.membership_outbox
           (segment_id, customer_id, entered, rule_version, cause, cause_id, occurred_at)
    SELECT c.segment_id, c.customer_id, c.entered, c.rule_version, c.cause, c.cause_id, greatest(c.at, g.since)
    FROM changes AS c LEFT JOIN gone AS g ON g.segment_id = c.segment_id AND g.customer_id = c.customer_id
    ORDER BY c.place
), sums AS (
    SELECT segment_id, sum(CASE WHEN entered THEN 1 ELSE -1 END) AS more, max(at) AS at
    FROM changes GROUP BY segment_id
)
UPDATE patron.segment_states AS s SET size = s.size + sums.more, changed_at = greatest(s.changed_at, sums.at)
FROM sums WHERE s.segment_id = sums.segment_id
"""
_APPLY_ALL: Final = """
WITH gone AS (
    DELETE FROM patron.members AS m
    WHERE m.segment_id = %(segment)s AND NOT EXISTS (
        SELECT FROM verdicts AS v
        WHERE v.segment_id = %(segment)s AND v.customer_id = m.customer_id AND v.holds)
    RETURNING m.customer_id, m.since
), come AS (
    INSERT INTO patron.members (segment_id, customer_id, since, rule_version, cause, cause_id)
    SELECT v.segment_id, v.customer_id, %(at)s, %(version)s, %(cause)s, %(cause_id)s FROM verdicts AS v
    WHERE v.segment_id = %(segment)s AND v.holds AND NOT EXISTS (
        SELECT FROM patron.members AS m WHERE m.segment_id = %(segment)s AND m.customer_id = v.customer_id)
    RETURNING customer_id
), told AS (
    INSERT INTO patron.membership_outbox
           (segment_id, customer_id, entered, rule_version, cause, cause_id, occurred_at)
    SELECT %(segment)s, customer_id, false, %(version)s::int4, %(cause)s::text, %(cause_id)s::text,
           greatest(%(at)s, since) FROM gone
    UNION ALL
    SELECT %(segment)s, customer_id, true, %(version)s::int4, %(cause)s::text, %(cause_id)s::text, %(at)s FROM come
    RETURNING entered
)
SELECT count(*) FILTER (WHERE entered), count(*) FILTER (WHERE NOT entered) FROM told
"""
_DUE: Final = """
WITH over AS (
    DELETE FROM patron.segment_due AS d USING verdicts AS v
    WHERE d.segment_id = v.segment_id AND d.customer_id = v.customer_id AND v.due_at IS NULL
)
INSERT INTO patron.segment_due AS d (segment_id, customer_id, due_at)
SELECT segment_id, customer_id, due_at FROM verdicts WHERE due_at IS NOT NULL
ON CONFLICT (segment_id, customer_id) DO UPDATE SET due_at = excluded.due_at WHERE d.due_at <> excluded.due_at
"""
_DUE_ALL: Final = """
WITH over AS (
    DELETE FROM patron.segment_due AS d
    WHERE d.segment_id = %(segment)s AND NOT EXISTS (
        SELECT FROM verdicts AS v
        WHERE v.segment_id = %(segment)s AND v.customer_id = d.customer_id AND v.due_at IS NOT NULL)
)
INSERT INTO patron.segment_due AS d (segment_id, customer_id, due_at)
SELECT segment_id, customer_id, due_at FROM verdicts WHERE segment_id = %(segment)s AND due_at IS NOT NULL
ON CONFLICT (segment_id, customer_id) DO UPDATE SET due_at = excluded.due_at WHERE d.due_at <> excluded.due_at
"""
_STATE: Final = """
INSERT INTO patron.segment_states AS s
       (segment_id, rule_version, size, evaluated_at, changed_at, boundary_at, snapshot_event_id)
VALUES (%(segment)s, %(version)s, %(more)s, %(now)s, CASE WHEN %(changed)s THEN %(at)s END, %(boundary)s, %(snapshot)s)
ON CONFLICT (segment_id) DO UPDATE
SET rule_version = excluded.rule_version, size = s.size + excluded.size, evaluated_at = excluded.evaluated_at,
    changed_at = greatest(s.changed_at, excluded.changed_at), boundary_at = excluded.boundary_at,
    snapshot_event_id = excluded.snapshot_event_id, fault = NULL
"""


class Change(NamedTuple):
    """A customer enters a segment or leaves it, and why."""

    segment_id: str
    customer_id: str
    entered: bool
    rule_version: int
    because: Because


class Verdict(NamedTuple):
    """What was judged otherwise than before."""

    segment_id: str
    customer_id: str
    holds: bool


async def differences(connection: AsyncConnection, segments: Sequence[str]) -> list[Verdict]:
    """Read the verdicts about some customers that differ from what stands."""
    cursor = await connection.execute(_DIFFERENT, (list(segments),))
    return [Verdict(*row) for row in await cursor.fetchall()]


async def apply(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Write changes of some customers."""
    if not changes:
        return
    values = {
        "segments": [one.segment_id for one in changes],
        "customers": [one.customer_id for one in changes],
        "entered": [one.entered for one in changes],
        "versions": [one.rule_version for one in changes],
        "causes": [one.because.cause for one in changes],
        "cause_ids": [one.because.cause_id for one in changes],
        "times": [one.because.at for one in changes],
    }
    await connection.execute(_APPLY, values)


async def schedule(connection: AsyncConnection) -> None:
    """Write when those who were judged fall due."""
    await connection.execute(_DUE)


class Whole(NamedTuple):
    """The evaluation of a whole segment: what it is judged by, why, and when it is to be done again."""

    segment_id: str
    rule_version: int
    because: Because
    now: datetime
    boundary: datetime | None
    snapshot_event_id: str | None


async def apply_all(connection: AsyncConnection, whole: Whole) -> tuple[int, int]:
    """Write what the verdicts about all customers change; answers how many entered and left."""
    values: Mapping[str, Any] = {
        "segment": whole.segment_id,
        "version": whole.rule_version,
        "cause": whole.because.cause,
        "cause_id": whole.because.cause_id,
        "at": whole.because.at,
    }
    cursor = await connection.execute(_APPLY_ALL, values)
    row = await cursor.fetchone()
    entered, left = row or (0, 0)
    await connection.execute(_DUE_ALL, values)
    state = {"more": entered - left, "changed": entered + left > 0, "now": whole.now, "boundary": whole.boundary}
    await connection.execute(_STATE, {**values, **state, "snapshot": whole.snapshot_event_id})
    return entered, left
