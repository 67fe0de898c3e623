"""Names of what records of the pipeline context speak of: companies, people and representatives."""

from collections.abc import Collection, Iterable

from sqlalchemy import ARRAY, Text, func, literal, select

from patron_projections.clocks import Clocks
from patron_projections.database import Database
from patron_projections.documents import Row
from patron_projections.links import Links
from patron_projections.sales.moments import sales_team_as_of
from patron_projections.sales.views import Names


class Naming:
    """Looks up the names that a page shows."""

    def __init__(self, database: Database, links: Links) -> None:
        self._database = database
        self._links = links

    async def of_deals(self, rows: Iterable[Row], clocks: Clocks) -> Names:
        """Name the companies, people and owners of deals."""
        deals = list(rows)
        people = {one["person_id"] for row in deals for one in row["people"] or ()}
        owners = {one for row in deals for one in (row["owner"], *(row["owners"] or ()))}
        return Names(
            await self._links.of_companies(_ids(row["company_id"] for row in deals), clocks),
            await self._links.of_people(people, clocks),
            await self._of_reps(_ids(owners), clocks),
        )

    async def of_leads(self, rows: Iterable[Row], clocks: Clocks) -> Names:
        """Name the companies and owners of leads."""
        leads = list(rows)
        companies = await self._links.of_companies(_ids(row["company_id"] for row in leads), clocks)
        return Names(companies, reps=await self._of_reps(_ids(row["owner"] for row in leads), clocks))

    async def of_activities(self, rows: Iterable[Row], clocks: Clocks) -> Names:
        """Name those to whom activities are assigned."""
        return Names(reps=await self._of_reps(_ids(row["assignee"] for row in rows), clocks))

    async def _of_reps(self, subjects: Collection[str], clocks: Clocks) -> dict[str, str]:
        if not subjects:
            return {}
        team = sales_team_as_of(clocks)
        among = team.c.subject == func.any(literal(list(subjects), ARRAY(Text)))
        rows = await self._database.rows(select(team.c.subject, team.c.name).where(among))
        return {row["subject"]: row["name"] for row in rows if row["name"] is not None}


def _ids(values: Iterable[object]) -> set[str]:
    return {str(value) for value in values if value is not None}
