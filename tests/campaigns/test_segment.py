"""What a segment decides."""

import pytest

from patron_campaigns.domain.errors import (
    NotASnapshot,
    RuleNeeded,
    RuleNotAllowed,
    SegmentArchived,
    SegmentNotFound,
)
from patron_campaigns.domain.segment import (
    SEGMENT,
    ArchiveSegment,
    ChangeSegment,
    Command,
    CreateSegment,
    PutByHand,
    TakeSnapshot,
)
from patron_events.catalog import campaigns as events
from patron_events.scenarios import given

RULE = {"type": "field", "field": "country", "op": "eq", "value": "DE"}
OTHER = {"type": "field", "field": "country", "op": "eq", "value": "FR"}
ANN, BEN, EVE = (f"{number}e0bd8a4-57b5-4d2e-9b49-3c3f40d7ad63" for number in (1, 2, 3))

static = (events.SegmentCreated(kind="static"), events.SegmentDescribed(name="Friends"))
dynamic = (
    events.SegmentCreated(kind="dynamic"),
    events.SegmentDescribed(name="Germans", description="People in Germany"),
    events.SegmentRuleChanged(rule_version=1, rule=RULE),
)
snapshot = (
    events.SegmentCreated(kind="snapshot"),
    events.SegmentDescribed(name="Germans of 2026"),
    events.SegmentRuleChanged(rule_version=1, rule=RULE),
    events.SnapshotRequested(rule_version=1),
)
included = events.CustomersIncluded(customer_ids=(ANN, BEN))
archived = events.SegmentArchived()


def put(how: str, *ids: str, reason: str | None = None) -> PutByHand:
    return PutByHand(how, frozenset(ids), reason)  # pyright: ignore[reportArgumentType]  # the three words


def test_each_kind_is_created_with_what_it_needs() -> None:
    given(SEGMENT).when(CreateSegment("static", "Friends")).then(*static)
    given(SEGMENT).when(CreateSegment("dynamic", "Germans", "People in Germany", RULE)).then(*dynamic)
    given(SEGMENT).when(CreateSegment("snapshot", "Germans of 2026", None, RULE)).then(*snapshot)


def test_kinds_and_rules_must_fit() -> None:
    given(SEGMENT).when(CreateSegment("static", "Friends", None, RULE)).then_rejected(RuleNotAllowed, field="rule")
    given(SEGMENT).when(CreateSegment("dynamic", "Friends")).then_rejected(RuleNeeded, field="rule")
    given(SEGMENT).when(CreateSegment("snapshot", "Friends")).then_rejected(RuleNeeded, field="rule")
    given(SEGMENT, *static).when(ChangeSegment(rule=RULE)).then_rejected(RuleNotAllowed, field="rule")


def test_only_what_differs_is_recorded() -> None:
    given(SEGMENT, *dynamic).when(ChangeSegment(name="Germans", rule=RULE)).then()
    given(SEGMENT, *dynamic).when(ChangeSegment(name="Deutsche")).then(
        events.SegmentDescribed(name="Deutsche", description="People in Germany")
    )
    given(SEGMENT, *dynamic).when(ChangeSegment(describe=True)).then(events.SegmentDescribed(name="Germans"))
    given(SEGMENT, *dynamic).when(ChangeSegment(rule=OTHER)).then(events.SegmentRuleChanged(rule_version=2, rule=OTHER))


def test_true_is_not_one() -> None:
    one, true = ({**RULE, "field": "preferences.x", "value": value} for value in (1, True))
    history = (*dynamic, events.SegmentRuleChanged(rule_version=2, rule=one))
    given(SEGMENT, *history).when(ChangeSegment(rule=true)).then(events.SegmentRuleChanged(rule_version=3, rule=true))


def test_customers_are_put_by_hand_once() -> None:
    given(SEGMENT, *static).when(put("include", BEN, ANN)).then(included)
    given(SEGMENT, *static, included).when(put("include", ANN)).then()
    given(SEGMENT, *static, included).when(put("include", ANN, EVE, reason="asked")).then(
        events.CustomersIncluded(customer_ids=(EVE,), reason="asked")
    )
    given(SEGMENT, *static, included).when(put("exclude", ANN)).then(events.CustomersExcluded(customer_ids=(ANN,)))
    given(SEGMENT, *static, included).when(put("release", ANN, EVE)).then(events.CustomersReleased(customer_ids=(ANN,)))
    given(SEGMENT, *static).when(put("release", ANN)).then()


def test_who_is_put_in_is_no_longer_left_out() -> None:
    excluded = events.CustomersExcluded(customer_ids=(ANN,))
    outcome = given(SEGMENT, *static, included, excluded).when(put("include", ANN))
    assert (outcome.state.included, outcome.state.excluded) == ({ANN, BEN}, frozenset())


def test_only_snapshots_are_taken_anew() -> None:
    given(SEGMENT, *snapshot).when(TakeSnapshot()).then(events.SnapshotRequested(rule_version=1))
    given(SEGMENT, *dynamic).when(TakeSnapshot()).then_rejected(NotASnapshot)
    given(SEGMENT, *static).when(TakeSnapshot()).then_rejected(NotASnapshot)


@pytest.mark.parametrize("command", [ChangeSegment(name="X"), TakeSnapshot(), put("include", ANN), ArchiveSegment()])
def test_nothing_is_done_with_a_segment_that_is_not_there(command: Command) -> None:
    given(SEGMENT).when(command).then_rejected(SegmentNotFound)


@pytest.mark.parametrize("command", [ChangeSegment(name="X"), TakeSnapshot(), put("include", ANN)])
def test_an_archived_segment_stays_as_it_is(command: Command) -> None:
    given(SEGMENT, *snapshot).when(ArchiveSegment()).then(archived)
    given(SEGMENT, *snapshot, archived).when(ArchiveSegment()).then()
    given(SEGMENT, *snapshot, archived).when(command).then_rejected(SegmentArchived)
