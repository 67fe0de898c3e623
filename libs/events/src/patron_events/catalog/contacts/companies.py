"""Facts of companies alone."""

from patron_events.catalog.contacts.records import RecordEvent
from patron_events.catalog.contacts.values import Money
from patron_events.registry import Fact, event_type


@event_type("contacts.company-created", version=1)
class CompanyCreated(Fact, frozen=True):
    """A company became known."""


@event_type("contacts.company-named", version=1)
class CompanyNamed(Fact, frozen=True):
    """How the company is called, and its registered name."""

    name: str
    legal_name: str | None = None


@event_type("contacts.company-details-changed", version=1)
class CompanyDetailsChanged(Fact, frozen=True):
    """Single-valued facts about a company. domains: lower case; founding_year: Gregorian."""

    website: str | None = None
    domains: tuple[str, ...] = ()
    industry: str | None = None
    employees: int | None = None
    annual_revenue: Money | None = None
    founding_year: int | None = None
    description: str | None = None
    parent_id: str | None = None


CompanyEvent = CompanyCreated | CompanyNamed | CompanyDetailsChanged | RecordEvent
