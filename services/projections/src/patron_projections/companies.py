"""The directory of companies: one row per company, and one per version of it.

How many people a company has is counted when asked.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from patron_events.catalog import contacts as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import (
    PERSONAL,
    RECORD_FACTS,
    Draft,
    RecordFold,
    created,
    record_columns,
    record_indexes,
    search_columns,
    texts,
    versions_of,
)

_COLUMNS: Final = [
    *record_columns(),
    Column("name", Text),
    Column("legal_name", Text),
    Column("website", Text),
    Column("domains", ARRAY(Text)),
    Column("industry", Text),
    Column("employees", BigInteger),
    Column("annual_revenue_minor", BigInteger),
    Column("annual_revenue_currency", Text),
    Column("founding_year", Integer),
    Column("description", Text),
    Column("parent_id", UUID),
    *search_columns(),
]
TABLE: Final = read_model_table(
    "companies", 2, *_COLUMNS, indexes=record_indexes(_COLUMNS, "display_name", "parent_id")
)
VIEW: Final = view_of(TABLE)
VERSIONS: Final = read_model_table("companies_versions", 2, *versions_of(_COLUMNS))
VERSIONS_VIEW: Final = view_of(VERSIONS)


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _named(draft: Draft, fact: events.CompanyNamed, _: Recorded[Fact]) -> None:
    draft["name"] = fact.name
    draft["legal_name"] = fact.legal_name


def _details(draft: Draft, fact: events.CompanyDetailsChanged, _: Recorded[Fact]) -> None:
    for name in ("website", "industry", "description", "parent_id"):
        draft[name] = getattr(fact, name)
    draft["domains"] = texts(fact.domains)
    draft["employees"] = _number(fact.employees)
    draft["founding_year"] = _number(fact.founding_year)
    revenue = fact.annual_revenue
    draft["annual_revenue_minor"] = None if revenue is None else str(revenue.amount_minor)
    draft["annual_revenue_currency"] = None if revenue is None else revenue.currency


def _display_name(draft: Draft) -> str | None:
    return draft["name"] or draft["legal_name"]


FOLD: Final = RecordFold(
    TABLE,
    {
        **RECORD_FACTS,
        events.CompanyCreated: created,
        events.CompanyNamed: _named,
        events.CompanyDetailsChanged: _details,
    },
    PERSONAL,
    ("name", "legal_name", "domains", "industry", "email_values", "phone_values", "locality", "external_keys"),
    _display_name,
)


class Companies:
    """The read model `companies`."""

    name: ClassVar[str] = "companies"
    version: ClassVar[int] = 2
    context: ClassVar[str] = "contacts"
    categories: ClassVar[frozenset[str]] = frozenset({"company"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = dict.fromkeys((*PERSONAL, "search_personal"))

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the company's row after a commit, and add it to the versions."""
        after = FOLD(row, commit)
        return Folded(after, [FOLD.version(after, commit)], FOLD.erases(commit))

    def emptied(self, row: Row) -> Row:
        """Give the company's row without anything personal."""
        return FOLD.emptied(row)
