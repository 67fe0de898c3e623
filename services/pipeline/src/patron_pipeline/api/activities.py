"""Routes of planned activities."""

from typing import Annotated, Any, Final

from fastapi import Path, Response

from patron_pipeline.api import activity_refusals as refusals
from patron_pipeline.api.activity_bodies import (
    ActivityBody,
    ActivityChangeBody,
    ActivityView,
    AnswerBody,
    CancellationBody,
    CompletionBody,
    Id,
    ReopeningBody,
    ScheduleBody,
)
from patron_pipeline.api.activity_views import activity_view
from patron_pipeline.api.parts import Using
from patron_pipeline.domain.activity import AnswerInvitation
from patron_pipeline.domain.activity_errors import ReplyUnreadable
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Commanding, Reading
from patron_values.moments import moment

activities: Final = router(prefix="/pipeline/v1/activities", tags=["activities"])
ActivityId = Annotated[Id, Path(description="UUID of the activity", examples=["1a0c8f5e-7a51-5c66-8b0e-3f6a1c1a5211"])]


@activities.post("", status_code=201, responses=problems(*refusals.PLAN))
async def plan_activity(body: ActivityBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Plan a call, meeting, task or e-mail. With an `Idempotency-Key`, repeating the request changes nothing."""
    content = plain(body)
    command = asked(by, "pipeline/activities", using.index, content)
    return accepted(response, await using.activities.plan(content, command))


@activities.get("/{activity_id}", response_model=ActivityView, responses=problems(*refusals.READ))
async def read_activity(activity_id: ActivityId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read an activity from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.activities.read(activity_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return activity_view(loaded)


@activities.patch("/{activity_id}", responses=problems(*refusals.CHANGE))
async def change_activity(
    activity_id: ActivityId, body: ActivityChangeBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Change what the body states; only what differs is recorded."""
    content = plain(body)
    command = asked(by, f"pipeline/activities/{activity_id}", using.index, content)
    return accepted(response, await using.activities.change(activity_id, content, command))


@activities.post("/{activity_id}/schedule", responses=problems(*refusals.RESCHEDULE))
async def reschedule_activity(
    activity_id: ActivityId, body: ScheduleBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Give it another time as a whole, or none; a series begins anew, and answers to invitations are forgotten."""
    content = plain(body)
    command = asked(by, f"pipeline/activities/{activity_id}/schedule", using.index, content)
    return accepted(response, await using.activities.reschedule(activity_id, content, command))


@activities.post("/{activity_id}/complete", responses=problems(*refusals.CLOSE))
async def complete_activity(
    activity_id: ActivityId, body: CompletionBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Complete it; a series goes on with the next occurrence that is not past."""
    content = plain(body)
    command = asked(by, f"pipeline/activities/{activity_id}/complete", using.index, content)
    return accepted(response, await using.activities.complete(activity_id, content, command))


@activities.post("/{activity_id}/cancel", responses=problems(*refusals.CLOSE))
async def cancel_activity(
    activity_id: ActivityId, body: CancellationBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Cancel it, or leave one occurrence out; those invited are told."""
    content = plain(body)
    command = asked(by, f"pipeline/activities/{activity_id}/cancel", using.index, content)
    return accepted(response, await using.activities.cancel(activity_id, content, command))


@activities.post("/{activity_id}/reopen", responses=problems(*refusals.REOPEN))
async def reopen_activity(
    activity_id: ActivityId, body: ReopeningBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Take up again what was completed or cancelled."""
    content = plain(body)
    command = asked(by, f"pipeline/activities/{activity_id}/reopen", using.index, content)
    return accepted(response, await using.activities.reopen(activity_id, content, command))


@activities.post("/{activity_id}/answers", responses=problems(*refusals.ANSWER))
async def answer_invitation(
    activity_id: ActivityId, body: AnswerBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Record what an attendee answered, in words or as their calendar sent it (iTIP REPLY)."""
    content = plain(body)
    command = asked(by, f"pipeline/activities/{activity_id}/answers", using.index, content)
    if body.calendar is not None and len(content) == 1:
        return accepted(response, await using.replies.take(activity_id, body.calendar, command))
    if body.calendar is not None or body.attendee is None or body.answer is None:
        raise ReplyUnreadable("Give `attendee` and `answer`, or `calendar` alone.", field="calendar")
    occurrence = None if body.occurrence is None else moment(body.occurrence, "occurrence")
    told = AnswerInvitation(body.attendee.strip(), body.answer, None, occurrence)
    return accepted(response, await using.activities.answer(activity_id, told, command))


@activities.post("/{activity_id}/erasure", responses=problems(*refusals.ERASE))
async def erase_activity(activity_id: ActivityId, using: Using, by: Administering, response: Response) -> Accepted:
    """Erase its texts and addresses for good; that it was planned and closed, when and by whom, stays."""
    command = asked(by, f"pipeline/activities/{activity_id}/erasure", using.index)
    return accepted(response, await using.activities.erase(activity_id, command))
