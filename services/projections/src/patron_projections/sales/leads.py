"""Leads: one row per lead as it is now, and one per version of it."""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog.pipeline import leads as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.personal import known
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import Draft, texts
from patron_projections.sales.folding import (
    FALSE,
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

_SAID: Final = ("given_name", "family_name", "email", "phone", "phone_e164", "job_title", "message")
_PROFILE: Final = (*("company_name", "industry", "country", "region", "postal_code", "product_interest", "currency"),)
_COLUMNS: Final = [
    *first_columns(UUID),
    Column("captured_at", DateTime(timezone=True)),
    # new, assigned, working, qualified, recycled, dead or converted; of the present one, since when and why.
    Column("status", Text),
    Column("status_since", DateTime(timezone=True)),
    Column("status_reason", Text),
    # A recycled lead comes back then.
    Column("until", DateTime(timezone=True)),
    Column("channel", Text),
    Column("source", Text),
    Column("medium", Text),
    Column("campaign", Text),
    Column("form_id", Text),
    Column("external_source", Text),
    Column("external_id", Text),
    Column("display_name", Text),
    *(Column(name, Text) for name in _SAID),
    Column("language", Text),
    Column("time_zone", Text),
    *(Column(name, Text) for name in _PROFILE),
    Column("employees", BigInteger),
    Column("amount_minor", BigInteger),
    Column("custom", JSONB),
    Column("person_id", UUID),
    Column("company_id", UUID),
    Column("owner", Text),
    Column("team", Text),
    # Where it waits or came through.
    Column("queue", Text),
    Column("assigned_at", DateTime(timezone=True)),
    Column("first_assigned_at", DateTime(timezone=True)),
    Column("assignments", Integer, nullable=False),
    # Of the last assignment: the rule, its version, the strategy, and why.
    Column("rule", Text),
    Column("rules_version", Integer),
    Column("strategy", Text),
    Column("why", Text),
    # When somebody first worked on it.
    Column("worked_at", DateTime(timezone=True)),
    Column("score", Numeric),
    Column("grade", Text),
    # [{rule, points, of, at}].
    Column("score_parts", JSONB),
    Column("score_version", Integer),
    Column("scored_at", DateTime(timezone=True)),
    Column("score_next_at", DateTime(timezone=True)),
    Column("converted_at", DateTime(timezone=True)),
    Column("deal_id", UUID),
    # Which of person, company and deal its conversion made.
    Column("created_records", ARRAY(Text)),
    Column("erased", Boolean, nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    *search_columns(),
]
_BY_NAME: Final = {column.name: column for column in _COLUMNS}


def _by(name: str, *columns: str) -> Index:
    return Index(name, *(_BY_NAME[column] for column in columns))


TABLE: Final = read_model_table(
    "leads",
    1,
    *_COLUMNS,
    indexes=[
        *search_indexes(_COLUMNS),
        _by("by_created_at", "created_at", "id"),
        _by("by_status", "status", "status_since"),
        _by("by_owner", "owner", "status"),
        _by("by_person", "person_id"),
        _by("by_company", "company_id"),
        _by("by_email", "email"),
    ],
)
VIEW: Final = view_of(TABLE)
_VERSIONS: Final = {column.name: column for column in versions_of(_COLUMNS)}
VERSIONS: Final = read_model_table(
    "lead_versions",
    1,
    *_VERSIONS.values(),
    indexes=[Index("by_person", _VERSIONS["person_id"]), Index("by_company", _VERSIONS["company_id"])],
)
VERSIONS_VIEW: Final = view_of(VERSIONS)


def _captured(draft: Draft, fact: events.LeadCaptured, recorded: Recorded[Fact]) -> None:
    for name in ("channel", "source", "medium", "campaign", "form_id", "external_source", "external_id"):
        draft[name] = getattr(fact, name)
    at = time_text(recorded.occurred_at)
    draft["created_at"] = draft["captured_at"] = draft["status_since"] = at
    draft["status"] = "new"


def _described(draft: Draft, fact: events.LeadDescribed, _: Recorded[Fact]) -> None:
    for name in _SAID:
        draft[name] = known(getattr(fact, name), None)
    draft["language"] = fact.language
    draft["time_zone"] = fact.time_zone
    whole = " ".join(part for part in (draft["given_name"], draft["family_name"]) if part)
    draft["display_name"] = whole or draft["email"] or draft["phone"]


def _profiled(draft: Draft, fact: events.LeadProfiled, _: Recorded[Fact]) -> None:
    for name in _PROFILE:
        draft[name] = getattr(fact, name)
    draft["employees"] = number(fact.employees)
    draft["amount_minor"] = number(fact.amount_minor)
    draft["custom"] = named_values(fact.attributes)


def _matched(draft: Draft, fact: events.LeadMatched, _: Recorded[Fact]) -> None:
    draft["person_id"] = fact.person_id
    draft["company_id"] = fact.company_id


def _assigned(draft: Draft, fact: events.LeadAssigned, recorded: Recorded[Fact]) -> None:
    for name in ("owner", "team", "queue", "rule", "strategy", "why"):
        draft[name] = getattr(fact, name)
    draft["rules_version"] = number(fact.rules_version)
    at = None if fact.owner is None else time_text(recorded.occurred_at)
    draft["assigned_at"] = at
    if at is not None:
        draft["first_assigned_at"] = draft["first_assigned_at"] or at
        draft["assignments"] = str(int(draft["assignments"] or 0) + 1)


def _moved_on(draft: Draft, to: str, recorded: Recorded[Fact]) -> None:
    at = time_text(recorded.occurred_at)
    draft["status"] = to
    draft["status_since"] = at
    draft["status_reason"] = draft["until"] = None
    if to == "working":
        draft["worked_at"] = draft["worked_at"] or at


def _status(draft: Draft, fact: events.LeadStatusChanged, recorded: Recorded[Fact]) -> None:
    _moved_on(draft, fact.to, recorded)
    draft["status_reason"] = fact.reason
    draft["until"] = moment(fact.until)


def _scored(draft: Draft, fact: events.LeadScored, recorded: Recorded[Fact]) -> None:
    draft["score"] = fact.score
    draft["grade"] = fact.grade
    draft["score_parts"] = document(fact.parts)
    draft["score_version"] = str(fact.rules_version)
    draft["scored_at"] = time_text(recorded.occurred_at)
    draft["score_next_at"] = moment(fact.next_at)


def _converted(draft: Draft, fact: events.LeadConverted, recorded: Recorded[Fact]) -> None:
    _moved_on(draft, "converted", recorded)
    draft["converted_at"] = time_text(recorded.occurred_at)
    for name in ("person_id", "company_id", "deal_id"):
        draft[name] = getattr(fact, name)
    draft["created_records"] = texts(fact.created)


def _relinked(draft: Draft, fact: events.LeadConversionRelinked, _: Recorded[Fact]) -> None:
    draft["person_id"] = fact.person_id
    draft["company_id"] = fact.company_id


FOLD: Final = Telling(
    Told(
        columns=written_columns(TABLE),
        apply={
            events.LeadCaptured: _captured,
            events.LeadDescribed: _described,
            events.LeadProfiled: _profiled,
            events.LeadMatched: _matched,
            events.LeadAssigned: _assigned,
            events.LeadStatusChanged: _status,
            events.LeadScored: _scored,
            events.LeadConverted: _converted,
            events.LeadConversionRelinked: _relinked,
            events.LeadErased: erased(lambda: FOLD),
        },
        begins={"erased": FALSE, "assignments": "0", "search_text": ""},
        personal=("display_name", *_SAID),
        erased_by=events.LeadErased,
        searched=("display_name", "email", "phone", "phone_e164", "company_name", "external_id"),
    )
)


class Leads:
    """The read model `leads`."""

    name: ClassVar[str] = "leads"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"lead"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = FOLD.blanked

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the lead's row after a commit, and add its versions."""
        return FOLD(row, commit)

    def emptied(self, row: Row) -> Row:
        """Give the lead's row without anything personal."""
        return FOLD.emptied(row)
