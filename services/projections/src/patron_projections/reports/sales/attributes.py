"""Attributes of deals, leads and planned activities as callers name them, in filters and in what rows are made by."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, FromClause, Text, cast, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from patron_projections.clocks import companies_as_of
from patron_projections.fields import DOCUMENT, IDS, TEXTS, TIME, VALUE, Field, kind_of
from patron_projections.filters import conditions
from patron_projections.reports.definition import Column
from patron_projections.reports.dimensions import PERIOD_TEXT, TOTAL, Divided, period_of
from patron_projections.reports.question import PERIODS, ByInvalid, Question
from patron_projections.reports.sources import fields_of, local_time, people_at
from patron_projections.sales.moments import sales_team_as_of

CUSTOM: Final = "custom."


class Attributes:
    """The attributes of some rows; what belongs to others is joined when it is asked for.

    own: attributes of the rows by name; those whose name ends with a dot are documents. company, person: ids, so that
    `company.<field>` and `person.<field>` are found; owner: a subject, for `region` and `manager`.
    """

    def __init__(self, rows: FromClause, question: Question, own: Mapping[str, ColumnElement[Any]]) -> None:
        self._rows = rows
        self._question = question
        self._own = own
        self._sources: dict[str, FromClause] = {}
        self.joined: FromClause = rows

    def find(self, name: str) -> Field | None:
        """Find an attribute; None for an unknown one."""
        if name in self._own and not name.endswith("."):
            return Field(kind_of(self._own[name]), self._own[name])
        group, dot, key = name.partition(".")
        if not dot or not key or "\0" in key:
            return self._of_owner(name) if name in {"region", "manager"} and "owner" in self._own else None
        if f"{group}." in self._own:
            return Field(VALUE, self._own[f"{group}."][key].astext)
        if group in {"company", "person"} and f"{group}_id" in self._own:
            return self._of_customer(group, key)
        return None

    def _of_customer(self, group: str, key: str) -> Field | None:
        clocks = self._question.clocks
        if group == "person":
            source = self._source(group, lambda: people_at(clocks))
            return fields_of(source).find(key)
        source = self._source(group, lambda: companies_as_of(clocks, first_known=True).alias("companies"))
        return fields_of(source).find(key)

    def _of_owner(self, name: str) -> Field:
        source = self._source("owner", lambda: _sellers(self._question))
        return Field(kind_of(source.c[name]), source.c[name])

    def _source(self, name: str, make: Any) -> FromClause:
        if name not in self._sources:
            source = make()
            key, own = (source.c.subject, "owner") if name == "owner" else (source.c.id, f"{name}_id")
            self._sources[name] = source
            self.joined = self.joined.outerjoin(source, key == self._own[own])
        return self._sources[name]

    def team(self, stated: ColumnElement[Any] | None, *, stated_first: bool) -> ColumnElement[Any]:
        """Give the team that was stated or that of the owner: the first that is known."""
        team = self._source("owner", lambda: _sellers(self._question)).c.team
        if stated is None:
            return team
        return func.coalesce(stated, team) if stated_first else func.coalesce(team, stated)

    def conditions(self) -> list[ColumnElement[bool]]:
        """Read the filters of the question; raises FilterInvalid."""
        return conditions(self, self._question.filters)

    def divided(
        self,
        clock: ColumnElement[Any] | None,
        facts: Sequence[ColumnElement[Any]],
        where: Sequence[ColumnElement[bool]],
        names: Sequence[str] | None = None,
    ) -> Divided:
        """Give some columns of the rows that fulfil conditions, divided by what the question says; raises ByInvalid.

        clock: whose periods are meant, as a time or a date; None where there are none.
        """
        columns: list[Column] = []
        values: list[ColumnElement[Any]] = []
        asked = self._question.by if names is None else names
        for place, name in enumerate(asked):
            is_period = name in PERIODS
            if is_period and clock is None:
                raise ByInvalid(field="by")
            columns.append(Column(name, "date", PERIOD_TEXT) if is_period else Column(name, "text"))
            value = self._period(clock, name) if is_period and clock is not None else self._value(name)
            values.append(value.label(f"by_{place}"))
        return Divided(select(*values, *facts).select_from(self.joined).where(*where).subquery("facts"), columns)

    def _period(self, clock: ColumnElement[Any], period: str) -> ColumnElement[Any]:
        if isinstance(clock.type, Date):
            return cast(func.date_trunc(literal(period, Text), clock), Date)
        return period_of(clock, period, self._question.zone)

    def _value(self, name: str) -> ColumnElement[Any]:
        if name == TOTAL:
            return literal(TOTAL, Text)
        field = self.find(name)
        if field is None or field.kind == DOCUMENT:
            raise ByInvalid(field="by")
        if field.kind in (TEXTS, IDS):
            return self._apart(field.expression)
        if field.kind == TIME:
            return cast(local_time(field.expression, self._question.zone), Text)
        return cast(field.expression, Text)

    def _apart(self, expression: ColumnElement[Any]) -> ColumnElement[Any]:
        """Take a set apart: a row counts once for each of its values."""
        values = select(cast(func.unnest(expression), Text).label("value")).distinct()
        each = values.correlate(self._rows, *self._sources.values()).lateral()
        self.joined = self.joined.outerjoin(each, true())
        return each.c.value


def _sellers(question: Question) -> FromClause:
    return sales_team_as_of(question.clocks).alias("sellers")


def listed(document: ColumnElement[Any], key: str) -> ColumnElement[Any]:
    """Give the different values of a key of the objects of a JSON array, as a set."""
    each = func.jsonb_array_elements(document, type_=JSONB).table_valued("value", name="listed")
    value = cast(each.c.value, JSONB)[key].astext
    return func.array(select(value).where(value.is_not(None)).distinct().scalar_subquery(), type_=ARRAY(Text))
