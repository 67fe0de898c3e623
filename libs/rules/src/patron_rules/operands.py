"""Values of a rule as Python values, read in one place for every evaluator, so that they cannot differ."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

from patron_rules.fields import Field, FieldType
from patron_rules.forms import currencies, decimal, email_key, minor_units, moment, number_key
from patron_rules.periods import length
from patron_rules.tree import Duration, FieldIs, Measure, Moment, Operator, Scalar, Where

One = str | int | Decimal | bool | date | datetime | UUID | timedelta
Operand = One | tuple[One, ...] | None
Written = Scalar | tuple[Scalar, ...] | Duration | None

LONGEST_TEXT: Final = 1_000
LONGEST_LIST: Final = 1_000
LONGEST_DURATION: Final = timedelta(days=36_525)
"""A hundred years: dates so far away stay within the calendar of Python and of PostgreSQL."""
_INT8: Final = 2**63
_LISTS: Final = frozenset({"in", "not-in", "has-any", "has-all"})
_DURATIONS: Final = frozenset({"within-last", "not-within-last", "within-next", "anniversary-within-next"})
_ORDER: Final[frozenset[Operator]] = frozenset({"lt", "lte", "gt", "gte"})
_PARTS: Final = frozenset({"contains", "starts"})
_EQUALITY: Final = frozenset({"eq", "ne", "in", "not-in"})
_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL cannot hold: NUL, and halves of characters."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_NOUNS: Final[Mapping[FieldType, str]] = {
    FieldType.TEXT: "a-text",
    FieldType.NUMBER: "a-number",
    FieldType.INTEGER: "an-integer",
    FieldType.BOOLEAN: "a-boolean",
    FieldType.DATE: "a-date",
    FieldType.TIME: "a-time",
    FieldType.ID: "an-id",
    FieldType.IDS: "an-id",
    FieldType.TEXTS: "a-text",
    FieldType.VALUE: "a-scalar",
}


class OperandInvalid(Exception):
    """A value does not fit its field and operator.

    code: stable, as in docs/rules.md. at: the member to blame (`value`, `currency`, `op`), with an index in a list.
    """

    def __init__(self, code: str, message: str, at: str = "value") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at


MESSAGES: Final[Mapping[str, str]] = {
    "value-not-a-text": "A text was expected here.",
    "value-not-a-number": "A number was expected here: a JSON number, or decimal text of up to 20 digits.",
    "value-not-an-integer": "A whole number of 64 bits was expected here.",
    "value-not-a-boolean": "true or false was expected here.",
    "value-not-a-date": "A date was expected here, such as 2026-03-01.",
    "value-not-a-time": "An RFC 3339 time or a date was expected here, such as 2026-03-01T12:00:00Z.",
    "value-not-an-id": "A UUID was expected here, in lower case with hyphens.",
    "value-not-an-option": "The field has no such option.",
    "value-not-a-scalar": "A text, a number or a truth value was expected here.",
    "value-not-a-list": "This operator needs a list of values.",
    "value-not-a-duration": 'This operator needs a duration, such as {"days": 30}.',
    "value-not-a-phone-number": "A phone number was expected here.",
    "value-needed": "This operator needs a value.",
    "value-not-allowed": "This operator takes no value.",
    "list-empty": "The list has no values.",
    "list-too-long": f"The list has more than {LONGEST_LIST} values.",
    "text-invalid": "The text has characters that cannot be stored.",
    "text-too-long": f"The text has more than {LONGEST_TEXT} characters.",
    "duration-invalid": "A duration must be longer than nothing, at most 36,525 days, and no part below 0.",
    "duration-not-in-days": "An anniversary is looked for within whole days.",
    "currency-needed": "Amounts are compared in a currency; name it.",
    "currency-not-allowed": "Only amounts have a currency.",
    "unknown-currency": "There is no such currency (ISO 4217, upper case).",
    "operator-not-allowed": "The field does not know this operator.",
    "unknown-field": "There is no such field.",
    "segment-not-an-id": "The id of a segment was expected here.",
    "of-needed": "This measure needs a field: amount, quantity or duration_s.",
    "of-not-allowed": "Facts are counted whole, not a field of theirs.",
    "of-not-of-fact": "Facts of this kind have no such field.",
    "period-without-limit": "A period has at least one of last, from, to and calendar.",
    "period-empty": "The period ends before it begins.",
    "period-not-allowed": "What follows is limited by within alone.",
    "unknown-time-zone": "There is no such time zone (IANA).",
}
"""What is said of each code."""


def refusal(code: str, at: str = "value") -> OperandInvalid:
    """Make a refusal with the usual message of its code."""
    return OperandInvalid(code, MESSAGES[code], at)


def field_operand(field: Field, node: FieldIs) -> Operand:
    """Read the value of a condition on the profile. See `operand`."""
    return operand(field, node.op, node.value)


def where_operand(field: Field, where: Where) -> Operand:
    """Read the value of a condition on a fact; amounts come in minor units of the condition's currency.

    Raises:
        OperandInvalid: as `operand`; currency-needed, unknown-currency, currency-not-allowed.
    """
    amount = field.owner == "purchase" and field.key == "amount"
    currency = _currency(where.currency, needed=amount)
    value = operand(field, where.op, where.value)
    if currency is None:
        return value
    values = value if isinstance(value, tuple) else (value,)
    turned = tuple(minor_units(one, currency) for one in values if isinstance(one, Decimal))
    return turned if isinstance(value, tuple) else turned[0]


def measure_operand(node: Measure) -> Decimal:
    """Read the number that a measure is compared with; amounts come in minor units of the measure's currency.

    Raises:
        OperandInvalid: value-not-a-number, currency-needed, unknown-currency, currency-not-allowed.
    """
    currency = _currency(node.currency, needed=node.of == "amount")
    value = _decimal(node.value)
    return value if currency is None else minor_units(value, currency)


def moment_operand(node: Moment) -> datetime | timedelta:
    """Read the time or the duration that the moment of a fact is compared with.

    Raises:
        OperandInvalid: value-not-a-time, value-not-a-duration, duration-invalid.
    """
    if node.op in {"before", "after"}:
        if isinstance(node.value, str):
            return _time(node.value)
        raise refusal("value-not-a-time")
    if isinstance(node.value, Duration):
        return duration_operand(node.value)
    raise refusal("value-not-a-duration")


def duration_operand(value: Duration, at: str = "value") -> timedelta:
    """Read a duration; raises OperandInvalid duration-invalid for one that is 0, negative or over a hundred years."""
    parts = (value.days, value.hours, value.minutes, value.seconds)
    if any(not 0 <= part <= LONGEST_DURATION.total_seconds() for part in parts):
        raise refusal("duration-invalid", at)
    try:
        whole = length(value)
    except OverflowError:
        raise refusal("duration-invalid", at) from None
    if not timedelta(0) < whole <= LONGEST_DURATION:
        raise refusal("duration-invalid", at)
    return whole


def operand(field: Field, op: Operator, value: Written) -> Operand:
    """Turn the JSON value of a condition into the Python value that the field is compared with.

    text: str (e-mail addresses and phone numbers in the form of comparison, except for `contains` and `starts`);
    number: Decimal; integer: int; boolean: bool; date: date; time: datetime in UTC; id: UUID; value: str, Decimal
    or bool. Lists become tuples of these; durations timedelta; `exists` and `missing` have None.

    Raises:
        OperandInvalid: operator-not-allowed, or the code that says what the value is not.
    """
    if op not in field.operators:
        raise refusal("operator-not-allowed", "op")
    if op in {"exists", "missing"}:
        if value is None:
            return None
        raise refusal("value-not-allowed")
    if value is None:
        raise refusal("value-needed", "")
    if op in _DURATIONS:
        return _within(op, value)
    read = _reader(field, op)
    if op in _LISTS:
        return _list(value, read)
    if isinstance(value, tuple | Duration):
        raise refusal(f"value-not-{_NOUNS[_compared(field, op)]}")
    return read(value)


def _within(op: Operator, value: Written) -> timedelta:
    if not isinstance(value, Duration):
        raise refusal("value-not-a-duration")
    whole = duration_operand(value)
    if op == "anniversary-within-next" and whole % timedelta(days=1):
        raise refusal("duration-not-in-days")
    return whole


def _list(value: Written, read: Callable[[Scalar], One]) -> tuple[One, ...]:
    if not isinstance(value, tuple):
        raise refusal("value-not-a-list")
    if not value:
        raise refusal("list-empty")
    if len(value) > LONGEST_LIST:
        raise refusal("list-too-long")
    answer: list[One] = []
    for index, one in enumerate(value):
        try:
            answer.append(read(one))
        except OperandInvalid as wrong:
            raise OperandInvalid(wrong.code, wrong.message, f"value[{index}]") from None
    return tuple(answer)


def _compared(field: Field, op: Operator) -> FieldType:
    """Tell as what a field's values are compared: values without a definition have an order only as numbers."""
    if field.type is FieldType.VALUE and op in _ORDER:
        return FieldType.NUMBER
    return FieldType.TEXT if op in _PARTS else field.type


