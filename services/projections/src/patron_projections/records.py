"""What the directories of people and of companies share: columns, and the facts that both kinds of record have.

Rows are complete after every commit. Each personal column is empty once the record is erased, whether the
row lived through the erasure or was folded from what is left of the log.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR, UUID

from patron_events.catalog import contacts as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.personal import Erased, known
from patron_events.registry import Fact
from patron_projections.engine.read_model import (
    Row,
    array_text,
    bool_text,
    json_text,
    line,
    time_text,
    written_columns,
)

TRUE: Final = bool_text(True)
FALSE: Final = bool_text(False)
_SEARCHED: Final = 4_000
_ONLY_SEARCHED: Final = frozenset({"search_text", "search"})
_VERSION_KEY: Final = frozenset({"id", "version"})
_NOT_OF_NUMBERS: Final = re.compile(r"[\W_]+")
_SEPARATORS: Final = re.compile(r"[@._+\-]+")


def record_columns() -> list[Column[Any]]:
    """Describe the columns that a row begins with."""
    return [
        Column("id", UUID, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
        Column("archived", Boolean, nullable=False),
        Column("archived_at", DateTime(timezone=True)),
        Column("erased", Boolean, nullable=False),
        # Empty while the erasure was carried out but not folded yet: its record is parked.
        Column("erased_at", DateTime(timezone=True)),
        Column("display_name", Text),
        Column("email", Text),
        Column("email_values", ARRAY(Text)),
        Column("emails", JSONB),
        Column("phone", Text),
        Column("phone_values", ARRAY(Text)),
        Column("phones", JSONB),
        Column("country", Text),
        Column("region", Text),
        Column("locality", Text),
        Column("postal_code", Text),
        Column("addresses", JSONB),
        Column("social", JSONB),
        Column("urls", JSONB),
        Column("custom", JSONB),
        Column("custom_personal", JSONB),
        Column("external_ids", JSONB),
        Column("external_keys", ARRAY(Text)),
        Column("owner", Text),
        Column("team", Text),
        Column("tags", ARRAY(Text)),
        Column("notes_count", Integer, nullable=False),
    ]


def search_columns() -> list[Column[Any]]:
    """Describe the columns that a row ends with: the normalised text, and its words."""
    return [
        Column("search_text", Text, nullable=False),
        Column("search", TSVECTOR, Computed("to_tsvector('simple'::regconfig, search_text)", persisted=True)),
    ]


def versions_of(columns: Sequence[Column[Any]]) -> list[Column[Any]]:
    """Describe the table of all versions of a record: the row after each commit, and when it was recorded.

    What is searched stands in two parts, so that an erasure takes the personal one and leaves the other.
    """
    return [
        *(
            Column(column.name, column.type, primary_key=column.name in _VERSION_KEY, nullable=column.nullable)
            for column in columns
            if column.name not in _ONLY_SEARCHED
        ),
        Column("search_personal", Text),
        Column("search_open", Text),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    ]


def record_indexes(columns: Sequence[Column[Any]], *sorted_by: str) -> list[Index]:
    """Describe the indexes: one per common order, one for words, one for parts of words, one for each set."""
    by_name = {column.name: column for column in columns}
    orders = [Index(f"by_{name}", by_name[name], by_name["id"]) for name in ("created_at", "updated_at", *sorted_by)]
    sets = [
        Index(f"in_{name}", by_name[name], postgresql_using="gin")
        for name in ("email_values", "external_keys", "tags", "search")
    ]
    likeness = Index(
        "like_search_text",
        by_name["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    return [*orders, *sets, likeness]


ALWAYS_THERE: Final = frozenset(column.name for column in record_columns() if column.primary_key or not column.nullable)
PERSONAL: Final = (
    "email", "email_values", "emails", "phone", "phone_values", "phones", "country", "region",
    "locality", "postal_code", "addresses", "social", "urls", "custom_personal",
    "external_ids", "external_keys",
)  # fmt: skip


class Draft:
    """A row while one commit is applied to it; columns are reached by name."""

    __slots__ = ("places", "values")

    def __init__(self, values: Row, places: Mapping[str, int]) -> None:
        self.values = values
        self.places = places

    def __getitem__(self, name: str) -> str | None:
        return self.values[self.places[name]]

    def __setitem__(self, name: str, value: str | None) -> None:
        self.values[self.places[name]] = value


Apply = Callable[[Draft, Any, Recorded[Fact]], None]


def plain(value: Any) -> Any:
    """Turn a struct of the catalogue into a document with its defaults, without what is absent."""
    if isinstance(value, msgspec.Struct):
        return {name: part for name, part in msgspec.structs.asdict(value).items() if part is not None}
    return value


def documents(values: Iterable[Any] | Erased) -> str | None:
    """Write values as a JSON array; None where there are none or they are erased."""
    items = [] if isinstance(values, Erased) else [plain(value) for value in values]
    return json_text(items) if items else None


def texts(values: Sequence[str]) -> str | None:
    """Write texts as an array; None where there are none."""
    return array_text(values) if values else None


def attributes(values: Sequence[events.Attribute] | Erased) -> str | None:
    """Write named values as a JSON object; None where there are none or they are erased."""
    if isinstance(values, Erased) or not values:
        return None
    return json_text({attribute.name: attribute.value for attribute in values})


def _emails(draft: Draft, fact: events.EmailsChanged, _: Recorded[Fact]) -> None:
    emails = () if isinstance(fact.emails, Erased) else fact.emails
    draft["emails"] = documents(emails)
    draft["email_values"] = texts([email_key(email.value) for email in emails])
    draft["email"] = next((email.value for email in emails if email.primary), emails[0].value if emails else None)


def _phones(draft: Draft, fact: events.PhonesChanged, _: Recorded[Fact]) -> None:
    phones = () if isinstance(fact.phones, Erased) else fact.phones
    draft["phones"] = documents(phones)
    numbers = [phone.value or phone.typed for phone in phones]
    keys = (number_key(form) for phone in phones for form in (phone.value, phone.typed) if form)
    draft["phone_values"] = texts([key for key in dict.fromkeys(keys) if key])
    primary = [number for number, phone in zip(numbers, phones, strict=True) if phone.primary]
    draft["phone"] = next(iter(primary or numbers), None)


def _addresses(draft: Draft, fact: events.AddressesChanged, _: Recorded[Fact]) -> None:
    addresses = () if isinstance(fact.addresses, Erased) else fact.addresses
    draft["addresses"] = documents(addresses)
    first = next((address for address in addresses if address.primary), addresses[0] if addresses else None)
    for name in ("country", "region", "locality", "postal_code"):
        draft[name] = getattr(first, name, None)


def _social(draft: Draft, fact: events.SocialHandlesChanged, _: Recorded[Fact]) -> None:
    draft["social"] = documents(fact.social)
    draft["urls"] = documents(fact.urls)


def _tags(draft: Draft, fact: events.TagsChanged, _: Recorded[Fact]) -> None:
    draft["tags"] = texts(fact.tags)


def _custom(draft: Draft, fact: events.CustomFieldsChanged, _: Recorded[Fact]) -> None:
    draft["custom"] = attributes(fact.fields)
    draft["custom_personal"] = attributes(fact.personal)


def _external_ids(draft: Draft, fact: events.ExternalIdsChanged, _: Recorded[Fact]) -> None:
    external_ids = known(fact.external_ids, ())
    draft["external_ids"] = documents(external_ids)
    draft["external_keys"] = texts([f"{one.source}:{one.id}" for one in external_ids])


def _owner(draft: Draft, fact: events.OwnerAssigned, _: Recorded[Fact]) -> None:
    draft["owner"] = fact.owner
    draft["team"] = fact.team


def _note_added(draft: Draft, _: events.NoteAdded, __: Recorded[Fact]) -> None:
    draft["notes_count"] = str(int(draft["notes_count"] or 0) + 1)


def _note_removed(draft: Draft, _: events.NoteRemoved, __: Recorded[Fact]) -> None:
    draft["notes_count"] = str(max(0, int(draft["notes_count"] or 0) - 1))


def _archived(draft: Draft, _: events.RecordArchived, recorded: Recorded[Fact]) -> None:
    draft["archived"] = TRUE
    draft["archived_at"] = time_text(recorded.occurred_at)


def _restored(draft: Draft, _: events.RecordRestored, __: Recorded[Fact]) -> None:
    draft["archived"] = FALSE
    draft["archived_at"] = None


def created(draft: Draft, _: Fact, recorded: Recorded[Fact]) -> None:
    """Note when the record began."""
    draft["created_at"] = time_text(recorded.occurred_at)


RECORD_FACTS: Final[dict[type[Fact], Apply]] = {
    events.EmailsChanged: _emails,
    events.PhonesChanged: _phones,
    events.AddressesChanged: _addresses,
    events.SocialHandlesChanged: _social,
    events.TagsChanged: _tags,
    events.CustomFieldsChanged: _custom,
    events.ExternalIdsChanged: _external_ids,
    events.OwnerAssigned: _owner,
    events.NoteAdded: _note_added,
    events.NoteRemoved: _note_removed,
    events.RecordArchived: _archived,
    events.RecordRestored: _restored,
}


class RecordFold:
    """Folds the commits of one record into its row.

    apply: what each kind of fact changes; personal: columns emptied on erasure;
    searched: columns whose words can be searched; named: works out the display name.
    """

    def __init__(
        self,
        table: Table,
        apply: Mapping[type[Fact], Apply],
        personal: Sequence[str],
        searched: Sequence[str],
        named: Callable[[Draft], str | None],
    ) -> None:
        columns = written_columns(table)
        self._places = {name: place for place, name in enumerate(columns)}
        self._apply = apply
        self._personal = personal
        self._searched_personal = [name for name in searched if name in personal]
        self._searched_open = [name for name in searched if name not in personal]
        self._named = named
        self._of_versions = [place for place, name in enumerate(columns) if name not in _ONLY_SEARCHED]
        self._empty: Row = [None] * len(columns)
        for name, value in (("archived", FALSE), ("erased", FALSE), ("notes_count", "0"), ("search_text", "")):
            self._empty[self._places[name]] = value

    def __call__(self, row: Row | None, commit: Opened) -> Row:
        """Give the row after a commit.

        Raises:
            KeyError: a kind of fact that this release does not expect on such a record.
        """
        head = commit.head
        draft = Draft(list(self._empty if row is None else row), self._places)
        if row is None:
            draft["id"] = head.stream.id
            draft["created_at"] = time_text(head.recorded_at)
        for recorded in commit.events:
            self.apply(draft, recorded)
        draft["position"] = str(head.sequence)
        draft["version"] = str(head.version)
        draft["updated_at"] = time_text(head.recorded_at)
        draft["display_name"] = self._named(draft)
        if draft["erased"] == FALSE:
            draft["search_text"] = " ".join(part for part in self._search(draft) if part)
        return draft.values

    def begin(self) -> Draft:
        """Give the row of a record of which nothing is known."""
        return Draft(list(self._empty), self._places)

    def apply(self, draft: Draft, recorded: Recorded[Fact]) -> None:
        """Apply one fact; what is worked out of several columns is left to the end of the commit.

        Raises:
            KeyError: as when called.
        """
        fact = recorded.event
        if type(fact) is events.RecordErased:
            self._erase(draft)
            draft["erased_at"] = time_text(recorded.occurred_at)
        else:
            self._apply[type(fact)](draft, fact, recorded)

    def version(self, row: Row, commit: Opened) -> str:
        """Write a row, just folded, as a line of the table of all versions.

        A version is erased from the commit that says so, even where its record was emptied before: see `emptied`.
        """
        draft = Draft(list(row), self._places)
        draft["erased"] = bool_text(draft["erased_at"])
        values = [draft.values[place] for place in self._of_versions]
        return line([*values, *self._search(draft), time_text(commit.head.recorded_at)])

    def erases(self, commit: Opened) -> bool:
        """Tell whether a commit erases the record."""
        return any(type(recorded.event) is events.RecordErased for recorded in commit.events)

    def emptied(self, row: Row) -> Row:
        """Give a row as an erasure leaves it, at the position that it has."""
        draft = Draft(list(row), self._places)
        self._erase(draft)
        return draft.values

    def _search(self, draft: Draft) -> tuple[str | None, str | None]:
        personal = searchable([draft[name] for name in self._searched_personal])
        return personal or None, searchable([draft[name] for name in self._searched_open]) or None

    def _erase(self, draft: Draft) -> None:
        for name in self._personal:
            draft[name] = None
        draft["search_text"] = ""
        draft["erased"] = TRUE


def email_key(address: str) -> str:
    """Fold what does not tell addresses apart, in what is stored to be found and in what is asked for alike."""
    return address.lower()


def number_key(number: str) -> str:
    """Reduce a telephone number to what is dialled: `+49 (30) 1-2` and `0049 30 12` give `493012`."""
    return _NOT_OF_NUMBERS.sub("", number).lower().removeprefix("00")


def searchable(parts: Iterable[str | None]) -> str:
    """Join texts for searching: folded case, no accents, addresses also by their parts, at most 4,000 letters."""
    joined = " ".join(part.strip('{}"').replace('"', "").replace(",", " ") for part in parts if part)[:_SEARCHED]
    folded = normalised(joined)
    apart = _SEPARATORS.sub(" ", folded)
    return folded if apart == folded else f"{folded} {apart}"


def normalised(text: str) -> str:
    """Fold case and drop accents, in texts to be searched and in what is searched for alike."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
