"""Filters of a directory: `filter=field:operator:value`, any number of them, all of which must hold.

Operators: eq, ne, in (values separated by commas), lt, lte, gt, gte, contains and starts (any case), exists
(true or false). On sets, eq and contains ask for one member, in for any of several. For email and phone, eq, ne and in
look at all addresses or numbers of a record, however they are spelled.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, Protocol

from sqlalchemy import ColumnElement, Numeric, Text, and_, case, cast, func, literal, not_
from sqlalchemy.dialects.postgresql import ARRAY

from patron_events.rejections import Invalid
from patron_projections.fields import DOCUMENT, IDS, TEXTS, VALUE, Field, read_decimal

_SPELLED: Final = frozenset({"eq", "ne", "in"})
_MOST: Final = 20
_MOST_VALUES: Final = 200
_NUMBER: Final = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$"
Condition = ColumnElement[bool]


class FilterInvalid(Invalid):
    """A filter does not have the form `field:operator:value`, or its value does not fit the field."""

    code: ClassVar[str] = "filter-invalid"


def _like(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_COMPARE: Final[dict[str, Callable[[Any, Any], Condition]]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left.is_distinct_from(right),
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
}


class Findable(Protocol):
    """Fields as callers name them."""

    def find(self, name: str) -> Field | None:
        """Find a field; None for an unknown one."""
        ...


def conditions(fields: Findable, filters: Sequence[str]) -> list[Condition]:
    """Read filters into conditions.

    Raises:
        FilterInvalid: names the filter and its wrong part, such as `filter[1].operator`.
    """
    if len(filters) > _MOST:
        raise FilterInvalid(f"At most {_MOST} filters.", field="filter")
    return [_condition(fields, text, f"filter[{place}]") for place, text in enumerate(filters)]


def names(filters: Sequence[str]) -> set[str]:
    """Name the fields that filters look at."""
    return {text.partition(":")[0] for text in filters}


def _condition(fields: Findable, text: str, path: str) -> Condition:
    field = fields.find(text.partition(":")[0])
    if field is None:
        raise FilterInvalid("There is no such field.", field=f"{path}.field")
    return condition_on(field, text, path)


def condition_on(field: Field, text: str, path: str) -> Condition:
    """Read a filter on a field that was found already; raises FilterInvalid."""
    _, _, rest = text.partition(":")
    operator, colon, value = rest.partition(":")
    if operator not in field.kind.operators:
        allowed = ", ".join(sorted(field.kind.operators))
        raise FilterInvalid(f"A {field.kind.name} takes the operators {allowed}.", field=f"{path}.operator")
    if operator == "exists":
        return _exists(field, value if colon else "true", f"{path}.value")
    if not colon:
        raise FilterInvalid("Write field:operator:value.", field=path)
    parts = value.split(",") if operator == "in" else [value]
    if len(parts) > _MOST_VALUES:
        raise FilterInvalid(f"At most {_MOST_VALUES} values.", field=f"{path}.value")
    try:
        values = [field.kind.read(part) for part in parts]
    except (ValueError, KeyError, OverflowError):
        raise FilterInvalid(f"The value is not a {field.kind.name}.", field=f"{path}.value") from None
    return _compared(field, operator, values)


def _exists(field: Field, value: str, path: str) -> Condition:
    if value not in {"true", "false"}:
        raise FilterInvalid("exists takes true or false.", field=path)
    return field.expression.is_not(None) if value == "true" else field.expression.is_(None)


def _compared(field: Field, operator: str, values: Sequence[Any]) -> Condition:
    keys = field.keys
    if keys is not None and (field.kind == TEXTS or operator in _SPELLED):
        return _member(keys.column, operator, [keys.key(value) for value in values])
    if field.kind in (TEXTS, IDS):
        return _member(field.expression, operator, values)
    expression = field.expression
    if field.kind == DOCUMENT:
        expression = cast(expression, Text)
    value = values[0]
    match operator:
        case "in":
            return expression == func.any(literal(list(values), ARRAY(expression.type)))
        case "contains":
            return expression.ilike(f"%{_like(value)}%", escape="\\")
        case "starts":
            return expression.ilike(f"{_like(value)}%", escape="\\")
        case _ if field.kind == VALUE and operator not in {"eq", "ne"}:
            return _value_compared(expression, operator, value)
        case _:
            return _COMPARE[operator](expression, literal(value, expression.type))


def _member(expression: ColumnElement[Any], operator: str, values: Sequence[Any]) -> Condition:
    wanted = literal(list(values), expression.type)
    overlaps = expression.op("&&", is_comparison=True)(wanted)
    if operator == "ne":
        return not_(func.coalesce(overlaps, literal(value=False)))
    return overlaps


def _value_compared(expression: ColumnElement[Any], operator: str, value: str) -> Condition:
    """Compare a named value by size: as a number where both are numbers, else as a text (also of dates)."""
    try:
        number = read_decimal(value)
    except ValueError:
        return _COMPARE[operator](expression, literal(value))
    as_number = case((expression.op("~")(_NUMBER), cast(expression, Numeric)))
    return and_(as_number.is_not(None), _COMPARE[operator](as_number, literal(number, Numeric)))
