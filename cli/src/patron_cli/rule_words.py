"""The nodes of a rule in plain words: a line for what is asked, and lines for what that looks at."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

Document = Mapping[str, Any]
_GROUPS: Final = {"all": "all of these:", "any": "any of these:", "not": "not:"}
_ASKED: Final = {
    "eq": "is", "ne": "is not", "in": "is one of", "not-in": "is none of", "lt": "is below", "lte": "is at most",
    "gt": "is above", "gte": "is at least", "contains": "contains", "starts": "starts with", "has": "has",
    "has-any": "has any of", "has-all": "has all of", "exists": "is there", "missing": "is missing",
    "before": "is before", "after": "is after", "within-last": "is within the last",
    "not-within-last": "is not within the last", "within-next": "is within the next",
    "anniversary-within-next": "has its anniversary within the next",
}  # fmt: skip
_FACTS: Final = {"purchase": "purchases", "interaction": "interactions"}
_MEASURES: Final = {"sum": "sum", "average": "average", "least": "least", "greatest": "greatest"}
_UNITS: Final = ("days", "hours", "minutes", "seconds")


class Words(NamedTuple):
    """What a node asks, and what it looks at, a line each."""

    asked: str
    details: Sequence[str] = ()


def in_words(node: object, names: Mapping[str, str]) -> Words | None:
    """Say in words what a node asks; None for what is no node. names: of segments by id."""
    try:
        return _said(cast("Document", node), names)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _said(node: Document, names: Mapping[str, str]) -> Words:
    match node["type"]:
        case "all" | "any" | "not" as group:
            if set(node) - {"type", "rule", "rules"}:
                raise KeyError
            return Words(_GROUPS[group])
        case "field":
            return Words(_compared(node["field"], node["op"], node.get("value")))
        case "segment":
            return Words(f"is a member of {names.get(node['segment'], node['segment'])}")
        case "measure":
            return _measure(node)
        case "moment":
            facts = node["facts"]
            asked = _compared(f"the {node['which']} {facts['fact']}", node["op"], node["value"])
            return Words(asked, _details(facts))
        case "followed":
            return _followed(node)
        case _:
            raise KeyError


def _measure(node: Document) -> Words:
    facts = node["facts"]
    kind = _FACTS[facts["fact"]]
    figure = f"number of {kind}"
    if node["measure"] != "count":
        figure = f"{_MEASURES[node['measure']]} of the {node['of']} of {kind}"
    asked = _compared(figure, node["op"], node["value"], node.get("currency"), bare=True)
    return Words(asked, _details(facts))


def _followed(node: Document) -> Words:
    first, then = node["first"], node["then"]
    negated = "not " if node.get("negated") else ""
    asked = (
        f"one of these {_FACTS[first['fact']]} was {negated}followed by one of those {_FACTS[then['fact']]}"
        f" within {_length(node['within'])}"
    )
    return Words(asked, [f"these: {one}" for one in _details(first)] + [f"those: {one}" for one in _details(then)])


def _details(facts: Document) -> list[str]:
    said = [
        f"where {_compared(one['field'], one['op'], one.get('value'), one.get('currency'))}"
        for one in facts.get("where", ())
    ]
    period = facts.get("period")
    return said if period is None else [*said, *_period(period)]


def _period(period: Document) -> list[str]:
    said: list[str] = []
    if "last" in period:
        said.append(f"in the last {_length(period['last'])}")
    if "from" in period or "to" in period:
        edges = [f"{word} {period[name]}" for word, name in (("from", "from"), ("before", "to")) if name in period]
        said.append(" and ".join(edges))
    if "calendar" in period:
        said.append(f"{period['calendar'].replace('-', ' ')} ({period.get('time_zone', 'UTC')})")
    return said


def _compared(what: str, op: str, value: object, currency: str | None = None, *, bare: bool = False) -> str:
    """Write a comparison. bare: texts are numbers, without quotation marks."""
    parts = [what, _ASKED[op]]
    if value is not None:
        parts.append(str(value) if bare else _value(value))
    if currency is not None:
        parts.append(currency)
    return " ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return _length(cast("Document", value))
    if isinstance(value, list):
        return ", ".join(_value(one) for one in cast("list[object]", value))
    return json.dumps(value, ensure_ascii=False)


def _length(parts: Document) -> str:
    if set(parts) - set(_UNITS):
        raise KeyError
    said = [f"{parts[unit]} {unit if parts[unit] != 1 else unit[:-1]}" for unit in _UNITS if parts.get(unit)]
    return " ".join(said) or "0 seconds"
