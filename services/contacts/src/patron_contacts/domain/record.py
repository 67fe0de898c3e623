"""What people and companies have in common: facets, notes, archive, erasure and unique keys.

A facet is a part of a record that one fact states whole (`EmailsChanged` holds all addresses). The present
value of a facet is simply its last fact, so changing a record means: put the changes into the present facts
and record those that differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from patron_contacts.domain.consent import Consents
from patron_contacts.domain.custom_field import unique_key
from patron_contacts.domain.errors import CustomFieldMissing, NoteNotFound, RecordArchived, RecordErased, RecordNotFound
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.personal import Erased, known
from patron_events.registry import Fact
from patron_values.contact_points import email_key
from patron_values.keys import UniqueKey

F = TypeVar("F", bound=Fact)
Definitions = Mapping[str, events.FieldDefined]


class Record(msgspec.Struct, frozen=True):
    """A person or company as the log tells it.

    facets: the last fact of each kind. stages: when each lifecycle stage was last entered.
    status: absent, live, archived or erased.
    """

    status: str = "absent"
    facets: Mapping[type[Fact], Fact] = {}
    notes: Mapping[str, events.NoteAdded] = {}
    links: Mapping[str, events.CompanyLinked] = {}
    consents: Consents = {}
    stages: Mapping[str, datetime] = {}
    stage: str | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None

    def facet(self, kind: type[F]) -> F:
        """Read a facet; an unset one has the fact's defaults."""
        found = self.facets.get(kind)
        return found if isinstance(found, kind) else kind()


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note to be added; `at` is when it was written, None for now."""

    note_id: str
    text: str
    author: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a caller wants to be different: per facet the members to set, custom fields by name.

    custom: None removes a field. definitions: the custom fields as they are defined now.
    add_tags, add_external_ids: joined with those on record instead of replacing them.
    """

    facets: Mapping[type[Fact], Mapping[str, Any]]
    custom: Mapping[str, events.Scalar | None]
    definitions: Definitions
    notes: Sequence[NewNote] = ()
    add_tags: Sequence[str] = ()
    add_external_ids: Sequence[events.ExternalId] = ()


@dataclass(frozen=True, slots=True)
class AddNote:
    """Write a note about the record."""

    note: NewNote


