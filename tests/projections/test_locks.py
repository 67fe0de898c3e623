"""Advisory locks of PostgreSQL have one number space: whoever shares a number waits for the other."""

import re
from collections import Counter
from pathlib import Path

import patron_projections

SOURCES = Path(patron_projections.__file__).parent
LOCK = re.compile(r"^_?[A-Z_]*LOCK\b[^=\n]*= (0x[0-9A-Fa-f]+|\d+)$", re.MULTILINE)


def test_no_two_parts_share_a_lock() -> None:
    found = Counter(int(number, 0) for path in SOURCES.rglob("*.py") for number in LOCK.findall(path.read_text()))
    assert len(found) >= 3
    assert max(found.values()) == 1
