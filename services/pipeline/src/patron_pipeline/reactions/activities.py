"""Reactions to activities: set timers of reminders, send reminders, write to attendees."""

from datetime import datetime
from typing import Final

from patron_events.catalog.pipeline import activities as facts
from patron_pipeline.domain.activity import ACTIVITY
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.finding import Finding
from patron_pipeline.handlers.inviting import Inviting
from patron_pipeline.handlers.reminding import Reminding
from patron_pipeline.handlers.replies import ReplyHandlers
from patron_pipeline.handlers.sending import Channels
from patron_reactions.reaction import Happened, Reaction
from patron_reactions.service import Means
from patron_reactions.timers import Because, Fired, TimerReaction, Timers

_KIND: Final = "activity-reminder"
_REMINDED_BY: Final = (
    facts.ActivityScheduled,
    facts.ActivityRemindersSet,
    facts.ActivityCompleted,
    facts.ActivityCancelled,
    facts.ActivityReopened,
    facts.ActivityErased,
)
_TOLD_BY: Final = (
    facts.ActivityDescribed,
    facts.ActivityScheduled,
    facts.ActivityCancelled,
    facts.ActivityReopened,
)


class ReminderTimers:
    """Keeps one timer per activity: that of its next reminder."""

    def __init__(self, reminding: Reminding, timers: Timers) -> None:
        self._reminding = reminding
        self._timers = timers

    async def happened(self, happened: Happened) -> None:
        """Set the timer of an activity whose time, reminders or status changed."""
        await self._set(happened.stream.id, happened.stored_at, happened, later=False)

    async def fired(self, fired: Fired) -> None:
        """Send what is owed now, by the clock of the server, and set the timer of what comes next.

        What could not be sent is the host's to try again; the next timer is set first, so that it waits for nothing.
        """
        activity_id = str(fired.data["activity_id"])
        try:
            await self._reminding.remind(activity_id, fired.fired_at, fired.asked)
        finally:
            await self._set(activity_id, fired.fired_at, fired, later=True)

    async def _set(self, activity_id: str, now: datetime, because: Because, *, later: bool) -> None:
        key = f"{_KIND}.{activity_id}"
        moment = await self._reminding.next_moment(activity_id, now, later=later)
        while True:
            if moment is None:
                await self._timers.cancel(key)
            else:
                await self._timers.put(key, _KIND, moment, {"activity_id": activity_id}, because=because)
            # Another replica may have set it by a newer state between our reading and our setting.
            again = await self._reminding.next_moment(activity_id, now, later=later)
            if again == moment:
                return
            moment = again


def activity_reactions(means: Means, channels: Channels) -> tuple[list[Reaction], list[TimerReaction]]:
    """Put the reactions to activities together."""
    activities = ActivityHandlers(means.decisions, means.index, Finding(means.decisions.journal, means.index))
    timers = ReminderTimers(Reminding(activities, channels), means.timers)
    inviting = Inviting(activities, ReplyHandlers(activities, means.index), channels)

    async def tell(happened: Happened) -> None:
        await inviting.tell(happened.stream.id, happened.stored_at, happened.asked())

    reactions = [
        Reaction("activity-reminder-timers", ACTIVITY.category, _REMINDED_BY, timers.happened),
        Reaction("activity-invitations", ACTIVITY.category, _TOLD_BY, tell),
    ]
    return reactions, [TimerReaction(_KIND, timers.fired)]
