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
        "├── not:",
        '│   └── field countri eq value="DE"',
        "│       └── field: unknown-field: There is no such field.",
        '└── country is "DE"',
    ]


def test_a_rule_is_said_in_words() -> None:
    large = {"field": "amount", "op": "gt", "value": 50, "currency": "EUR"}
    purchases = {"fact": "purchase", "where": [large], "period": {"last": {"days": 90}}}
    visits = {"fact": "interaction", "where": [{"field": "kind", "op": "in", "value": ["visit", "call"]}]}
    month = {"fact": "purchase", "period": {"calendar": "last-month", "time_zone": "Europe/Berlin"}}
    week = {"days": 7, "hours": 1}
    rule = {
        "type": "any",
        "rules": [
            {"type": "measure", "measure": "count", "facts": purchases, "op": "gte", "value": 3},
            {"type": "measure", "measure": "sum", "facts": month, "op": "lt", "value": "9.50", "of": "amount",
             "currency": "USD"},
            {"type": "moment", "which": "last", "facts": {"fact": "interaction"}, "op": "not-within-last",
             "value": {"days": 30}},
            {"type": "followed", "first": visits, "then": {"fact": "purchase"}, "within": week, "negated": True},
            {"type": "not", "rule": {"type": "segment", "segment": "6f1c"}},
            {"type": "field", "field": "email", "op": "missing"},
        ],
    }  # fmt: skip
    console = Console(width=100, color_system=None)
    with console.capture() as shown:
        console.print(rule_tree(rule, names={"6f1c": "Fans"}))
    assert shown.get().splitlines() == [
        "any of these:",
        "├── number of purchases is at least 3",
        "│   ├── where amount is above 50 EUR",
        "│   └── in the last 90 days",
        "├── sum of the amount of purchases is below 9.50 USD",
        "│   └── last month (Europe/Berlin)",
        "├── the last interaction is not within the last 30 days",
        "├── one of these interactions was not followed by one of those purchases within 7 days 1 hour",
        '│   └── these: where kind is one of "visit", "call"',
        "├── not:",
        "│   └── is a member of Fans",
        "└── email is missing",
    ]


@settings(max_examples=100, deadline=None)
@given(nearly_rules)
def test_anything_is_drawn_with_all_its_problems(document: Any) -> None:
    shown = "".join(drawn(document).split())
    assert all(one["code"] in shown for one in problems(document))
