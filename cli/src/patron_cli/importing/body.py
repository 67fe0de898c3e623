"""Compile a plan once per file into a function from rows to bodies of the bulk routes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from patron_cli.importing.cells import converter_for
from patron_cli.importing.fields import SHAPES, parse_target
from patron_cli.importing.mapping import Assignment, Plan
from patron_cli.importing.mapping_file import Conventions
from patron_cli.importing.rows import FileUnusable
from patron_cli.importing.sales_bodies import sales_parts
from patron_cli.importing.settle import Body, Part, settling_parts
from patron_cli.importing.shapes import Group
from patron_cli.importing.stages import Pipelines
from patron_cli.importing.values import BadValue, Convert, items, text


@dataclass(frozen=True, slots=True)
class Cell:
    """One column inside an entry of a list or an object. convert: None where the stripped cell is the value."""

    index: int
    name: str
    convert: Convert | None
    column: str


@dataclass(frozen=True, slots=True)
class BodyMaker:
    """The compiled mapping of one file."""

    plan: Plan
    parts: tuple[Part, ...]

    def body(self, values: Sequence[Any]) -> Body:
        """Make the body of one row; blank cells leave no key.

        Raises:
            BadValue: a cell does not hold what its field needs; it names the column.
        """
        made: Body = {}
        try:
            cells: list[Any] = list(map(str.strip, values))
        except TypeError:  # formats with types
            cells = list(map(text, values))
        for part in self.parts:
            part(cells, made)
        return made


def compile_plan(plan: Plan, pipelines: Pipelines | None = None) -> BodyMaker:
    """Build the functions of every field. pipelines: those that deals may be in.

    Raises:
        FileUnusable: a constant of the mapping file goes to no field.
    """
    shape = SHAPES[plan.kind]
    singles: list[Part] = []
    lists: dict[str, list[Assignment]] = {}
    for assignment in plan.assignments:
        name = assignment.target.field
        if name in shape.values:
            singles.append(_single(assignment, converter_for(assignment, plan.conventions)))
        elif name in shape.maps:
            singles.append(_free(assignment, converter_for(assignment, plan.conventions)))
        else:
            lists.setdefault(name, []).append(assignment)
    constants = _constants(plan)
    parts = [_constant(name, value) for (name, attribute), value in constants.items() if not attribute]
    parts += singles
    for name, assignments in lists.items():
        fixed = {attribute: value for (field, attribute), value in constants.items() if field == name and attribute}
        if name in shape.groups:
            parts.append(_group(name, shape.groups[name], assignments, plan.conventions, fixed))
        else:
            parts.append(_struct(name, assignments, plan.conventions, fixed))
    return BodyMaker(plan, tuple(parts + settling_parts(plan) + sales_parts(plan, pipelines)))


def _constants(plan: Plan) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for path, value in plan.constants.items():
        target = parse_target(plan.kind, path)
        if target is None:
            raise FileUnusable(None, f"{plan.kind} have no field {path!r}, to which a constant goes")
        found[target.field, target.attribute] = items(value) if target.type == "list" else value
    return found


def _constant(name: str, value: Any) -> Part:
    def part(_: Sequence[Any], body: Body) -> None:
        body[name] = value

    return part


def _single(assignment: Assignment, convert: Convert) -> Part:
    index, name, column = assignment.index, assignment.target.field, assignment.column
    appends = assignment.target.type == "list"
    if convert is text:

        def plain(values: Sequence[Any], body: Body) -> None:
            if value := values[index]:
                body[name] = value

        return plain

    def part(values: Sequence[Any], body: Body) -> None:
        value = values[index]
        if value == "" or value is None:
            return
        try:
            value = convert(value)
        except BadValue as error:
            error.column = column
            raise
        if value is None or value == "":
            return
        if appends and name in body:
            body[name] = [*body[name], *value]
        else:
            body[name] = value

    return part


def _free(assignment: Assignment, convert: Convert) -> Part:
    """Fill one name of a map such as `custom`, or all of them from an object."""
    index, target, column = assignment.index, assignment.target, assignment.column

    def part(values: Sequence[Any], body: Body) -> None:
        value = values[index]
        if value == "" or value is None:
            return
        if target.whole:
            value = _json(value, column)
            if isinstance(value, dict):
                body.setdefault(target.field, {}).update(value)
                return
            raise BadValue("invalid-value", f"{target.field} needs an object", column)
        try:
            value = convert(value)
        except BadValue as error:
            error.column = column
            raise
        if value is not None and value != "":
            body.setdefault(target.field, {})[target.attribute] = value

    return part


def _json(value: Any, column: str) -> Any:
    """Take lists and objects as they are, or as JSON in a cell, which is how an errors file keeps them."""
    if isinstance(value, str):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise BadValue("invalid-value", f"the cell holds broken JSON: {error}", column) from error
    return value


def _group(name: str, group: Group, assignments: Sequence[Assignment], conventions: Conventions, fixed: Body) -> Part:
    slots: dict[str, list[Cell]] = {}
    whole = {a.index for a in assignments if a.target.whole}
    for assignment in assignments:
        convert = converter_for(assignment, conventions)
        plain = None if convert is text else convert
        cell = Cell(assignment.index, assignment.target.attribute, plain, assignment.column)
        slots.setdefault(assignment.target.slot, []).append(cell)
    entries = tuple((_base(name, group, slot, conventions) | fixed, tuple(cells)) for slot, cells in slots.items())
    needs, separator, key = group.needs, conventions.separator, group.key

    def part(values: Sequence[Any], body: Body) -> None:
        found: list[Any] = []
        for base, cells in entries:
            entry: Body | None = None
            for cell in cells:
                value = values[cell.index]
                if value == "" or value is None:
                    continue
                if cell.index in whole and (not isinstance(value, str) or value[0] == "["):
                    found += _entries(value, base, cell.column)
                    continue
                if cell.convert:
                    try:
                        value = cell.convert(value)
                    except BadValue as error:
                        error.column = cell.column
                        raise
                    if value is None or value == "":
                        continue
                if entry is None:
                    entry = dict(base)
                entry[cell.name] = value
            if entry is not None and not needs.isdisjoint(entry):
                if separator and separator in str(entry.get(key, "")):
                    found += [{**entry, key: value.strip()} for value in entry[key].split(separator)]
                else:
                    found.append(entry)
        if found:
            body[name] = found

    return part


def _entries(value: Any, base: Body, column: str) -> list[Any]:
    """Take the entries of a whole list; what is true of the slot is true of each."""
    found = _json(value, column)
    if not isinstance(found, list):
        raise BadValue("invalid-value", "a list was expected", column)
    entries = cast("list[Any]", found)
    return [{**base, **entry} if isinstance(entry, dict) else entry for entry in entries]


def _base(name: str, group: Group, slot: str, conventions: Conventions) -> Body:
    """Give what every entry of a slot has before its cells are read."""
    base: Body = {}
    word = slot.split(" ", maxsplit=1)[0]
    if word in group.types:
        base["type"] = word
    if name == "social" and not slot.isdigit():
        base["service"] = slot or "other"
    if name == "entered":
        base["stage"] = slot
    if name == "quotas":
        base["period"] = slot
    if name == "phones" and conventions.region:
        base["region"] = conventions.region
    if name == "external_ids":
        base["source"] = slot or conventions.source
    return base


def _struct(name: str, assignments: Sequence[Assignment], conventions: Conventions, fixed: Body) -> Part:
    cells = tuple(Cell(a.index, a.target.attribute, converter_for(a, conventions), a.column) for a in assignments)
    whole = {a.index for a in assignments if a.target.whole}

    def part(values: Sequence[Any], body: Body) -> None:
        made: Body = {}
        for cell in cells:
            value = values[cell.index]
            if value == "" or value is None:
                continue
            if cell.index in whole and (isinstance(value, dict) or (isinstance(value, str) and value[0] == "{")):
                made |= _json(value, cell.column)
                continue
            try:
                value = cell.convert(value) if cell.convert else value
            except BadValue as error:
                error.column = cell.column
                raise
            if value is not None and value != "":
                made[cell.name] = value
        if made:
            body[name] = {**fixed, **made}

    return part
