"""Write rows as CSV, JSON Lines or Parquet while they come, in bounded memory.

CSV follows RFC 4180 (UTF-8, CRLF, a header). Texts that a spreadsheet would take for a formula get an apostrophe in
front, unless they look like a number or a phone number (CWE-1236: names come from web forms, and colleagues open
exports in spreadsheets); `formulas=kept` leaves them as they are. JSON Lines and Parquet never change a value.
"""

import csv
import io
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from typing_extensions import override

from patron_projections.reports.definition import Column

Document = Mapping[str, Any]
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER: Final = re.compile(r"[+-][0-9][0-9 .,()/-]*")
_WIDTH: Final = 38
_MONEY_SCALE: Final = 4
_SCALE: Final = 9
_ROW_GROUP: Final = 10_000


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


MEDIA_TYPES: Final[Mapping[Format, str]] = {
    Format.CSV: "text/csv",
    Format.JSONL: "application/jsonl",
    Format.PARQUET: "application/vnd.apache.parquet",
}


def accepted(accept: str | None) -> Format | None:
    """Choose a format by an `Accept` header: the first type that is ours; None for JSON."""
    for part in (accept or "").split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted in {"application/json", "application/*", "*/*"}:
            return None
        for one, media_type in MEDIA_TYPES.items():
            if wanted == media_type:
                return one
    return None


class Writer(Protocol):
    """Turns rows into the bytes of a file."""

    def begin(self) -> bytes:
        """Give what the file begins with."""
        ...

    def rows(self, rows: Sequence[Document]) -> bytes:
        """Give some more rows; they may come later."""
        ...

    def end(self) -> bytes:
        """Give what is left."""
        ...


class CsvWriter:
    """Writes CSV. exact: texts stay as they are, formulas or not."""

    def __init__(self, columns: Sequence[Column], *, exact: bool) -> None:
        self._columns = columns
        self._exact = exact

    def begin(self) -> bytes:
        """Give the header."""
        return self._lines([[self._text(column.name) for column in self._columns]])

    def rows(self, rows: Sequence[Document]) -> bytes:
        """Give lines."""
        return self._lines([[self._cell(row.get(column.name)) for column in self._columns] for row in rows])

    def end(self) -> bytes:
        """Give nothing more."""
        return b""

    def _lines(self, lines: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(lines)
        return text.getvalue().encode()

    def _cell(self, value: Any) -> str:
        match value:
            case None:
                return ""
            case bool():
                return "true" if value else "false"
            case str():
                return self._text(value)
            case Decimal():
                return f"{value:f}"
            case datetime() | date():
                return _plain(value)
            case int() | float():
                return repr(value)
            case UUID():
                return str(value)
            case _:
                return msgspec.json.encode(value).decode()

    def _text(self, text: str) -> str:
        if self._exact or not text.startswith(_FORMULA) or _NUMBER.fullmatch(text):
            return text
        return f"'{text}"


class JsonLinesWriter:
    """Writes one JSON document a line."""

    def begin(self) -> bytes:
        """Give nothing yet."""
        return b""

    def rows(self, rows: Sequence[Document]) -> bytes:
        """Give lines."""
        return b"".join([msgspec.json.encode(row) + b"\n" for row in rows])

    def end(self) -> bytes:
        """Give nothing more."""
        return b""


class _Sink(io.RawIOBase):
    """A file that gives away what was written to it, and still knows how much that was."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    @override
    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    @override
    def tell(self) -> int:
        """Tell how much was written."""
        return self._length

    @override
    def write(self, part: Any, /) -> int:
        """Keep a part until it is taken."""
        self._parts.append(bytes(part))
        self._length += len(self._parts[-1])
        return len(self._parts[-1])

    def take(self) -> bytes:
        """Give away what was written since."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class ParquetWriter:
    """Writes Parquet with typed columns; pyarrow is loaded when the first file is written.

    decimal is decimal128(38, 4) for money and (38, 9) for the rest, time is in microseconds UTC, documents are JSON.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa  # noqa: PLC0415  (60 MB that a process without exports should not carry)
        from pyarrow import parquet  # noqa: PLC0415  (as above)

        self._arrow: Any = pa
        self._columns = columns
        self._schema: Any = self._arrow.schema([(column.name, self._type(column)) for column in columns])
        self._file = _Sink()
        of_parquet: Any = parquet
        self._writer = of_parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._waiting: list[Document] = []

    def begin(self) -> bytes:
        """Give the magic number."""
        return self._written()

    def rows(self, rows: Sequence[Document]) -> bytes:
        """Give whole row groups as soon as they are full."""
        self._waiting += rows
        if len(self._waiting) >= _ROW_GROUP:
            self._flush()
        return self._written()

    def end(self) -> bytes:
        """Give the last row group and the directory, without which no reader takes the file for whole."""
        self._flush()
        self._writer.close()
        return self._written()

    def _flush(self) -> None:
        if self._waiting:
            rows = [{one.name: _typed(row.get(one.name), one) for one in self._columns} for row in self._waiting]
            self._writer.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))
            self._waiting = []

    def _written(self) -> bytes:
        return self._file.take()

    def _type(self, column: Column) -> Any:
        arrow = self._arrow
        match column.kind:
            case "decimal":
                return arrow.decimal128(_WIDTH, _scale(column))
            case "integer":
                return arrow.int64()
            case "number":
                return arrow.float64()
            case "boolean":
                return arrow.bool_()
            case "date":
                return arrow.date32()
            case "time":
                return arrow.timestamp("us", tz="UTC")
            case _:
                return arrow.string()


def writer_of(form: Format, columns: Sequence[Column], *, exact: bool) -> Writer:
    """Choose the writer of a format."""
    match form:
        case Format.CSV:
            return CsvWriter(columns, exact=exact)
        case Format.JSONL:
            return JsonLinesWriter()
        case Format.PARQUET:
            return ParquetWriter(columns)


async def written(writer: Writer, batches: AsyncGenerator[Sequence[Document]]) -> AsyncGenerator[bytes]:
    """Write batches while they come; whatever ends them early ends this too, with the same exception."""
    async with aclosing(batches):
        yield writer.begin()
        async for batch in batches:
            yield writer.rows(batch)
        yield writer.end()


def _scale(column: Column) -> int:
    return _MONEY_SCALE if column.unit == "currency" else _SCALE


def _plain(value: datetime | date) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()


def _typed(value: Any, column: Column) -> Any:
    if value is None:
        return None
    match column.kind:
        case "decimal":
            exact = Decimal(value)
            return exact.quantize(Decimal(1).scaleb(-_scale(column)), ROUND_HALF_EVEN)
        case "document":
            return msgspec.json.encode(value).decode()
        case "text" | "id":
            return str(value)
        case "date":
            return date.fromisoformat(value) if isinstance(value, str) else value
        case _:
            return value
