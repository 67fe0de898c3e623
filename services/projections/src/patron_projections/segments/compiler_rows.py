"""What the nodes of a rule look at, as SQL over a source: links, values of fields, and the facts that are chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, FromClause, and_, bindparam, cast, func, not_, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE

from patron_projections.segments.compiler_operators import POSITIVE, Condition, bound, holds
from patron_projections.segments.compiler_values import Value, day_of, element, span, typed
from patron_projections.segments.sources import Source
from patron_rules.fields import Field, FieldType, fact_field
from patron_rules.forms import moment
from patron_rules.operands import where_operand
from patron_rules.periods import calendar_bounds, length
from patron_rules.tree import Facts, Period, Where

NOW: Final = "now"
"""Name of the parameter that holds the moment of asking."""
_TIME: Final = DateTime(timezone=True)


class RuleUnfit(Exception):
    """A rule names a field that is not defined (any more); it has to be checked again."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Facts that a node looks at: an alias of the activities, and the conditions on it."""

    rows: FromClause
    conditions: Sequence[Condition]

    @property
    def at(self) -> Value:
        """When a fact happened."""
        return self.rows.c.occurred_at


def calendar_values(period: Period, now: datetime) -> dict[str, datetime]:
    """Give the bounds of a calendar period by the names of their parameters."""
    assert period.calendar is not None  # noqa: S101 - narrows the type; callers have looked
    name = "".join(
        letter if letter.isalnum() else f"_{ord(letter):x}_" for letter in f"{period.calendar}_{period.time_zone}"
    )
    start, end = calendar_bounds(period.calendar, period.time_zone, now)
    return {f"{name}_start": start, f"{name}_end": end}


class Rows:
    """Gives rows and values of a source as of a moment."""

    def __init__(self, source: Source, now: datetime) -> None:
        self.source = source
        self.people = source.people
        self._moment = now
        self.now: Value = bindparam(NOW, value=now, type_=_TIME)

    def links(self) -> tuple[Value, Condition]:
        """Give the id of a company that the row's person is linked to, and whether the link has not ended."""
        document = self._link()
        company = cast(typed(element(document, key="company_id"), FieldType.TEXT), UUID_TYPE)
        return company, func.coalesce(_end_of(document) >= day_of(self.now), true())

    def link_end(self) -> Value:
        """Give the last day of a link of the row's person to a company; NULL where it is open."""
        return _end_of(self._link())

    def _link(self) -> Value:
        return cast(func.jsonb_array_elements(self.people.c.companies).column_valued("link"), JSONB)

    def chosen(self, facts: Facts) -> Chosen:
        """Choose the facts of a description that have happened by now."""
        planned = self._described(facts)
        return Chosen(planned.rows, [*planned.conditions, planned.at <= self.now, *self._moving(planned.at, facts)])

    def planned(self, facts: Facts) -> Chosen:
        """Choose the facts of a description that are still to happen, whatever its moving periods say then."""
        planned = self._described(facts)
        return Chosen(planned.rows, [*planned.conditions, planned.at > self.now])

    def _described(self, facts: Facts) -> Chosen:
        """Choose by what does not depend on the moment of asking."""
        rows = self.source.activities.alias()
        conditions = [rows.c.fact == bound(facts.fact), *_fixed(rows.c.occurred_at, facts.period)]
        return Chosen(rows, conditions + [self._where(rows, facts, where) for where in facts.where])

    def _moving(self, at: Value, facts: Facts) -> list[Condition]:
        conditions: list[Condition] = []
        period = facts.period
        if period is not None and period.last is not None:
            conditions.append(at > self.now - span(length(period.last)))
        if period is not None and period.calendar is not None:
            bounds = calendar_values(period, self._moment).items()
            start, end = (bindparam(name, value=bound_at, type_=_TIME) for name, bound_at in bounds)
            conditions += [at >= start, at < end]
        return conditions

    def _where(self, rows: FromClause, facts: Facts, where: Where) -> Condition:
        field = fact_field(facts.fact, where.field)
        if field is None:
            raise RuleUnfit(where.field)
        op = POSITIVE.get(where.op, where.op)
        found = holds(field.type, of_fact(rows, field), op, where_operand(field, where), self.now)
        found = found if op == where.op else not_(found)
        return found if where.currency is None else and_(rows.c.currency == bound(where.currency), found)


def _end_of(link: Value) -> Value:
    return typed(element(link, key="end"), FieldType.DATE)


def _fixed(at: Value, period: Period | None) -> list[Condition]:
    conditions: list[Condition] = []
    if period is not None and period.since is not None:
        conditions.append(at >= bound(moment(period.since)))
    if period is not None and period.to is not None:
        conditions.append(at < bound(moment(period.to)))
    return conditions


def of_record(rows: FromClause, field: Field) -> Value:
    """Give the value of a field of a person or company, as `holds` wants it."""
    match field.group:
        case "":
            return rows.c[{"external_ids": "external_keys"}.get(field.key, field.key)]
        case "custom":
            json = element(rows.c.custom, rows.c.custom_personal, key=field.key)
        case group:
            json = element(rows.c[group], key=field.key)
    return json if field.type is FieldType.VALUE else typed(json, field.type)


def of_fact(rows: FromClause, field: Field) -> Value:
    """Give the value of a field of a fact, as `holds` wants it."""
    if field.group == "properties":
        return element(rows.c.personal, key=field.key)
    return rows.c[{"amount": "amount_minor", "sku": "skus"}.get(field.key, field.key)]
