"""Fields of a directory as callers name them: their kinds, what may be asked of them, and values read strictly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Integer,
    Numeric,
    Uuid,
    and_,
    cast,
    func,
    literal,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from patron_projections.records import email_key, number_key

_INT8: Final = 2**63
_LONGEST: Final = 1_000
_HIDDEN: Final = frozenset({"search", "search_text", "position", "custom_personal", "company_roles"})
_CUSTOM: Final = ("custom", "custom_personal")
_SPELLED: Final = (("email", "email_values", email_key), ("phone", "phone_values", number_key))
ALIASES: Final[Mapping[str, str]] = {
    "emails": "email_values",
    "phones": "phone_values",
    "external_ids": "external_keys",
    "company_id": "company_ids",
    "companies": "company_ids",
}


def read_text(value: str) -> str:
    """Read a text; raises ValueError for one that PostgreSQL cannot hold."""
    if "\0" in value or len(value) > _LONGEST:
        raise ValueError
    value.encode()
    return value


def read_integer(value: str) -> int:
    """Read a whole number of 64 bits."""
    number = int(value) if len(value) <= 20 and value.isascii() else _INT8  # noqa: PLR2004  (digits of 64 bits)
    if not -_INT8 <= number < _INT8:
        raise ValueError
    return number


def read_decimal(value: str) -> Decimal:
    """Read an exact number."""
    try:
        number = Decimal(value) if len(value) <= 40 else Decimal("NaN")  # noqa: PLR2004  (more digits than anybody needs)
    except InvalidOperation:
        raise ValueError from None
    if not number.is_finite() or abs(number.adjusted()) > 100:  # noqa: PLR2004  (far beyond any sum)
        raise ValueError
    return number


def read_time(value: str) -> datetime:
    """Read an RFC 3339 time; a date alone means its beginning, a missing offset UTC."""
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def read_bool(value: str) -> bool:
    """Read true or false."""
    return {"true": True, "false": False}[value.lower()]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of field. read: turns the text of a query into a value; raises ValueError or KeyError."""

    name: str
    read: Callable[[str], Any]
    operators: frozenset[str]
    sortable: bool = True


_ORDERED: Final = frozenset({"eq", "ne", "in", "lt", "lte", "gt", "gte", "exists"})
TEXT: Final = Kind("text", read_text, _ORDERED | {"contains", "starts"})
INTEGER: Final = Kind("integer", read_integer, _ORDERED)
DECIMAL: Final = Kind("decimal", read_decimal, _ORDERED)
BOOLEAN: Final = Kind("boolean", read_bool, frozenset({"eq", "ne", "exists"}))
DATE: Final = Kind("date", date.fromisoformat, _ORDERED)
TIME: Final = Kind("time", read_time, _ORDERED)
ID: Final = Kind("id", UUID, frozenset({"eq", "ne", "in", "exists"}))
TEXTS: Final = Kind("set of texts", read_text, frozenset({"eq", "ne", "in", "contains", "exists"}), sortable=False)
IDS: Final = Kind("set of ids", UUID, frozenset({"eq", "ne", "in", "contains", "exists"}), sortable=False)
VALUE: Final = Kind("value", read_text, TEXT.operators, sortable=False)
DOCUMENT: Final = Kind("document", read_text, frozenset({"contains", "exists"}), sortable=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """The values of a record in the form in which they are compared. key: gives a value that form."""

    column: ColumnElement[Any]
    key: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a directory and the expression that gives it.

    keys: what eq, ne and in look at instead, where one thing has several spellings.
    """

    kind: Kind
    expression: ColumnElement[Any]
    keys: Keys | None = None


def kind_of(column: ColumnElement[Any]) -> Kind:
    """Tell the kind of a column."""
    match column.type:
        case ARRAY(item_type=Uuid()):
            return IDS
        case ARRAY():
            return TEXTS
        case JSONB():
            return DOCUMENT
        case Boolean():
            return BOOLEAN
        case BigInteger() | Integer():
            return INTEGER
        case Numeric():
            return DECIMAL
        case DateTime():
            return TIME
        case Date():
            return DATE
        case Uuid():
            return ID
        case _:
            return TEXT


def consented(consents: ColumnElement[Any], purpose: str, moment: datetime | None) -> ColumnElement[bool]:
    """Write that a consent is given and has not expired at a moment; None for now."""
    one = consents[purpose]
    expires_at = cast(one["expires_at"].astext, DateTime(timezone=True))
    now = func.now() if moment is None else literal(moment, DateTime(timezone=True))
    holds = and_(one["state"].astext == "given", func.coalesce(expires_at > now, literal(value=True)))
    return func.coalesce(holds, literal(value=False))


class Fields:
    """All fields of one directory. Named values are reached by a dot: `custom.plan`, `first_touch.source`.

    moment: when a consent must not have expired; None for now.
    """

    def __init__(self, view: FromClause, moment: datetime | None = None) -> None:
        self._fields = {
            column.name: Field(kind_of(column), column)
            for column in view.columns
            if column.name not in _HIDDEN and not isinstance(column.type, TSVECTOR)
        }
        for shown, stored, key in _SPELLED:
            if stored not in view.columns:
                continue
            keys = Keys(view.columns[stored], key)
            self._fields[shown] = Field(TEXT, view.columns[shown], keys)
            self._fields[stored] = Field(TEXTS, view.columns[stored], keys)
        for name, column in ALIASES.items():
            if column in view.columns:
                self._fields[name] = self._fields[column]
        self._view = view
        self._moment = moment

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def find(self, name: str) -> Field | None:
        """Find a field by the name that a caller uses; None for an unknown one."""
        found = self._fields.get(name)
        if found is not None:
            return found
        group, dot, key = name.partition(".")
        if not dot or not key or "\0" in key:
            return None
        if group == "custom":
            parts = [self._view.columns[name][key].astext for name in _CUSTOM if name in self._view.columns]
            return Field(VALUE, func.coalesce(*parts)) if parts else None
        if group == "consents" and group in self._view.columns:
            return Field(BOOLEAN, consented(self._view.columns[group], key, self._moment))
        column = self._view.columns.get(group)
        if column is not None and isinstance(column.type, JSONB):
            return Field(VALUE, column[key].astext)
        return None

    @property
    def sortable(self) -> list[str]:
        """Name the fields that a list can be sorted by."""
        return [name for name, field in self._fields.items() if field.kind.sortable]
