"""Single values of records compared with the value of a condition: what every operator means."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from dateutil.relativedelta import relativedelta

from patron_rules.fields import Field, FieldType
from patron_rules.operands import operand
from patron_rules.tree import Compare, FieldIs, Operator, Where

POSITIVE: Final[dict[Operator, Operator]] = {
    "ne": "eq", "not-in": "in", "missing": "exists", "not-within-last": "within-last",
}  # fmt: skip
"""Operators that are true exactly where another one is false."""
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def fulfils(known: Field, condition: FieldIs | Where, value: Any, now: datetime) -> bool:
    """Tell whether one value fulfils a checked condition; None is a value that is not there.

    value: of the Python type of the field: Decimal or int, date, datetime, a collection of texts; e-mail addresses
    and phone numbers in the forms of `patron_rules.forms`.
    """
    op: Operator = POSITIVE.get(condition.op, condition.op)
    wanted = operand(known, condition.op, condition.value)
    return holds(known.type, value, op, wanted, now) == (op == condition.op)


def typed(value: Any, kind: FieldType) -> Any:
    """Read a JSON value by its type; None for a value of another type."""
    match kind, value:
        case FieldType.NUMBER | FieldType.INTEGER, int() | float() | Decimal() if not isinstance(value, bool):
            return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        case FieldType.BOOLEAN, bool():
            return value
        case FieldType.DATE, str():
            return _read(date.fromisoformat, value) if _DAY.fullmatch(value) else None
        case FieldType.TIME, str():
            return _read(datetime.fromisoformat, value) if _MOMENT.fullmatch(value) else None
        case FieldType.TIME, datetime():
            return value
        case FieldType.TEXT, str():
            return value
        case _:
            return None


def _read(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None


def holds(kind: FieldType, value: Any, op: Operator, operand: Any, now: datetime) -> bool:
    """Compare a value with an operand by a positive operator; a value that is not there fulfils nothing."""
    if value is None:
        return False
    match kind:
        case FieldType.TEXTS | FieldType.IDS:
            return _set_holds(frozenset(value), op, operand)
        case FieldType.VALUE:
            return _value_holds(value, op, operand)
        case _:
            return _single_holds(value, op, operand, now)


def _set_holds(values: frozenset[Any], op: Operator, operand: Any) -> bool:
    match op:
        case "exists":
            return bool(values)
        case "has":
            return operand in values
        case "has-any":
            return not values.isdisjoint(operand)
        case _:
            return values.issuperset(operand)


def _value_holds(value: Any, op: Operator, operand: Any) -> bool:
    """Compare a value as the type that it was recorded with; one of another type fulfils nothing."""
    if op == "exists":
        return True
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = typed(value, FieldType.NUMBER)
    wanted = operand if op == "in" else (operand,)
    return any(
        type(one) is type(value) and _single_holds(value, "eq" if op == "in" else op, one, None) for one in wanted
    )


def _single_holds(value: Any, op: Operator, operand: Any, now: datetime | None) -> bool:
    match op:
        case "exists":
            return True
        case "eq":
            return value == operand
        case "in":
            return value in operand
        case "lt" | "before":
            return value < operand
        case "lte":
            return value <= operand
        case "gt" | "after":
            return value > operand
        case "gte":
            return value >= operand
        case "contains":
            return _folded(operand) in _folded(value)
        case "starts":
            return _folded(value).startswith(_folded(operand))
        case _ if now is not None and isinstance(operand, timedelta):
            return _timed(value, op, operand, now)
        case _:
            msg = f"{op} does not compare single values"
            raise ValueError(msg)


def _folded(text: str) -> str:
    """Fold case letter by letter, as PostgreSQL does: a word's place in a text does not change its letters."""
    return "".join("i" if letter == "İ" else letter.lower() for letter in text)


def _timed(value: datetime | date, op: Operator, within: timedelta, now: datetime) -> bool:
    if op == "anniversary-within-next":
        day = value.astimezone(UTC).date() if isinstance(value, datetime) else value
        today = now.astimezone(UTC).date()
        return upcoming(day, today) <= today + within
    at = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
    match op:
        case "within-last":
            return now - within < at <= now
        case _:
            return now < at <= now + within


def upcoming(day: date, today: date) -> date:
    """Give the first anniversary of a day from today on; 29 February is kept on the 28th in other years."""
    this_year = day + relativedelta(years=today.year - day.year)
    return this_year if this_year >= today else day + relativedelta(years=today.year + 1 - day.year)


def compared(left: Decimal, op: Compare, right: Decimal) -> bool:
    """Compare two numbers."""
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
