"""The customer lifecycle: its stages and the moves between them.

Stages and their order follow the usual marketing-to-sales funnel. Forward moves may leave stages out;
backward moves lead only to `lead` (recycling) or out of the funnel (`former`, `other`), from where
everything is possible again.
"""

from typing import Final

from patron_contacts.domain.errors import StageMoveNotAllowed, StageUnknown

FUNNEL: Final = (
    "subscriber",
    "lead",
    "marketing-qualified",
    "sales-qualified",
    "opportunity",
    "customer",
    "evangelist",
)
OUTSIDE: Final = ("former", "other")
STAGES: Final = (*FUNNEL, *OUTSIDE)


def check_stage(stage: str, path: str) -> str:
    """Read the name of a stage; raises StageUnknown."""
    if stage not in STAGES:
        raise StageUnknown(field=path)
    return stage


def allowed_moves(stage: str | None) -> tuple[str, ...]:
    """List the stages that a person in `stage` may move to."""
    if stage is None or stage in OUTSIDE:
        return tuple(one for one in STAGES if one != stage)
    later = FUNNEL[FUNNEL.index(stage) + 1 :]
    recycled = ("lead",) if FUNNEL.index(stage) > FUNNEL.index("lead") else ()
    return (*later, *recycled, *OUTSIDE)


def check_move(stage: str | None, to: str, path: str) -> None:
    """Allow a move or raise StageMoveNotAllowed, which names what is allowed."""
    if to not in allowed_moves(stage):
        detail = f"from {stage} the lifecycle moves only to: {', '.join(allowed_moves(stage))}"
        raise StageMoveNotAllowed(detail, field=path)
