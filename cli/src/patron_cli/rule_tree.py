"""Draw a rule, or what somebody took for one, as a tree with its problems at their places."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.text import Text
from rich.tree import Tree

_MOST_SHOWN = 160


def rule_tree(rule: object, problems: Sequence[Mapping[str, Any]] = ()) -> Tree:
    """Draw a document; each problem stands below the innermost node that its path leads to."""
    tree = Tree(Text(""), hide_root=True)
    _draw(tree, rule, "$", list(problems))
    return tree


def _draw(parent: Tree, document: object, path: str, problems: list[Mapping[str, Any]]) -> None:
    below = _below(document, path)
    inner = [one for one in problems if any(_leads(one["path"], place) for place, _ in below)]
    own = [one for one in problems if one not in inner]
    branch = parent.add(Text(_label(document), style="red" if own else ""))
    for one in own:
        at = str(one["path"]).removeprefix(path).removeprefix(".")
        branch.add(Text(f"{at + ': ' if at else ''}{one['code']}: {one['message']}", style="bold red"))
    for place, part in below:
        _draw(branch, part, place, [one for one in inner if _leads(one["path"], place)])


def _below(document: object, path: str) -> list[tuple[str, object]]:
    if not isinstance(document, dict):
        return []
    node = cast("dict[str, object]", document)
    rules = node.get("rules")
    listed = cast("list[object]", rules) if isinstance(rules, list) else []
    parts = [(f"{path}.rules[{index}]", one) for index, one in enumerate(listed)]
    return [*parts, (f"{path}.rule", node["rule"])] if "rule" in node else parts


def _leads(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _label(document: object) -> str:
    """Write a node on one line, its type first and without the rules below it."""
    if not isinstance(document, dict):
        return _short(document)
    node = cast("dict[str, object]", document)
    kind = node.get("type")
    own = {name: value for name, value in node.items() if name not in {"type", "rule", "rules"}}
    words = [kind if isinstance(kind, str) else "?"]
    if kind == "field":
        words += [str(own.pop(name)) for name in ("field", "op") if name in own]
    words += [f"{name}={_short(value)}" for name, value in own.items()]
    text = " ".join(words)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
