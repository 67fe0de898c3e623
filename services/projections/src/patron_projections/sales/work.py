"""What somebody who sells has to do: what is due, what was left, and the leads that wait for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import func, select

from patron_events.rejections import Invalid
from patron_projections.clocks import Clocks
from patron_projections.database import Database
from patron_projections.directory import Directory
from patron_projections.documents import Document, Row
from patron_projections.fields import Fields
from patron_projections.filters import conditions
from patron_projections.sales.listed import leads_listed
from patron_projections.sales.moments import sales_team_as_of
from patron_projections.sales.naming import Naming
from patron_projections.sales.sections import Section
from patron_projections.sales.views import activity_document, deal_document, lead_document

_PREFIX: Final = "/projections/v1"


class TimeZoneUnknown(Invalid):
    """`time_zone` takes an IANA name, such as `Europe/Berlin`."""

    code: ClassVar[str] = "time-zone-unknown"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose work is asked for, and how.

    time_zone: IANA name, that of the representative if None. ahead_days: how far coming work is looked for.
    stale_days: a lead that nothing happened to for so long, and with nothing planned, is stale.
    """

    owner: str
    time_zone: str | None = None
    ahead_days: int = 7
    stale_days: int = 7
    limit: int = 20


class Work:
    """Answers what is to be done."""

    def __init__(
        self, database: Database, deals: Directory, leads: Directory, planned: Directory, naming: Naming
    ) -> None:
        self._database = database
        self._deals = deals
        self._leads = leads
        self._planned = planned
        self._naming = naming

    async def of(self, whose: Whose, clocks: Clocks) -> Document:
        """Tell what somebody has to do at a moment.

        Raises:
            TimeZoneUnknown: there is no such time zone.
        """
        now = clocks.as_of or datetime.now(UTC)
        zone = await self._zone(whose, clocks)
        sections = self._of_activities(whose, clocks, now, zone)
        sections |= self._of_deals(whose, clocks, now.astimezone(zone))
        sections |= self._of_leads(whose, clocks, now)
        answers = await asyncio.gather(*(one.document(clocks, whose.limit) for one in sections.values()))
        return {
            "owner": whose.owner,
            "moment": now,
            "time_zone": zone.key,
            **dict(zip(sections, answers, strict=True)),
        }

    async def inbox(self, clocks: Clocks, filters: Sequence[str], limit: int) -> Document:
        """Tell which leads wait: those that nobody has, by queue, and those that nobody has begun to work on."""
        leads = leads_listed(clocks)
        waiting = [leads.c.open, leads.c.owner.is_(None), leads.c.erased.is_(False)]
        waiting += conditions(Fields(leads, clocks.as_of), filters)
        by_queue = (
            select(
                leads.c.queue,
                func.count().label("leads"),
                func.min(leads.c.captured_at).label("oldest_at"),
                func.max(leads.c.score).label("best_score"),
            )
            .where(*waiting)
            .group_by(leads.c.queue)
            .order_by(leads.c.queue)
        )
        now = clocks.as_of or datetime.now(UTC)
        waits = self._leads_of((*filters, "open:eq:true", "owner:exists:false"), "-score", clocks, now)
        begun = self._leads_of((*filters, "status:eq:assigned"), "assigned_at", clocks, now)
        queues = await self._database.rows(by_queue)
        return {
            "moment": now,
            "queues": [{**row, "best_score": _decimal(row)} for row in queues],
            "unassigned": await waits.document(clocks, limit),
            "not_begun": await begun.document(clocks, limit),
        }

    async def _zone(self, whose: Whose, clocks: Clocks) -> ZoneInfo:
        name = whose.time_zone
        if name is None:
            team = sales_team_as_of(clocks)
            rows = await self._database.rows(select(team.c.time_zone).where(team.c.subject == whose.owner))
            name = next((row["time_zone"] for row in rows if row["time_zone"]), "UTC")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise TimeZoneUnknown(field="time_zone") from None

    def _of_activities(self, whose: Whose, clocks: Clocks, now: datetime, zone: ZoneInfo) -> dict[str, Section]:
        mine = (f"assignee:eq:{whose.owner}", "status:eq:open")
        here = now.astimezone(zone)
        tomorrow = here.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        horizon = tomorrow + timedelta(days=whose.ahead_days)

        async def shown(rows: Sequence[Row]) -> list[Document]:
            names = await self._naming.of_activities(rows, clocks)
            return [activity_document(row, names) for row in rows]

        def section(*filters: str, sort: str = "due_at") -> Section:
            return Section(self._planned, f"{_PREFIX}/planned-activities", (*mine, *filters), sort, shown)

        return {
            "overdue": section("overdue:eq:true"),
            "due_today": section("overdue:eq:false", f"due_at:lt:{_utc(tomorrow)}"),
            "coming": section(f"due_at:gte:{_utc(tomorrow)}", f"due_at:lt:{_utc(horizon)}"),
            "without_date": section("due_at:exists:false", sort="-created_at"),
        }

    def _of_deals(self, whose: Whose, clocks: Clocks, here: datetime) -> dict[str, Section]:
        mine = (f"owner:eq:{whose.owner}", "status:eq:open")

        async def shown(rows: Sequence[Row]) -> list[Document]:
            names = await self._naming.of_deals(rows, clocks)
            return [deal_document(row, names, here) for row in rows]

        def section(*filters: str, sort: str) -> Section:
            return Section(self._deals, f"{_PREFIX}/deals", (*mine, *filters), sort, shown)

        return {
            "deals_without_next_step": section("activities:eq:0", sort="stage_since"),
            "deals_rotting": section("rotting:eq:true", sort="stage_since"),
            "deals_past_close_date": section(f"expected_close:lt:{here.date().isoformat()}", sort="expected_close"),
        }

    def _of_leads(self, whose: Whose, clocks: Clocks, now: datetime) -> dict[str, Section]:
        mine = (f"owner:eq:{whose.owner}", "open:eq:true")
        stale = _utc(now - timedelta(days=whose.stale_days))
        return {
            "leads_new": self._leads_of((*mine, "status:eq:assigned"), "assigned_at", clocks, now),
            "leads_stale": self._leads_of(
                (*mine, f"touched_at:lt:{stale}", "activities:eq:0"), "touched_at", clocks, now
            ),
        }

    def _leads_of(self, filters: Sequence[str], sort: str, clocks: Clocks, now: datetime) -> Section:
        async def shown(rows: Sequence[Row]) -> list[Document]:
            names = await self._naming.of_leads(rows, clocks)
            return [lead_document(row, names, now) for row in rows]

        return Section(self._leads, f"{_PREFIX}/leads", filters, sort, shown)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _decimal(row: Row) -> str | None:
    return None if row["best_score"] is None else f"{row['best_score']:f}"
