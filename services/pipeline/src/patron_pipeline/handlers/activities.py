"""Use cases of planned activities: plan, change, move, complete, cancel, reopen, answer, erase, read."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5
from weakref import WeakValueDictionary

from patron_events.catalog.pipeline.activities import Reminder
from patron_events.decisions import Asked, Committed, Decisions, Unit
from patron_events.journal import AnyDecider, Loaded
from patron_events.vault import BlindIndex
from patron_pipeline.domain.activity import (
    ACTIVITY,
    AnswerInvitation,
    CancelActivity,
    ChangeActivity,
    Command,
    CompleteActivity,
    EraseActivity,
    Moment,
    PlanActivity,
    ReopenActivity,
    RescheduleActivity,
)
from patron_pipeline.domain.activity_errors import (
    AboutTwoThings,
    ActivityNotFound,
    OccurrenceUnknown,
    ReminderTwice,
    SubjectUnknown,
)
from patron_pipeline.domain.activity_state import About, Activity, Texts
from patron_pipeline.domain.agenda import AGENDA, EnterActivity, LeaveActivity, of_activity, of_deal
from patron_pipeline.domain.customer import Link
from patron_pipeline.domain.deal import DEAL
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.domain.schedule import read_schedule
from patron_pipeline.handlers.finding import Finding, company_ref, external_key, person_ref
from patron_pipeline.handlers.linking import ExternalId, release_id, relink, take_id
from patron_values import moments, texts
from patron_values.contact_points import email_key

_IDS: Final = UUID("c2a5c9b4-5f0e-5d5c-9d43-1f4f8a3e7d04")
_KIND: Final = "activity"
_NOTES_LENGTH: Final = 10_000
MOST_ATTENDEES: Final = 100
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActivityHandlers:
    """Use cases of activities. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    index: BlindIndex
    finding: Finding
    lines: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary[str, asyncio.Lock])

    async def plan(self, body: Body, asked: Asked) -> Committed:
        """Plan an activity; its id is derived from the command id, so a repetition finds the same one.

        Raises:
            SummaryMissing, AboutTwoThings, SubjectUnknown, PersonNotFound, CompanyNotFound, ReminderTwice,
            ExternalIdTaken, DueMissing, and what `read_schedule` raises.
        """
        activity_id = str(uuid5(_IDS, asked.command_id))
        about = await self._about(body)
        command = PlanActivity(
            body["kind"],
            _texts(body, Texts()),
            read_schedule(body),
            _moment(body),
            about,
            body.get("priority") or 0,
            body.get("assignee"),
            _reminders(body),
        )
        return await self.run(activity_id, command, asked)

    async def change(self, activity_id: str, body: Body, asked: Asked) -> Committed:
        """Change what the body states: texts (null clears), priority, assignee, reminders.

        Raises:
            ActivityNotFound, ActivityErasedAlready, ActivityClosed, SummaryMissing, DueMissing, ReminderTwice.
        """
        known = (await self.read(activity_id)).state
        told = any(name in body for name in ("summary", "notes", "location", "attendees"))
        command = ChangeActivity(
            _texts(body, known.texts) if told else None,
            body.get("priority"),
            _reminders(body) if "reminders" in body else None,
            assign="assignee" in body,
            assignee=body.get("assignee"),
        )
        return await self.run(activity_id, command, asked)

    async def reschedule(self, activity_id: str, body: Body, asked: Asked) -> Committed:
        """Give another time, or none; raises as `change`, and what `read_schedule` raises."""
        return await self.run(activity_id, RescheduleActivity(read_schedule(body)), asked)

    async def complete(self, activity_id: str, body: Body, asked: Asked) -> Committed:
        """Complete an activity, or its present occurrence.

        Raises:
            ActivityNotFound, ActivityErasedAlready, ActivityClosed, OccurrenceUnknown, ActivityToldOutOfOrder.
        """
        command = CompleteActivity(
            _moment(body),
            texts.optional_text(body.get("outcome"), "outcome", 64),
            body.get("interaction_id"),
            _occurrence(body),
        )
        return await self.run(activity_id, command, asked)

    async def cancel(self, activity_id: str, body: Body, asked: Asked) -> Committed:
        """Cancel an activity, or one occurrence of it; raises as `complete`."""
        reason = texts.optional_text(body.get("reason"), "reason", 200)
        return await self.run(activity_id, CancelActivity(_moment(body), reason, _occurrence(body)), asked)

    async def reopen(self, activity_id: str, body: Body, asked: Asked) -> Committed:
        """Take up a completed or cancelled activity again; raises ActivityStillOpen and as `complete`."""
        return await self.run(activity_id, ReopenActivity(_moment(body)), asked)

    async def answer(self, activity_id: str, command: AnswerInvitation, asked: Asked) -> Committed:
        """Record what an attendee answered; raises AttendeeUnknown, InvitationChanged, OccurrenceUnknown."""
        return await self.run(activity_id, command, asked)

    async def erase(self, activity_id: str, asked: Asked, *, person_id: str | None = None) -> Committed:
        """Erase what is personal: the fact first, then the key, so that a repetition completes it.

        person_id: whose erasure caused it. Raises ActivityNotFound.
        """
        committed = await self.run(activity_id, EraseActivity(person_id), asked)
        await self.decisions.journal.vault.destroy(activity_id)
        return committed

    async def read(self, activity_id: str) -> Loaded[Activity]:
        """Read an activity from the log as it is now; raises ActivityNotFound."""
        loaded = await self.decisions.journal.load(ACTIVITY, activity_id)
        if loaded.state.status == "absent":
            raise ActivityNotFound
        return loaded

    async def open_of_deal(self, deal_id: str) -> tuple[frozenset[str], datetime | None]:
        """Name the open activities of a deal, and since when there are none (None: there never were any)."""
        agenda = (await self.decisions.journal.load(AGENDA, of_deal(deal_id))).state
        return agenda.activities, agenda.emptied_at

    async def run(self, activity_id: str, command: Command, asked: Asked) -> Committed:
        """Decide a command, and keep agendas, claims and links of customers in step, in one atomic batch.

        Many activities of one user may be planned at once: commands of this process that change the same agenda
        wait for each other, because only the line of the activity itself is kept by `transact`.
        """
        async with AsyncExitStack() as line:
            waited = False

            async def work(unit: Unit) -> None:
                nonlocal waited
                if isinstance(command, PlanActivity):
                    unit.presume_new(ACTIVITY, activity_id)
                before = await unit.state(ACTIVITY, activity_id)
                if not await unit.decide(ACTIVITY, activity_id, command):
                    return
                after = await unit.state(ACTIVITY, activity_id)
                old, new = of_activity(activity_id, before), of_activity(activity_id, after)
                if not waited:  # all at once and in one order, so that nobody waits in a circle
                    for agenda in sorted(old ^ new):
                        await line.enter_async_context(self.lines.setdefault(agenda, asyncio.Lock()))
                    waited = True
                for agenda in sorted(new - old):
                    await unit.decide(AGENDA, agenda, EnterActivity(activity_id))
                for agenda in sorted(old - new):
                    await unit.decide(AGENDA, agenda, LeaveActivity(activity_id))
                await self._tie(unit, activity_id, before, after)

            return await self.decisions.transact(work, asked)

    async def _tie(self, unit: Unit, activity_id: str, before: Activity, after: Activity) -> None:
        if before.status == "absent":
            if after.about.external_id is not None:
                external_id = ExternalId(*after.about.external_id)
                await take_id(unit, self.index, Link(_KIND, activity_id), external_id)
            if after.about.person_id is not None:
                await relink(unit, Link(_KIND, activity_id), before=(), after=(after.about.person_id,))
        elif after.status == "erased" and before.about.external_id is not None:
            await release_id(unit, self.index, Link(_KIND, activity_id), ExternalId(*before.about.external_id))

    async def _about(self, body: Body) -> About:
        deal_id, lead_id = body.get("deal_id"), body.get("lead_id")
        if deal_id is not None and lead_id is not None:
            raise AboutTwoThings(field="lead_id")
        await self._check("deal_id", DEAL, deal_id)
        await self._check("lead_id", LEAD, lead_id)
        external = body.get("external_id")
        source = None if external is None else external_key(external, "external_id").value
        return About(
            deal_id,
            lead_id,
            await self.finding.one(person_ref(body)),
            await self.finding.one(company_ref(body)),
            None if source is None else (source[0], source[1]),
        )

    async def _check(self, field: str, decider: AnyDecider, record_id: str | None) -> None:
        """Refuse a record that does not exist or was erased."""
        if record_id is None:
            return
        state = (await self.decisions.journal.load(decider, record_id)).state
        if state.status in ("absent", "erased"):
            raise SubjectUnknown(field=field)


