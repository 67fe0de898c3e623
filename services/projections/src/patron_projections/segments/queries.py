"""Questions about segments: which there are, who belongs to them now or at any moment, and how they grew."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from patron_events.rejections import Invalid, NotFound
from patron_projections import custom_fields
from patron_projections.clocks import Clocks
from patron_projections.cursors import CursorInvalid, question, read_cursor, write_cursor
from patron_projections.database import Database, Rows
from patron_projections.directory import Page
from patron_projections.segments.equality import Equality, equality
from patron_projections.segments.segment import DEFINITIONS, segment_of

MOST_DAYS: Final = 3_700
_LIST: Final = """
WITH edges AS (
    SELECT DISTINCT d.id, used #>> '{}' AS uses FROM patron.segment_definitions AS d
    CROSS JOIN LATERAL jsonb_path_query(d.rule, 'strict $.** ? (@.type == "segment").segment', silent => true) AS used
    WHERE NOT d.archived
)
SELECT d.id, coalesce(d.name, '') AS sorted_by, d.kind, d.name, d.description, d.rule, d.rule_version, d.version,
       d.created_at, d.updated_at, d.archived, d.snapshot_at, coalesce(s.size, 0) AS size,
       s.evaluated_at, s.changed_at, s.fault,
       coalesce((SELECT array_agg(uses ORDER BY uses) FROM edges WHERE edges.id = d.id), '{}') AS uses,
       coalesce((SELECT array_agg(id ORDER BY id) FROM edges WHERE edges.uses = d.id), '{}') AS used_by
FROM patron.segment_definitions AS d LEFT JOIN patron.segment_states AS s ON s.segment_id = d.id
WHERE (%(id)s::text IS NULL OR d.id = %(id)s::text) AND (%(archived)s OR NOT d.archived)
  AND (%(name)s::text IS NULL OR (coalesce(d.name, ''), d.id) > (%(name)s::text, %(last)s::text))
ORDER BY coalesce(d.name, ''), d.id LIMIT %(limit)s
"""
_MEMBERS: Final = """
SELECT m.customer_id::text AS customer_id, p.display_name, m.since, m.rule_version, m.cause, m.cause_id
FROM patron.members AS m LEFT JOIN patron.people AS p ON p.id = m.customer_id
WHERE m.segment_id = %(segment)s AND (%(last)s::uuid IS NULL OR m.customer_id > %(last)s::uuid)
ORDER BY m.customer_id LIMIT %(limit)s
"""
_MEMBERS_AT: Final = """
SELECT m.customer_id::text AS customer_id, p.display_name, m.occurred_at AS since, m.rule_version, m.cause, m.cause_id
FROM (SELECT DISTINCT ON (customer_id) * FROM patron.memberships
      WHERE segment_id = %(segment)s AND (%(last)s::uuid IS NULL OR customer_id > %(last)s::uuid)
        AND (%(as_of)s::timestamptz IS NULL OR occurred_at <= %(as_of)s::timestamptz)
        AND (%(known_at)s::timestamptz IS NULL OR recorded_at <= %(known_at)s::timestamptz)
      ORDER BY customer_id, position DESC, index DESC) AS m
LEFT JOIN patron.people AS p ON p.id = m.customer_id
WHERE m.entered ORDER BY m.customer_id LIMIT %(limit)s
"""
_HISTORY: Final = """
WITH moves AS (
    SELECT CASE WHEN occurred_at < %(since)s THEN NULL
                ELSE (occurred_at AT TIME ZONE 'UTC')::date END AS day,
           count(*) FILTER (WHERE entered) AS entered, count(*) FILTER (WHERE NOT entered) AS left
    FROM patron.memberships WHERE segment_id = %(segment)s AND occurred_at < %(until)s GROUP BY 1
)
SELECT d.day::date AS day, coalesce(m.entered, 0) AS entered, coalesce(m.left, 0) AS left,
       (coalesce((SELECT entered - moves.left FROM moves WHERE day IS NULL), 0)
        + sum(coalesce(m.entered, 0) - coalesce(m.left, 0)) OVER (ORDER BY d.day))::int8 AS size
FROM generate_series(%(first)s::date, %(final)s::date, interval '1 day') AS d(day)
LEFT JOIN moves AS m ON m.day = d.day::date ORDER BY d.day
"""
_OF_CUSTOMER: Final = """
WITH stays AS (
    SELECT segment_id, position, index, entered, occurred_at AS entered_at, cause, cause_id, rule_version,
           lead(occurred_at) OVER later AS left_at, lead(cause) OVER later AS left_cause,
           lead(cause_id) OVER later AS left_cause_id
    FROM patron.memberships WHERE customer_id = %(customer)s
    WINDOW later AS (PARTITION BY segment_id ORDER BY position, index)
)
SELECT s.segment_id, d.name, s.entered_at, s.rule_version, s.cause, s.cause_id,
       s.left_at, s.left_cause, s.left_cause_id, s.position, s.index
