"""Whatever is wrong with a rule is said, with its place."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patron_rules.checking import Problem, RuleInvalid, check
from patron_rules.tree import MOST_DEPTH, MOST_NODES, read_rule, rule_document
from rules.rule_documents import DEFINITIONS, SEGMENT, exists, nearly_rules

PURCHASE = {"fact": "purchase"}
COUNT = {"type": "measure", "measure": "count", "facts": PURCHASE, "op": "gte", "value": 1}
LAST = {"type": "moment", "which": "last", "facts": PURCHASE, "op": "within-last", "value": {"days": 3}}
FOLLOWED = {"type": "followed", "first": {"fact": "interaction"}, "then": PURCHASE, "within": {"days": 7}}
FIELD = {"type": "field", "field": "country", "op": "eq", "value": "DE"}


def problems(document: Any) -> list[tuple[str, str]]:
    try:
        check(document, DEFINITIONS)
    except RuleInvalid as refused:
        return [(one.path, one.code) for one in refused.problems]
    return []


def field(name: str, op: str, *value: Any) -> dict[str, Any]:
    return {"type": "field", "field": name, "op": op, **({"value": value[0]} if value else {})}


def counted(**facts: Any) -> dict[str, Any]:
    return {**COUNT, "facts": {**PURCHASE, **facts}}


def where(**condition: Any) -> dict[str, Any]:
    return counted(where=[condition])


GOOD: list[Any] = [
    {"type": "all", "rules": []},
    {"type": "not", "rule": {"type": "any", "rules": [FIELD, COUNT, LAST, FOLLOWED]}},
    {"type": "segment", "segment": SEGMENT},
    field("custom.plan", "in", ["basic", "pro"]),
    field("custom.score", "gt", "12.5"),
    field("custom.seats", "lte", 3.0),
    field("custom.vip", "eq", value := True),
    field("custom.renewal", "anniversary-within-next", {"days": 7}),
    field("custom.seen", "within-next", {"hours": 3}),
    field("birth_date", "before", "2000-02-29"),
    field("tags", "has-any", ["vip", "press"]),
    field("tags", "missing"),
    field("companies", "has", SEGMENT),
    field("company.custom.tier", "ne", "gold"),
    field("company.employees", "gte", 50),
    field("preferences.theme", "eq", value),
    field("preferences.font", "gt", 9.5),
    field("consents.newsletter", "eq", value),
    field("rfm.segment", "eq", "Champions"),
    field("email", "contains", "@example.org"),
    field("phone", "eq", "+49 30 1234"),
    {**COUNT, "measure": "sum", "of": "amount", "currency": "EUR", "value": "1000.00"},
    {
        **COUNT,
        "facts": {"fact": "interaction", "where": [{"field": "properties.page", "op": "eq", "value": "pricing"}]},
    },
    where(field="amount", op="gt", value=50, currency="EUR"),
    where(field="sku", op="has", value="A-1"),
    counted(period={"from": "2026-01-01", "to": "2026-02-01T00:00:00+01:00"}),
    counted(period={"calendar": "last-quarter", "time_zone": "Europe/Berlin"}),
    {**LAST, "op": "before", "value": "2026-01-01"},
    {**FOLLOWED, "negated": True},
]


@pytest.mark.parametrize("document", GOOD, ids=str)
def test_good_rules_are_read_and_written_back(document: Any) -> None:
    rule = check(document, DEFINITIONS)
    assert read_rule(rule_document(rule)) == rule
    assert check(rule_document(rule), DEFINITIONS) == rule


BAD: list[tuple[Any, str, str]] = [
    (5, "$", "wrong-type"),
    ({}, "$", "type-missing"),
    ({"type": "some"}, "$.type", "unknown-type"),
    ({"type": ["all"]}, "$.type", "unknown-type"),
    ({"type": "all"}, "$", "rules-missing"),
    ({"type": "all", "rules": {}}, "$.rules", "wrong-type"),
    ({"type": "not", "rule": 5}, "$.rule", "wrong-type"),
    ({**FIELD, "odd name": 1}, '$["odd name"]', "unknown-member"),
    ({**FIELD, "op": "like"}, "$.op", "unknown-operator"),
    ({**FIELD, "op": "gt"}, "$.op", "operator-not-allowed"),
    ({**FIELD, "value": {"weeks": 3}}, "$.value.weeks", "unknown-member"),
    ({**FIELD, "value": [None]}, "$.value", "value-not-a-scalar"),
    (field("countri", "eq", "DE"), "$.field", "unknown-field"),
    (field("custom.none", "eq", "DE"), "$.field", "unknown-field"),
    (field("company.custom.plan", "eq", "DE"), "$.field", "unknown-field"),
    (field("preferences.", "eq", "DE"), "$.field", "unknown-field"),
    (field("consents.news", "missing"), "$.op", "operator-not-allowed"),
    (field("country", "eq"), "$", "value-needed"),
    (field("country", "exists", "DE"), "$.value", "value-not-allowed"),
    (field("country", "eq", 5), "$.value", "value-not-a-text"),
    (field("country", "eq", ["DE"]), "$.value", "value-not-a-text"),
    (field("country", "in", "DE"), "$.value", "value-not-a-list"),
    (field("country", "in", []), "$.value", "list-empty"),
    (field("country", "in", ["DE"] * 1001), "$.value", "list-too-long"),
    (field("country", "in", ["DE", 5]), "$.value[1]", "value-not-a-text"),
    (field("country", "eq", "D" * 1001), "$.value", "text-too-long"),
    (field("country", "eq", "D\0"), "$.value", "text-invalid"),
    (field("country", "eq", "\ud800"), "$.value", "text-invalid"),
    (field("custom.plan", "eq", "gold"), "$.value", "value-not-an-option"),
    (field("custom.score", "eq", "much"), "$.value", "value-not-a-number"),
    (field("custom.score", "eq", float("nan")), "$.value", "value-not-a-number"),
    (field("custom.score", "eq", 10**20), "$.value", "value-not-a-number"),
    (field("custom.seats", "eq", 1.5), "$.value", "value-not-an-integer"),
    (field("custom.seats", "eq", 2**63), "$.value", "value-not-an-integer"),
    (field("custom.vip", "eq", 1), "$.value", "value-not-a-boolean"),
    (field("birth_date", "eq", "2026-02-30"), "$.value", "value-not-a-date"),
    (field("created_at", "after", "yesterday"), "$.value", "value-not-a-time"),
    (field("created_at", "after", "2026-01-01T00:00:00"), "$.value", "value-not-a-time"),
    (field("created_at", "within-last", "3d"), "$.value", "value-not-a-duration"),
    (field("created_at", "within-last", {}), "$.value", "duration-invalid"),
    (field("created_at", "within-last", {"days": 1, "hours": -1}), "$.value", "duration-invalid"),
    (field("created_at", "within-last", {"seconds": 10**12}), "$.value", "duration-invalid"),
    (field("birth_date", "anniversary-within-next", {"hours": 5}), "$.value", "duration-not-in-days"),
    (field("companies", "has", "acme"), "$.value", "value-not-an-id"),
    (field("phone", "eq", "--"), "$.value", "value-not-a-phone-number"),
    (field("preferences.x", "eq", {"days": 1}), "$.value", "value-not-a-scalar"),
    ({"type": "segment", "segment": "Champions"}, "$.segment", "segment-not-an-id"),
    ({**COUNT, "measure": "median"}, "$.measure", "unknown-measure"),
    ({**COUNT, "value": "many"}, "$.value", "value-not-a-number"),
    ({**COUNT, "value": True}, "$.value", "value-not-a-number"),
    ({**COUNT, "of": "amount"}, "$.of", "of-not-allowed"),
    ({**COUNT, "measure": "sum"}, "$", "of-needed"),
    ({**COUNT, "measure": "sum", "of": "duration_s"}, "$.of", "of-not-of-fact"),
    ({**COUNT, "measure": "sum", "of": "money"}, "$.of", "unknown-measured-field"),
    ({**COUNT, "measure": "sum", "of": "amount"}, "$", "currency-needed"),
    ({**COUNT, "measure": "sum", "of": "amount", "currency": "XXX"}, "$.currency", "unknown-currency"),
    ({**COUNT, "currency": "EUR"}, "$.currency", "currency-not-allowed"),
    ({**COUNT, "facts": {"fact": "visit"}}, "$.facts.fact", "unknown-fact"),
    (where(field="amount", op="gt", value=50), "$.facts.where[0]", "currency-needed"),
    (where(field="sku", op="eq", value="A"), "$.facts.where[0].op", "operator-not-allowed"),
    (where(field="channel", op="eq", value="A"), "$.facts.where[0].field", "unknown-field"),
    (counted(where=[{"field": "status", "op": "exists"}] * 21), "$.facts.where", "too-many-conditions"),
    (counted(period={}), "$.facts.period", "period-without-limit"),
    (counted(period={"from": "2026-01-02", "to": "2026-01-02"}), "$.facts.period", "period-empty"),
    (counted(period={"from": "2026"}), "$.facts.period.from", "value-not-a-time"),
    (counted(period={"calendar": "soon"}), "$.facts.period.calendar", "unknown-calendar-period"),
    (counted(period={"last": {"days": 1}, "time_zone": "Mars"}), "$.facts.period.time_zone", "unknown-time-zone"),
    ({**LAST, "which": "second"}, "$.which", "unknown-which"),
    ({**LAST, "value": "2026-01-01"}, "$.value", "value-not-a-duration"),
    ({**LAST, "op": "after"}, "$.value", "value-not-a-time"),
    ({**LAST, "value": 5}, "$.value", "value-not-a-time"),
    ({**FOLLOWED, "within": {"days": 0}}, "$.within", "duration-invalid"),
    ({**FOLLOWED, "then": {**PURCHASE, "period": {"last": {"days": 1}}}}, "$.then.period", "period-not-allowed"),
    ({**FOLLOWED, "negated": "no"}, "$.negated", "wrong-type"),
]


@pytest.mark.parametrize(("document", "path", "code"), BAD, ids=[f"{code} {path}" for _, path, code in BAD])
def test_bad_rules_are_blamed_on_their_place(document: Any, path: str, code: str) -> None:
    assert problems(document) == [(path, code)]
    assert problems({"type": "all", "rules": [FIELD, {"type": "not", "rule": document}]}) == [
        (path.replace("$", "$.rules[1].rule", 1), code)
    ]


def test_everything_wrong_is_told_at_once() -> None:
    document = {
        "type": "any",
        "rules": [field("x", "eq", 1), where(field="amount", op="like"), {**COUNT, "value": "a"}],
    }
    assert problems(document) == [
        ("$.rules[0].field", "unknown-field"),
        ("$.rules[1].facts.where[0].op", "unknown-operator"),
        ("$.rules[2].value", "value-not-a-number"),
    ]


def test_rules_are_neither_too_deep_nor_too_many() -> None:
    deep: dict[str, Any] = FIELD
    for _ in range(MOST_DEPTH - 1):
        deep = {"type": "not", "rule": deep}
    assert problems(deep) == []
    assert problems({"type": "not", "rule": deep}) == [("$" + ".rule" * MOST_DEPTH, "too-deep")]
    for _ in range(5000):
        deep = {"type": "not", "rule": deep}
    assert problems(deep) == [("$" + ".rule" * MOST_DEPTH, "too-deep")]
    assert problems({"type": "all", "rules": [FIELD] * (MOST_NODES - 1)}) == []
    assert problems({"type": "all", "rules": [FIELD] * MOST_NODES}) == [("$", "too-many-nodes")]


def test_a_hundred_problems_are_enough() -> None:
    assert len(problems({"type": "all", "rules": [{**FIELD, "op": "gt"}] * 150})) == 100


@settings(max_examples=400, deadline=None)
@given(nearly_rules)
def test_any_document_is_a_rule_or_has_problems_with_places_that_exist(document: Any) -> None:
    try:
        rule = check(document, DEFINITIONS)
    except RuleInvalid as refused:
        missing = [one for one in refused.problems if not exists(document, one.path)]
        assert (bool(refused.problems), missing) == (True, [])  # noqa: PT017 - a rule would be as good
        return
    assert check(rule_document(rule), DEFINITIONS) == rule
    assert msgspec.json.encode(rule_document(read_rule(rule_document(rule)))) == msgspec.json.encode(rule)


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_a_problem_is_written_whatever_the_document_says(name: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        check({"type": "all", "rules": [], name: 1} if name not in {"type", "rules"} else {name: 1})
    assert all(isinstance(one, Problem) for one in refused.value.problems)
