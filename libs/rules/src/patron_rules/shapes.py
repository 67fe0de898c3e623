"""Compare a JSON document with the shape of a rule, part by part: every fault is found, not only the first."""

import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Union, cast, get_args, get_origin

import msgspec

from patron_rules.operands import MESSAGES
from patron_rules.tree import (
    MOST_DEPTH,
    MOST_NODES,
    All,
    AnyOf,
    FieldIs,
    Followed,
    InSegment,
    Measure,
    Moment,
    Not,
    Rule,
)

MOST_PROBLEMS: Final = 100
NODES: Final[Mapping[str, type[msgspec.Struct]]] = {
    "all": All,
    "any": AnyOf,
    "not": Not,
    "field": FieldIs,
    "segment": InSegment,
    "measure": Measure,
    "moment": Moment,
    "followed": Followed,
}
_CODES: Final = {
    "op": ("unknown-operator", "There is no such operator here."),
    "fact": ("unknown-fact", "Facts are purchase or interaction."),
    "measure": ("unknown-measure", "Measures are count, sum, average, least and greatest."),
    "of": ("unknown-measured-field", "What is measured is amount, quantity or duration_s."),
    "calendar": ("unknown-calendar-period", "There is no such period of the calendar."),
    "which": ("unknown-which", "The first or the last moment can be asked for."),
}
_PLAIN_MEMBER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a document.

    path: JSON path of the part to blame, such as `$.rules[1].facts.where[0].op`; it exists in the document (a
    missing member is blamed on the object that lacks it). code: stable, listed in docs/rules.md.
    """

    path: str
    code: str
    message: str


Leaf = Callable[[type[msgspec.Struct], Mapping[str, object], str], None]
"""Is told the kind of a node, the node as it is written, and its path."""


@dataclass(slots=True)
class Problems:
    """What has been found so far; after a hundred no more is written down."""

    found: list[Problem] = field(default_factory=list[Problem])

    def add(self, path: str, code: str, message: str) -> None:
        """Write a fault down."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(Problem(path, code, message))


def member(path: str, name: str) -> str:
    """Write the path of a member (RFC 9535; names that are no identifiers in brackets)."""
    if _PLAIN_MEMBER.fullmatch(name):
        return f"{path}.{name}"
    return f"{path}[{msgspec.json.encode(name.encode(errors='replace').decode()).decode()}]"


class ShapeWalk:
    """Walk a document; `leaf` is given each node without rules of its own, whatever its shape."""

    def __init__(self, problems: Problems, leaf: Leaf) -> None:
        self._problems = problems
        self._leaf = leaf
        self._nodes = 0

    def rule(self, document: object, path: str = "$", depth: int = 1) -> None:
        """Compare one node, and what is below it."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            if self._nodes == MOST_NODES + 1:
                self._problems.add("$", "too-many-nodes", f"A rule has at most {MOST_NODES} nodes.")
            return
        if depth > MOST_DEPTH:
            self._problems.add(path, "too-deep", f"Rules stand in at most {MOST_DEPTH} levels.")
            return
        node = self._object(document, path)
        if node is None:
            return
        tag = node.get("type")
        if "type" not in node:
            self._problems.add(path, "type-missing", "A rule has a type.")
        elif not isinstance(tag, str) or tag not in NODES:
            self._problems.add(f"{path}.type", "unknown-type", f"Types of rules are {', '.join(NODES)}.")
        else:
            self._node(NODES[tag], node, path, depth)

    def _node(self, kind: type[msgspec.Struct], node: Mapping[str, object], path: str, depth: int) -> None:
        rules = [name for name in ("rules", "rule") if name in _members(kind)]
        for name in self._struct(kind, node, path, tagged=True):
            if name not in rules:
                continue
            below = node[name]
            if name == "rule":
                self.rule(below, f"{path}.rule", depth + 1)
            else:
                for index, one in enumerate(self._array(below, f"{path}.rules")):
                    if self._nodes > MOST_NODES:
                        break
                    self.rule(one, f"{path}.rules[{index}]", depth + 1)
        if not rules:
            self._leaf(kind, node, path)

    def _struct(
        self, kind: type[msgspec.Struct], document: Mapping[str, object], path: str, *, tagged: bool = False
    ) -> list[str]:
        """Compare the members of an object; answers the names of those that are there and known."""
        known = _members(kind)
        present: list[str] = []
        for name, value in document.items():
            if name in known:
                present.append(name)
                if name not in {"rule", "rules"}:
                    self._value(known[name].type, value, (member(path, name), name))
            elif not (tagged and name == "type"):
                self._problems.add(member(path, name), "unknown-member", "There is no such member here.")
        for name, one in known.items():
            if one.required and name not in document:
                self._problems.add(path, f"{name}-missing", f"The member {name} is missing.")
        return present

    def _value(self, kind: Any, value: object, place: tuple[str, str]) -> None:
        path, name = place
        choices = get_args(kind) if get_origin(kind) in {Union, types.UnionType} else (kind,)
        structs = [one for one in choices if isinstance(one, type) and issubclass(one, msgspec.Struct)]
        listed = [get_args(one)[0] for one in choices if get_origin(one) is tuple]
        items = [one for one in listed if isinstance(one, type) and issubclass(one, msgspec.Struct)]
        if structs and (isinstance(value, dict) or choices == (structs[0],)):
            inner = self._object(cast("object", value), path)
            if inner is not None:
                self._struct(structs[0], inner, path)
        elif items:
            for index, one in enumerate(self._array(value, path)):
                inner = self._object(one, f"{path}[{index}]")
                if inner is not None:
                    self._struct(items[0], inner, f"{path}[{index}]")
        else:
            try:
                msgspec.convert(value, kind)
            except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
                if name == "value":
                    code = (
                        "value-not-a-scalar"
                        if bool in choices
                        else "value-not-a-time"
                        if structs
                        else "value-not-a-number"
                    )
                    self._problems.add(path, code, MESSAGES[code])
                else:
                    self._problems.add(
                        path, *_CODES.get(name, ("wrong-type", "A value of another type was expected here."))
                    )

    def _object(self, value: object, path: str) -> Mapping[str, object] | None:
        if isinstance(value, Mapping):
            return cast("Mapping[str, object]", value)
        self._problems.add(path, "wrong-type", "An object was expected here.")
        return None

    def _array(self, value: object, path: str) -> Sequence[object]:
        if isinstance(value, list | tuple):
            return cast("Sequence[object]", value)
        self._problems.add(path, "wrong-type", "An array was expected here.")
        return ()


@cache
def _members(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """Give the members of a node by the names that JSON has for them."""
    return {one.encode_name: one for one in msgspec.structs.fields(kind)}


def as_rule(document: object) -> Rule:
    """Read a document without faults."""
    return msgspec.convert(document, Rule)
