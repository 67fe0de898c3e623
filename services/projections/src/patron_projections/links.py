"""What a page of one directory shows of the other: names of companies, numbers of people."""

from collections.abc import Collection
from typing import Final

from patron_projections.database import Database

_NAMES: Final = "SELECT id::text AS id, display_name FROM patron.companies WHERE id = ANY(%(ids)s::uuid[])"
_COUNTS: Final = """
SELECT link->>'company_id' AS id, count(*) AS people
FROM patron.people CROSS JOIN LATERAL jsonb_array_elements(companies) AS link
WHERE company_ids && %(ids)s::uuid[] AND NOT archived AND NOT erased AND link->>'company_id' = ANY(%(ids)s::text[])
  AND coalesce((link->>'end')::date >= (now() AT TIME ZONE 'UTC')::date, true)
GROUP BY link->>'company_id'
"""


class Links:
    """Looks up both sides of the links between people and companies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_companies(self, ids: Collection[str]) -> dict[str, str]:
        """Give the display names of companies by id."""
        if not ids:
            return {}
        return {row["id"]: row["display_name"] for row in await self._database.rows(_NAMES, {"ids": list(ids)})}

    async def people_counts(self, ids: Collection[str]) -> dict[str, int]:
        """Count the people of companies, without archived and erased ones and without links that have ended (UTC)."""
        if not ids:
            return {}
        return {row["id"]: row["people"] for row in await self._database.rows(_COUNTS, {"ids": list(ids)})}
