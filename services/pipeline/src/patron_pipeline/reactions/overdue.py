"""Timers of deals and leads: set by what happens to them, and by a change of the rules; decided when they fire."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_events.catalog.pipeline import activities, deals, leads, settings
from patron_events.catalog.pipeline.defaults import DEFAULT_ID
from patron_events.decisions import Asked
from patron_pipeline.domain.activity import ACTIVITY
from patron_pipeline.domain.deal import DEAL
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.domain.pipeline import PIPELINE
from patron_pipeline.handlers.overdue import OverdueHandlers
from patron_pipeline.reactions.walking import records
from patron_reactions.reaction import Happened, Reaction
from patron_reactions.service import Means
from patron_reactions.timers import Because, Fired, TimerReaction, Timers

_UNPLANNED: Final = (activities.ActivityCompleted, activities.ActivityCancelled, activities.ActivityErased)
_OF_DEALS: Final = (deals.DealOpened, deals.DealMoved, deals.DealReopened)
_OF_LEADS: Final = (leads.LeadCaptured, leads.LeadStatusChanged)

When = Callable[[str], Awaitable[datetime | None]]
Tell = Callable[[str, datetime, Asked], Awaitable[datetime | None]]


@dataclass(frozen=True, slots=True)
class Watch:
    """One kind of timer, one for each record. when: it is due, by present state and rules; tell: what happens then."""

    kind: str
    timers: Timers
    when: When
    tell: Tell

    async def plan(self, record_id: str, because: Because) -> None:
        """Set the timer of a record, where it needs one; an older one that stays behind will change nothing."""
        await self.set(record_id, await self.when(record_id), because)

    async def of(self, happened: Happened) -> None:
        """Plan for the record that a fact is about."""
        await self.plan(happened.stream.id, happened)

    async def on_time(self, fired: Fired) -> None:
        """Do what is due, or ask again when it will be."""
        record_id = str(fired.data["id"])
        await self.set(record_id, await self.tell(record_id, fired.fired_at, fired.asked(kind="rule")), fired)

    async def set(self, record_id: str, at: datetime | None, because: Because) -> None:
        """Set the timer of a record to a time that was just found; None needs none."""
        key, moment = f"{self.kind}.{record_id}", at
        while moment is not None:
            await self.timers.put(key, self.kind, moment, {"id": record_id}, because=because)
            # Another replica may have set it by a newer state between our reading and our setting.
            again = await self.when(record_id)
            if again == moment:
                return
            if again is None:
                await self.timers.cancel(key)
            moment = again


def overdue_reactions(means: Means) -> tuple[Sequence[Reaction], Sequence[TimerReaction]]:
    """Build the reactions that watch deals and leads, and those of their timers."""
    handlers = OverdueHandlers(means.decisions)
    rotting = Watch("deal-rotting", means.timers, handlers.rots_at, handlers.tell_rotting)
    idle = Watch("deal-idle", means.timers, handlers.reported_at, handlers.tell_idle)
    old = Watch("lead-age", means.timers, handlers.given_up_at, handlers.give_up)
    back = Watch("lead-return", means.timers, handlers.comes_back_at, handlers.bring_back)

    async def moved(happened: Happened) -> None:
        """Watch a deal in both ways, for one reading: imports bring many deals at once."""
        deal_id = happened.stream.id
        rots_at, reported_at = await handlers.times_of(deal_id)
        await rotting.set(deal_id, rots_at, happened)
        await idle.set(deal_id, reported_at, happened)

    async def unplanned(happened: Happened) -> None:
        activity = (await means.decisions.journal.load(ACTIVITY, happened.stream.id)).state
        if activity.about.deal_id is not None:
            await idle.plan(activity.about.deal_id, happened)

    async def replan(happened: Happened) -> None:
        """Look at every record again: those that need a timer by the new rules may have had none."""
        watches = {"deal": (rotting, idle), "lead": (old,) if happened.stream.id == DEFAULT_ID else ()}
        async for some in records(means.log, {"deal", "lead"}, happened.recorded.commit.sequence):
            plans = [watch.plan(record_id, happened) for category, record_id in some for watch in watches[category]]
            await asyncio.gather(*plans)

    reactions = (
        Reaction("watch-deal", DEAL.category, _OF_DEALS, moved, only_last=True),
        Reaction("watch-unplanned-deal", ACTIVITY.category, _UNPLANNED, unplanned, only_last=True),
        Reaction("watch-lead-age", LEAD.category, _OF_LEADS, old.of, only_last=True),
        Reaction("watch-recycled-lead", LEAD.category, (leads.LeadStatusChanged,), back.of, only_last=True),
        Reaction("replan-overdue", PIPELINE.category, (settings.PipelineDefined,), replan, only_last=True),
    )
    return reactions, tuple(TimerReaction(one.kind, one.on_time) for one in (rotting, idle, old, back))
