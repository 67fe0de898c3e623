"""When the answer of a rule may change by time alone, with no event.

Announced instants may be too early, when nothing changes; none is ever missing: the answer is the same at every moment
from now until just before the earliest announced one. A property test holds that together with the compiler.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import DateTime, and_, case, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from patron_projections.segments.compiler import looked_at
from patron_projections.segments.compiler_operators import Condition, upcoming
from patron_projections.segments.compiler_rows import Chosen, Rows, RuleUnfit, of_record
from patron_projections.segments.compiler_values import Value, day_of, element, midnight, span, typed
from patron_projections.segments.sources import Source
from patron_rules.fields import Field, FieldType, profile_field
from patron_rules.operands import duration_operand, field_operand, moment_operand
from patron_rules.periods import calendar_bounds, length
from patron_rules.tree import (
    All,
    AnyOf,
    CalendarPeriod,
    Facts,
    FieldIs,
    Followed,
    InSegment,
    Measure,
    Moment,
    Not,
    Operator,
    Rule,
)

_TIME: Final = DateTime(timezone=True)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Instants beyond are not announced: Python's calendar ends."""
_PRESENT: Final[dict[CalendarPeriod, CalendarPeriod]] = {
    "yesterday": "today",
    "last-week": "this-week",
    "last-month": "this-month",
    "last-quarter": "this-quarter",
    "last-year": "this-year",
}


def next_boundary(rule: Rule, now: datetime) -> datetime | None:
    """Give the end of the first calendar period of the rule that ends, for all customers alike; None without one."""
    ends: list[datetime] = []
    for facts in looked_at(rule):
        period = facts.period
        if period is not None and period.calendar is not None:
            present = _PRESENT.get(period.calendar, period.calendar)
            ends.append(calendar_bounds(present, period.time_zone, now)[1])
    return min(ends, default=None)


def next_change(rule: Rule, source: Source, now: datetime) -> ColumnElement[datetime | None] | None:
    """Write when the rule may next change for one row of `source.people`; None when time alone changes nothing.

    Later than now, or NULL. It does not announce the ends of calendar periods: see `next_boundary`. Parameters as
    those of `compile_rule`.

    Raises:
        RuleUnfit: a field is not defined.
    """
    instants = _Instants(source, now).of(rule)
    # LEAST passes over NULL, and is NULL only when all are.
    return func.least(*instants, type_=_TIME) if instants else None


class _Instants:
    def __init__(self, source: Source, now: datetime) -> None:
        self._rows = Rows(source, now)
        self._source = source
        self._people = source.people
        self._now = self._rows.now

    def of(self, rule: Rule) -> list[Value]:
        match rule:
            case All(rules) | AnyOf(rules):
                return [instant for one in rules for instant in self.of(one)]
            case Not(inner):
                return self.of(inner)
            case FieldIs():
                return self._field(rule)
            case InSegment():
                return []
            case Measure(facts=facts):
                return [self._arrival(facts), *self._leaving(facts, [], newest=False)]
            case Moment(facts=facts):
                wanted = moment_operand(rule)
                lengths = [wanted] if isinstance(wanted, timedelta) else []
                return [self._arrival(facts), *self._leaving(facts, lengths, newest=rule.which == "last")]
            case Followed():
                return self._followed(rule)

    def _ahead(self, instant: Value) -> Value:
        return case((and_(instant > self._now, instant < literal(_LAST, _TIME)), instant))

    # -- the profile ----------------------------------------------------------------------------------------------

    def _field(self, node: FieldIs) -> list[Value]:
        field = profile_field(node.field, self._source.definitions)
        if field is None:
            raise RuleUnfit(node.field)
        operand = field_operand(field, node)
        lengths = operand if isinstance(operand, timedelta) else None
        match field.owner:
            case "company":
                return [self._link_end(), *self._of_companies(field, node.op, lengths)]
            case "rfm":
                return []
            case _ if field.group == "consents":
                consent = element(self._people.c.consents, key=field.key)
                return [self._ahead(typed(element(consent, key=key), FieldType.TIME)) for key in _CONSENT_TIMES]
            case _ if field.type is FieldType.IDS:
                return [self._link_end()]
            case _ if lengths is None:
                return []
            case _:
                return self._times(field, of_record(self._people, field), node.op, lengths)

    def _link_end(self) -> Value:
        """Give when the first link ends that has not: at the end of its last day in UTC."""
        ends = self._ahead(midnight(self._rows.link_end() + 1))
        return select(func.min(ends)).correlate(self._people).scalar_subquery()

    def _of_companies(self, field: Field, op: Operator, within: timedelta | None) -> list[Value]:
        if within is None:
            return []
        companies = self._source.companies.alias()
        company, lasts = self._rows.links()
        linked = select(company).where(lasts).correlate(self._people)
        return [
            select(func.min(instant)).where(companies.c.id.in_(linked)).correlate(self._people).scalar_subquery()
            for instant in self._times(field, of_record(companies, field), op, within)
        ]

    def _times(self, field: Field, value: Value, op: Operator, within: timedelta) -> list[Value]:
        """Give when a condition on a date or time with a duration may change."""
        if op == "anniversary-within-next":
            day = value if field.type is FieldType.DATE else day_of(value)
            anniversary = upcoming(day, self._now)
            begins = midnight(anniversary - literal(within.days))
            return [self._ahead(begins), midnight(anniversary + 1)]
        at = midnight(value) if field.type is FieldType.DATE else value
        other = at - span(within) if op == "within-next" else at + span(within)
        return [self._ahead(at), self._ahead(other)]

    # -- facts ----------------------------------------------------------------------------------------------------

    def _arrival(self, facts: Facts) -> Value:
        """Give when the first planned fact happens."""
        planned = self._rows.planned(facts)
        return self._edge(planned, func.min(planned.at))

    def _leaving(self, facts: Facts, lengths: Sequence[timedelta], *, newest: bool) -> list[Value]:
        """Give when the decisive fact leaves the moving period, or grows older than a length of time.

        newest: the last fact decides alone, and it is the last to leave the period; else the first is taken.
        """
        lengths = [*lengths, *_moving(facts)]
        if not lengths:
            return []
        chosen = self._rows.chosen(facts)
        edge = func.max(chosen.at) if newest else func.min(chosen.at)
        return [self._edge(chosen, self._ahead(edge + span(one))) for one in lengths]

    def _followed(self, node: Followed) -> list[Value]:
        instants = [self._arrival(node.first), self._arrival(node.then), *self._leaving(node.first, [], newest=False)]
        if node.negated:
            chosen = self._rows.chosen(node.first)
            over = chosen.at + span(duration_operand(node.within))
            instants.append(self._edge(chosen, func.min(over), [over > self._now]))
        return instants

    def _edge(self, chosen: Chosen, instant: Value, conditions: Sequence[Condition] = ()) -> Value:
        customer = chosen.rows.c.customer_id
        few = self._source.of(customer)
        query = select(instant).select_from(chosen.rows).where(customer == self._people.c.id, *few)
        return query.where(*chosen.conditions, *conditions).correlate(self._people).scalar_subquery()


_CONSENT_TIMES: Final = ("given_at", "expires_at")


def _moving(facts: Facts) -> list[timedelta]:
    period = facts.period
    return [] if period is None or period.last is None else [length(period.last)]
