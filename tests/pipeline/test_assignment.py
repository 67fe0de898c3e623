"""To whom leads go, and why."""

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st

from patron_events.catalog.pipeline.team import Territory
from patron_pipeline.domain.assignment import Assignment, Market, Seller, assign
from patron_pipeline.domain.assignment_document import AssignmentRules, assignment_document, assignment_rules
from patron_pipeline.domain.document_shapes import RulesFaulty
from patron_pipeline.domain.lead_fields import LeadFacts
from patron_pipeline.domain.rotation import ROTATION, Rotation, Settle, TakeTurn
from pipeline.any_lead import NOW, SELLERS, assignments, leads

LEAD = LeadFacts({"country": "DE", "region": "BE", "postal_code": "10 115", "captured_at": NOW})
INBOX = {"strategy": "queue", "queue": "inbox"}


def rules(*targets: dict[str, Any], fallback: dict[str, Any] = INBOX) -> AssignmentRules:
    listed = [{"id": f"rule-{number}", "to": target} for number, target in enumerate(targets)]
    return assignment_rules({"rules": listed, "fallback": fallback})


def after(rotation: Rotation, *commands: TakeTurn | Settle) -> Rotation:
    for command in commands:
        for fact in ROTATION.decide(rotation, command):
            assert fact is not None
            rotation = ROTATION.evolve(rotation, fact, NOW)  # pyright: ignore[reportArgumentType]  # never dated
    return rotation


def handed_out(document: AssignmentRules, sellers: list[Seller], number: int) -> list[Assignment]:
    """Give out so many leads, one after the other."""
    rotation, found = Rotation(), list[Assignment]()
    for lead in range(number):
        found.append(assign(document, LEAD, Market(sellers, rotation, NOW)))
        owner = found[-1].owner
        if owner is not None:
            rotation = after(rotation, TakeTurn(f"lead-{lead}", owner, found[-1].pool))
    return found


ANN, BEN, CY = (Seller(name, "emea") for name in ("ann", "ben", "cy"))


def test_a_lead_goes_round() -> None:
    document = rules({"strategy": "round-robin", "team": "emea"})
    owners = [one.owner for one in handed_out(document, [CY, ANN, BEN, Seller("dee", "amer")], 7)]
    assert owners == ["ann", "ben", "cy", "ann", "ben", "cy", "ann"]


def test_the_answer_says_who_and_why() -> None:
    document = assignment_rules(
        {
            "rules": [
                {"id": "full", "to": {"strategy": "rep", "rep": "zoe"}},
                {
                    "id": "dach",
                    "when": {"type": "field", "field": "country", "op": "in", "value": ["DE", "AT"]},
                    "to": {"strategy": "round-robin", "team": "emea"},
                    "work_within": {"hours": 4},
                },
            ],
            "fallback": INBOX,
        }
    )
    found = assign(document, LEAD, Market([ANN, BEN], Rotation(), NOW))
    why = "country in DE, AT: next in turn of 2 in team emea (nobody could take it by full)"
    assert (found.owner, found.rule, found.strategy, found.team, found.why) == (
        "ann", "dach", "round-robin", "emea", why,
    )  # fmt: skip


def test_what_a_rule_says_of_personal_fields_is_not_repeated() -> None:
    document = assignment_rules(
        {
            "rules": [
                {
                    "id": "acme",
                    "when": {"type": "field", "field": "email", "op": "contains", "value": "secret@acme"},
                    "to": {"strategy": "round-robin"},
                }
            ],
            "fallback": INBOX,
        }
    )
    lead = LeadFacts({"email": "secret@acme.example", "captured_at": NOW})
    assert assign(document, lead, Market([ANN], Rotation(), NOW)).why == "email contains …: next in turn of 1 who could"


