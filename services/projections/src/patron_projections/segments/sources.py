"""What rules are evaluated over: the customers, and what is known of them, live or as of a moment.

One compiler serves preview, backtest, rebuild and live evaluation; they differ in their source alone.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    bindparam,
    column,
    func,
    not_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE

from patron_projections import activities, companies, people
from patron_projections.belonging import MEMBERS, members_as_of
from patron_projections.clocks import Clocks, activities_as_of, companies_as_of, people_as_of
from patron_projections.engine.tables import SCHEMA
from patron_rules.fields import Definitions

CUSTOMERS: Final = "customers"
"""Name of the parameter that holds the ids of a restricted source."""
_IDS: Final = ARRAY(UUID_TYPE)
SCORES: Final = table(
    "rfm_scores",
    column("customer_id", UUID_TYPE),
    column("recency", Integer),
    column("frequency", Integer),
    column("monetary", Integer),
    column("segment", Text),
    schema=SCHEMA,
)


@dataclass(frozen=True, slots=True)
class Source:
    """Selectables with the columns of the views `people`, `companies` and `activities`, and what else rules look at.

    people: only customers, that is neither archived nor erased people. members: (segment_id, customer_id);
    scores: (customer_id, recency, frequency, monetary, segment). definitions: of the custom fields.
    restriction: the ids that the source is restricted to, or None; everything that is read by customer is read
    for these only.
    """

    people: FromClause
    companies: FromClause
    activities: FromClause
    members: FromClause = MEMBERS
    scores: FromClause = SCORES
    definitions: Definitions = field(default_factory=Definitions)
    restriction: BindParameter[list[UUID]] | None = None

    def restricted(self, ids: Collection[UUID] = ()) -> "Source":
        """Give the same source for some customers; the ids are the parameter `customers` of what is compiled."""
        if not ids and self.people is _PEOPLE:
            return replace(self, people=_FEW_PEOPLE, companies=_NEAR_COMPANIES, restriction=_FEW)
        wanted = bindparam(CUSTOMERS, value=list(ids), type_=_IDS)
        few = select(self.people).where(self.people.c.id == func.any(wanted)).subquery("people")
        linked = select(func.unnest(few.c.company_ids)).scalar_subquery()
        near = select(self.companies).where(self.companies.c.id.in_(linked)).subquery("companies")
        return replace(self, people=few, companies=near, restriction=wanted)

    def of(self, customer_id: ColumnElement[UUID]) -> list[ColumnElement[bool]]:
        """Restrict a selectable that is read by customer: no conditions for an unrestricted source."""
        return [] if self.restriction is None else [customer_id == func.any(self.restriction)]


def customers(whole: FromClause) -> FromClause:
    """Select the people that segments are made of: neither archived nor erased."""
    return select(whole).where(not_(whole.c.archived), not_(whole.c.erased)).subquery("people")


# What every segment is judged over is described once, and without naming columns: to write dozens of them twice took
# most of the time that it takes to compile a rule.
_PEOPLE: Final = (
    text("SELECT * FROM patron.people WHERE NOT archived AND NOT erased")
    .columns(*people.VIEW.columns)
    .subquery("people")
)
_NOBODY: Final[list[UUID]] = []
_FEW: Final = bindparam(CUSTOMERS, value=_NOBODY, type_=_IDS)
_FEW_PEOPLE: Final = (
    text("SELECT * FROM patron.people WHERE NOT archived AND NOT erased AND id = ANY(:customers)")
    .bindparams(_FEW)
    .columns(*people.VIEW.columns)
    .subquery("people")
)
_NEAR_COMPANIES: Final = (
    text(
        "SELECT * FROM patron.companies WHERE id IN (SELECT unnest(company_ids) FROM patron.people"
        " WHERE NOT archived AND NOT erased AND id = ANY(:customers))"
    )
    .bindparams(_FEW)
    .columns(*companies.VIEW.columns)
    .subquery("companies")
)


def live(definitions: Definitions | None = None) -> Source:
    """Give the source of the present: the views that read models serve."""
    return Source(_PEOPLE, companies.VIEW, activities.VIEW, definitions=definitions or Definitions())


def as_of(clocks: Clocks, definitions: Definitions | None = None) -> Source:
    """Give the source of a moment by both clocks; a person of whom there was no version yet is as their first one.

    Scores have no history: a rule that looks at them must not be asked about the past.
    """
    return Source(
        customers(people_as_of(clocks, first_known=True)),
        companies_as_of(clocks, first_known=True),
        activities_as_of(clocks),
        members=members_as_of(clocks),
        definitions=definitions or Definitions(),
    )