def _reader(field: Field, op: Operator) -> Callable[[Scalar], One]:
    match _compared(field, op):
        case FieldType.TEXT if op in _PARTS or field.form == "plain":
            return partial(_option, field.options if op in _EQUALITY else ())
        case FieldType.TEXT:
            return _address if field.form == "email" else _phone
        case FieldType.NUMBER:
            return _decimal
        case FieldType.INTEGER:
            return _integer
        case FieldType.BOOLEAN:
            return _boolean
        case FieldType.DATE:
            return _date
        case FieldType.TIME:
            return _time
        case FieldType.ID | FieldType.IDS:
            return _id
        case FieldType.VALUE:
            return _scalar
        case FieldType.TEXTS:
            return _text


def _currency(code: str | None, *, needed: bool) -> str | None:
    if code is None and needed:
        raise refusal("currency-needed", "")
    if code is not None and not needed:
        raise refusal("currency-not-allowed", "currency")
    if code is not None and code not in currencies():
        raise refusal("unknown-currency", "currency")
    return code


def _text(value: Scalar) -> str:
    if not isinstance(value, str):
        raise refusal("value-not-a-text")
    if len(value) > LONGEST_TEXT:
        raise refusal("text-too-long")
    if _UNFIT.search(value):
        raise refusal("text-invalid")
    return value


