"""Strategies for leads, conditions over them, sellers, and rules of assignment and score."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from patron_events.catalog.pipeline.team import Territory
from patron_pipeline.domain.assignment import Seller
from patron_pipeline.domain.lead_fields import Happened, LeadFacts

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEAMS: Final = ("emea", "amer")
COUNTRIES: Final = ("DE", "AT", "US")
MOMENTS = st.integers(-2_000, 500).map(lambda hours: NOW + timedelta(hours=hours))


@st.composite
def leads(draw: st.DrawFn) -> LeadFacts:
    """Give leads with facts of their past and future."""
    fields = {
        "country": draw(st.sampled_from((*COUNTRIES, None))),
        "postal_code": draw(st.sampled_from(("10115", "80331", None))),
        "region": draw(st.sampled_from(("BE", "BY", None))),
        "employees": draw(st.sampled_from((None, 5, 500))),
        "captured_at": draw(MOMENTS.filter(lambda at: at <= NOW)),
        "company.owner": draw(st.sampled_from(("rep-1", "rep-9", None))),
        "attributes": draw(st.sampled_from(({}, {"plan": "pro"}, {"plan": 7}))),
    }
    return LeadFacts(fields, draw(st.lists(happenings(), max_size=6)))


@st.composite
def happenings(draw: st.DrawFn) -> Happened:
    kind = draw(st.sampled_from(("capture", "interaction", "purchase")))
    fields: dict[str, Any] = {
        "capture": {"source": draw(st.sampled_from(("web", "fair")))},
        "interaction": {"kind": draw(st.sampled_from(("visit", "email"))), "properties": {"page": "pricing"}},
        "purchase": {"amount_minor": draw(st.integers(0, 10_000)), "currency": "EUR"},
    }[kind]
    return Happened(kind, draw(MOMENTS), fields)


_LEAVES = st.sampled_from((
    {"type": "field", "field": "country", "op": "eq", "value": "DE"},
    {"type": "field", "field": "country", "op": "ne", "value": "DE"},
    {"type": "field", "field": "employees", "op": "gte", "value": 100},
    {"type": "field", "field": "attributes.plan", "op": "eq", "value": "pro"},
    {"type": "field", "field": "captured_at", "op": "within-last", "value": {"days": 30}},
    {"type": "field", "field": "captured_at", "op": "not-within-last", "value": {"hours": 36}},
    {"type": "field", "field": "region", "op": "missing"},
))  # fmt: skip
CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda rules: {"type": "all", "rules": rules}),
        st.lists(inner, max_size=3).map(lambda rules: {"type": "any", "rules": rules}),
        inner.map(lambda rule: {"type": "not", "rule": rule}),
    ),
    max_leaves=5,
)
SELLERS = st.lists(
    st.builds(
        Seller,
        subject=st.sampled_from([f"rep-{number}" for number in range(6)]),
        team=st.sampled_from((*TEAMS, None)),
        territories=st.lists(
            st.sampled_from(
                (
                    Territory(country="DE"),
                    Territory(country="DE", region="BE"),
                    Territory(country="DE", postal_prefixes=("10", "101")),
                    Territory(country="AT"),
                )
            ),
            max_size=2,
        ).map(tuple),
        capacity=st.sampled_from((None, 0, 1, 3)),
        available=st.sampled_from((True, True, True, False)),
    ),
    max_size=6,
    unique_by=lambda one: one.subject,
)
_ALL: Final[dict[str, Any]] = {}
_AMONG: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just(_ALL),
    st.sampled_from(TEAMS).map(lambda team: {"team": team}),
    st.lists(st.sampled_from([f"rep-{number}" for number in range(6)]), min_size=1, max_size=4, unique=True).map(
        lambda reps: {"reps": reps}
    ),
)
TARGETS = st.one_of(
    st.sampled_from(
        (
            {"strategy": "rep", "rep": "rep-1"},
            {"strategy": "rep", "owner_of": "company"},
            {"strategy": "queue", "queue": "inbox", "team": "emea"},
        )
    ),
    st.tuples(st.sampled_from(("round-robin", "least-busy", "territory", "capacity")), _AMONG).map(
        lambda both: {"strategy": both[0], **both[1]}
    ),
)


@st.composite
def assignments(draw: st.DrawFn) -> dict[str, Any]:
    """Give documents of assignment rules."""
    rules = [
        {"id": f"rule-{number}", "to": draw(TARGETS), **draw(st.sampled_from(({}, {"when": draw(CONDITIONS)})))}
        for number in range(draw(st.integers(0, 4)))
    ]
    return {"rules": rules, "fallback": draw(TARGETS)}


@st.composite
def score_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Give documents of score rules."""
    halves = st.sampled_from(({}, {"half_life": {"days": 3}}, {"half_life": {"days": 14, "hours": 6}}))
    facts = st.sampled_from((
        {"fact": "capture"},
        {"fact": "interaction", "where": [{"field": "kind", "op": "eq", "value": "visit"}], "within": {"days": 10}},
        {"fact": "interaction", "where": [{"field": "properties.page", "op": "eq", "value": "pricing"}]},
        {"fact": "purchase", "where": [{"field": "amount", "op": "gte", "value": "50.00", "currency": "EUR"}]},
    ))  # fmt: skip
    rules: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 4))):
        rule = {"id": f"rule-{number}", "points": draw(st.sampled_from((10, -5, "2.5", 40))), **draw(halves)}
        rule |= draw(st.sampled_from(({}, {"when": draw(CONDITIONS)}, {"facts": draw(facts)}, {"most": 15})))
        rules.append(rule)
    bounds = draw(st.sampled_from(({}, {"least": 0, "most": 50}, {"least": 0})))
    grades = draw(st.sampled_from(({}, {"grades": [{"grade": "A", "at_least": 30}, {"grade": "B", "at_least": 5}]})))
    return {"rules": rules, **bounds, **grades}
