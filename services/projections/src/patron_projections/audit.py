"""The audit trail: who changed what on a record, when and from where, with the values before and after.

What people and companies did (interactions, orders) never changes afterwards and is in the timeline with its
actor; the trail is about records and definitions. The values before come from the last fact of each facet,
which the model keeps per record.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, cast

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from patron_events.catalog import contacts as events
from patron_events.envelope import CommitHead
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import (
    PERSONAL_PART,
    Blank,
    Folded,
    Row,
    array_text,
    bool_text,
    json_text,
    line,
)
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.facts import Document, Documents, documents_of

_RECORD: Final = Column("record_id", Text, primary_key=True)
_AT: Final = Column("recorded_at", DateTime(timezone=True), primary_key=True)
_POSITION: Final = Column("position", BigInteger, primary_key=True)
_INDEX: Final = Column("index", SmallInteger, primary_key=True)
_ACTOR: Final = Column("actor_id", Text, nullable=False)
TABLE: Final = read_model_table(
    "audit",
    1,
    _RECORD,
    _AT,
    _POSITION,
    _INDEX,
    Column("stream", Text, primary_key=True),
    Column("record_kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("commit_id", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    _ACTOR,
    Column("authority", ARRAY(Text), nullable=False),
    Column("address", Text),
    Column("correlation_id", Text),
    Column("causation_id", Text),
    Column("changes", JSONB, nullable=False),
    Column("personal", JSONB),
    Column("erased", Boolean, nullable=False),
    indexes=[
        Index("by_actor", _ACTOR, _AT, _POSITION, _INDEX),
        Index("by_time", _AT, _POSITION, _INDEX),
    ],
)
VIEW: Final = view_of(TABLE)
FACETS: Final = read_model_table(
    "audit_facets",
    1,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("open", JSONB, nullable=False),
    # By facet: the personal part, or null where it is erased; absent where nothing personal was said.
    Column("personal", JSONB, nullable=False),
)
_NOTHING: Final = Documents({}, None, erased=False)
_FLATTENED: Final = {"fields": "custom", "personal": "custom", "preferences": "preferences"}


def _facet_of(fact: Fact) -> tuple[str, str]:
    """Name what a fact states something about, and the prefix of its field names."""
    match fact:
        case events.CompanyLinked(company_id=one) | events.CompanyUnlinked(company_id=one):
            return f"companies[{one}]", f"companies[{one}]."
        case events.NoteAdded(note_id=one) | events.NoteRemoved(note_id=one):
            return f"notes[{one}]", f"notes[{one}]."
        case events.FieldDefined(name=one) | events.FieldRetired(name=one):
            return f"fields[{one}]", f"fields[{one}]."
        case events.RecordArchived() | events.RecordRestored():
            return "archived", ""
        case _:
            return type(fact).__name__, ""


def _stated(fact: Fact, prefix: str) -> Documents:
    """Give what a fact states from now on, by field name; nothing where it takes something away."""
    match fact:
        case events.CompanyUnlinked() | events.NoteRemoved() | events.FieldRetired():
            return _NOTHING
        case events.RecordArchived():
            return documents_of(fact)._replace(open={"archived": True})
        case events.RecordRestored():
            return Documents({"archived": False}, None, erased=False)
        case events.LifecycleStageChanged(to=stage):
            return Documents({"lifecycle_stage": stage}, None, erased=False)
        case _:
            parts = documents_of(fact)
            personal = None if parts.personal is None else _flat(parts.personal, prefix)
            return Documents(_flat(parts.open, prefix), personal, parts.erased)


def _flat(document: Document, prefix: str) -> Document:
    """Put a prefix in front of names; named values become fields of their own."""
    flat: Document = {}
    for name, value in document.items():
        group = _FLATTENED.get(name)
        if group is not None and isinstance(value, list):
            attributes = cast("list[Document]", value)
            flat.update({f"{group}.{one['name']}": one["value"] for one in attributes})
        else:
            flat[prefix + name] = value
    return flat


def _difference(before: Document, after: Document) -> Document:
    return {
        name: [before.get(name), after.get(name)]
        for name in (*before, *(name for name in after if name not in before))
        if before.get(name) != after.get(name)
    }


class _Facets:
    """The last facts of one record, by facet."""

    def __init__(self, row: Row | None) -> None:
        self.open: dict[str, Document] = {} if row is None else msgspec.json.decode(row[2] or "{}")
        self.personal: dict[str, Document | None] = {} if row is None else msgspec.json.decode(row[3] or "{}")

    def state(self, facet: str, after: Documents) -> tuple[Document, Document | None, bool]:
        """Take a new fact in; answers the open changes, the personal ones, and whether those are erased."""
        changes = _difference(self.open.get(facet, {}), after.open)
        untold = facet not in self.personal and after.personal is None and not after.erased
        before = self.personal.get(facet, {})
        erased = after.erased or before is None
        personal = None if untold or before is None or after.erased else _difference(before, after.personal or {})
        if after.open:
            self.open[facet] = after.open
        else:
            self.open.pop(facet, None)
        if after.erased:
            self.personal[facet] = None
        elif after.personal is not None:
            self.personal[facet] = after.personal
        else:
            self.personal.pop(facet, None)
        return changes, personal, erased

    def erase(self) -> None:
        """Forget every personal part."""
        self.personal = dict.fromkeys(self.personal)

    def row(self, head: CommitHead) -> Row:
        """Write the kept row."""
        return [head.stream.id, str(head.sequence), json_text(self.open), json_text(self.personal)]


class Audit:
    """The read model `audit`."""

    name: ClassVar[str] = "audit"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "contacts"
    categories: ClassVar[frozenset[str]] = frozenset({"person", "company", "field-catalogue"})
    kept: ClassVar[Table | None] = FACETS
    added: ClassVar[Table | None] = TABLE
    subject_column: ClassVar[str] = "record_id"
    blanked: ClassVar[Mapping[str, Blank]] = PERSONAL_PART

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per event, and the record's facets as they are from now on."""
        head = commit.head
        facets = _Facets(row)
        lines: list[str] = []
        erases = False
        common = _common(head)
        for recorded in commit.events:
            fact = recorded.event
            facet, prefix = _facet_of(fact)
            changes, personal, erased = facets.state(facet, _stated(fact, prefix))
            if type(fact) is events.RecordErased:
                facets.erase()
                erases = True
            lines.append(
                line(
                    [
                        *(head.stream.id, common[0], str(head.sequence), str(recorded.index)),
                        *(*common[1:5], recorded.occurred_at.isoformat(), recorded.type, *common[5:]),
                        *(json_text(changes), None if personal is None else json_text(personal), bool_text(erased)),
                    ]
                )
            )
        return Folded(facets.row(head), lines, erases)

    def emptied(self, row: Row) -> Row:
        """Give the facets of a record without their personal parts."""
        facets = _Facets(row)
        facets.erase()
        return [*row[:3], json_text(facets.personal)]


def _common(head: CommitHead) -> list[str | None]:
    actor, cause = head.actor, head.cause
    return [
        *(head.recorded_at.isoformat(), head.stream.context, head.stream.category, str(head.version), head.commit_id),
        *(actor.kind, actor.id, array_text(actor.authority), actor.address, cause.correlation_id, cause.causation_id),
    ]
