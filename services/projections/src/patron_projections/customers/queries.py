"""One query for everything that is known of a customer, as of any moment and by both clocks.

The present is answered as the moment that it is, by the same statements, so that the two cannot differ.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from patron_projections.clocks import LIVE, Clocks
from patron_projections.customers import sales_statements, statements
from patron_projections.customers.views import Found, Sales, changes_document, customer_document
from patron_projections.database import Database, Rows

_FOREVER: Final = "infinity"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a customer is looked at. since: what was recorded after it is told as a change."""

    clocks: Clocks = LIVE
    since: datetime | None = None

    def parameters(self, customer: UUID, now: datetime) -> dict[str, Any]:
        """Write the parameters of the statements."""
        clocks = self.clocks
        return {
            "id": customer,
            "as_of": clocks.as_of or now,
            "live": clocks.as_of is None,
            "known_at": _time(clocks.known_at),
            "recorded_by": _time(clocks.recorded_by),
            "since": _time(self.since),
        }


def _time(moment: datetime | None) -> str:
    return _FOREVER if moment is None else moment.isoformat()


class Customers:
    """Answers who a customer is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._segments: list[str] = []
        self._sales: list[str] = []

    async def one(self, customer: UUID, moment: Moment) -> dict[str, Any] | None:
        """Tell everything about a customer; None where nothing was known at that moment."""
        now = datetime.now(UTC)
        found = await self._found(customer, moment, now)
        return None if found is None else customer_document(found, moment.clocks.as_of or now)

    async def changes(self, customer: UUID, moment: Moment) -> dict[str, Any] | None:
        """Tell what of a customer was recorded after `moment.since`; None where nothing was known at that moment."""
        found = await self._found(customer, moment, datetime.now(UTC))
        return None if found is None else changes_document(found)

    async def _found(self, customer: UUID, moment: Moment, now: datetime) -> Found | None:
        """Ask as of a person first, which customers mostly are, and of a company where there is no such person."""
        await self._look_for_others()
        parameters = moment.parameters(customer, now)
        asked = [statements.PERSON, statements.EVENTS, *statements.FIGURES_OF_PERSON, statements.COMPANY_NAMES]
        person = await self._ask([*asked, *self._segments, *self._sales], statements.PERSON_SINCE, moment, parameters)
        if person[0]:
            return self._gathered("person", customer, moment, person)
        asked = [statements.COMPANY, statements.EVENTS, *statements.FIGURES_OF_COMPANY, statements.PEOPLE_OF_COMPANY]
        company = await self._ask([*asked, *self._sales], statements.COMPANY_SINCE, moment, parameters)
        if company[0]:
            return self._gathered("company", customer, moment, company)
        if any(person[2:4]):  # what somebody did before anything was known of them
            return self._gathered("person", customer, moment, person)
        return None

    async def _look_for_others(self) -> None:
        """Ask for memberships, and for sales, as soon as a worker of those streams has made their tables."""
        if not self._segments:
            (found,) = await self._database.rows(statements.HAS_MEMBERSHIPS)
            self._segments = [statements.MEMBERSHIPS] if found["has"] else []
        if not self._sales:
            (found,) = await self._database.rows(sales_statements.HAS_SALES)
            self._sales = list(sales_statements.OPEN_WORK) if found["has"] else []

    async def _ask(self, asked: list[str], since: str, moment: Moment, parameters: dict[str, Any]) -> list[Rows]:
        """Run the statements; the version at the beginning of the changes comes first, where it is asked for."""
        if moment.since is None:
            return await self._database.answers(asked, parameters)
        before, *rest = await self._database.answers([since, *asked], parameters)
        return [*rest, before]

    def _gathered(self, category: str, customer: UUID, moment: Moment, answers: list[Rows]) -> Found:
        record, rows, figures, planned, linked, *more = answers
        memberships: Rows = more.pop(0) if category == "person" and self._segments else []
        deals, leads, activities = [more.pop(0) if self._sales else [] for _ in sales_statements.OPEN_WORK]
        before: Rows = more.pop(0) if moment.since is not None else []
        return Found(
            customer=customer,
            category=category,
            record=record[0] if record else None,
            events=rows,
            interactions=[row for row in figures if row["fact"] == "interaction"],
            purchases=[row for row in figures if row["fact"] == "purchase"],
            planned=planned,
            sales=Sales(deals, leads, activities),
            linked=linked,
            memberships=memberships,
            before=before[0] if before else None,
            since=moment.since,
        )
