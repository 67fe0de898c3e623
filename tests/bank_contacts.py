"""The contacts of the UCI data set "Bank Marketing" as a file that can be imported."""

import csv
import gzip
from pathlib import Path
from typing import Final

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def contacts_of_the_bank(folder: Path, path: Path, most: int | None) -> list[dict[str, str]]:
    """Write the first rows with two more columns, and give them: `row`, their number, and `at`, the first of the month.

    They are in the order of time, from May 2008: the year goes up where the month goes back.
    """
    with gzip.open(folder / "bank-additional-full.csv.gz", "rt", encoding="ascii", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter=";"))[:most]
    year, before = 2008, 0
    for number, row in enumerate(rows, start=1):
        month = MONTHS.index(row["month"]) + 1
        year += month < before
        before = month
        row |= {"row": str(number), "at": f"{year}-{month:02}-01"}
    with path.open("w", encoding="ascii", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows
