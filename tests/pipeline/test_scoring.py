"""What leads score, what counted, and when the score changes by time alone."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import assume, settings
from hypothesis import given as each
from hypothesis import strategies as st

from patron_events.catalog.pipeline.leads import ScorePart
from patron_pipeline.domain.document_shapes import RulesFaulty
from patron_pipeline.domain.lead_fields import Happened, LeadFacts
from patron_pipeline.domain.score_document import score_document, score_rules
from patron_pipeline.domain.scoring import MOST_MOMENTS, Score, score
from pipeline.any_lead import NOW, leads, score_documents

BIG = {"type": "field", "field": "employees", "op": "gte", "value": 100}
DAY = timedelta(days=1)


def scored(document: dict[str, Any], lead: LeadFacts, at: datetime = NOW) -> Score:
    return score(score_rules(document), lead, at)


def visits(*days_ago: float) -> list[Happened]:
    return [Happened("interaction", NOW - DAY * days, {"kind": "visit"}) for days in days_ago]


def test_points_are_added_and_what_counted_is_told() -> None:
    document = {
        "rules": [
            {"id": "big", "points": 20, "when": BIG},
            {"id": "small", "points": 5, "when": {"type": "not", "rule": BIG}},
            {"id": "visits", "points": "2.5", "facts": {"fact": "interaction"}},
        ],
        "grades": [{"grade": "A", "at_least": 25}, {"grade": "B", "at_least": 0}],
    }
    lead = LeadFacts({"employees": 500, "captured_at": NOW}, visits(1, 2))
    assert scored(document, lead) == Score(
        "25",
        "A",
        (
            ScorePart(rule="big", points="20", of="20"),
            ScorePart(rule="visits", points="5", of="5", at=NOW - DAY),
        ),
        None,
    )


def test_half_of_the_points_is_left_after_a_half_life() -> None:
    document = {"rules": [{"id": "visits", "points": 40, "facts": {"fact": "interaction"}, "half_life": {"days": 10}}]}
    lead = LeadFacts({"captured_at": NOW - 30 * DAY}, visits(20))
    points = [scored(document, lead, NOW + days * DAY).score for days in (-20, -10, 0, 10, 1_000)]
    assert points == ["40", "20", "10", "5", "0"]
    assert scored(document, lead).next_at == NOW + DAY
    assert scored(document, lead, NOW + 1_000 * DAY).next_at is None
    assert scored({"rules": [{"id": "some", "points": "0.4", "half_life": {"days": 99}}]}, lead).next_at is not None


def test_a_rule_counts_for_no_more_than_its_most_and_the_sum_keeps_its_bounds() -> None:
    rule = {"id": "visits", "points": 10, "facts": {"fact": "interaction"}, "most": 25}
    bad = {"id": "student", "points": -90, "when": BIG}
    lead = LeadFacts({"employees": 500, "captured_at": NOW}, visits(1, 2, 3, 4))
    assert scored({"rules": [rule]}, lead).score == "25"
    assert scored({"rules": [rule, bad]}, lead).score == "-65"
    assert scored({"rules": [rule, bad], "least": 0}, lead).score == "0"
    assert scored({"rules": [rule], "most": 20}, lead).score == "20"


def test_facts_that_are_too_long_ago_do_not_count_and_the_end_is_foreseen() -> None:
    document = {"rules": [{"id": "v", "points": 10, "facts": {"fact": "interaction", "within": {"days": 7}}}]}
    lead = LeadFacts({"captured_at": NOW}, visits(3, 8))
    found = scored(document, lead)
    assert (found.score, found.next_at) == ("10", NOW + 4 * DAY)
    assert scored(document, lead, NOW + 4 * DAY).score == "0"


def test_a_condition_on_time_turns_over_when_foreseen() -> None:
    when = {"type": "field", "field": "captured_at", "op": "within-last", "value": {"days": 2}}
    document = {"rules": [{"id": "new", "points": 10, "when": when}]}
    lead = LeadFacts({"captured_at": NOW - DAY})
    assert scored(document, lead).next_at == NOW + DAY
    assert scored(document, lead, NOW + DAY).score == "0"


def test_what_is_left_of_minus_points_is_nothing_in_the_end() -> None:
    lead = LeadFacts({"captured_at": NOW - 48 * DAY})
    assert scored({"rules": [{"id": "a", "points": -5, "half_life": {"days": 14}}]}, lead).score == "0"


@settings(deadline=None)  # the machine may be busy
@each(score_documents(), leads(), st.floats(0, 1, exclude_max=True))
def test_a_score_stays_until_the_moment_foreseen_and_changes_then(
    document: dict[str, Any], lead: LeadFacts, share: float
) -> None:
    found = scored(document, lead)
    until = NOW + 4_000 * DAY if found.next_at is None else found.next_at
    between = scored(document, lead, min(NOW + (until - NOW) * share, until - timedelta(microseconds=1)))
    assert (between.score, between.grade) == (found.score, found.grade)
    assume(found.next_at is not None)
    assert found.next_at is not None
    then = scored(document, lead, found.next_at)
    looked_as_far_as_it_does = found.next_at >= NOW + (MOST_MOMENTS // 2) * DAY
    assert (then.score, then.grade) != (found.score, found.grade) or looked_as_far_as_it_does


@settings(deadline=None)  # the machine may be busy
@each(score_documents(), leads())
def test_the_parts_explain_the_score(document: dict[str, Any], lead: LeadFacts) -> None:
    found = scored(document, lead)
    rules = score_rules(document)
    assert score_rules(score_document(rules)) == rules
    order = [one.id for one in rules.rules]
    assert [one.rule for one in found.parts] == [one for one in order if one in {part.rule for part in found.parts}]
    total = sum(float(one.points) for one in found.parts)
    if "least" not in document and "most" not in document:
        assert abs(total - float(found.score)) <= 0.5 + 1e-9


FAULTS: Final[list[tuple[Any, list[tuple[str, str]]]]] = [
    ([], [("$", "wrong-type")]),
    ({"rules": [], "least": 5, "most": 5}, [("$", "bounds-reversed")]),
    (
        {"rules": [], "least": "x", "most": True},
        [("$.least", "value-not-a-number"), ("$.most", "value-not-a-number")],
    ),
    (
        {"rules": [], "grades": [{"grade": "B", "at_least": 1}, {"grade": "B", "at_least": 1}]},
        [("$.grades[1].at_least", "grades-not-descending"), ("$.grades[1].grade", "grade-not-unique")],
    ),
    ({"rules": [], "grades": [{"grade": "B"}]}, [("$.grades[0]", "at-least-missing")]),
    (
        {
            "rules": [
                {"id": "a", "points": 0, "most": -1, "half_life": {}},
                {"id": "b", "points": 1, "facts": {"fact": "dance"}},
                {
                    "id": "c",
                    "points": 1e300,
                    "facts": {"fact": "purchase", "where": [{"field": "amount", "op": "gt", "value": 1}]},
                },
                {
                    "id": "d",
                    "points": 1,
                    "facts": {"fact": "capture", "where": [{"field": "mood", "op": "eq", "value": "good"}]},
                    "when": {"type": "field", "field": "employees", "op": "gte"},
                },
            ]
        },
        [
            ("$.rules[0].points", "points-zero"),
            ("$.rules[0].most", "most-not-positive"),
            ("$.rules[0].half_life", "duration-invalid"),
            ("$.rules[1].facts.fact", "unknown-word"),
            ("$.rules[2].points", "value-not-a-number"),
            ("$.rules[2].facts.where[0]", "currency-needed"),
            ("$.rules[3].when", "value-needed"),
            ("$.rules[3].facts.where[0].field", "unknown-field"),
        ],
    ),
]


@pytest.mark.parametrize(("document", "faults"), FAULTS)
def test_every_fault_is_named_with_its_place(document: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(RulesFaulty) as refused:
        score_rules(document)
    assert [(one.path, one.code) for one in refused.value.problems] == faults
