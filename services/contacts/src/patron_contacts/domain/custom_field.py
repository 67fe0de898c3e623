"""Define custom fields, and read values by their definitions.

What a value must be follows from the definition alone; whether it is personal or unique is up to the record.
"""

import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from patron_contacts.domain.value_errors import (
    CustomFieldMistyped,
    CustomFieldNoOption,
    CustomFieldUnknown,
    FieldNameInvalid,
    FieldNeverUnique,
    FieldOptionsInvalid,
    FieldTypeUnknown,
)
from patron_events.catalog.contacts import FieldDefined, Scalar
from patron_events.rejections import Invalid
from patron_values import moments, texts

TYPES: Final = frozenset({"string", "number", "integer", "boolean", "date", "datetime", "enum"})
MAX_OPTIONS: Final = 200
MAX_STRING: Final = 10_000
MAX_INTEGER: Final = 2**53
"""Beyond it a JSON number is no longer exact for every reader (RFC 8259, section 6)."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


def definition(body: Mapping[str, Any]) -> FieldDefined:
    """Read a definition: name and type, and what else is said about the field.

    Raises:
        FieldNameInvalid, FieldTypeUnknown: no name or type that a field can have.
        FieldOptionsInvalid: an enum without options or with one twice, or options of another type.
        FieldNeverUnique: a unique boolean.
        Invalid: a label, an option or a truth value is none.
    """
    name, kind = body.get("name"), body.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FieldNameInvalid(field="name")
    if not isinstance(kind, str) or kind not in TYPES:
        raise FieldTypeUnknown(field="type")
    unique = texts.truth(body.get("unique"), "unique")
    if unique and kind == "boolean":
        raise FieldNeverUnique(field="unique")
    return FieldDefined(
        name=name,
        type=kind,
        label=texts.optional_text(body.get("label"), "label"),
        required=texts.truth(body.get("required"), "required"),
        options=_options(body.get("options"), kind),
        unique=unique,
        personal=texts.truth(body.get("personal"), "personal"),
    )


def _options(values: object, kind: str) -> tuple[str, ...]:
    listed = texts.items(values, "options", limit=MAX_OPTIONS)
    options = tuple(texts.required_text(value, f"options[{index}]") for index, value in enumerate(listed))
    if bool(options) != (kind == "enum") or len(set(options)) != len(options):
        raise FieldOptionsInvalid(field="options")
    return options


def checked(
    definitions: Mapping[str, FieldDefined], values: Mapping[str, Any], path: str = "custom"
) -> dict[str, Scalar | None]:
    """Read values by their definitions, in the order given; None (and blank text) removes a value.

    Dates and datetimes stay text, in ISO form; datetimes in UTC.

    Raises:
        CustomFieldUnknown: no definition of that name.
        CustomFieldMistyped: a value of another type, or out of the range of its type.
        CustomFieldNoOption: an enum has no such option.
        TextInvalid, TextTooLong: a string with control characters, or of more than 10,000 characters.
    """
    return {name: _value(definitions, name, value, f"{path}.{name}") for name, value in values.items()}


def _value(definitions: Mapping[str, FieldDefined], name: str, value: object, path: str) -> Scalar | None:
    known = definitions.get(name)
    if known is None:
        raise CustomFieldUnknown(field=path)
    match known.type, value:
        case _, None:
            return None
        case _, str() if not value.strip():
            return None
        case "string", str():
            return texts.optional_text(value, path, MAX_STRING, multiline=True)
        case "enum", str():
            return _option(known, value, path)
        case "boolean", bool():
            return value
        case "integer" | "number", int() | float() if not isinstance(value, bool):
            return _number(known.type, value, path)
        case "date" | "datetime", str():
            return _time(known.type, value, path)
        case _:
            raise CustomFieldMistyped(f"A value of type {known.type} was expected here.", field=path)


def _option(known: FieldDefined, value: str, path: str) -> str:
    option = texts.text(value, path, MAX_STRING)
    if option not in known.options:
        raise CustomFieldNoOption(field=path)
    return option


def _number(kind: str, value: float, path: str) -> int | float:
    """Accept finite numbers; JSON writes one number as 3 and 3.0, so whole floats are integers."""
    whole = isinstance(value, int) or (math.isfinite(value) and value.is_integer())
    if whole and abs(value) <= MAX_INTEGER:
        return int(value)
    if kind == "integer" or isinstance(value, int) or not math.isfinite(value):
        raise CustomFieldMistyped(f"A value of type {kind} within its range was expected here.", field=path)
    return value


def _time(kind: str, value: str, path: str) -> str:
    try:
        if kind == "date":
            return moments.day(value.strip(), path).isoformat()
        return moments.moment(value.strip(), path).isoformat().replace("+00:00", "Z")
    except Invalid as refusal:
        raise CustomFieldMistyped(refusal.detail, field=path) from refusal


def missing_required(definitions: Mapping[str, FieldDefined], present: Collection[str]) -> list[str]:
    """Name the required fields that a record has no value for, sorted."""
    return sorted(name for name, each in definitions.items() if each.required and name not in present)


def unique_key(definition: FieldDefined, value: Scalar) -> str:
    """Give the text that two checked values of a unique field share exactly when they are the same.

    Case counts: keys of other systems (record ids of Salesforce, tokens) differ in nothing else.
    """
    if definition.type in {"integer", "number"} and isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)