FROM stays AS s LEFT JOIN patron.segment_definitions AS d ON d.id = s.segment_id
WHERE s.entered AND (%(position)s::int8 IS NULL OR (s.position, s.index) < (%(position)s::int8, %(index)s::int2))
ORDER BY s.position DESC, s.index DESC LIMIT %(limit)s
"""


class SegmentUnknown(NotFound):
    """There is no such segment, or it is not in the read model yet; `after` waits for it."""

    code: ClassVar[str] = "segment-unknown"


class SpanInvalid(Invalid):
    """`from` lies before `to`, and both at most 3,700 days apart."""

    code: ClassVar[str] = "span-invalid"


class SegmentQueries:
    """Answers from the members of now and from the history of memberships."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, limit: int, cursor: str | None, *, archived: bool) -> Page:
        """List segments by name."""
        asked = question("segments", archived)
        name, last = (None, None) if cursor is None else read_cursor(asked, cursor, 2)
        values = {"id": None, "archived": archived, "name": name, "last": last, "limit": limit + 1}
        page = _paged(await self._database.rows(_LIST, values), limit, asked, "sorted_by", "id")
        return _without(page, "sorted_by")

    async def one(self, segment_id: str) -> Mapping[str, Any]:
        """Show one segment, archived or not; raises SegmentUnknown."""
        values = {"id": segment_id, "archived": True, "name": None, "last": None, "limit": 1}
        rows = await self._database.rows(_LIST, values)
        if not rows:
            raise SegmentUnknown
        return _without(Page(rows, None), "sorted_by").rows[0]

    async def members(self, segment_id: str, clocks: Clocks, limit: int, cursor: str | None) -> Page:
        """List members by their ids, of now or as of a moment; names are those of now."""
        await self.one(segment_id)
        asked = question("members", segment_id, clocks.as_of, clocks.known_at)
        last = None if cursor is None else _customer(read_cursor(asked, cursor, 1)[0])
        values = {"segment": segment_id, "last": last, "limit": limit + 1}
        if clocks.live:
            rows = await self._database.rows(_MEMBERS, values)
        else:
            moments = {"as_of": clocks.as_of, "known_at": clocks.known_at}
            rows = await self._database.rows(_MEMBERS_AT, {**values, **moments})
        return _paged(rows, limit, asked, "customer_id")

    async def history(self, segment_id: str, since: datetime, until: datetime) -> Rows:
        """Give for each day (UTC) how many entered and left, and the size at its end.

        Raises:
            SegmentUnknown, SpanInvalid: as their names say.
        """
        if not timedelta() < until - since <= timedelta(days=MOST_DAYS):
            raise SpanInvalid(field="from")
        await self.one(segment_id)
        first = since.astimezone(UTC).date()  # callers write times with offsets of their own
        values = {"segment": segment_id, "since": since, "until": until, "first": first}
        final = (until.astimezone(UTC) - timedelta(microseconds=1)).date()
        return await self._database.rows(_HISTORY, {**values, "final": final})

    async def equality(self, segment_id: str, now: datetime) -> Equality:
        """Compare a full evaluation with the members and with the log; raises SegmentUnknown."""
        await self.one(segment_id)
        (row,) = await self._database.rows(DEFINITIONS, {"ids": [segment_id]})
        known = custom_fields.definitions(await self._database.rows(custom_fields.query()), retired=True)
        return await equality(self._database, segment_of(row), known, now)

    async def of_customer(self, customer_id: UUID, limit: int, cursor: str | None) -> Page:
        """List the stays of a customer in segments, the newest first; `left_at` is empty while one lasts."""
        asked = question("stays", customer_id)
        position, index = (None, None) if cursor is None else read_cursor(asked, cursor, 2)
        if cursor is not None and not (isinstance(position, int) and isinstance(index, int)):
            raise CursorInvalid
        values = {"customer": customer_id, "position": position, "index": index, "limit": limit + 1}
        rows = await self._database.rows(_OF_CUSTOMER, values)
        return _without(_paged(rows, limit, asked, "position", "index"), "position", "index")


def _customer(text: object) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise CursorInvalid from None


def _paged(rows: Rows, limit: int, asked: str, *place: str) -> Page:
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], write_cursor(asked, [rows[limit - 1][name] for name in place]))


def _without(page: Page, *hidden: str) -> Page:
    """Leave out what only the cursor needs."""
    return Page([{name: row[name] for name in row if name not in hidden} for row in page.rows], page.next_cursor)
