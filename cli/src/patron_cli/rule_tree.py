"""Draw a rule, or what somebody took for one, as a tree of plain words with its problems at their places.

A node with a problem is shown as it was written, so that the names in it can be found again.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from rich.text import Text
from rich.tree import Tree

from patron_cli.rule_words import in_words

_MOST_SHOWN = 160


def rule_tree(rule: object, problems: Sequence[Mapping[str, Any]] = (), names: Mapping[str, str] | None = None) -> Tree:
    """Draw a document; each problem stands below the innermost node that its path leads to.

    names: of segments by id.
    """
    tree = Tree(Text(""), hide_root=True)
    _draw(tree, (rule, "$"), list(problems), names or {})
    return tree


def _draw(parent: Tree, at: tuple[object, str], problems: list[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    document, path = at
    below = _below(document, path)
    inner = [one for one in problems if any(_leads(one["path"], place) for place, _ in below)]
    own = [one for one in problems if one not in inner]
    words = None if own else in_words(document, names)
    branch = parent.add(Text(_short(words.asked) if words else _label(document), style="red" if own else ""))
    for detail in words.details if words else ():
        branch.add(Text(_short(detail)))
    for one in own:
        where = str(one["path"]).removeprefix(path).removeprefix(".")
        branch.add(Text(f"{where + ': ' if where else ''}{one['code']}: {one['message']}", style="bold red"))
    for place, part in below:
        _draw(branch, (part, place), [one for one in inner if _leads(one["path"], place)], names)


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
        return _written(document)
    node = cast("dict[str, object]", document)
    kind = node.get("type")
    own = {name: value for name, value in node.items() if name not in {"type", "rule", "rules"}}
    words = [kind if isinstance(kind, str) else "?"]
    if kind == "field":
        words += [str(own.pop(name)) for name in ("field", "op") if name in own]
    words += [f"{name}={_written(value)}" for name, value in own.items()]
    return _short(" ".join(words))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
