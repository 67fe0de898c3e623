"""Write the rows that did not get in so that they can be corrected and imported alone."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from patron_cli.importing.journal import Failure
from patron_cli.importing.rows import FileUnusable

META = ("row", "column", "code", "message", "import_source", "import_key")


def write_errors(path: Path, columns: Sequence[str], failures: Iterable[Failure]) -> int:
    """Write UTF-8 CSV: why, where, the id that the row will keep, then the original cells. Returns the rows written.

    Raises:
        FileUnusable: the file cannot be written.
    """
    count = 0
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow([*META, *columns])
            for failure in failures:
                why = (failure.number, failure.column, failure.code, failure.message, failure.source, failure.key)
                writer.writerow([*why, *failure.cells])
                count += 1
    except OSError as error:
        raise FileUnusable(path, f"the errors file cannot be written ({error.strerror or error})") from error
    return count


def is_errors_file(columns: Sequence[str]) -> bool:
    """Recognise such a file by its first columns."""
    return tuple(columns[: len(META)]) == META


def stored_of(values: Sequence[Any]) -> tuple[str, str] | None:
    """Read the source and id that a row of an errors file has kept; None where it had none."""
    source, key = str(values[4]).strip(), str(values[5]).strip()
    return (source, key) if key else None


def cells_of(values: Sequence[Any]) -> list[str]:
    """Write cells as text; lists and objects of typed formats become JSON."""
    return [cell if isinstance(cell, str) else msgspec.json.encode(cell).decode() for cell in values]
