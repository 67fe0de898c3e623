"""The states of a lead and the moves between them."""

import re
from collections.abc import Mapping
from typing import Final

from patron_pipeline.domain.lead_errors import LeadMoveNotAllowed, LeadReasonInvalid, LeadReasonMissing

STATUSES: Final = ("new", "assigned", "working", "qualified", "converted", "recycled", "dead")
OPEN: Final = frozenset({"new", "assigned", "working", "qualified"})
"""Somebody is to do something about it; recycled leads wait, the others are closed."""

MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "new": ("assigned", "working", "qualified", "recycled", "dead"),
    "assigned": ("new", "working", "qualified", "recycled", "dead"),
    "working": ("new", "assigned", "qualified", "recycled", "dead"),
    "qualified": ("new", "assigned", "working", "recycled", "dead"),
    "recycled": ("new", "assigned", "working", "qualified", "dead"),
    "dead": ("new", "assigned", "working"),
    "converted": (),
}
"""By hand or rule; `converted` is reached by converting, and never left."""

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")


def check_move(was: str, to: str) -> None:
    """Allow a move or raise LeadMoveNotAllowed, which names what is allowed."""
    if to not in MOVES[was]:
        allowed = ", ".join(MOVES[was]) or "nowhere"
        raise LeadMoveNotAllowed(f"From {was} a lead moves only to: {allowed}.", field="to")


def check_reason(was: str, to: str, reason: str | None) -> None:
    """Ask for a reason where a lead is recycled, given up, or brought back from the dead.

    Raises:
        LeadReasonMissing, LeadReasonInvalid: there is none; it is no code.
    """
    if reason is None:
        if to in {"recycled", "dead"} or was == "dead":
            raise LeadReasonMissing(field="reason")
    elif not _CODE.fullmatch(reason):
        raise LeadReasonInvalid(field="reason")
