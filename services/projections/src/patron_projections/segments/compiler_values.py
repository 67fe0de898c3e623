"""Values as they stand in PostgreSQL, read by their types: what does not fit its type is no value, never an error."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Interval,
    Numeric,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from patron_rules.fields import FieldType

Value = ColumnElement[Any]
# Whether a day is one is told by the pattern: a computation would repeat the value, a whole expression, many times.
_LEAP: Final = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DAY: Final = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])"
_DATE: Final = f"^(?!0000)([0-9]{{4}}-({_DAY})|{_LEAP}-02-29)"
_CLOCK: Final = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_TIME_ZONED: Final = DateTime(timezone=True)
_ITSELF: Final[Value] = literal_column("'{}'::text[]")
_SECOND: Final = literal_column("interval '1 second'", Interval())


def element(*documents: Value, key: str) -> Value:
    """Give a named value of the first JSON document that has it, as JSON."""
    found = [document.op("->", return_type=JSONB())(literal(key, Text)) for document in documents]
    return found[0] if len(found) == 1 else func.coalesce(*found, type_=JSONB())


def typed(json: Value, kind: FieldType) -> Value:
    """Read a JSON value by its type; NULL for a value of another type."""
    match kind:
        case FieldType.NUMBER | FieldType.INTEGER:
            return case((_is(json, "number"), cast(_text(json), Numeric)))
        case FieldType.BOOLEAN:
            return case((_is(json, "boolean"), cast(_text(json), Boolean)))
        case FieldType.DATE:
            return _dated(json, f"{_DATE}$", Date())
        case FieldType.TIME:
            return _dated(json, f"{_DATE}{_CLOCK}$", _TIME_ZONED)
        case _:
            return text_of(json)


def text_of(json: Value) -> Value:
    """Read a JSON text."""
    return case((_is(json, "string"), _text(json)))


def _is(json: Value, kind: str) -> ColumnElement[bool]:
    return func.jsonb_typeof(json) == kind


def _text(json: Value) -> Value:
    """Write a JSON value as text, without the quotes of a JSON text."""
    return json.op("#>>", return_type=Text())(_ITSELF)


def _dated(json: Value, pattern: str, kind: TypeEngine[Any]) -> Value:
    """Read a date or time; only a JSON text looks like one, so its type need not be asked."""
    text = _text(json)
    return case((text.op("~")(pattern), cast(text, kind)))


def span(length: timedelta) -> Value:
    """Write a length of time in seconds: a day has 24 hours whatever the session's time zone."""
    return _SECOND.op("*", return_type=Interval())(literal(length.total_seconds(), Double))


def day_of(moment: Value) -> Value:
    """Give the day of the calendar in UTC."""
    return cast(func.timezone("UTC", moment), Date)


def midnight(day: Value) -> Value:
    """Give the first instant of a day in UTC."""
    return func.timezone("UTC", cast(day, DateTime), type_=_TIME_ZONED)
