"""Provenance: which event gave each field of a record the value that it has.

The record's events are folded once more, one by one, with the fold of the directory; a field owes its value to the
last event that changed it. Named values (`custom.plan`), consents and links to companies are fields of their own.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from typing_extensions import override

from patron_events.envelope import Actor, Cause, CommitHead, Recorded, StreamId
from patron_events.registry import Fact
from patron_projections import companies, people
from patron_projections.facts import fact_of
from patron_projections.records import Draft, RecordFold

Row = Mapping[str, Any]
FOLDS: Final[Mapping[str, RecordFold]] = {"person": people.FOLD, "company": companies.FOLD}
# Columns that say the same as another one, or nothing about the customer.
_LEFT_OUT: Final = frozenset(
    {
        *("id", "position", "version", "updated_at", "display_name", "search_text", "email_values", "phone_values"),
        *("external_keys", "company_ids", "erased_at", "archived_at", "lifecycle_times", "annual_revenue_currency"),
    }
)
_NAMED: Final = {
    "custom": "custom",
    "custom_personal": "custom",
    "preferences": "preferences",
    "consents": "consents",
    "company_roles": "companies",
}
_SHOWN_AS: Final = {"annual_revenue_minor": "annual_revenue"}
# Who did it, and to which record, is in the row: a fold does not look there.
_RECORD: Final = StreamId("contacts", "person", "")
_ACTOR: Final = Actor("", "")
_CAUSE: Final = Cause()
_IMPORTED: Final = re.compile(r"import:([A-Za-z0-9._-]+):([0-9]+)")


class _Watched(Draft):
    """A row that remembers what was written to it. before: by column, the value that stood there."""

    __slots__ = ("before",)

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft.values, draft.places)
        self.before: dict[str, str | None] = {}

    @override
    def __setitem__(self, name: str, value: str | None) -> None:
        place = self.places[name]
        self.before.setdefault(name, self.values[place])
        self.values[place] = value


def provenance(category: str, rows: Iterable[Row], version: int) -> dict[str, Row]:
    """Find the event behind each field, by field name.

    category: person or company. rows: the record's events in the timeline, in order; those after `version` are
    left out. A field that nobody ever stated has none.
    """
    fold = FOLDS[category]
    draft = _Watched(fold.begin())
    found: dict[str, Row] = {}
    for row in rows:
        if row["version"] > version:
            break
        fold.apply(draft, recorded(row))
        for name, before in draft.before.items():
            after = draft[name]
            if after != before and name not in _LEFT_OUT:
                for field in _fields(name, before, after):
                    found[field] = row
        draft.before.clear()
    return found


def _fields(column: str, before: str | None, after: str | None) -> Iterable[str]:
    """Name the fields that a changed column stands for."""
    group = _NAMED.get(column)
    if group is not None:
        old, new = _document(before), _document(after)
        return [f"{group}.{name}" for name in {*old, *new} if old.get(name) != new.get(name)]
    if column == "companies":
        old, new = _links(before), _links(after)
        return [f"companies.{one}" for one in {*old, *new} if old.get(one) != new.get(one)]
    return [_SHOWN_AS.get(column, column)]


def _document(text: str | None) -> dict[str, Any]:
    return msgspec.json.decode(text or "{}")


def _links(text: str | None) -> dict[str, Any]:
    return {link["company_id"]: link for link in msgspec.json.decode(text or "[]")}


def recorded(row: Row) -> Recorded[Fact]:
    """Put an event together again from its row in the timeline, as far as folds look: what happened, and when."""
    moment = row["recorded_at"]
    head = CommitHead(_RECORD, 0, moment, row["commit_id"], moment, _ACTOR, _CAUSE, row["version"], 0)
    fact = fact_of(row["type"], row["details"], row["personal"], erased=row["erased"])
    return Recorded(fact, row["type"], row["occurred_at"], row["index"], head)


def origin(correlation_id: str | None) -> dict[str, Any] | None:
    """Read file and row of an import from the correlation id that `patron import` gives: `import:<file>:<row>`."""
    found = _IMPORTED.fullmatch(correlation_id or "")
    return None if found is None else {"file": found[1], "row": int(found[2])}


def event_document(row: Row) -> dict[str, Any]:
    """Show the event behind a field."""
    return {
        "type": row["type"],
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "version": row["version"],
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"], "authority": row["authority"]},
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
        "import": origin(row["correlation_id"]),
    }