def test_the_least_busy_gets_it_and_equals_take_turns() -> None:
    document = rules({"strategy": "least-busy", "team": "emea"})
    rotation = after(Rotation(), Settle("a", "ann"), Settle("b", "ann"), Settle("c", "ben"))
    assert assign(document, LEAD, Market([ANN, BEN], rotation, NOW)).owner == "ben"
    rotation = after(rotation, TakeTurn("d", "ben", "team:emea"))
    assert assign(document, LEAD, Market([ANN, BEN], rotation, NOW)).owner == "ann"


def test_nobody_gets_more_than_fits() -> None:
    small, large = replace(ANN, capacity=1), replace(BEN, capacity=4)
    found = handed_out(rules({"strategy": "capacity", "team": "emea"}), [small, large], 6)
    assert [one.owner for one in found] == ["ann", "ben", "ben", "ben", "ben", None]
    assert (found[-1].strategy, found[-1].queue) == ("fallback", "inbox")


def test_who_has_no_capacity_stated_comes_after_those_who_have() -> None:
    found = handed_out(rules({"strategy": "capacity", "team": "emea"}), [ANN, replace(BEN, capacity=2)], 4)
    assert [one.owner for one in found] == ["ben", "ben", "ann", "ann"]


def test_the_closest_territory_wins() -> None:
    near = replace(CY, territories=(Territory(country="DE", postal_prefixes=("101", "9")),))
    sellers = [
        replace(ANN, territories=(Territory(country="DE"),)),
        replace(BEN, territories=(Territory(country="DE", region="be"), Territory(country="AT"))),
        near,
    ]
    document = rules({"strategy": "territory"})
    for remaining, owner in ((sellers, "cy"), (sellers[:2], "ben"), (sellers[:1], "ann")):
        assert assign(document, LEAD, Market(remaining, Rotation(), NOW)).owner == owner
    away = replace(near, available=False)
    assert assign(document, LEAD, Market([*sellers[:2], away], Rotation(), NOW)).owner == "ben"
    elsewhere = LeadFacts({"country": "FR", "captured_at": NOW})
    assert assign(document, elsewhere, Market(sellers, Rotation(), NOW)).queue == "inbox"


def test_who_owns_the_company_already_gets_the_lead() -> None:
    document = rules({"strategy": "rep", "owner_of": "company"}, {"strategy": "round-robin"})
    known = LeadFacts({**LEAD.fields, "company.owner": "ben"})
    assert assign(document, known, Market([ANN, BEN], Rotation(), NOW)).owner == "ben"
    assert assign(document, LEAD, Market([ANN, BEN], Rotation(), NOW)).rule == "rule-1"


def test_who_let_it_lie_does_not_get_it_again() -> None:
    document = rules({"strategy": "round-robin"})
    assert assign(document, LEAD, Market([ANN, BEN], Rotation(), NOW, excluded=("ann",))).owner == "ben"
    assert assign(document, LEAD, Market([ANN], Rotation(), NOW, excluded=("ann",))).owner is None


def test_a_fallback_that_finds_nobody_says_so() -> None:
    document = rules({"strategy": "rep", "rep": "zoe"}, fallback={"strategy": "round-robin"})
    found = assign(document, LEAD, Market([], Rotation(), NOW))
    assert (found.owner, found.queue, found.strategy) == (None, None, "fallback")
    assert found.why == (
        "no rule gave it to anybody (nobody could take it by rule-0), and the fallback found nobody either"
    )


@settings(deadline=None)  # the machine may be busy
@each(assignments(), leads(), SELLERS)
def test_whoever_gets_a_lead_may_have_it(document: Any, lead: LeadFacts, sellers: list[Seller]) -> None:
    read = assignment_rules(document)
    market = Market(sellers, after(Rotation(), Settle("x", "rep-0"), Settle("y", "rep-2")), NOW, excluded=("rep-3",))
    found = assign(read, lead, market)
    assert found == assign(read, lead, replace(market, sellers=sellers[::-1])), "the order of sellers decides nothing"
    if found.owner is not None:
        assert found.owner in {one.subject for one in market.takers()}
        assert found.queue is None
    assert (found.rule is None) == (found.strategy == "fallback")
    assert assignment_rules(assignment_document(read)) == read


