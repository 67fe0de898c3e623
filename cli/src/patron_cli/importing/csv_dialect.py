"""Find the delimiter, the quote and the header row of a CSV file from its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

BLANKS = " "  # stands for runs of blanks
_DELIMITERS = (",", ";", "\t", "|")
_UNUSUAL = ("^", "~", ":", "!")  # only where the usual ones give a single column
_SAMPLE_ROWS = 200
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?\Z")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:.*)?\Z")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a line are separated. quote is `"` or `'`; padded: blanks stand before quotes."""

    delimiter: str
    quote: str = '"'
    padded: bool = False


def find_dialect(sample: str, *, complete: bool) -> Dialect:
    """Choose the delimiter that cuts most lines into the same number of cells, more cells winning.

    complete: the sample is the whole file; otherwise its last line is left out.
    """
    single = _single_quoted(sample)
    quotes = ('"', "'") if single else ('"',)
    for delimiters in (_DELIMITERS, (BLANKS,), _UNUSUAL):
        scored = [
            (_score(_cut(sample, Dialect(delimiter, quote), complete=complete)), Dialect(delimiter, quote))
            for delimiter in delimiters
            for quote in quotes
        ]
        best, dialect = max(scored, key=lambda pair: pair[0])
        if best > 0 and (dialect.delimiter != BLANKS or _is_table_of_blanks(sample, complete=complete)):
            return Dialect(dialect.delimiter, dialect.quote, padded=_is_padded(sample, dialect))
    return Dialect(",")


def _is_padded(sample: str, dialect: Dialect) -> bool:
    return f"{dialect.delimiter} {dialect.quote}" in sample and f"{dialect.delimiter}{dialect.quote}" not in sample


def _single_quoted(sample: str) -> bool:
    """Tell whether apostrophes enclose cells: they open and close, and no double quote does."""
    return '"' not in sample and bool(re.match(r"\s*'[^'\n]*'\s*[,;\t|]\s*'", sample))


def _cut(sample: str, dialect: Dialect, *, complete: bool) -> list[list[str]]:
    lines = sample.splitlines(keepends=True)
    if not complete and len(lines) > 1:
        lines.pop()
    if dialect.delimiter == BLANKS:
        return [cells for cells in (line.split() for line in lines[:_SAMPLE_ROWS]) if cells]
    rows: list[list[str]] = []
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
    try:
        for cells in reader:
            if cells:
                rows.append(cells)
            if len(rows) == _SAMPLE_ROWS:
                break
    except csv.Error:
        return rows
    return rows


def _score(rows: Sequence[Sequence[str]]) -> float:
    """Weigh how consistent the widths are by how much they separate; 0 where the header is one cell."""
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 - two cells make a table
        return 0.0
    widths = Counter(len(row) for row in rows)
    agreeing = widths[len(rows[0])] / len(rows)
    return agreeing * agreeing * (1 + min(len(rows[0]), 50) / 50)


def _is_table_of_blanks(sample: str, *, complete: bool) -> bool:
    """Accept blanks as delimiter only for aligned tables, never for ordinary sentences or names."""
    rows = _cut(sample, Dialect(BLANKS), complete=complete)
    same_width = len({len(row) for row in rows}) == 1
    aligned = re.search(r"\S {2,}\S|^ +\S", sample, re.MULTILINE) is not None
    return same_width and aligned and len(rows) > 1


def lacks_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row is certainly data.

    Certain means: some column holds numbers, dates or addresses in the first row and below, and none
    has such values only below. Cells that are unique text above text say nothing.
    """
    if len(rows) < 2:  # noqa: PLR2004 - one row can only be a header
        return False
    first, rest = rows[0], rows[1:]
    typed = 0
    for position, cell in enumerate(first):
        kinds = {_kind(row[position]) for row in rest if position < len(row) and row[position].strip()}
        kind = _kind(cell)
        if kind == "mail":
            return True
        if kind == "text" and cell.strip() and kinds and "text" not in kinds:
            return False
        if kind not in {"text", ""} and kinds == {kind}:
            typed += 1
    return typed > 0 and typed * 2 >= len(first)


def _kind(cell: str) -> str:
    text = cell.strip()
    if not text:
        return ""
    if _NUMBER.match(text):
        return "number"
    if _DATE.match(text):
        return "date"
    return "mail" if _MAIL.match(text) else "text"
