"""Remind people of activities: send what is owed, record it, and say when to look again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import msgspec

from patron_events.decisions import Asked
from patron_events.journal import Loaded, absorb
from patron_events.opening import Opened, open_commits
from patron_pipeline.domain.activity import ACTIVITY, RecordReminder
from patron_pipeline.domain.activity_state import Activity, Sent
from patron_pipeline.domain.recurrence import zone_of
from patron_pipeline.domain.reminders import Looked, moment_of, next_moment, owed, reminder_id
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.sending import Channels, Undeliverable, colleague, letter


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reminding:
    """Sends reminders. Each is sent before it is recorded: a repetition in between has the same message id.

    clock: of this machine, asked only whether something waited here for so long that it is too late.
    """

    activities: ActivityHandlers
    channels: Channels
    clock: Callable[[], datetime] = _utc_now

    async def next_moment(self, activity_id: str, now: datetime, *, later: bool) -> datetime | None:
        """Tell when to look at an activity; None: never, as it stands. later: what is owed by now is left out."""
        return next_moment(*await self._look(activity_id, now), later=later)

    async def remind(self, activity_id: str, now: datetime, asked: Callable[[str], Asked]) -> None:
        """Send and record every reminder that is owed.

        now: by the clock of the server. asked: gives the command that records the reminder of an id.

        Raises:
            MailUnavailable, WebhookUnavailable: after everything else was sent.
        """
        activity, looked = await self._look(activity_id, now)
        failures: list[Exception] = []
        for reminder in owed(activity, looked):
            try:
                command = await self._sent(activity_id, activity, reminder)
            except Exception as failure:  # noqa: BLE001 - one channel must not hold up the others
                failures.append(failure)
                continue
            await self.activities.run(activity_id, command, asked(reminder_id(activity_id, reminder)))
        if failures:
            raise failures[0]

    async def _look(self, activity_id: str, now: datetime) -> tuple[Activity, Looked]:
        """Read an activity, and by the clock of the server when its time and reminders were stated.

        Facts carry times that callers told, or the clock of a machine that may be wrong; so the log is asked again.
        """
        loaded = await self.activities.read(activity_id)
        since, handled = now, max(now, self.clock())
        if loaded.state.status != "open" or not loaded.state.reminders:
            return loaded.state, Looked(now, since, handled)
        journal = self.activities.decisions.journal
        told = Loaded(loaded.stream, ACTIVITY.initial)
        for commit in await open_commits(await journal.store.read(loaded.stream, count=loaded.version), journal.vault):
            before = told.state.restated
            absorb(told, ACTIVITY, commit)
            if told.state.restated != before and isinstance(commit, Opened):
                since = commit.head.stored_at
        return told.state, Looked(now, since, handled)

    async def _sent(self, activity_id: str, activity: Activity, reminder: Sent) -> RecordReminder:
        """Hand a reminder to its channel; gives what is to be recorded of it."""
        unique = reminder_id(activity_id, reminder)
        send = self._mail if reminder[2] == "email" else self._call
        try:
            message_id = await send(activity_id, activity, reminder, unique)
        except Undeliverable as refused:
            return RecordReminder(reminder, unique, refused.reason)
        return RecordReminder(reminder, message_id)

    async def _mail(self, activity_id: str, activity: Activity, reminder: Sent, unique: str) -> str:
        del activity_id
        if self.channels.mailer is None:
            raise Undeliverable("mail-not-set-up")
        to = await colleague(self.activities.decisions.journal, activity.assignee)
        if to.email is None:
            raise Undeliverable("no-address")
        message_id = self.channels.message_id(unique)
        zone = to.time_zone or activity.schedule.time_zone or "UTC"
        await self.channels.mailer.send(_reminder(self.channels, to.email, activity, (reminder, message_id, zone)))
        return message_id

    async def _call(self, activity_id: str, activity: Activity, reminder: Sent, unique: str) -> str:
        if self.channels.webhook is None:
            raise Undeliverable("webhook-not-set-up")
        await self.channels.webhook.call(unique, _called(activity_id, activity, reminder))
        return unique


def _reminder(channels: Channels, to: str, activity: Activity, what: tuple[Sent, str, str]) -> EmailMessage:
    reminder, message_id, zone = what
    summary = activity.texts.summary or activity.kind
    message = letter(channels, to, f"Reminder: {summary}", message_id)
    message["Date"] = moment_of(reminder)
    due_at = reminder[0].astimezone(zone_of(zone))
    when = (
        f"{activity.schedule.day_of(reminder[0])}" if activity.schedule.all_day else f"{due_at:%Y-%m-%d %H:%M} {zone}"
    )
    lines = [f"{activity.kind.capitalize()}: {summary}", f"When: {when}"]
    if activity.texts.location:
        lines.append(f"Where: {activity.texts.location}")
    if activity.texts.notes:
        lines += ["", activity.texts.notes]
    message.set_content("\n".join(lines) + "\n")
    return message


def _called(activity_id: str, activity: Activity, reminder: Sent) -> dict[str, Any]:
    """Write what a webhook carries: ids and times, nothing personal; the receiver may ask for the rest."""
    due_at, minutes, _ = reminder
    about = activity.about
    data = {
        "activity_id": activity_id,
        "kind": activity.kind,
        "due_at": due_at,
        "minutes": minutes,
        "assignee": activity.assignee,
        "deal_id": about.deal_id,
        "lead_id": about.lead_id,
        "person_id": about.person_id,
        "company_id": about.company_id,
    }
    return msgspec.to_builtins({"type": "activity.reminder", "timestamp": moment_of(reminder), "data": data})