@settings(deadline=None)  # the machine may be busy
@each(st.integers(1, 30), st.integers(1, 6), st.sampled_from(("round-robin", "least-busy")))
def test_leads_are_shared_fairly(number: int, team: int, strategy: str) -> None:
    sellers = [Seller(f"rep-{one}", "emea") for one in range(team)]
    shares = Counter(one.owner for one in handed_out(rules({"strategy": strategy, "team": "emea"}), sellers, number))
    assert sum(shares.values()) == number
    least = min(shares.values()) if len(shares) == team else 0
    assert max(shares.values()) - least <= 1


FAULTS: Final[list[tuple[Any, list[tuple[str, str]]]]] = [
    (7, [("$", "wrong-type")]),
    ({}, [("$", "fallback-missing"), ("$", "rules-missing")]),
    ({"rules": {}, "fallback": INBOX, "x": 1}, [("$.x", "unknown-member"), ("$.rules", "wrong-type")]),
    ({"rules": [], "fallback": {"strategy": "luck"}}, [("$.fallback.strategy", "unknown-word")]),
    ({"rules": [], "fallback": {"strategy": "queue"}}, [("$.fallback", "queue-missing")]),
    ({"rules": [], "fallback": {"strategy": "rep"}}, [("$.fallback", "rep-needed")]),
    ({"rules": [7], "fallback": INBOX}, [("$.rules[0]", "wrong-type")]),
    (
        {
            "rules": [
                {"id": "A", "to": INBOX},
                {"id": "a", "to": {"strategy": "round-robin", "team": "x", "reps": ["y"]}},
                {"id": "a", "to": {**INBOX, "colour": 1}},
                {"id": "b", "to": INBOX, "work_within": {"hours": 1}},
                {"id": "c", "to": {"strategy": "least-busy", "reps": ["x", "x"]}},
                {"id": "d", "to": {"strategy": "rep", "rep": "x"}, "work_within": {"days": -1}},
                {"to": INBOX},
            ],
            "fallback": INBOX,
        },
        [
            ("$.rules[0].id", "wrong-type"),
            ("$.rules[1].to", "team-or-reps"),
            ("$.rules[2].id", "id-not-unique"),
            ("$.rules[2].to.colour", "unknown-member"),
            ("$.rules[3].work_within", "work-within-not-allowed"),
            ("$.rules[4].to.reps", "reps-invalid"),
            ("$.rules[5].work_within", "duration-invalid"),
            ("$.rules[6]", "id-missing"),
        ],
    ),
    (
        {
            "rules": [
                {
                    "id": "a",
                    "to": INBOX,
                    "when": {
                        "type": "any",
                        "rules": [
                            {"type": "field", "field": "countri", "op": "eq", "value": "DE"},
                            {"type": "field", "field": "employees", "op": "contains", "value": 1},
                            {"type": "segment", "segment": "x"},
                            {"type": "not"},
                        ],
                    },
                }
            ],
            "fallback": INBOX,
        },
        [
            ("$.rules[0].when.rules[0].field", "unknown-field"),
            ("$.rules[0].when.rules[1].op", "operator-not-allowed"),
            ("$.rules[0].when.rules[2].type", "unknown-type"),
            ("$.rules[0].when.rules[3]", "rule-missing"),
        ],
    ),
]


@pytest.mark.parametrize(("document", "faults"), FAULTS)
def test_every_fault_is_named_with_its_place(document: Any, faults: list[tuple[str, str]]) -> None:
    with pytest.raises(RulesFaulty) as refused:
        assignment_rules(document)
    assert [(one.path, one.code) for one in refused.value.problems] == faults
