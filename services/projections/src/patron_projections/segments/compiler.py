"""Rules as SQL: one condition on a row of customers, for preview, backtest, rebuild and live evaluation alike.

Facts are looked at through `EXISTS (… GROUP BY customer …)`: PostgreSQL can answer that for all customers by one scan
and a hash (100,000 customers with a million facts: half a second), and for a few by the index, whichever costs less.
A correlated count took twice as long, and `NOT IN` cannot become an anti-join.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Numeric,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE

from patron_projections.segments.compiler_operators import POSITIVE, Condition, bound, holds, sure
from patron_projections.segments.compiler_rows import NOW, Chosen, Rows, RuleUnfit, calendar_values, of_record
from patron_projections.segments.compiler_values import Value, element, span, typed
from patron_projections.segments.sources import Source
from patron_rules.fields import Field, FieldType, profile_field
from patron_rules.looking import facts_of, nodes
from patron_rules.operands import (
    Operand,
    duration_operand,
    field_operand,
    measure_operand,
    moment_operand,
)
from patron_rules.tree import (
    All,
    AnyOf,
    Compare,
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

_MEASURED = {"amount": "amount_minor"}


def compile_rule(rule: Rule, source: Source, now: datetime) -> Condition:
    """Write a rule as a condition on one row of `source.people`; true or false, never NULL.

    now: a parameter of that name; with `clock_values` the same text answers for another moment.

    Raises:
        RuleUnfit: a field is not defined.
        OperandInvalid: a value does not fit; the rule was never checked.
    """
    return _Compiler(source, now).rule(rule)


def clock_values(rule: Rule, now: datetime) -> dict[str, datetime]:
    """Give the parameters of a compiled rule that follow from the moment of asking."""
    values = {NOW: now}
    for facts in looked_at(rule):
        if facts.period is not None and facts.period.calendar is not None:
            values.update(calendar_values(facts.period, now))
    return values


def looked_at(rule: Rule) -> Sequence[Facts]:
    """List all descriptions of facts in a rule."""
    return [facts for _, node in nodes(rule) for facts in facts_of(node)]


class _Compiler:
    def __init__(self, source: Source, now: datetime) -> None:
        self._rows = Rows(source, now)
        self._source = source
        self._people = source.people
        self._now = self._rows.now

    def rule(self, rule: Rule) -> Condition:
        match rule:
            case All(rules):
                return and_(true(), *(self.rule(one) for one in rules))
            case AnyOf(rules):
                return or_(false(), *(self.rule(one) for one in rules))
            case Not(inner):
                return not_(self.rule(inner))
            case FieldIs():
                return self._field(rule)
            case InSegment(segment):
                members = self._source.members.alias()
                return self._has(members, [members.c.segment_id == bound(segment)])
            case Measure():
                return self._measure(rule)
            case Moment():
                return self._moment_of(rule)
            case Followed():
                return self._followed(rule)

    # -- the profile ----------------------------------------------------------------------------------------------

    def _field(self, node: FieldIs) -> Condition:
        field = profile_field(node.field, self._source.definitions)
        if field is None:
            raise RuleUnfit(node.field)
        op = POSITIVE.get(node.op, node.op)
        found = self._profile(field, node.op, op, field_operand(field, node))
        return found if op == node.op else not_(found)

    def _profile(self, field: Field, asked: Operator, op: Operator, operand: Operand) -> Condition:
        match field.owner:
            case "company":
                return self._company(field, op, operand)
            case "rfm":
                scores = self._source.scores.alias()
                return self._has(scores, [holds(field.type, scores.c[field.key], op, operand, self._now)])
            case _ if field.group == "consents":
                wanted = true() if operand is True else false()
                return self._consent(field.key) == wanted
            case _ if field.form != "plain" and asked in {"eq", "ne", "in", "not-in"}:
                values = operand if isinstance(operand, tuple) else (operand,)
                keys = self._people.c[f"{field.form}_values"]
                return holds(FieldType.TEXTS, keys, "has-any", values, self._now)  # pyright: ignore[reportArgumentType]
            case _ if field.type is FieldType.IDS:
                return holds(field.type, self._companies(), op, operand, self._now)
            case _:
                return holds(field.type, of_record(self._people, field), op, operand, self._now)

    def _consent(self, purpose: str) -> Condition:
        """Tell whether a consent is in force: given, not withdrawn since, not expired."""
        consent = self._people.c.consents.op("->", return_type=JSONB())(literal(purpose))
        given, until = (typed(element(consent, key=key), FieldType.TIME) for key in ("given_at", "expires_at"))
        state = typed(element(consent, key="state"), FieldType.TEXT)
        return sure(and_(state == "given", given <= self._now, func.coalesce(until > self._now, true())))

    def _companies(self) -> Value:
        company, lasts = self._rows.links()
        return func.array(
            select(company).where(lasts).correlate(self._people).scalar_subquery(), type_=ARRAY(UUID_TYPE)
        )

    def _company(self, field: Field, op: Operator, operand: Operand) -> Condition:
        companies = self._source.companies.alias()
        value = of_record(companies, field)
        fitting = select(companies.c.id).where(holds(field.type, value, op, operand, self._now))
        company, lasts = self._rows.links()
        return select(literal(1)).where(lasts, company.in_(fitting)).correlate(self._people).exists()

    # -- facts ----------------------------------------------------------------------------------------------------

    def _has(self, rows: FromClause, conditions: Sequence[Condition]) -> Condition:
        """Tell whether rows by customer have one of this customer that fulfils all conditions."""
        mine = rows.c.customer_id == self._people.c.id
        few = self._source.of(rows.c.customer_id)
        return select(literal(1)).select_from(rows).where(mine, *few, *conditions).correlate(self._people).exists()

    def _has_group(self, chosen: Chosen, having: Condition) -> Condition:
        """Tell whether the chosen facts of this customer, taken together, fulfil a condition."""
        customer = chosen.rows.c.customer_id
        few = self._source.of(customer)
        query = select(customer).where(*few, *chosen.conditions).group_by(customer).having(having)
        groups = query.correlate(None).subquery()
        mine = groups.c.customer_id == self._people.c.id
        return select(literal(1)).select_from(groups).where(mine).correlate(self._people).exists()

    def _measure(self, node: Measure) -> Condition:
        chosen = self._rows.chosen(node.facts)
        if node.currency is not None:
            chosen = Chosen(chosen.rows, [*chosen.conditions, chosen.rows.c.currency == bound(node.currency)])
        wanted = measure_operand(node)
        count = func.count()
        if node.of is None:
            figure: Value = count
        else:
            values: Value = chosen.rows.c[_MEASURED.get(node.of, node.of)]
            match node.measure:
                case "sum":
                    figure = func.coalesce(func.sum(values), 0)
                case "average":
                    # The sum against so many times the number: a quotient would be rounded.
                    figure, count = func.sum(values), func.count(values)
                    return self._has_group(chosen, sure(_compared(figure, node.op, literal(wanted, Numeric) * count)))
                case "least":
                    figure = func.min(values)
                case _:
                    figure = func.max(values)
        found = sure(_compared(figure, node.op, bound(wanted)))
        if node.measure in {"count", "sum"} and _holds_for_none(node.op, wanted):
            return not_(self._has_group(chosen, not_(found)))
        return self._has_group(chosen, found)

    def _moment_of(self, node: Moment) -> Condition:
        chosen, wanted = self._rows.chosen(node.facts), moment_operand(node)
        value = self._now - span(wanted) if isinstance(wanted, timedelta) else bound(wanted)
        late = node.op in {"after", "within-last", "not-within-last"}
        if late == (node.which == "last"):
            # The last is after a time when any is; the first is before it when any is.
            beyond = chosen.at > value if late else chosen.at < value
            found = self._has(chosen.rows, [*chosen.conditions, beyond])
        else:
            edge = func.max(chosen.at) if node.which == "last" else func.min(chosen.at)
            found = self._has_group(chosen, edge > value if late else edge < value)
        return not_(found) if node.op == "not-within-last" else found

    def _followed(self, node: Followed) -> Condition:
        first, then = self._rows.chosen(node.first), self._rows.chosen(node.then)
        end = first.at + span(duration_operand(node.within))
        mine = then.rows.c.customer_id == first.rows.c.customer_id
        few = self._source.of(then.rows.c.customer_id)
        later = [mine, *few, then.at > first.at, then.at <= end, *then.conditions]
        followed = select(literal(1)).select_from(then.rows).where(*later).correlate(first.rows).exists()
        if node.negated:
            return self._has(first.rows, [*first.conditions, end <= self._now, not_(followed)])
        return self._has(first.rows, [*first.conditions, followed])


def _holds_for_none(op: Compare, wanted: Decimal) -> bool:
    """Tell whether nothing, 0, compares so."""
    return (
        (wanted > 0 and op in {"ne", "lt", "lte"})
        or (wanted < 0 and op in {"ne", "gt", "gte"})
        or (wanted == 0 and op in {"eq", "lte", "gte"})
    )


def _compared(left: Value, op: Compare, right: ColumnElement[Any]) -> Condition:
    match op:
        case "eq":
            return left == right
        case "ne":
            return left != right
        case "lt":
            return left < right
        case "lte":
            return left <= right
        case "gt":
            return left > right
        case "gte":
            return left >= right
