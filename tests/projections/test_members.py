"""The rules of memberships, and what makes a rule look again."""

from datetime import UTC, datetime

from patron_events.catalog import segments as events
from patron_events.decider import Dated
from patron_events.scenarios import given
from patron_projections.segments.dirty import A_COMPANY, ALWAYS, SCORES, Because, last_that_matters, wakes
from patron_projections.segments.member import MEMBER, ChangeMembership
from patron_projections.segments.segment import in_order

AT = datetime(2026, 5, 1, tzinfo=UTC)
ENTERED = events.MemberEntered("s", 1, "event", "c:0")
LEFT = events.MemberLeft("s", 1, "time")


def test_a_customer_enters_once_and_leaves_once() -> None:
    enter = ChangeMembership("s", entered=True, rule_version=1, cause="event", cause_id="c:0", at=AT)
    leave = ChangeMembership("s", entered=False, rule_version=1, cause="time", cause_id=None, at=AT)
    given(MEMBER).when(enter).then(Dated(ENTERED, AT))
    given(MEMBER, ENTERED).when(enter).then()
    given(MEMBER, ENTERED).when(leave).then(Dated(LEFT, AT))
    given(MEMBER).when(leave).then()
    given(MEMBER, ENTERED, LEFT).when(enter).then(Dated(ENTERED, AT))


def test_a_rule_is_woken_by_what_it_looks_at_and_by_who_comes_and_goes() -> None:
    assert wakes(()) == ALWAYS
    assert wakes(("tags",)) == ALWAYS | {"contacts.tags-changed"}
    assert wakes(("custom.plan", "purchase")) == ALWAYS | {"contacts.custom-fields-changed", "contacts.order-placed"}
    assert wakes(("rfm.segment",)) == ALWAYS | {SCORES}
    assert A_COMPANY in wakes(("company.industry",))
    assert "contacts.order-placed" in wakes(("a_field_of_the_future",))


def test_the_cause_is_the_last_event_that_the_rule_looks_at() -> None:
    first, second = Because("event", "a:0", AT), Because("event", "b:0", AT)
    touched = {"contacts.tags-changed": first, "contacts.order-placed": second}
    assert last_that_matters(touched, wakes(("tags",))) == first
    assert last_that_matters(touched, wakes(("tags", "purchase"))) == second
    assert last_that_matters(touched, wakes(("country",))) is None


def test_segments_come_after_those_that_they_use_and_a_cycle_ends() -> None:
    assert list(in_order({"c": ["b"], "b": ["a"], "a": [], "d": ["c", "gone"]})) == ["a", "b", "c", "d"]
    assert sorted(in_order({"a": ["b"], "b": ["a"]})) == ["a", "b"]
