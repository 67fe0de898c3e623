"""Deals: one row per deal as it is now, and one per version of it."""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog.pipeline import deals as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.personal import known
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import Draft, texts
from patron_projections.sales.folding import (
    FALSE,
    TRUE,
    Telling,
    Told,
    document,
    erased,
    first_columns,
    moment,
    named_values,
    number,
    search_columns,
    search_indexes,
    versions_of,
)

OPEN: Final = "open"
WON: Final = "won"
LOST: Final = "lost"
_COLUMNS: Final = [
    *first_columns(UUID),
    Column("name", Text),
    Column("pipeline_id", Text),
    Column("stage", Text),
    # open, won or lost.
    Column("status", Text),
    Column("opened_at", DateTime(timezone=True)),
    Column("stage_since", DateTime(timezone=True)),
    # When it was won or lost; empty while it is open.
    Column("closed_at", DateTime(timezone=True)),
    Column("first_stage", Text),
    # Where it stood before it was won or lost.
    Column("closed_from", Text),
    Column("reopenings", Integer, nullable=False),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    # stated or lines.
    Column("amount_basis", Text),
    Column("expected_close", Date),
    # As stated; empty where that of the stage counts.
    Column("forecast_category", Text),
    Column("owner", Text),
    Column("team", Text),
    # [{owner, percent}], and all owners: the responsible one first.
    Column("splits", JSONB),
    Column("owners", ARRAY(Text)),
    Column("company_id", UUID),
    # [{person_id, role, primary}].
    Column("people", JSONB),
    Column("person_ids", ARRAY(UUID)),
    Column("source", Text),
    Column("medium", Text),
    Column("campaign", Text),
    Column("competitors", ARRAY(Text)),
    Column("lines", JSONB),
    Column("product_ids", ARRAY(Text)),
    Column("skus", ARRAY(Text)),
    Column("custom", JSONB),
    # Of winning or losing; lost_to: the competitor.
    Column("won_reason", Text),
    Column("lost_reason", Text),
    Column("lost_to", Text),
    # Since when it has stood in its stage for too long, and since when it has had no planned activity, as reported.
    Column("rotted_since", DateTime(timezone=True)),
    Column("idle_since", DateTime(timezone=True)),
    Column("lead_id", UUID),
    Column("external_source", Text),
    Column("external_id", Text),
    Column("archived", Boolean, nullable=False),
    Column("archived_at", DateTime(timezone=True)),
    Column("archived_reason", Text),
    Column("description", Text),
    Column("next_step", Text),
    # Only the texts were erased: amounts, stages and times stay.
    Column("erased", Boolean, nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    *search_columns(),
]
_BY_NAME: Final = {column.name: column for column in _COLUMNS}


def _by(name: str, *columns: str) -> Index:
    return Index(name, *(_BY_NAME[column] for column in columns))


# The first cards of a board; and what its columns add up, so that for 10,000 deals no row is fetched.
_PLACES: Final = Index(
    "by_place",
    *(_BY_NAME[one] for one in ("pipeline_id", "status", "stage", "expected_close", "id")),
    postgresql_include=["currency", "amount_minor", "stage_since", "archived"],
)
TABLE: Final = read_model_table(
    "deals",
    2,
    *_COLUMNS,
    indexes=[
        *search_indexes(_COLUMNS),
        _PLACES,
        _by("by_owner", "owner", "status"),
        _by("by_company", "company_id"),
        _by("by_closed_at", "closed_at"),
        _by("by_created_at", "created_at", "id"),
        _by("by_external_id", "external_id"),
        Index("in_person_ids", _BY_NAME["person_ids"], postgresql_using="gin"),
    ],
)
VIEW: Final = view_of(TABLE)
_VERSIONS: Final = {column.name: column for column in versions_of(_COLUMNS)}
VERSIONS: Final = read_model_table(
    "deal_versions",
    2,
    *_VERSIONS.values(),
    indexes=[
        Index("by_company", _VERSIONS["company_id"]),
        Index("in_person_ids", _VERSIONS["person_ids"], postgresql_using="gin"),
    ],
)
VERSIONS_VIEW: Final = view_of(VERSIONS)


def _opened(draft: Draft, fact: events.DealOpened, recorded: Recorded[Fact]) -> None:
    at = time_text(recorded.occurred_at)
    for name in ("name", "pipeline_id", "stage", "lead_id", "external_source", "external_id"):
        draft[name] = getattr(fact, name)
    draft["first_stage"] = fact.stage
    draft["status"] = OPEN
    draft["created_at"] = draft["opened_at"] = draft["stage_since"] = at


def _described(draft: Draft, fact: events.DealDescribed, _: Recorded[Fact]) -> None:
    draft["description"] = known(fact.description, None)
    draft["next_step"] = known(fact.next_step, None)


def _renamed(draft: Draft, fact: events.DealRenamed, _: Recorded[Fact]) -> None:
    draft["name"] = fact.name


def _valued(draft: Draft, fact: events.DealValued, _: Recorded[Fact]) -> None:
    draft["amount_minor"] = number(fact.amount_minor)
    draft["currency"] = fact.currency
    draft["amount_basis"] = None if fact.amount_minor is None else fact.basis


def _expected(draft: Draft, fact: events.DealExpected, _: Recorded[Fact]) -> None:
    draft["expected_close"] = moment(fact.close_date)
    draft["forecast_category"] = fact.forecast_category


def _owned(draft: Draft, fact: events.DealOwned, _: Recorded[Fact]) -> None:
    draft["owner"] = fact.owner
    draft["team"] = fact.team
    draft["splits"] = document(fact.splits)
    owners = [fact.owner, *(split.owner for split in fact.splits)]
    draft["owners"] = texts(list(dict.fromkeys(one for one in owners if one is not None)))


def _customer(draft: Draft, fact: events.DealCustomerChanged, _: Recorded[Fact]) -> None:
    draft["company_id"] = fact.company_id
    draft["people"] = document(fact.people)
    draft["person_ids"] = texts(list(dict.fromkeys(person.person_id for person in fact.people)))


def _sourced(draft: Draft, fact: events.DealSourced, _: Recorded[Fact]) -> None:
    for name in ("source", "medium", "campaign"):
        draft[name] = getattr(fact, name)


def _competitors(draft: Draft, fact: events.DealCompetitorsChanged, _: Recorded[Fact]) -> None:
    draft["competitors"] = texts(fact.competitors)


def _lines(draft: Draft, fact: events.DealLinesChanged, _: Recorded[Fact]) -> None:
    draft["lines"] = document(fact.lines)
    draft["product_ids"] = texts(list(dict.fromkeys(one.product_id for one in fact.lines if one.product_id)))
    draft["skus"] = texts(list(dict.fromkeys(one.sku for one in fact.lines if one.sku)))


def _attributes(draft: Draft, fact: events.DealAttributesChanged, _: Recorded[Fact]) -> None:
    draft["custom"] = named_values(fact.attributes)


def _entered(draft: Draft, stage: str, status: str, recorded: Recorded[Fact]) -> None:
    """Let a deal stand in a stage from the time of a fact on."""
    at = time_text(recorded.occurred_at)
    draft["closed_from"] = None if status == OPEN else draft["stage"]
    draft["stage"] = stage
    draft["status"] = status
    draft["stage_since"] = at
    draft["closed_at"] = None if status == OPEN else at
    for name in ("rotted_since", "won_reason", "lost_reason", "lost_to"):
        draft[name] = None


def _moved(draft: Draft, fact: events.DealMoved, recorded: Recorded[Fact]) -> None:
    _entered(draft, fact.to, OPEN, recorded)
    if fact.pipeline_id is not None:
        draft["pipeline_id"] = fact.pipeline_id


def _won(draft: Draft, fact: events.DealWon, recorded: Recorded[Fact]) -> None:
    _entered(draft, fact.stage, WON, recorded)
    agreed = str(fact.amount_minor), fact.currency
    if (draft["amount_minor"], draft["currency"]) != agreed:
        draft["amount_minor"], draft["currency"] = agreed
        draft["amount_basis"] = "stated"
    draft["won_reason"] = fact.reason
    draft["idle_since"] = None


def _lost(draft: Draft, fact: events.DealLost, recorded: Recorded[Fact]) -> None:
    _entered(draft, fact.stage, LOST, recorded)
    draft["lost_reason"] = fact.reason
    draft["lost_to"] = fact.competitor
    draft["idle_since"] = None


def _reopened(draft: Draft, fact: events.DealReopened, recorded: Recorded[Fact]) -> None:
    _entered(draft, fact.to, OPEN, recorded)
    draft["reopenings"] = str(int(draft["reopenings"] or 0) + 1)


def _rotted(draft: Draft, fact: events.DealRotted, _: Recorded[Fact]) -> None:
    if fact.stage == draft["stage"]:
        draft["rotted_since"] = time_text(fact.since)


def _left_idle(draft: Draft, fact: events.DealLeftWithoutActivity, _: Recorded[Fact]) -> None:
    draft["idle_since"] = time_text(fact.since)


def _archived(draft: Draft, fact: events.DealArchived, recorded: Recorded[Fact]) -> None:
    draft["archived"] = TRUE
    draft["archived_at"] = time_text(recorded.occurred_at)
    draft["archived_reason"] = fact.reason


FOLD: Final = Telling(
    Told(
        columns=written_columns(TABLE),
        apply={
            events.DealOpened: _opened,
            events.DealDescribed: _described,
            events.DealRenamed: _renamed,
            events.DealValued: _valued,
            events.DealExpected: _expected,
            events.DealOwned: _owned,
            events.DealCustomerChanged: _customer,
            events.DealSourced: _sourced,
            events.DealCompetitorsChanged: _competitors,
            events.DealLinesChanged: _lines,
            events.DealAttributesChanged: _attributes,
            events.DealMoved: _moved,
            events.DealWon: _won,
            events.DealLost: _lost,
            events.DealReopened: _reopened,
            events.DealRotted: _rotted,
            events.DealLeftWithoutActivity: _left_idle,
            events.DealArchived: _archived,
            events.DealErased: erased(lambda: FOLD),
        },
        begins={"archived": FALSE, "erased": FALSE, "reopenings": "0", "search_text": ""},
        personal=("description", "next_step"),
        erased_by=events.DealErased,
        searched=("name", "external_id"),
    )
)


class Deals:
    """The read model `deals`."""

    name: ClassVar[str] = "deals"
    version: ClassVar[int] = 2
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"deal"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = FOLD.blanked

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the deal's row after a commit, and add its versions."""
        return FOLD(row, commit)

    def emptied(self, row: Row) -> Row:
        """Give the deal's row without its texts."""
        return FOLD.emptied(row)
