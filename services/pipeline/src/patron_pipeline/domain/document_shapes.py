"""Compare parts of rules documents with their shapes: each fault with its place in the whole document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec

from patron_pipeline.domain.conditions import check_condition
from patron_rules.operands import OperandInvalid, duration_operand
from patron_rules.shapes import Problem, Problems, member
from patron_rules.tree import Duration

T = TypeVar("T")
MOST_RULES: Final = 200
Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_FAULT: Final = re.compile(r"(.*?)(?: - at `(\$.*)`)?", re.DOTALL)
_QUOTED: Final = re.compile(r"`([^`]*)`")
_EXPECTED: Final = "A value of another type or form was expected here."


class RulesFaulty(Exception):
    """A document is not what rules look like. problems: what is wrong, in its order (the first hundred)."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.path}: {one.message}" for one in problems))
        self.problems = tuple(problems)


def shaped(written: object, kind: type[T], path: str, problems: Problems) -> T | None:
    """Read one part; None and a fault with its place where its shape is wrong."""
    try:
        return msgspec.convert(written, kind)
    except msgspec.ValidationError as error:
        _blame(str(error), path, problems)
    except (TypeError, ValueError, RecursionError):
        problems.add(path, "wrong-type", _EXPECTED)
    return None


def _blame(text: str, path: str, problems: Problems) -> None:
    found = _FAULT.fullmatch(text)
    said, at = ("", "$") if found is None else (found[1], found[2] or "$")
    place = path + at.removeprefix("$")
    quoted = _QUOTED.search(said)
    name = quoted[1] if quoted else ""
    if said.startswith("Object missing required field"):
        problems.add(place, f"{name.replace('_', '-')}-missing", f"The member {name} is missing.")
    elif said.startswith("Object contains unknown field"):
        problems.add(member(place, name), "unknown-member", "There is no such member here.")
    elif said.startswith(("Invalid value", "Invalid enum value")):
        problems.add(place, "unknown-word", "There is no such word in this place.")
    else:
        problems.add(place, "wrong-type", _EXPECTED)


def whole(document: object, known: frozenset[str], needed: frozenset[str], problems: Problems) -> Mapping[str, Any]:
    """Read the outermost object: its members by name."""
    if not isinstance(document, Mapping):
        problems.add("$", "wrong-type", "An object was expected here.")
        return {}
    written = cast("Mapping[str, Any]", document)
    for name in written:
        if name not in known:
            problems.add(member("$", name), "unknown-member", "There is no such member here.")
    for name in sorted(needed - written.keys()):
        problems.add("$", f"{name}-missing", f"The member {name} is missing.")
    return written


def each_rule(written: Mapping[str, Any], problems: Problems) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every rule that is an object, with its place, without its condition, which is checked here."""
    rules = written.get("rules", ())
    if not isinstance(rules, list | tuple):
        problems.add("$.rules", "wrong-type", "An array was expected here.")
        return
    listed = cast("Sequence[object]", rules)
    if len(listed) > MOST_RULES:
        problems.add("$.rules", "too-many-rules", f"There are at most {MOST_RULES} rules.")
    seen: set[str] = set()
    for index, one in enumerate(listed[:MOST_RULES]):
        path = f"$.rules[{index}]"
        if not isinstance(one, Mapping):
            problems.add(path, "wrong-type", "An object was expected here.")
            continue
        rule = cast("Mapping[str, Any]", one)
        if rule.get("when") is not None:
            check_condition(rule["when"], f"{path}.when", problems)
        name = rule.get("id")
        if isinstance(name, str):
            if name in seen:
                problems.add(f"{path}.id", "id-not-unique", "Another rule before this one has the same id.")
            seen.add(name)
        yield path, {part: value for part, value in rule.items() if part != "when"}


def check_duration(duration: Duration | None, path: str, problems: Problems) -> None:
    """Write down a duration that is none."""
    if duration is None:
        return
    try:
        duration_operand(duration, "")
    except OperandInvalid as wrong:
        problems.add(path, wrong.code, wrong.message)
