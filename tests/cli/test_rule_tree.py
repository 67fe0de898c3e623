"""Rules are drawn with their problems at their places."""

from typing import Any

from hypothesis import given, settings
from rich.console import Console

from patron_cli.rule_tree import rule_tree
from patron_rules.checking import RuleInvalid, check
from rules.rule_documents import nearly_rules

FIELD = {"type": "field", "field": "countri", "op": "eq", "value": "DE"}


def problems(document: Any) -> list[dict[str, str]]:
    try:
        check(document)
    except RuleInvalid as refused:
        return [{"path": one.path, "code": one.code, "message": one.message} for one in refused.problems]
    return []


def drawn(document: Any) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as shown:
        console.print(rule_tree(document, problems(document)))
    return shown.get()


def test_each_problem_stands_below_its_node() -> None:
    rule = {"type": "all", "rules": [{"type": "not", "rule": FIELD}, {**FIELD, "field": "country"}], "odd": 1}
    assert drawn(rule).splitlines() == [
        "all odd=1",
        "├── odd: unknown-member: There is no such member here.",
        "├── not",
        '│   └── field countri eq value="DE"',
        "│       └── field: unknown-field: There is no such field.",
        '└── field country eq value="DE"',
    ]


@settings(max_examples=100, deadline=None)
@given(nearly_rules)
def test_anything_is_drawn_with_all_its_problems(document: Any) -> None:
    shown = "".join(drawn(document).split())
    assert all(one["code"] in shown for one in problems(document))
