"""The directory of people: one row per person with everything that is known of them now, and one per version.

A version is the row after a commit; what was known at a moment is the newest version recorded by then.
"""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from msgspec import structs
from sqlalchemy import Column, Date, DateTime, Index, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog import contacts as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.personal import known
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, json_text, time_text
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import (
    PERSONAL,
    RECORD_FACTS,
    Draft,
    RecordFold,
    attributes,
    created,
    plain,
    record_columns,
    record_indexes,
    search_columns,
    texts,
    versions_of,
)

_NAMES: Final = (
    "given_name", "family_name", "additional_name", "honorific_prefix", "honorific_suffix", "nickname",
)  # fmt: skip
_COLUMNS: Final = [
    *record_columns(),
    *(Column(name, Text) for name in _NAMES),
    Column("job_title", Text),
    Column("department", Text),
    Column("language", Text),
    Column("time_zone", Text),
    Column("birth_date", Date),
    Column("gender", Text),
    Column("description", Text),
    Column("preferences", JSONB),
    Column("lead_source", Text),
    Column("first_touch", JSONB),
    Column("last_touch", JSONB),
    Column("lifecycle_stage", Text),
    Column("lifecycle_since", DateTime(timezone=True)),
    Column("lifecycle_times", JSONB),
    # By purpose: channel, basis, source, wording, given_at, expires_at, withdrawn_at, and state: given or withdrawn.
    Column("consents", JSONB),
    Column("companies", JSONB),
    Column("company_ids", ARRAY(UUID)),
    # By company id: what the person is there.
    Column("company_roles", JSONB),
    *search_columns(),
]
_BY_NAME: Final = {column.name: column for column in _COLUMNS}
TABLE: Final = read_model_table(
    "people",
    2,
    *_COLUMNS,
    indexes=[
        *record_indexes(_COLUMNS, "display_name", "family_name", "email"),
        Index("in_company_ids", _BY_NAME["company_ids"], postgresql_using="gin"),
    ],
)
VIEW: Final = view_of(TABLE)
VERSIONS: Final = read_model_table("people_versions", 2, *versions_of(_COLUMNS))
VERSIONS_VIEW: Final = view_of(VERSIONS)
_PERSONAL: Final = (
    *("display_name", *PERSONAL, *_NAMES, "job_title", "birth_date", "gender", "description", "preferences"),
    *("first_touch", "last_touch", "company_roles"),
)


def _named(draft: Draft, fact: events.PersonNamed, _: Recorded[Fact]) -> None:
    for name in _NAMES:
        draft[name] = known(getattr(fact, name), None)


def _details(draft: Draft, fact: events.PersonDetailsChanged, _: Recorded[Fact]) -> None:
    for name in ("job_title", "department", "language", "time_zone", "gender", "description"):
        draft[name] = known(getattr(fact, name), None)
    birth_date = known(fact.birth_date, None)
    draft["birth_date"] = None if birth_date is None else time_text(birth_date)


def _preferences(draft: Draft, fact: events.PreferencesChanged, _: Recorded[Fact]) -> None:
    draft["preferences"] = attributes(fact.preferences)


def _acquisition(draft: Draft, fact: events.AcquisitionChanged, _: Recorded[Fact]) -> None:
    draft["lead_source"] = fact.lead_source
    for name, touches in (("first_touch", fact.first_touch), ("last_touch", fact.last_touch)):
        draft[name] = next((json_text(plain(touch)) for touch in known(touches, ())), None)


def _stage(draft: Draft, fact: events.LifecycleStageChanged, recorded: Recorded[Fact]) -> None:
    times = msgspec.json.decode(draft["lifecycle_times"] or "{}")
    times[fact.to] = recorded.occurred_at
    draft["lifecycle_times"] = json_text(times)
    draft["lifecycle_stage"] = fact.to
    draft["lifecycle_since"] = time_text(recorded.occurred_at)


def _consent_given(draft: Draft, fact: events.ConsentGiven, recorded: Recorded[Fact]) -> None:
    consents = msgspec.json.decode(draft["consents"] or "{}")
    said = plain(fact)
    purpose = said.pop("purpose")
    consents[purpose] = {**said, "given_at": recorded.occurred_at, "state": "given"}
    draft["consents"] = json_text(consents)


def _consent_withdrawn(draft: Draft, fact: events.ConsentWithdrawn, recorded: Recorded[Fact]) -> None:
    consents = msgspec.json.decode(draft["consents"] or "{}")
    given = consents.get(fact.purpose, {})
    consents[fact.purpose] = {**given, "withdrawn_at": recorded.occurred_at, "state": "withdrawn"}
    draft["consents"] = json_text(consents)


def _link(draft: Draft, company_id: str, link: dict[str, object] | None, role: str | None) -> None:
    links = [one for one in msgspec.json.decode(draft["companies"] or "[]") if one["company_id"] != company_id]
    roles = msgspec.json.decode(draft["company_roles"] or "{}")
    roles.pop(company_id, None)
    if link is not None:
        links.append(link)
    if role is not None:
        roles[company_id] = role
    draft["companies"] = json_text(links) if links else None
    draft["company_ids"] = texts([one["company_id"] for one in links])
    draft["company_roles"] = json_text(roles) if roles else None


def _linked(draft: Draft, fact: events.CompanyLinked, _: Recorded[Fact]) -> None:
    _link(draft, fact.company_id, plain(structs.replace(fact, role=None)), known(fact.role, None))


def _unlinked(draft: Draft, fact: events.CompanyUnlinked, _: Recorded[Fact]) -> None:
    _link(draft, fact.company_id, None, None)


def _display_name(draft: Draft) -> str | None:
    whole = " ".join(part for part in (draft["given_name"], draft["family_name"]) if part)
    return whole or draft["nickname"] or draft["email"] or draft["phone"]


FOLD: Final = RecordFold(
    TABLE,
    {
        **RECORD_FACTS,
        events.PersonCreated: created,
        events.PersonNamed: _named,
        events.PersonDetailsChanged: _details,
        events.PreferencesChanged: _preferences,
        events.AcquisitionChanged: _acquisition,
        events.LifecycleStageChanged: _stage,
        events.ConsentGiven: _consent_given,
        events.ConsentWithdrawn: _consent_withdrawn,
        events.CompanyLinked: _linked,
        events.CompanyUnlinked: _unlinked,
    },
    _PERSONAL,
    (*_NAMES, "job_title", "department", "email_values", "phone_values", "locality", "external_keys"),
    _display_name,
)


class People:
    """The read model `people`."""

    name: ClassVar[str] = "people"
    version: ClassVar[int] = 2
    context: ClassVar[str] = "contacts"
    categories: ClassVar[frozenset[str]] = frozenset({"person"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = dict.fromkeys((*_PERSONAL, "search_personal"))

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the person's row after a commit, and add it to the versions."""
        after = FOLD(row, commit)
        return Folded(after, [FOLD.version(after, commit)], FOLD.erases(commit))

    def emptied(self, row: Row) -> Row:
        """Give the person's row without anything personal."""
        return FOLD.emptied(row)