def _moment(body: Body) -> Moment:
    now = datetime.now(UTC)
    if body.get("occurred_at") is None:
        return Moment(now)
    return Moment(moments.instant(body["occurred_at"], "occurred_at", now=now), told=True)


def _occurrence(body: Body) -> datetime | None:
    given = body.get("occurrence")
    try:
        return None if given is None else moments.moment(given, "occurrence")
    except OverflowError as error:
        raise OccurrenceUnknown(field="occurrence") from error


def _texts(body: Body, known: Texts) -> Texts:
    """Read the texts that a body states; what it leaves out stays."""
    attendees = known.attendees
    if "attendees" in body:
        given: Sequence[Any] = texts.items(body["attendees"], "attendees", limit=MOST_ATTENDEES)
        attendees = tuple(dict.fromkeys(email_key(one, f"attendees[{at}]") for at, one in enumerate(given)))
    return Texts(
        texts.optional_text(body["summary"], "summary") if "summary" in body else known.summary,
        texts.optional_text(body["notes"], "notes", _NOTES_LENGTH, multiline=True) if "notes" in body else known.notes,
        texts.optional_text(body["location"], "location", 500) if "location" in body else known.location,
        attendees,
    )


def _reminders(body: Body) -> tuple[Reminder, ...]:
    given = tuple(Reminder(one["minutes"], one.get("channel", "email")) for one in body.get("reminders") or ())
    if len(set(given)) < len(given):
        raise ReminderTwice(field="reminders")
    return given
