"""Read CSV and its relatives as rows: any encoding, delimiter and quoting, a million rows in bounded memory."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from patron_cli.importing.csv_dialect import BLANKS, Dialect, find_dialect, lacks_header
from patron_cli.importing.encoding import find_encoding, text_of
from patron_cli.importing.raw_file import RawFile, damaged_archive
from patron_cli.importing.rows import Detected, FileUnusable, Problem, ReadOptions, Row, unique_columns

MAX_CELL_CHARS = 16 * 1024 * 1024
_SAMPLE_CHARS = 256 * 1024
_HEADER_SAMPLE_ROWS = 50


class CsvFile:
    """A table of text. Rows that cannot be cut into the columns come out with a problem."""

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        """Detect everything about the file.

        Raises:
            FileUnusable: not text, a wrong byte-order mark, a stated encoding that does not fit, or no row.
        """
        csv.field_size_limit(MAX_CELL_CHARS)
        self._raw = raw
        self._encoding = find_encoding(raw, options.encoding)
        sample, complete = self._sample()
        if not sample.strip():
            raise FileUnusable(raw.path, "there is nothing in it but blanks")
        stated = options.delimiter
        self._dialect = Dialect(stated) if stated else find_dialect(sample, complete=complete)
        top = self._top_rows()
        self._header = not lacks_header(top) if options.header is None else options.header
        width = len(top[0])
        self._columns = unique_columns(top[0] if self._header else [""] * width)
        self._detected = Detected(
            format="gzipped CSV" if raw.gzipped else "CSV",
            encoding=self._encoding.label,
            delimiter=self._dialect.delimiter,
            quoting=_quoting(sample, self._dialect),
            columns=width,
            header=self._header,
        )

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._raw.path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the stored bytes."""
        return self._raw.fingerprint

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the header row, or `column 1` and so on."""
        return self._columns

    @property
    def detected(self) -> Detected:
        """Encoding, delimiter, quoting and columns."""
        return replace(self._detected)

    def progress(self) -> float:
        """Share of the stored bytes that were read."""
        return self._raw.progress()

    def rows(self) -> Iterator[Row]:
        """Give every data row; blank lines are numbered but not given.

        Raises:
            FileUnusable: a cell never ends, or the compressed data is damaged.
        """
        width = len(self._columns)
        first = not self._header
        for number, cells, problem in self._records():
            if not first:
                first = True
                continue
            if problem:
                yield Row(number, cells, problem)
            elif len(cells) == width:
                yield Row(number, cells)
            elif any(map(str.strip, cells)):
                yield _fitted(number, cells, width)

    def _records(self) -> Iterator[tuple[int, list[str], Problem | None]]:
        with self._raw.opened() as stream, damaged_archive(self.path):
            text = text_of(stream, self._encoding, newline="")
            if self._dialect.delimiter == BLANKS:
                for number, line in enumerate(text, start=1):
                    if cells := line.split():
                        yield number, cells, None
            else:
                yield from self._parsed(text)

    def _parsed(self, text: io.TextIOWrapper) -> Iterator[tuple[int, list[str], Problem | None]]:
        lines = _Lines(text)
        dialect = self._dialect
        reader = csv.reader(
            lines,
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            skipinitialspace=dialect.padded,
            strict=True,
        )
        number = 0
        while True:
            number += 1
            started = reader.line_num + 1
            lines.current.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "field larger" in str(error):
                    reason = f"row {number} (line {started}) holds a cell beyond 16 MiB: a quote is never closed"
                    raise FileUnusable(self.path, reason) from error
                cut = lines.text()
                yield number, [cut], Problem("malformed-row", f"line {started}: {error}: {cut[:80]!r}")
                continue
            if cells and any(cells):
                yield number, cells, None

    def _sample(self) -> tuple[str, bool]:
        with self._raw.opened() as stream, damaged_archive(self.path):
            text = text_of(stream, self._encoding, newline="")
            sample = text.read(_SAMPLE_CHARS)
            return sample, not text.read(1)

    def _top_rows(self) -> list[list[str]]:
        top: list[list[str]] = []
        for _, cells, problem in self._records():
            if problem and not top:
                raise FileUnusable(self.path, f"the header row cannot be read ({problem.message})")
            if not problem:
                top.append(cells)
            if len(top) == _HEADER_SAMPLE_ROWS:
                break
        if not top:
            raise FileUnusable(self.path, "it holds no row")
        return top


class _Lines:
    """Feed lines to the parser and keep those of the record at hand, for the errors file."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.current: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self.current.append(line)
        return line

    def text(self) -> str:
        return "".join(self.current).rstrip("\r\n")


def _fitted(number: int, cells: list[str], width: int) -> Row:
    """Accept rows whose surplus cells are blank; name what is wrong with the others."""
    if len(cells) > width and not any(map(str.strip, cells[width:])):
        return Row(number, cells[:width])
    code = "too-many-cells" if len(cells) > width else "too-few-cells"
    message = f"the row has {len(cells)} cells, the header {width}"
    return Row(number, cells, Problem(code, message))


def _quoting(sample: str, dialect: Dialect) -> str:
    if dialect.delimiter == BLANKS or dialect.quote not in sample:
        return "no quotes"
    return "double quotes" if dialect.quote == '"' else "single quotes"
