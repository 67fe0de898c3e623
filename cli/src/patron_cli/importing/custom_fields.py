"""Make custom fields of columns that map to nothing: find their types, define them, map them."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from patron_cli.importing.fields import Target
from patron_cli.importing.mapping import Assignment, Plan
from patron_cli.importing.mapping_file import ColumnRule, Conventions
from patron_cli.importing.rows import Row
from patron_cli.importing.shapes import Kind
from patron_cli.importing.times import date_with, moment_with
from patron_cli.importing.values import BadValue, decimal_with

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,14})\Z", re.ASCII)  # a leading zero makes it a code, not a number
_LEADING_ZERO = re.compile(r"-?0\d", re.ASCII)
_DATE_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\Z", re.ASCII)
_MOMENT_LIKE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[ T]\d{1,2}:", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no"})
_REMEMBERED = 512
_CONTAINERS: dict[Kind, str] = {"interactions": "properties", "deals": "attributes", "leads": "attributes"}
UNDEFINED: frozenset[Kind] = frozenset(_CONTAINERS)  # these take any name without a definition
FIXED: frozenset[Kind] = frozenset({"orders", "products", "sales-team"})  # and these no further names at all
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A custom field as the routes know it."""

    name: str
    type: str
    label: str


@dataclass(slots=True)
class _Column:
    """What the cells of one column may still be; `remembered` spares the tests for repeated values."""

    kinds: set[str] = field(default_factory=lambda: set(_TESTS))
    filled: int = 0
    remembered: set[str] = field(default_factory=set[str])


def infer_types(rows: Iterable[Row], columns: Sequence[int], conventions: Conventions) -> dict[int, str]:
    """Find the type that fits every cell of a column, from all rows; blank cells say nothing.

    columns: positions. Returns string where nothing narrower fits, or where there is no value at all.
    """
    found = {index: _Column() for index in columns}
    tests = {name: make(conventions) for name, make in _TESTS.items()}
    for row in rows:
        if row.problem:
            continue
        for index, column in found.items():
            value = row.values[index]
            written = value.strip() if isinstance(value, str) else _typed(value)
            if not written or written in conventions.blanks:
                continue
            column.filled += 1
            if column.kinds and written not in column.remembered:
                column.kinds -= {kind for kind in column.kinds if not tests[kind](written)}
                if len(column.remembered) < _REMEMBERED:
                    column.remembered.add(written)
    return {
        index: next((kind for kind in _TESTS if kind in column.kinds), "string") if column.filled else "string"
        for index, column in found.items()
    }


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _is_number(conventions: Conventions) -> Callable[[str], bool]:
    decimal = decimal_with(conventions.decimal)

    def test(written: str) -> bool:
        return not _LEADING_ZERO.match(written) and written[-1:].isdigit() and _reads(decimal, written)

    return test


def _is_date(conventions: Conventions) -> Callable[[str], bool]:
    date = date_with(conventions.dates, None)
    return lambda written: bool(_DATE_LIKE.match(written)) and _reads(date, written)


def _is_moment(conventions: Conventions) -> Callable[[str], bool]:
    moment = moment_with(conventions.dates, None, conventions.time_zone)
    return lambda written: bool(_MOMENT_LIKE.match(written)) and _reads(moment, written)


def _reads(convert: Callable[[Any], Any], written: str) -> bool:
    try:
        convert(written)
    except BadValue:
        return False
    return True


# The first that fits wins.
_TESTS: dict[str, Callable[[Conventions], Callable[[str], bool]]] = {
    "boolean": lambda _: lambda written: written.casefold() in _WORDS,
    "integer": lambda _: lambda written: bool(_INTEGER.match(written)),
    "number": _is_number,
    "date": _is_date,
    "datetime": _is_moment,
}


def with_custom_fields(
    plan: Plan, types: dict[int, str], existing: dict[str, str]
) -> tuple[Plan, list[FieldDefinition]]:
    """Map the unmapped columns to custom fields, or to properties of interactions.

    existing: fields that are defined already and their types, which win over the types found.
    Returns the plan and the definitions that are missing.
    """
    container = _CONTAINERS.get(plan.kind, "custom")
    taken = {a.target.attribute for a in plan.assignments if a.target.field == container}
    added: list[Assignment] = []
    missing: list[FieldDefinition] = []
    for index, found in types.items():
        column = plan.columns[index]
        name = field_name(column, taken)
        taken.add(name)
        kind = existing.get(name, found)
        rule = ColumnRule(to=f"{container}.{name}", type=kind)
        added.append(Assignment(index, column, Target(container, "", name, "text"), rule))
        if name not in existing and container == "custom":
            missing.append(FieldDefinition(name, kind, column))
    mapped = {assignment.column for assignment in added}
    unmapped = tuple(column for column in plan.unmapped if column not in mapped)
    return replace(plan, assignments=plan.assignments + tuple(added), unmapped=unmapped), missing


def stated_definitions(plan: Plan, existing: dict[str, str]) -> list[FieldDefinition]:
    """Give the custom fields whose type the mapping file states and that are not defined yet."""
    return [
        FieldDefinition(a.target.attribute, a.rule.type, a.column)
        for a in plan.assignments
        if a.target.field == "custom" and a.rule.type and a.target.attribute not in existing
    ]


def field_name(column: str, taken: set[str]) -> str:
    """Name a field after its column: `MonthlyCharges` becomes `monthly_charges`, `Größe (cm)` `grosse_cm`.

    Names are ASCII letters, digits and underscores, and begin with a letter; the label keeps the original.
    """
    plain = unicodedata.normalize("NFKD", column.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", _CAMEL.sub(" ", plain))
    base = "_".join(words).lower()[:55].strip("_") or "field"
    if base[0].isdigit():
        base = f"field_{base}"
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name
