"""Questions about the pipeline context: lists, one record with what belongs to it, boards and work."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select

from patron_projections.clocks import Clocks, companies_as_of
from patron_projections.database import Database, Rows
from patron_projections.directory import Directory
from patron_projections.documents import Document
from patron_projections.links import Links
from patron_projections.sales.board import Boards
from patron_projections.sales.listed import deals_listed, leads_listed, planned_activities_listed
from patron_projections.sales.moments import (
    pipelines_as_of,
    products_as_of,
    quotas_as_of,
    quotes_as_of,
    rates_as_of,
    sales_team_as_of,
    stages_as_of,
    stays_as_of,
)
from patron_projections.sales.naming import Naming
from patron_projections.sales.views import (
    activity_document,
    deal_document,
    lead_document,
    pipeline_document,
    product_document,
    quota_document,
    quote_document,
    rep_document,
    stay_document,
)
from patron_projections.sales.work import Work

_ARCHIVED: Final = ("archived",)
_ERASED: Final = ("erased",)
_RETIRED: Final = ("retired",)


@dataclass(frozen=True, slots=True)
class Sales:
    """Answers about the pipeline context; lists are directories, as those of people are."""

    database: Database
    naming: Naming
    deals: Directory
    leads: Directory
    planned: Directory
    products: Directory
    team: Directory
    boards: Boards
    work: Work

    async def deal(self, deal_id: UUID, clocks: Clocks) -> Document | None:
        """Show a deal with its stays in stages, its quotes and what is planned for it; None where there is none."""
        now = clocks.as_of or datetime.now(UTC)
        row = await self.deals.at(clocks).one(deal_id)
        if row is None:
            return None
        stays, quotes = stays_as_of(clocks), quotes_as_of(clocks)
        entered = await self._rows(
            select(stays).where(stays.c.deal_id == deal_id).order_by(stays.c.position, stays.c.index)
        )
        offered = await self._rows(select(quotes).where(quotes.c.deal_id == deal_id).order_by(quotes.c.created_at))
        document = deal_document(row, await self.naming.of_deals([row], clocks), now)
        return {
            **document,
            "stays": [stay_document(one, now) for one in entered],
            "quotes": [quote_document(one) for one in offered],
            "planned": await self._planned("deal_id", deal_id, clocks),
        }

    async def lead(self, lead_id: UUID, clocks: Clocks) -> Document | None:
        """Show a lead with what is planned for it; None where there is none."""
        row = await self.leads.at(clocks).one(lead_id)
        if row is None:
            return None
        names = await self.naming.of_leads([row], clocks)
        document = lead_document(row, names, clocks.as_of or datetime.now(UTC))
        return {**document, "planned": await self._planned("lead_id", lead_id, clocks)}

    async def pipelines(self, clocks: Clocks) -> list[Document]:
        """List the pipelines by id, each with its stages in order."""
        pipelines, stages = pipelines_as_of(clocks), stages_as_of(clocks)
        rows = await self._rows(select(pipelines).order_by(pipelines.c.id))
        of_all = await self._rows(select(stages).order_by(stages.c.pipeline_id, stages.c.place))
        return [pipeline_document(row, [one for one in of_all if one["pipeline_id"] == row["id"]]) for row in rows]

    async def quotas(self, clocks: Clocks) -> list[Document]:
        """List the quotas by representative and period."""
        quotas = quotas_as_of(clocks)
        held = select(quotas).where(quotas.c.amount_minor.is_not(None))
        return [quota_document(row) for row in await self._rows(held.order_by(quotas.c.subject, quotas.c.period))]

    async def rates(self, clocks: Clocks) -> list[Document]:
        """List the exchange rates by base, currency and day, the newest day first."""
        rates = rates_as_of(clocks)
        rows = await self._rows(select(rates).order_by(rates.c.base, rates.c.currency, rates.c.day.desc()))
        return [{**row, "rate": f"{row['rate']:f}"} for row in rows]

    async def deals_shown(self, rows: Rows, clocks: Clocks) -> list[Document]:
        """Show a page of deals."""
        names = await self.naming.of_deals(rows, clocks)
        moment = clocks.as_of or datetime.now(UTC)
        return [deal_document(row, names, moment) for row in rows]

    async def leads_shown(self, rows: Rows, clocks: Clocks) -> list[Document]:
        """Show a page of leads."""
        names = await self.naming.of_leads(rows, clocks)
        moment = clocks.as_of or datetime.now(UTC)
        return [lead_document(row, names, moment) for row in rows]

    async def planned_shown(self, rows: Rows, clocks: Clocks) -> list[Document]:
        """Show a page of planned activities."""
        names = await self.naming.of_activities(rows, clocks)
        return [activity_document(row, names) for row in rows]

    async def products_shown(self, rows: Rows, clocks: Clocks) -> list[Document]:
        """Show a page of products."""
        del clocks
        return [product_document(row) for row in rows]

    async def team_shown(self, rows: Rows, clocks: Clocks) -> list[Document]:
        """Show a page of representatives."""
        del clocks
        return [rep_document(row) for row in rows]

    async def _planned(self, about: str, record_id: UUID, clocks: Clocks) -> list[Document]:
        planned = planned_activities_listed(clocks)
        still = select(planned).where(
            planned.c[about] == record_id, planned.c.status == "open", planned.c.erased.is_(False)
        )
        rows = await self._rows(still.order_by(planned.c.due_at.asc().nulls_last(), planned.c.id).limit(100))
        return await self.planned_shown(rows, clocks)

    async def _rows(self, query: Select[Any]) -> Rows:
        return await self.database.rows(query)


def sales_over(database: Database, links: Links) -> Sales:
    """Put the questions together over a database."""
    naming = Naming(database, links)
    deals = Directory(database, deals_listed, companies_as_of, _ARCHIVED)
    leads = Directory(database, leads_listed, None, _ERASED)
    planned = Directory(database, planned_activities_listed, None, _ERASED)
    return Sales(
        database=database,
        naming=naming,
        deals=deals,
        leads=leads,
        planned=planned,
        products=Directory(database, products_as_of, None, _RETIRED),
        team=Directory(database, sales_team_as_of, None, _RETIRED),
        boards=Boards(database, deals, naming),
        work=Work(database, deals, leads, planned, naming),
    )