def _option(options: tuple[str, ...], value: Scalar) -> str:
    text = _text(value)
    if options and text not in options:
        raise refusal("value-not-an-option")
    return text


def _address(value: Scalar) -> str:
    return email_key(_text(value))


def _phone(value: Scalar) -> str:
    key = number_key(_text(value))
    if not key:
        raise refusal("value-not-a-phone-number")
    return key


def _decimal(value: Scalar) -> Decimal:
    if isinstance(value, bool):
        raise refusal("value-not-a-number")
    try:
        return decimal(value)
    except ValueError:
        raise refusal("value-not-a-number") from None


def _integer(value: Scalar) -> int:
    """Accept whole numbers; JSON writes one number as 3 and as 3.0."""
    if isinstance(value, str | bool) or value != value // 1 or not -_INT8 <= value < _INT8:
        raise refusal("value-not-an-integer")
    return int(value)


def _boolean(value: Scalar) -> bool:
    if not isinstance(value, bool):
        raise refusal("value-not-a-boolean")
    return value


def _date(value: Scalar) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise refusal("value-not-a-date")


def _time(value: Scalar) -> datetime:
    try:
        if isinstance(value, str):
            return moment(value)
    except ValueError:
        pass
    raise refusal("value-not-a-time")


def is_id(text: str) -> bool:
    """Tell whether a text is a UUID as ids are written here: lower case, with hyphens."""
    return _UUID.fullmatch(text) is not None


def _id(value: Scalar) -> UUID:
    if not isinstance(value, str) or not is_id(value):
        raise refusal("value-not-an-id")
    return UUID(value)


def _scalar(value: Scalar) -> One:
    if isinstance(value, bool):
        return value
    return _text(value) if isinstance(value, str) else _decimal(value)
