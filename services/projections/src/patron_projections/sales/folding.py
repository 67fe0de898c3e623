"""What the read models of the pipeline context share: a row per record, and a row per version of it.

Facts may be told later than they happened, and an import tells a whole history in one commit. So a record has one
version per moment and commit: the row after the last fact of a commit that happened then, with both of its times.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, Computed, DateTime, Index, Integer, SmallInteger, Text
from sqlalchemy.dialects.postgresql import TSVECTOR

from patron_events.catalog.contacts import Attribute
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, bool_text, json_text, line, time_text
from patron_projections.records import Draft, searchable

TRUE: Final = bool_text(True)
FALSE: Final = bool_text(False)
_SEARCH: Final = frozenset({"search_text", "search"})
_VERSION_KEY: Final = frozenset({"id", "version"})
Apply = Callable[[Draft, Any, Recorded[Fact]], None]


def first_columns(key: Any) -> list[Column[Any]]:
    """Describe the columns that a row begins with. key: type of the id.

    created_at: when the first fact happened; changed_at: when the last one did; updated_at: when it was recorded.
    """
    return [
        Column("id", key, primary_key=True),
        Column("position", BigInteger, nullable=False),
        Column("version", Integer, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("changed_at", DateTime(timezone=True), nullable=False),
        Column("updated_at", DateTime(timezone=True), nullable=False),
    ]


def search_columns() -> list[Column[Any]]:
    """Describe the columns that a searchable row ends with: the normalised text, and its words."""
    return [
        Column("search_text", Text, nullable=False),
        Column("search", TSVECTOR, Computed("to_tsvector('simple'::regconfig, search_text)", persisted=True)),
    ]


def search_indexes(columns: Sequence[Column[Any]]) -> list[Index]:
    """Describe the indexes of searchable rows: one for words, one for parts of words."""
    by_name = {column.name: column for column in columns}
    likeness = Index(
        "like_search_text",
        by_name["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    return [Index("in_search", by_name["search"], postgresql_using="gin"), likeness]


def versions_of(columns: Sequence[Column[Any]]) -> list[Column[Any]]:
    """Describe the table of all versions of a record.

    index: of the last fact of the version in its commit. occurred_at: when its facts happened; recorded_at: when they
    were recorded. What is searched stands in two parts, so that an erasure takes the personal one.
    """
    return [
        *(
            Column(column.name, column.type, primary_key=column.name in _VERSION_KEY, nullable=column.nullable)
            for column in columns
            if column.name not in _SEARCH
        ),
        Column("index", SmallInteger, primary_key=True),
        Column("search_personal", Text),
        Column("search_open", Text),
        Column("occurred_at", DateTime(timezone=True), nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
    ]


class Told(NamedTuple):
    """What one kind of record is told by.

    apply: what each kind of fact changes. begins: what stands in a row before its first fact.
    personal: columns emptied on erasure; erased_by: the fact that says so. searched: columns whose words can be found.
    """

    columns: Sequence[str]
    apply: Mapping[type[Fact], Apply]
    begins: Mapping[str, str]
    personal: Sequence[str] = ()
    erased_by: type[Fact] | None = None
    searched: Sequence[str] = ()


class Telling:
    """Folds the commits of one record into its row and its versions."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._places = {name: place for place, name in enumerate(told.columns)}
        self._empty: Row = [None] * len(told.columns)
        for name, value in told.begins.items():
            self._empty[self._places[name]] = value
        self._searchable = "search_text" in self._places
        self._of_versions = [place for place, name in enumerate(told.columns) if name not in _SEARCH]
        self._searched_personal = [name for name in told.searched if name in told.personal]
        self._searched_open = [name for name in told.searched if name not in told.personal]

    def __call__(self, row: Row | None, commit: Opened) -> Folded:
        """Give the row after a commit and its new versions.

        Raises:
            KeyError: a kind of fact that this release does not expect on such a record.
        """
        head = commit.head
        draft = Draft(list(self._empty if row is None else row), self._places)
        if row is None:
            draft["id"] = head.stream.id
            draft["created_at"] = time_text(commit.events[0].occurred_at)
        draft["position"] = str(head.sequence)
        draft["version"] = str(head.version)
        draft["updated_at"] = time_text(head.recorded_at)
        lines: list[str] = []
        before: Recorded[Fact] | None = None
        for recorded in commit.events:
            if before is not None and recorded.occurred_at != before.occurred_at:
                lines.append(self._version(draft, before))
            self._told.apply[type(recorded.event)](draft, recorded.event, recorded)
            draft["changed_at"] = time_text(recorded.occurred_at)
            before = recorded
        if before is not None:
            lines.append(self._version(draft, before))
        if self._searchable:
            draft["search_text"] = " ".join(part for part in self._search(draft) if part)
        return Folded(draft.values, lines, self._erases(commit))

    def emptied(self, row: Row) -> Row:
        """Give a row as an erasure leaves it, at the position that it has."""
        draft = Draft(list(row), self._places)
        self.erase(draft)
        if self._searchable:
            draft["search_text"] = " ".join(part for part in self._search(draft) if part)
        return draft.values

    def erase(self, draft: Draft) -> None:
        """Empty what is personal."""
        for name in self._told.personal:
            draft[name] = None
        if "erased" in self._places:
            draft["erased"] = TRUE

    @property
    def blanked(self) -> Mapping[str, Blank]:
        """Say what an erasure makes of the columns of versions."""
        return dict.fromkeys((*self._told.personal, "search_personal")) if self._told.personal else {}

    def _erases(self, commit: Opened) -> bool:
        by = self._told.erased_by
        return by is not None and any(type(recorded.event) is by for recorded in commit.events)

    def _version(self, draft: Draft, last: Recorded[Fact]) -> str:
        # Erased from the commit that says so, even where the row was emptied before because its record is parked.
        if "erased_at" in self._places:
            draft["erased"] = bool_text(draft["erased_at"])
        values = [draft.values[place] for place in self._of_versions]
        times = [time_text(last.occurred_at), time_text(last.commit.recorded_at)]
        return line([*values, str(last.index), *self._search(draft), *times])

    def _search(self, draft: Draft) -> tuple[str | None, str | None]:
        personal = searchable([draft[name] for name in self._searched_personal])
        return personal or None, searchable([draft[name] for name in self._searched_open]) or None


def erased(telling: Callable[[], Telling]) -> Apply:
    """Make what an erasing fact changes. telling: gives the fold that it belongs to."""

    def apply(draft: Draft, _: Fact, recorded: Recorded[Fact]) -> None:
        telling().erase(draft)
        draft["erased_at"] = time_text(recorded.occurred_at)

    return apply


def number(value: int | None) -> str | None:
    """Write a whole number."""
    return None if value is None else str(value)


def moment(value: Any) -> str | None:
    """Write a time or date."""
    return None if value is None else time_text(value)


def document(value: Any) -> str | None:
    """Write a value of the catalogue as JSON; None where it is empty."""
    return json_text(msgspec.to_builtins(value)) if value else None


def named_values(values: Collection[Attribute]) -> str | None:
    """Write named values as a JSON object; None where there are none."""
    return json_text({one.name: one.value for one in values}) if values else None


def nothing(_: Draft, __: Fact, ___: Recorded[Fact]) -> None:
    """Leave the row as it is: the fact says nothing that the row holds."""
