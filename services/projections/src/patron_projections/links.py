"""What a page of one directory shows of the other: names of companies, numbers of people."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Text, Uuid, any_, cast, column, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from patron_projections.clocks import LIVE, Clocks, companies_as_of, people_as_of
from patron_projections.database import Database


class Links:
    """Looks up both sides of the links between people and companies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_companies(self, ids: Collection[str], clocks: Clocks = LIVE) -> dict[str, str]:
        """Give the display names of companies by id."""
        if not ids:
            return {}
        companies = companies_as_of(clocks)
        among = companies.c.id == any_(_ids(ids))
        rows = await self._database.rows(select(companies.c.id, companies.c.display_name).where(among))
        return {str(row["id"]): row["display_name"] for row in rows}

    async def of_people(self, ids: Collection[str], clocks: Clocks = LIVE) -> dict[str, str]:
        """Give the display names of people by id."""
        if not ids:
            return {}
        people = people_as_of(clocks)
        rows = await self._database.rows(
            select(people.c.id, people.c.display_name).where(people.c.id == any_(_ids(ids)))
        )
        return {str(row["id"]): row["display_name"] for row in rows}

    async def people_counts(self, ids: Collection[str], clocks: Clocks = LIVE) -> dict[str, int]:
        """Count the people of companies, without archived and erased ones and without links that have ended (UTC)."""
        if not ids:
            return {}
        people = people_as_of(clocks)
        links = func.jsonb_array_elements(people.c.companies).table_valued(column("value", JSONB), name="links")
        company = links.c.value["company_id"].astext
        today = (clocks.as_of or datetime.now(UTC)).date()
        query = (
            select(company.label("id"), func.count().label("people"))
            .select_from(people.join(links, true()))
            .where(
                people.c.company_ids.op("&&", is_comparison=True)(_ids(ids)),
                people.c.archived.is_(False),
                people.c.erased.is_(False),
                company == any_(literal(list(ids), ARRAY(Text))),
                func.coalesce(cast(links.c.value["end"].astext, Date) >= today, literal(value=True)),
            )
            .group_by(company)
        )
        return {row["id"]: row["people"] for row in await self._database.rows(query)}


def _ids(ids: Collection[str]) -> ColumnElement[Any]:
    return literal([UUID(one) for one in ids], ARRAY(Uuid))
