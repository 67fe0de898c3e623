"""Comparisons of one value with one operand as SQL: true or false for every row, never NULL.

Their twins in plain Python are in `patron_rules.evaluation`; a property test holds both together.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Interval,
    Numeric,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE
from sqlalchemy.types import TypeEngine

from patron_projections.segments.compiler_values import Value, day_of, midnight, span, text_of, typed
from patron_rules.fields import FieldType
from patron_rules.operands import One, Operand
from patron_rules.tree import Operator

Condition = ColumnElement[bool]
POSITIVE: Final[dict[Operator, Operator]] = {
    "ne": "eq", "not-in": "in", "missing": "exists", "not-within-last": "within-last",
}  # fmt: skip
"""Operators that are true exactly where another one is false."""
_TYPES: Final[dict[type, TypeEngine[Any]]] = {
    str: Text(),
    bool: Boolean(),
    int: BigInteger(),
    Decimal: Numeric(),
    date: Date(),
    datetime: DateTime(timezone=True),
    UUID: UUID_TYPE(),
}
_INT8: Final = 2**63
_SETS: Final = frozenset({FieldType.TEXTS, FieldType.IDS})


def sure(condition: Condition) -> Condition:
    """Make a condition false where it is unknown; planners see through IS TRUE, but not through coalesce."""
    return condition.is_(true())


def holds(kind: FieldType, value: Value, op: Operator, operand: Operand, now: Value) -> Condition:
    """Compare a value with an operand by any operator that is not in `POSITIVE`.

    value: of the SQL type that fits `kind`; for values without a definition their JSON, for sets an array.
    """
    if kind in _SETS:
        return sure(_set_holds(value, op, operand))
    if kind is FieldType.VALUE:
        return sure(_value_holds(value, op, operand))
    return sure(_holds(kind, value, op, operand, now))


def bound(value: Any) -> Value:
    """Bind a Python value with the type that PostgreSQL compares it as.

    Whole numbers are bound as such: a column of whole numbers is then compared without turning each of its values
    into a decimal.
    """
    if isinstance(value, Decimal) and abs(value) < _INT8 and value == value.to_integral_value():
        return literal(int(value), BigInteger)
    return literal(value, _TYPES[type(value)])


def array(values: Sequence[Any]) -> Value:
    """Bind values of one type as an array."""
    return literal(list(values), ARRAY(_TYPES[type(values[0])]))


def many(operand: Operand) -> tuple[One, ...]:
    """Give the values of an operand that is a list."""
    return operand if isinstance(operand, tuple) else ()


def _holds(kind: FieldType, value: Value, op: Operator, operand: Operand, now: Value) -> Condition:
    match op:
        case "exists":
            return value.is_not(None)
        case "eq":
            return value == bound(operand)
        case "in":
            return value == func.any(array(many(operand)))
        case "lt" | "before":
            return value < bound(operand)
        case "lte":
            return value <= bound(operand)
        case "gt" | "after":
            return value > bound(operand)
        case "gte":
            return value >= bound(operand)
        case "contains":
            return func.strpos(func.lower(value), func.lower(bound(operand))) > 0
        case "starts":
            return func.starts_with(func.lower(value), func.lower(bound(operand)))
        case _ if isinstance(operand, timedelta):
            return _timed(kind, value, op, operand, now)
        case _:
            msg = f"{op} does not compare single values"
            raise ValueError(msg)


def _timed(kind: FieldType, value: Value, op: Operator, length: timedelta, now: Value) -> Condition:
    if op == "anniversary-within-next":
        day = value if kind is FieldType.DATE else day_of(value)
        return upcoming(day, now) <= day_of(now) + literal(length.days, Integer)
    at = midnight(value) if kind is FieldType.DATE else value
    match op:
        case "within-last":
            return and_(at > now - span(length), at <= now)
        case _:
            return and_(at > now, at <= now + span(length))


def upcoming(day: Value, now: Value) -> Value:
    """Give the first anniversary of a day from today on; 29 February is kept on the 28th in other years."""
    today = day_of(now)
    years = cast(func.date_part("year", today) - func.date_part("year", day), Integer)
    this_year = _shifted(day, years)
    return case((this_year < today, _shifted(day, years + 1)), else_=this_year)


def _shifted(day: Value, years: Value) -> Value:
    return cast(cast(day, DateTime) + func.make_interval(years, type_=Interval()), Date)


def _set_holds(value: Value, op: Operator, operand: Operand) -> Condition:
    match op:
        case "exists":
            return func.cardinality(value) > 0
        case "has":
            return bound(operand) == func.any(value)
        case "has-any":
            return value.op("&&", is_comparison=True)(array(many(operand)))
        case _:
            return value.op("@>", is_comparison=True)(array(many(operand)))


def _value_holds(json: Value, op: Operator, operand: Operand) -> Condition:
    """Compare a value as the type that it was recorded with; one of another type fulfils nothing."""
    match op:
        case "exists":
            return func.jsonb_typeof(json) != "null"
        case "eq":
            return _recorded(json, operand) == bound(operand)
        case "in":
            alike = [[one for one in many(operand) if isinstance(one, kind)] for kind in (str, bool, Decimal)]
            parts = [sure(_recorded(json, values[0]) == func.any(array(values))) for values in alike if values]
            return or_(false(), *parts)
        case _:
            return _holds(FieldType.TEXT, _recorded(json, operand), op, operand, json)


def _recorded(json: Value, operand: Operand) -> Value:
    match operand:
        case bool():
            return typed(json, FieldType.BOOLEAN)
        case Decimal():
            return typed(json, FieldType.NUMBER)
        case _:
            return text_of(json)
