"""Say what every reader of a file gives: columns, rows, and what it found out about the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class FileUnusable(Exception):
    """The file or an option cannot be used at all; nothing was sent. The text is meant for the user."""

    def __init__(self, path: Path | None, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason


class Problem(NamedTuple):
    """Why one row cannot become a record.

    code: kebab-case slug, stable; codes of the server pass through unchanged.
    column: name as in the file, or "" where the whole row is wrong.
    """

    code: str
    message: str
    column: str = ""


class Row(NamedTuple):
    """One record of a file.

    number: where a person finds it: the row of a spreadsheet (a header row is 1), the line of JSON Lines,
        the ordinal of a card.
    values: one per column, in the order of the columns; text, except where the format itself has types.
        With a problem it holds whatever could be read.
    """

    number: int
    values: Sequence[Any]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found out about a file, for the user to check.

    rows: number of records where the format tells it beforehand.
    remarks: full sentences about anything unusual.
    """

    format: str
    encoding: str = ""
    delimiter: str = ""
    quoting: str = ""
    columns: int = 0
    rows: int | None = None
    header: bool = True
    remarks: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Tell it in one line."""
        parts = [self.format, self.encoding]
        if self.delimiter:
            parts.append(f"delimiter {_DELIMITER_NAMES.get(self.delimiter, self.delimiter)}")
        parts.append(self.quoting)
        parts.append(f"{self.columns} columns" if self.columns != 1 else "1 column")
        if self.rows is not None:
            parts.append(f"{self.rows} rows")
        if not self.header:
            parts.append("no header row")
        return ", ".join(part for part in parts if part)


_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blanks"}


class RowFile(Protocol):
    """A file that can be read row by row, any number of times, in bounded memory."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its bytes, in hexadecimal."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Unique names, in the order of the values of every row."""
        ...

    @property
    def detected(self) -> Detected:
        """What was found out about it."""
        ...

    def rows(self) -> Iterator[Row]:
        """Read it from its beginning.

        Raises:
            FileUnusable: the file breaks off or is damaged from here on.
        """
        ...

    def progress(self) -> float:
        """Share of the file that the latest `rows()` has read, 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user states about a file instead of having it detected.

    header: None means detected.
    sheet: name of an XLSX sheet; None is the first one with content.
    """

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    sheet: str | None = None


def unique_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Name every column once: blanks become `column 3`, repeated names get ` (2)`."""
    seen: set[str] = set()
    unique: list[str] = []
    for position, name in enumerate(names, start=1):
        plain = name.strip() or f"column {position}"
        candidate, count = plain, 1
        while candidate in seen:
            count += 1
            candidate = f"{plain} ({count})"
        seen.add(candidate)
        unique.append(candidate)
    return tuple(unique)
