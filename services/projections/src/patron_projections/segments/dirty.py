"""What commits make worth another look: which customers, because of which events, and which rules look at that.

Only the heads of commits and the types of their events are needed, so nothing is decrypted here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from patron_events.catalog.contacts import FieldDefined
from patron_events.codec import decode_event
from patron_events.envelope import Commit, decode_commit
from patron_events.registry import NewerEventVersion, UnknownEventType
from patron_events.store import Stored

ERASED: Final = "contacts.record-erased"
# Whoever appears, goes or comes back is judged by every rule.
ALWAYS: Final = frozenset(
    {"contacts.person-created", "contacts.record-archived", "contacts.record-restored", ERASED}
)  # fmt: skip
_NAMES: Final = (
    "given_name", "family_name", "additional_name", "nickname", "honorific_prefix", "honorific_suffix", "display_name",
)  # fmt: skip
# By type of event the beginnings of the fields that it may change; `purchase` and `interaction` are kinds of facts.
_CHANGED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "contacts.person-named": _NAMES,
    "contacts.person-details-changed": (
        "job_title", "department", "language", "time_zone", "birth_date", "gender", "description",
    ),
    "contacts.preferences-changed": ("preferences",),
    "contacts.acquisition-changed": ("lead_source", "first_touch", "last_touch"),
    "contacts.consent-given": ("consents",),
    "contacts.consent-withdrawn": ("consents",),
    "contacts.lifecycle-stage-changed": ("lifecycle_stage", "lifecycle_since"),
    "contacts.company-linked": ("company", "companies"),
    "contacts.company-unlinked": ("company", "companies"),
    "contacts.emails-changed": ("email", "display_name"),
    "contacts.phones-changed": ("phone", "display_name"),
    "contacts.addresses-changed": ("country", "region", "locality", "postal_code"),
    "contacts.social-handles-changed": (),
    "contacts.tags-changed": ("tags",),
    "contacts.custom-fields-changed": ("custom",),
    "contacts.external-ids-changed": ("external_ids",),
    "contacts.owner-assigned": ("owner", "team"),
    "contacts.note-added": ("notes_count",),
    "contacts.note-removed": ("notes_count",),
    "contacts.interaction-logged": ("interaction",),
    "contacts.order-placed": ("purchase",),
}  # fmt: skip
_KNOWN: Final = frozenset(one for fields in _CHANGED_BY.values() for one in fields)
_ON_RECORDS: Final = frozenset(_CHANGED_BY) - {"contacts.interaction-logged", "contacts.order-placed"}
# Fields that nothing but the beginning of a record, or no event at all, changes.
_UNCHANGING: Final = frozenset({"created_at", "rfm"})
# Stand for types of events where the change is not one of the person's own.
A_COMPANY: Final = "*company"
SCORES: Final = "*rfm"


class Because(NamedTuple):
    """Why a membership is judged again: event, time, rule, hand or segment; the id of that; and since when."""

    cause: str
    cause_id: str | None
    at: datetime


def wakes(fields: Iterable[str]) -> frozenset[str]:
    """Name the types of events that may change the answer of a rule that looks at these fields and kinds of facts.

    A field that this release does not know is taken to be changed by everything.
    """
    beginnings = {name.partition(".")[0] for name in fields}
    types = set(ALWAYS)
    if "company" in beginnings:
        types.add(A_COMPANY)
    if "rfm" in beginnings:
        types.add(SCORES)
    for name, changed in _CHANGED_BY.items():
        if not beginnings.isdisjoint(changed):
            types.add(name)
    if "updated_at" in beginnings:
        types |= _ON_RECORDS
    if beginnings - _KNOWN - _UNCHANGING - {"updated_at"}:
        types |= _CHANGED_BY.keys()
    return frozenset(types)


@dataclass(slots=True)
class Dirt:
    """What a stretch of the log touched: by customer and by company, per type of event, the last event of it.

    reached: by partition the last commit that rules can look at; through: last sequence that was looked at.
    fields: custom fields that were defined, as rules name them, and why.
    """

    customers: dict[str, dict[str, Because]] = field(default_factory=dict[str, dict[str, Because]])
    companies: dict[str, Because] = field(default_factory=dict[str, Because])
    reached: dict[int, int] = field(default_factory=dict[int, int])
    through: int = 0
    commits: int = 0
    fields: dict[str, Because] = field(default_factory=dict[str, Because])

    def add(self, commits: Sequence[Stored], through: int) -> None:
        """Take in more commits, in order; those that cannot be read are parked by the models and change nothing."""
        self.through = through
        self.commits += len(commits)
        for stored in commits:
            category = stored.stream.category
            if category not in {"person", "activity", "company", "field-catalogue"}:
                continue
            try:
                commit = decode_commit(stored.body)
                if category == "field-catalogue":
                    self._define(commit, stored.stream.id)
                    continue
            except (msgspec.MsgspecError, UnknownEventType, NewerEventVersion):
                continue
            self.reached[stored.stream.partition] = stored.sequence
            if category == "company":
                self.companies[stored.stream.id] = _of(commit, 0)
                continue
            touched = self.customers.setdefault(stored.stream.id, {})
            for index, event in enumerate(commit.events):
                touched.pop(event.type, None)  # the last one comes last
                touched[event.type] = _of(commit, index)

    def _define(self, commit: Commit, entity: str) -> None:
        """Note which custom fields a commit defines, for the first time or anew with another type."""
        group = "custom" if entity == "people" else "company.custom"
        for index, event in enumerate(commit.events):
            fact = decode_event(event, entity, None)
            if isinstance(fact, FieldDefined):
                self.fields[f"{group}.{fact.name}"] = _of(commit, index)

    def touch(self, customers: Iterable[str], kind: str, because: Because) -> None:
        """Note that something else than an event of their own touched customers."""
        for customer in customers:
            self.customers.setdefault(customer, {})[kind] = because


def _of(commit: Commit, index: int) -> Because:
    return Because("event", f"{commit.id}:{index}", commit.recorded_at)


def last_that_matters(touched: Mapping[str, Because], types: frozenset[str]) -> Because | None:
    """Find the last event that may have changed the answer of a rule; None where none may."""
    return next((touched[name] for name in reversed(tuple(touched)) if name in types), None)
