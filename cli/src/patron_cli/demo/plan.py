"""What to invent: how much, from which seed, over which time."""

import hashlib
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

Body = dict[str, Any]
SOURCE: Final = "demo"
DAYS_PER_MONTH: Final = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of the organisation.

    months: length of the history, which ends when `until` (UTC) begins.
    """

    people: int
    companies: int
    seed: int
    months: int
    until: date

    @property
    def end(self) -> datetime:
        """First moment that is not part of the history."""
        return datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC)

    @property
    def days(self) -> float:
        """Length of the history."""
        return self.months * DAYS_PER_MONTH

    @property
    def start(self) -> datetime:
        """First moment of the history."""
        return self.end - timedelta(days=self.days)

    def dice(self, subject: str) -> random.Random:
        """Give the source of chance of one subject, so that more of one thing changes nothing about another."""
        digest = hashlib.sha256(f"{self.seed}/{subject}".encode()).digest()
        return random.Random(digest)  # noqa: S311 - invented data, no secrets


def external_id(name: str) -> Body:
    """Write the id of an invented record."""
    return {"source": SOURCE, "id": name}


def written(moment: datetime) -> str:
    """Write a time in the form of the API (RFC 3339, UTC, whole seconds)."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