@dataclass(frozen=True, slots=True)
class RemoveNote:
    """Take a note back."""

    note_id: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Take the record out of daily use; its unique keys become free."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring an archived record back, if its unique keys are still free."""


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase what is personal, for good. reason: one of `RecordErased`, because it is not erased."""

    reason: str = "request"


RecordCommand = AddNote | RemoveNote | Archive | Restore | Erase


def check_live(record: Record) -> None:
    """Refuse a record that cannot be changed."""
    match record.status:
        case "absent":
            raise RecordNotFound
        case "erased":
            raise RecordErased
        case "archived":
            raise RecordArchived
        case _:
            return


def _custom_changes(record: Record, changes: Changes) -> events.CustomFieldsChanged:
    present = record.facet(events.CustomFieldsChanged)
    personal = () if isinstance(present.personal, Erased) else present.personal
    values = {one.name: one.value for one in (*present.fields, *personal)}
    for name, value in changes.custom.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    missing = [one.name for one in changes.definitions.values() if one.required and one.name not in values]
    if missing:
        raise CustomFieldMissing(field=f"custom.{missing[0]}")
    hidden = {one.name for one in changes.definitions.values() if one.personal} | {one.name for one in personal}
    attributes = [events.Attribute(name, values[name]) for name in sorted(values)]
    return events.CustomFieldsChanged(
        fields=tuple(one for one in attributes if one.name not in hidden),
        personal=tuple(one for one in attributes if one.name in hidden),
    )


def changed_facets(record: Record, changes: Changes) -> Iterator[Fact]:
    """Answer the facets that would differ, each as the fact that states it."""
    for kind, members in changes.facets.items():
        present = record.facets.get(kind)
        wanted = kind(**members) if present is None else structs.replace(present, **members)
        if wanted != (present or _empty(kind)):
            yield wanted
    if changes.add_tags:
        tags = {tag.casefold(): tag for tag in (*changes.add_tags, *record.facet(events.TagsChanged).tags)}
        yield from _differing(record, events.TagsChanged(tags=tuple(sorted(tags.values()))))
    if changes.add_external_ids:
        ids = {*changes.add_external_ids, *external_ids(record)}
        ordered = tuple(sorted(ids, key=lambda one: (one.source, one.id)))
        yield from _differing(record, events.ExternalIdsChanged(external_ids=ordered))
    yield from _differing(record, _custom_changes(record, changes))


def _differing(record: Record, wanted: Fact) -> Iterator[Fact]:
    if wanted != record.facet(type(wanted)):
        yield wanted


@cache
def _empty(kind: type[Fact]) -> Fact | None:
    required = [one for one in structs.fields(kind) if one.required]
    return None if required else kind()


def added_notes(notes: Sequence[NewNote], record: Record) -> Iterator[Fact | Dated]:
    """Answer the notes that are not on record yet, each at the time it was written."""
    for note in notes:
        if note.note_id not in record.notes:
            fact = events.NoteAdded(note_id=note.note_id, text=note.text, author=note.author)
            yield fact if note.at is None else Dated(fact, note.at)


def decide_record(record: Record, command: RecordCommand) -> Sequence[Fact | Dated]:
    """Answer the commands that people and companies share."""
    if record.status == "absent":
        raise RecordNotFound
    match command:
        case Erase(reason):
            return () if record.status == "erased" else (events.RecordErased(reason=reason),)
        case _ if record.status == "erased":
            raise RecordErased
        case Archive(reason):
            return () if record.status == "archived" else (events.RecordArchived(reason=reason),)
        case Restore():
            return () if record.status == "live" else (events.RecordRestored(),)
        case AddNote(note):
            check_live(record)
            return tuple(added_notes((note,), record))
        case RemoveNote(note_id):
            check_live(record)
            if note_id not in record.notes:
                raise NoteNotFound
            return (events.NoteRemoved(note_id=note_id),)


def evolve_record(record: Record, event: Fact, at: datetime) -> Record:
    """Fold one fact of those that people and companies share."""
    match event:
        case events.NoteAdded():
            return structs.replace(record, notes={**record.notes, event.note_id: event}, changed_at=at)
        case events.NoteRemoved(note_id=gone):
            notes = {note_id: note for note_id, note in record.notes.items() if note_id != gone}
            return structs.replace(record, notes=notes, changed_at=at)
        case events.RecordArchived():
            return structs.replace(record, status="archived", changed_at=at)
        case events.RecordRestored():
            return structs.replace(record, status="live", changed_at=at)
        case events.RecordErased():
            return Record(status="erased", created_at=record.created_at, changed_at=at)
        case _:
            return with_facet(record, event, at)


def with_facet(record: Record, event: Fact, at: datetime) -> Record:
    """Put a facet's fact in the place of the one before it."""
    return structs.replace(record, facets={**record.facets, type(event): event}, changed_at=at)


def external_ids(record: Record) -> tuple[events.ExternalId, ...]:
    """Read the ids in other systems; none where they are erased."""
    return known(record.facet(events.ExternalIdsChanged).external_ids, ())


def unique_keys(record: Record, definitions: Definitions, *, emails: bool) -> set[UniqueKey]:
    """Name the keys that a record holds while it is live; `emails` says whether addresses are among them."""
    if record.status != "live":
        return set()
    keys = {UniqueKey("external-id", (one.source, one.id)) for one in external_ids(record)}
    addresses = record.facet(events.EmailsChanged).emails
    if emails and not isinstance(addresses, Erased):
        keys |= {UniqueKey("email", (email_key(one.value),)) for one in addresses}
    custom = record.facet(events.CustomFieldsChanged)
    personal = () if isinstance(custom.personal, Erased) else custom.personal
    for one in (*custom.fields, *personal):
        definition = definitions.get(one.name)
        if definition is not None and definition.unique:
            keys.add(UniqueKey(f"custom:{one.name}", (unique_key(definition, one.value),)))
    return keys
