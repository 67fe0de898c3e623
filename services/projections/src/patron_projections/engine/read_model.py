"""What the engine asks of a read model: its tables and a pure fold from commits to rows.

Rows are kept in the text form of PostgreSQL (`None` is NULL): that is what COPY takes, what a row read back
gives, and what costs least. A model says only what a commit means; when and how rows are written is the
engine's business, so the same fold serves live work, retries and rebuilds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import ColumnElement, Table

from patron_events.opening import Opened

Row = list[str | None]
Blank = str | bool | Callable[[ColumnElement[Any]], ColumnElement[Any]] | None
NULL: Final = "\\N"
# What most tables say of an erasure: the personal part goes, and it is told that there was one.
PERSONAL_PART: Final[Mapping[str, Blank]] = {"personal": None, "erased": True}
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Folded(NamedTuple):
    """What one commit means for a model.

    kept: the aggregate's row from now on; None when the model keeps none.
    added: lines for the table that only grows, made by `line`.
    erases: the personal columns of the aggregate's earlier added rows are to be blanked.
    """

    kept: Row | None = None
    added: Sequence[str] = ()
    erases: bool = False


class ReadModel(Protocol):
    """One read model.

    context: whose stream it reads, such as `contacts`.
    categories: the kinds of aggregate that it looks at, such as `person`.
    kept: table with one row per aggregate (`id` first, with a column `position`), or None.
    added: table that only grows, or None; its rows of one aggregate carry its id in `subject_column`.
    blanked: what an erasure makes of columns of the added rows: NULL, or what a function makes of the column, or a
    constant. Rows in which none of the first two would change stay as they are.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    context: ClassVar[str]
    categories: ClassVar[frozenset[str]]
    kept: ClassVar[Table | None]
    added: ClassVar[Table | None]
    subject_column: ClassVar[str]
    blanked: ClassVar[Mapping[str, Blank]]

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Apply one commit to the aggregate's row; pure, the given row stays as it is.

        Raises:
            Exception: the commit cannot be applied; its aggregate is parked.
        """
        ...

    def emptied(self, row: Row) -> Row:
        """Give a kept row without anything personal, at the same position: its aggregate is parked and erased."""
        ...


def categories_of(models: Iterable[ReadModel]) -> frozenset[str]:
    """Name the kinds of aggregate that some of these models look at."""
    return frozenset[str]().union(*(model.categories for model in models))


def written_columns(table: Table) -> list[str]:
    """Name the columns that a fold fills, in order; computed ones are left to PostgreSQL."""
    return [column.name for column in table.columns if column.computed is None]


def escaped(text: str) -> str:
    """Escape a text for one column of COPY's text format."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if text.isprintable():
        return text
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def line(values: Sequence[str | None]) -> str:
    """Write one line of COPY's text format."""
    return "\t".join([NULL if value is None else escaped(value) for value in values]) + "\n"


def json_text(value: Any) -> str:
    """Write a value as JSON text."""
    return _encode(value).decode()


def time_text(value: datetime | date) -> str:
    """Write a time or date as PostgreSQL reads it."""
    return value.isoformat()


def array_text(items: Sequence[str]) -> str:
    """Write texts as an array literal of PostgreSQL."""
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


def bool_text(value: object) -> str:
    """Write a truth value as a cast to text shows it, so that rows read back look like rows just made."""
    return "true" if value else "false"
