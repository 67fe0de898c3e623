"""Values as they stand in PostgreSQL, read by their types: what does not fit its type is no value, never an error."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    Interval,
    Numeric,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from patron_rules.fields import FieldType

Value = ColumnElement[Any]
_DATE: Final = r"^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK: Final = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$"
_TIME_ZONED: Final = DateTime(timezone=True)


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
            return _date(text_of(json), "$")
        case FieldType.TIME:
            return _time(text_of(json))
        case _:
            return text_of(json)


def text_of(json: Value) -> Value:
    """Read a JSON text."""
    return case((_is(json, "string"), _text(json)))


def _is(json: Value, kind: str) -> ColumnElement[bool]:
    return func.jsonb_typeof(json) == kind


def _text(json: Value) -> Value:
    """Write a JSON value as text, without the quotes of a JSON text."""
    return json.op("#>>", return_type=Text())(literal([], ARRAY(Text)))


def _date(text: Value, end: str) -> Value:
    """Read the date at the beginning of a text; a day that its month does not have is none."""
    year, month, day = (cast(func.substr(text, start, size), Integer) for start, size in ((1, 4), (6, 2), (9, 2)))
    guess: Value = func.make_date(year, month, 1, type_=Date()) + (day - 1)
    there = func.date_part("month", guess) == month
    return case((text.op("~")(_DATE + end), case((there, guess))))


def _time(text: Value) -> Value:
    fits = and_(text.op("~")(_DATE + _CLOCK), _date(func.substr(text, 1, 10), "$").is_not(None))
    return case((fits, cast(text, _TIME_ZONED)))


def span(length: timedelta) -> Value:
    """Write a length of time in seconds: a day has 24 hours whatever the session's time zone."""
    zero = literal(0, Integer)
    seconds = literal(length.total_seconds(), Double)
    return func.make_interval(zero, zero, zero, zero, zero, zero, seconds, type_=Interval())


def day_of(moment: Value) -> Value:
    """Give the day of the calendar in UTC."""
    return cast(func.timezone("UTC", moment), Date)


def midnight(day: Value) -> Value:
    """Give the first instant of a day in UTC."""
    return func.timezone("UTC", cast(day, DateTime), type_=_TIME_ZONED)
