"""What a report says about itself: what it counts, its columns and their units, what may be asked of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from sqlalchemy import SelectBase

from patron_projections.reports.question import Question

Kind = Literal["text", "id", "date", "time", "integer", "decimal", "number", "boolean", "document"]
COMMON: Final = ("from", "to", "time_zone", "filter", "segment", "as_of", "known_at")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer.

    kind: decimal is exact, number is not; document is JSON. unit: such as `orders` or `share` (0 to 1); `currency`
    means major units of the currency that the column `currency` of the row, or the question, names.
    """

    name: str
    kind: Kind
    text: str = ""
    unit: str | None = None

    def document(self) -> dict[str, Any]:
        """Write it for callers."""
        return {"name": self.name, "type": self.kind, "unit": self.unit, "text": self.text}


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition of a report.

    columns: the figures; the columns of `by` stand in front of them. by: what rows may be made of, in words.
    parameters: those that it takes beyond `COMMON`. models: what it is made of; the last one tells how fresh it is.
    """

    name: str
    title: str
    text: str
    by: str
    columns: Sequence[Column]
    default_by: tuple[str, ...]
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    models: tuple[str, ...] = ("people", "activities")

    def takes(self) -> frozenset[str]:
        """Name all parameters that the report takes."""
        return frozenset((*COMMON, "by", *self.parameters))

    def document(self) -> dict[str, Any]:
        """Write it for callers."""
        return {
            "name": self.name,
            "title": self.title,
            "text": self.text,
            "by": self.by,
            "default_by": list(self.default_by),
            "parameters": [*COMMON, "by", *self.parameters],
            "own_parameters": dict(self.parameters),
            "columns": [column.document() for column in self.columns],
        }


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of an answer as a query. key: names of the columns that tell rows apart; they are texts or dates."""

    query: SelectBase
    columns: Sequence[Column]
    key: tuple[str, ...]


class Report(Protocol):
    """A report whose figures PostgreSQL computes."""

    @property
    def definition(self) -> Definition:
        """Say what the report is."""
        ...

    def result(self, question: Question) -> Result:
        """Give the rows; raises refusals for what cannot be asked."""
        ...

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events behind one row, with the columns of `EVENT_COLUMNS`, in no order."""
        ...


@runtime_checkable
class Converting(Protocol):
    """A report that adds up amounts in one currency; those in others are converted into it."""

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask which currencies its amounts are in: the first and the last by name; None where rows keep theirs."""
        ...


EVENT_COLUMNS: Final = (
    "event_id", "customer_id", "occurred_at", "position", "index", "type", "amount_minor", "currency", "quantity",
    "hit",
)  # fmt: skip
