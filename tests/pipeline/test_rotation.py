"""Turns and loads of those who sell."""

from typing import Any

from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st

from patron_events.catalog.pipeline import rules as events
from patron_events.scenarios import THEN, given
from patron_pipeline.domain.rotation import (
    ROTATION,
    Command,
    ContinueRotation,
    EndRotation,
    Rotation,
    Settle,
    TakeTurn,
)

TEAM = "team:emea"
ann_has_x = events.TurnTaken(lead_id="x", owner="ann", pool=TEAM)


def test_a_lead_that_changes_hands_is_given_back_first() -> None:
    given(ROTATION, ann_has_x).when(TakeTurn("x", "ben", TEAM)).then(
        events.TurnGivenBack(lead_id="x", owner="ann"), events.TurnTaken(lead_id="x", owner="ben", pool=TEAM)
    )


def test_what_already_holds_is_not_recorded() -> None:
    given(ROTATION, ann_has_x).when(Settle("x", "ann")).then()
    given(ROTATION).when(Settle("x", None)).then()


def test_a_closed_lead_burdens_nobody() -> None:
    found = given(ROTATION, ann_has_x).when(Settle("x", None)).then(events.TurnGivenBack(lead_id="x", owner="ann"))
    assert (found.state.load("ann"), found.state.held_by("ann"), found.state.last_turn(TEAM, "ann")) == (0, [], 1)


def test_a_rotation_ends_once() -> None:
    ended = events.RotationEnded(next="leads-2")
    given(ROTATION, ann_has_x).when(EndRotation("leads-2")).then(ended)
    given(ROTATION, ended).when(EndRotation("leads-2")).then()


_COMMANDS = st.one_of(
    st.builds(
        TakeTurn,
        lead_id=st.sampled_from("wxyz"),
        owner=st.sampled_from(("ann", "ben", "cy")),
        pool=st.sampled_from((TEAM, "all", None)),
    ),
    st.builds(Settle, lead_id=st.sampled_from("wxyz"), owner=st.sampled_from(("ann", "ben", None))),
)


def _after(commands: list[Command], rotation: Rotation) -> Rotation:
    for command in commands:
        facts: Any = ROTATION.decide(rotation, command)
        for fact in facts:
            rotation = ROTATION.evolve(rotation, fact, THEN)
    return rotation


@settings(deadline=None)  # the machine may be busy
@each(st.lists(_COMMANDS, max_size=20), st.lists(_COMMANDS, max_size=5))
def test_the_next_rotation_goes_on_as_the_one_before_would_have(first: list[Command], then: list[Command]) -> None:
    before = _after(first, Rotation())
    assert {owner: before.load(owner) for owner in ("ann", "ben", "cy")} == {
        owner: len(before.held_by(owner)) for owner in ("ann", "ben", "cy")
    }
    continued = _after([ContinueRotation("leads", before), *then], Rotation())
    alone = _after(then, before)
    assert dict(continued.owners) == dict(alone.owners)
    assert dict(continued.loads) == dict(alone.loads)
    for pool in (TEAM, "all"):
        names = ("ann", "ben", "cy")
        assert sorted(names, key=lambda one: (continued.last_turn(pool, one), one)) == sorted(
            names, key=lambda one: (alone.last_turn(pool, one), one)
        )
