"""Read a sheet of an XLSX workbook as rows, streaming."""

import datetime as dt
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from patron_cli.importing.csv_dialect import lacks_header
from patron_cli.importing.raw_file import RawFile
from patron_cli.importing.rows import Detected, FileUnusable, ReadOptions, Row, unique_columns

_TOP_ROWS = 50
_DAMAGE = (zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, KeyError, ValueError, EOFError, OSError)


class _Sheet(Protocol):
    """The part of openpyxl's read-only sheet that is used; the library ships no types."""

    title: str
    max_row: int | None

    def iter_rows(self, *, values_only: bool) -> Iterator[Sequence[Any]]: ...
    def reset_dimensions(self) -> None: ...


class _Workbook(Protocol):
    worksheets: Sequence[_Sheet]

    def close(self) -> None: ...


_load = cast("Callable[..., _Workbook]", openpyxl.load_workbook)


class XlsxFile:
    """The first sheet with content, or the one stated."""

    def __init__(self, raw: RawFile, options: ReadOptions) -> None:
        """Check the archive and read the header row.

        Raises:
            FileUnusable: not a zip archive, no workbook, damaged, an unknown sheet, or nothing in it.
        """
        self._raw = raw
        self._done = 0
        self._check_archive()
        book = self._open()
        try:
            sheet = self._choose(book, options.sheet)
            self._title = sheet.title
            self._rows = max((sheet.max_row or 0) - 1, 0)
            top = self._top(sheet)
        finally:
            book.close()
        if not top:
            raise FileUnusable(raw.path, f"sheet {self._title} is empty")
        self._header = not lacks_header(top) if options.header is None else options.header
        names = _without_blank_end(top[0])
        self._columns = unique_columns(names if self._header else [""] * len(names))
        self._detected = Detected(
            format=f"XLSX, sheet {self._title}",
            columns=len(self._columns),
            rows=self._rows or None,
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
        """Names of the header row, without its blank end."""
        return self._columns

    @property
    def detected(self) -> Detected:
        """Sheet, columns and the number of rows that the sheet claims."""
        return self._detected

    def progress(self) -> float:
        """Share of the claimed rows that were read."""
        return min(1.0, self._done / self._rows) if self._rows else 0.0

    def rows(self) -> Iterator[Row]:
        """Give every row that is not blank, padded to the columns.

        Raises:
            FileUnusable: the sheet is damaged from here on.
        """
        width = len(self._columns)
        book = self._open()
        number = 0
        try:
            sheet = self._choose(book, self._title)
            for cells in sheet.iter_rows(values_only=True):
                number += 1
                self._done = number
                if number == 1 and self._header:
                    continue
                texts = [_text(cell) for cell in cells[:width]]
                if any(texts):
                    texts.extend([""] * (width - len(texts)))
                    yield Row(number, texts)
        except _DAMAGE as error:
            raise FileUnusable(self.path, f"sheet {self._title} is damaged after row {number} ({error})") from error
        finally:
            book.close()

    def _check_archive(self) -> None:
        try:
            with zipfile.ZipFile(self._raw.path) as archive:
                names = set(archive.namelist())
                broken = archive.testzip()
        except zipfile.BadZipFile as error:
            raise FileUnusable(self._raw.path, f"this is no XLSX file, for it is no zip archive ({error})") from error
        except (zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise FileUnusable(self._raw.path, f"the zip archive is damaged ({error})") from error
        if broken:
            raise FileUnusable(self._raw.path, f"the zip archive is damaged ({broken} fails its checksum)")
        if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
            raise FileUnusable(self._raw.path, "this zip archive holds no Excel workbook")

    def _open(self) -> _Workbook:
        try:
            return _load(self._raw.path, read_only=True, data_only=True, keep_links=False)
        except _DAMAGE as error:
            raise FileUnusable(self._raw.path, f"the workbook cannot be read ({error})") from error

    def _choose(self, book: _Workbook, name: str | None) -> _Sheet:
        titles = [sheet.title for sheet in book.worksheets]
        for sheet in book.worksheets:
            if name is None or sheet.title == name:
                if name is None and len(book.worksheets) > 1 and not self._top(sheet):
                    continue
                return sheet
        reason = f"there is no sheet {name}; it has {', '.join(titles)}" if name else "the workbook has no filled sheet"
        raise FileUnusable(self._raw.path, reason)

    def _top(self, sheet: _Sheet) -> list[list[str]]:
        top: list[list[str]] = []
        try:
            for cells in sheet.iter_rows(values_only=True):
                top.append([_text(cell) for cell in cells])
                if len(top) == _TOP_ROWS:
                    break
        except _DAMAGE as error:
            raise FileUnusable(self._raw.path, f"sheet {sheet.title} is damaged ({error})") from error
        return top if any(any(row) for row in top) else []


def _without_blank_end(names: Sequence[str]) -> list[str]:
    kept = list(names)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _text(cell: object) -> str:
    """Write a typed cell as the text that the mapping understands: ISO dates, plain numbers."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case float() if cell.is_integer() and abs(cell) < 1e15:  # noqa: PLR2004 - integers that a double holds exactly
            return str(int(cell))
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
        case _:
            return str(cell)
