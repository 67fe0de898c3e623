"""Values of JSON documents are read by their types: what does not fit is no value, and never an error."""

import json
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from sqlalchemy import cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from patron_projections.engine.tables import compiled
from patron_projections.segments.compiler_values import typed
from patron_rules.fields import FieldType

DAYS = [f"{year}-{month:02}-{day:02}" for year in ("1900", "2000", "2023", "2024") for month in range(14)
        for day in (0, 1, 28, 29, 30, 31, 32)]  # fmt: skip
NO_DAYS: list[Any] = ["0000-01-01", "2024-1-1", "2024-01-01x", " 2024-01-01", "2024-01-01\n", "", 20240101, True, None,
                      ["2024-01-01"], {"2024-01-01": 1}]  # fmt: skip


def read(database_url: str, values: list[Any], kind: FieldType) -> list[Any]:
    """Let PostgreSQL read JSON values."""
    texts = [literal(json.dumps(value)) for value in values]
    text, parameters = compiled(select(*(typed(cast(one, JSONB), kind) for one in texts)))
    with psycopg.connect(database_url) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        (row,) = connection.execute(text.encode(), parameters).fetchall()
    return list(row)


def as_day(text: str) -> date | None:
    """Read a day as Python's calendar does."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def test_days_are_those_of_the_calendar(database_url: str) -> None:
    assert read(database_url, DAYS, FieldType.DATE) == [as_day(text) for text in DAYS]
    assert read(database_url, NO_DAYS, FieldType.DATE) == [None] * len(NO_DAYS)


def test_times_need_a_day_a_clock_and_an_offset(database_url: str) -> None:
    moment = datetime(2024, 2, 29, 10, 30, tzinfo=UTC)
    same: list[Any] = ["2024-02-29T10:30:00Z", "2024-02-29T12:30:00+02:00", "2024-02-29T10:30:00.000000+00:00"]
    assert read(database_url, same, FieldType.TIME) == [moment] * len(same)
    others: list[Any] = [
        *("2023-02-29T10:30:00Z", "2024-02-29T24:00:00Z", "2024-02-29T10:30:00", "2024-02-29 10:30:00Z"),
        *("2024-02-29T10:30:60Z", "2024-02-29", 5, None, ["2024-02-29T10:30:00Z"]),
    ]
    assert read(database_url, others, FieldType.TIME) == [None] * len(others)
