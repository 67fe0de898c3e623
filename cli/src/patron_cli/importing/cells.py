"""Choose the converter of one column from its field, its rule and the conventions of the file."""

from typing import Any

from patron_cli.importing.mapping import Assignment
from patron_cli.importing.mapping_file import Conventions
from patron_cli.importing.times import date_with, moment_with
from patron_cli.importing.values import (
    Convert,
    blank_as,
    boolean,
    decimal_with,
    integer_with,
    items,
    kind_of_phone,
    kind_of_place,
    number_with,
    text,
    translated,
)


def converter_for(assignment: Assignment, conventions: Conventions) -> Convert:
    """Make the converter; it raises `BadValue` without a column."""
    target, rule = assignment.target, assignment.rule
    convert = _by_type(_type_of(assignment), rule.format, conventions)
    if target.attribute == "type":
        convert = kind_of_phone if target.field == "phones" else kind_of_place
    elif target.attribute == "external_id":
        source = conventions.source
        if target.field in {"customer", "company", "person"}:
            source = conventions.customer_source

        def reference(value: Any) -> Any:
            written = text(value)
            return {"source": source, "id": written} if written else None

        convert = reference
    elif target.field in {"kind", "direction"}:
        convert = _lower
    elif target.field == "tags":
        convert = _tags(conventions.separator)
    if rule.values:
        convert = translated(rule.values, convert)
    blanks = conventions.blanks | frozenset(rule.blanks)
    return blank_as(blanks, convert) if blanks else convert


def _lower(value: Any) -> Any:
    return text(value).lower()


def _type_of(assignment: Assignment) -> str:
    stated = assignment.rule.type
    if stated:
        return "text" if stated in {"string", "enum"} else stated
    return assignment.target.type


def _by_type(name: str, pattern: str | None, conventions: Conventions) -> Convert:
    match name:
        case "date":
            return date_with(conventions.dates, pattern)
        case "datetime":
            return moment_with(conventions.dates, pattern, conventions.time_zone)
        case "decimal":
            return decimal_with(conventions.decimal)
        case "integer":
            return integer_with(conventions.decimal)
        case "number":
            return number_with(conventions.decimal)
        case "boolean":
            return boolean
        case "list":
            return items
        case _:
            return text


def _tags(separator: str | None) -> Convert:
    """Cut tags; Google marks its own groups with `* `."""

    def convert(value: Any) -> Any:
        parts = value.split(separator) if separator and isinstance(value, str) else items(value)
        return [tag.strip() for tag in parts if tag.strip() and not tag.strip().startswith("* ")]

    return convert
