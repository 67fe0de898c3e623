"""Decide what kind of file this is by its content; its name only helps to say what is wrong."""

import codecs
from pathlib import Path

from patron_cli.importing.csv_file import CsvFile
from patron_cli.importing.json_lines import JsonLinesFile
from patron_cli.importing.raw_file import RawFile, damaged_archive, open_raw
from patron_cli.importing.rows import FileUnusable, ReadOptions, RowFile
from patron_cli.importing.vcard_file import VcardFile

_HEAD_BYTES = 4096
_FOREIGN = (  # first bytes of formats that people mistake for tables
    (b"\xd0\xcf\x11\xe0", "this is the old binary Excel format (or Word, or Outlook); save it as XLSX or CSV"),
    (b"%PDF", "this is a PDF document, not a table"),
    (b"\x89PNG", "this is a picture, not a table"),
    (b"\xff\xd8\xff", "this is a picture, not a table"),
    (b"SQLite format 3\0", "this is an SQLite database; export the table as CSV"),
    (b"PAR1", "this is a Parquet file; export it as CSV"),
    (b"BZh", "this is compressed with bzip2; only gzip is read"),
    (b"\xfd7zXZ", "this is compressed with xz; only gzip is read"),
    (b"7z\xbc\xaf", "this is a 7-Zip archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "this is compressed with zstd; only gzip is read"),
)


def open_rows(path: Path, options: ReadOptions | None = None) -> RowFile:
    """Open a CSV, XLSX, JSON Lines or vCard file, plain or gzipped.

    Raises:
        FileUnusable: missing, empty, damaged, or of a kind that is not read; the text names the reason.
    """
    options = options or ReadOptions()
    raw = open_raw(path)
    head = _head(raw)
    for magic, reason in _FOREIGN:
        if head.startswith(magic):
            raise FileUnusable(path, reason)
    suffix = path.with_suffix("").suffix.lower() if raw.gzipped else path.suffix.lower()
    if head.startswith(b"PK\x03\x04") or suffix in {".xlsx", ".xlsm"}:
        if raw.gzipped:
            raise FileUnusable(path, "this is a gzipped zip archive; unpack it first")
        # Imported here: openpyxl takes a third of a second to load, and most files are CSV.
        from patron_cli.importing.xlsx_file import XlsxFile  # noqa: PLC0415

        return XlsxFile(raw, options)
    start = _start(head)
    if start[:11].upper().startswith("BEGIN:VCARD") or suffix in {".vcf", ".vcard"}:
        return VcardFile(raw, options)
    if start.startswith("{") or suffix in {".jsonl", ".ndjson"}:
        return JsonLinesFile(raw, options)
    if start.startswith(("[{", "[\n", "[ ", "[\r")) or suffix == ".json":
        raise FileUnusable(path, "this is one JSON document; JSON Lines, one object a line, is read")
    if start[:5].lower() in {"<?xml", "<html", "<!doc"}:
        raise FileUnusable(path, "this is XML or HTML, not a table; save it as CSV or XLSX")
    return CsvFile(raw, options)


def _head(raw: RawFile) -> bytes:
    with raw.opened() as stream, damaged_archive(raw.path):
        return stream.read(_HEAD_BYTES)


def _start(head: bytes) -> str:
    """Give the first characters in any encoding that keeps ASCII, for telling formats apart only."""
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").decode("latin-1").lstrip()
