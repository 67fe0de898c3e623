"""What the rows of a report are made by: periods, fields of the fact, and fields of the customer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, FromClause, Select, Text, cast, func, literal, select, true

from patron_projections.fields import DOCUMENT, IDS, TEXTS, TIME
from patron_projections.reports.definition import Column
from patron_projections.reports.question import PERIODS, ByInvalid, Question
from patron_projections.reports.sources import fields_of, local_time, people_at

PERIOD_TEXT: Final = "First day of the period, in `time_zone`; weeks begin on Monday."

# Makes one row of everything.
TOTAL: Final = "total"


@dataclass(frozen=True, slots=True)
class Divided:
    """Facts with the values of what they are divided by, as a subquery.

    columns: the dimensions, in the order of the question. base: the facts, and their dimensions as `by_0`, `by_1` …
    """

    base: FromClause
    columns: Sequence[Column]

    @property
    def by(self) -> list[ColumnElement[Any]]:
        """Give the dimensions, to group by."""
        return [self.base.c[f"by_{place}"] for place in range(len(self.columns))]

    @property
    def labelled(self) -> list[ColumnElement[Any]]:
        """Give the dimensions with their names."""
        return [one.label(column.name) for one, column in zip(self.by, self.columns, strict=True)]

    @property
    def names(self) -> tuple[str, ...]:
        """Name the dimensions."""
        return tuple(column.name for column in self.columns)

    def is_row(self, row: Mapping[str, str | None]) -> list[ColumnElement[bool]]:
        """Keep the facts of one row of the answer."""
        return [
            cast(one, Text).is_not_distinct_from(literal(row[column.name], Text))
            for one, column in zip(self.by, self.columns, strict=True)
        ]

    def ordered(self, query: Select[Any]) -> Select[Any]:
        """Group and order a query by the dimensions; rows without a value come last."""
        return query.group_by(*self.by).order_by(*(one.nulls_last() for one in self.by))


def period_of(clock: ColumnElement[Any], period: str, zone: str) -> ColumnElement[Any]:
    """Give the first day of the period that a time falls into."""
    return cast(func.date_trunc(literal(period, Text), local_time(clock, zone)), Date)


class Divider:
    """Divides rows by the `by` of a question.

    own: fields of the rows by name; `properties.` reaches into a document; sets are taken apart.
    people: the rows of people, where the rows are people themselves; otherwise they are joined when needed.
    """

    def __init__(
        self, question: Question, rows: FromClause, own: Mapping[str, ColumnElement[Any]], *, of_people: bool = False
    ) -> None:
        self._question = question
        self._rows = rows
        self._joined: FromClause = rows
        self._own = own
        self._clock = rows.c.created_at if of_people else rows.c.occurred_at
        self._customer = rows.c.id if of_people else rows.c.customer_id
        self._people = rows if of_people else None

    def divided(
        self, names: Sequence[str], facts: Sequence[ColumnElement[Any]], where: Sequence[ColumnElement[bool]]
    ) -> Divided:
        """Give some columns of the rows that fulfil conditions, divided; raises ByInvalid."""
        columns: list[Column] = []
        values: list[ColumnElement[Any]] = []
        for place, name in enumerate(names):
            is_period = name in PERIODS
            columns.append(Column(name, "date", PERIOD_TEXT) if is_period else Column(name, "text"))
            value = period_of(self._clock, name, self._question.zone) if is_period else self._value(name)
            values.append(value.label(f"by_{place}"))
        return Divided(select(*values, *facts).select_from(self._joined).where(*where).subquery("facts"), columns)

    def _value(self, name: str) -> ColumnElement[Any]:
        if name == TOTAL:
            return literal(TOTAL, Text)
        own = self._own.get(name)
        group, dot, key = name.partition(".")
        if own is None and dot and key and "\0" not in key and f"{group}." in self._own:
            own = self._own[f"{group}."][key].astext
        return self._of_customer(name) if own is None else self._apart(own, self._rows)

    def _of_customer(self, name: str) -> ColumnElement[Any]:
        if self._people is None:
            self._people = people_at(self._question.clocks)
            self._joined = self._joined.outerjoin(self._people, self._customer == self._people.c.id)
        field = fields_of(self._people).find(name)
        if field is None or field.kind == DOCUMENT:
            raise ByInvalid(field="by")
        if field.kind in (TEXTS, IDS):
            return self._apart(field.expression, self._people)
        if field.kind == TIME:
            return cast(local_time(field.expression, self._question.zone), Text)
        return cast(field.expression, Text)

    def _apart(self, expression: ColumnElement[Any], source: FromClause) -> ColumnElement[Any]:
        """Take a set of a source apart: a fact counts once for each of its values."""
        if not hasattr(expression.type, "item_type"):
            return cast(expression, Text)
        values = select(cast(func.unnest(expression), Text).label("value")).distinct()
        each = values.correlate(source).lateral()
        self._joined = self._joined.outerjoin(each, true())
        return each.c.value
