"""Every move along the customer lifecycle, allowed and refused."""

import pytest

from patron_contacts.domain.errors import StageMoveNotAllowed, StageUnknown
from patron_contacts.domain.lifecycle import STAGES, allowed_moves, check_move, check_stage

# Rows: from; columns in the order of STAGES: x allowed, . refused, = the stage itself.
TABLE = """
none                 x x x x x x x x x
subscriber           = x x x x x x x x
lead                 . = x x x x x x x
marketing-qualified  . x = x x x x x x
sales-qualified      . x . = x x x x x
opportunity          . x . . = x x x x
customer             . x . . . = x x x
evangelist           . x . . . . = x x
former               x x x x x x x = x
other                x x x x x x x x =
"""
MOVES = [
    (None if stage == "none" else stage, to, mark == "x")
    for stage, *marks in (line.split() for line in TABLE.strip().splitlines())
    for to, mark in zip(STAGES, marks, strict=True)
]


@pytest.mark.parametrize(("stage", "to"), [(stage, to) for stage, to, allowed in MOVES if allowed])
def test_allowed(stage: str | None, to: str) -> None:
    check_move(stage, to, "to")
    assert to in allowed_moves(stage)


@pytest.mark.parametrize(("stage", "to"), [(stage, to) for stage, to, allowed in MOVES if not allowed])
def test_refused_naming_what_is_allowed(stage: str | None, to: str) -> None:
    with pytest.raises(StageMoveNotAllowed) as refused:
        check_move(stage, to, "to")
    assert refused.value.field == "to"
    assert all(one in refused.value.detail for one in allowed_moves(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_stages_are_known(stage: str) -> None:
    assert check_stage(stage, "to") == stage


@pytest.mark.parametrize("stage", ["", "Customer", "hero", "customer "])
def test_other_words_are_no_stage(stage: str) -> None:
    with pytest.raises(StageUnknown):
        check_stage(stage, "to")
