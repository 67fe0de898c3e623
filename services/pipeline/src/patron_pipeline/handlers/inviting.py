"""Tell attendees of a meeting: invitations, changes and withdrawals as iTIP mail (RFC 5546, RFC 6047)."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import formataddr
from typing import Final
from uuid import UUID, uuid5

from patron_events.decisions import Asked
from patron_pipeline.domain.activity import RecordInvitation
from patron_pipeline.domain.activity_state import Activity
from patron_pipeline.domain.recurrence import zone_of
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.icalendars import Entry, Method, Organizer, invitation
from patron_pipeline.handlers.replies import ReplyHandlers
from patron_pipeline.handlers.sending import Channels, Undeliverable, colleague, letter

_IDS: Final = UUID("5e0bd6b9-8c63-52a2-9e6c-1d6f0b7c2a05")


@dataclass(frozen=True, slots=True)
class Inviting:
    """Writes to attendees. Messages go out before they are recorded; repeated ones have the same message id."""

    activities: ActivityHandlers
    replies: ReplyHandlers
    channels: Channels

    async def tell(self, activity_id: str, now: datetime, asked: Asked) -> None:
        """Tell the attendees what they do not know yet; nothing when the meeting is over, or done.

        now: by the clock of the server. Raises MailUnavailable.
        """
        activity = (await self.activities.read(activity_id)).state
        if self.channels.mailer is None or activity.revision <= activity.told_revision or _is_over(activity, now):
            return
        invited = activity.texts.attendees if activity.status == "open" else ()
        withdrawn = [one for one in activity.told_attendees if one not in invited]
        if not invited and not withdrawn:
            return
        failed = 0
        entry = Entry(activity_id, activity)
        ways: tuple[tuple[Method, str], ...] = (
            *(("CANCEL", one) for one in withdrawn),
            *(("REQUEST", one) for one in invited),
        )
        for method, attendee in ways:
            failed += not await self._wrote(entry, method, attendee)
        command = RecordInvitation(activity.sequence, activity.revision, tuple(invited), failed)
        await self.activities.run(activity_id, command, asked)

    async def _wrote(self, entry: Entry, method: Method, attendee: str) -> bool:
        if self.channels.mailer is None:
            return False
        try:
            await self.channels.mailer.send(await self._message(entry, method, attendee))
        except Undeliverable:
            return False
        return True

    async def _message(self, entry: Entry, method: Method, attendee: str) -> EmailMessage:
        activity, channels = entry.activity, self.channels
        host = await colleague(self.activities.decisions.journal, activity.assignee)
        organizer = Organizer(host.email or channels.sender, host.name)
        unique = str(uuid5(_IDS, f"{entry.id}|{activity.revision}|{method}|{attendee.lower()}"))
        summary = activity.texts.summary or activity.kind
        subject = f"Cancelled: {summary}" if method == "CANCEL" else f"Invitation: {summary}"
        message = letter(channels, attendee, subject, channels.message_id(unique))
        message["Reply-To"] = formataddr((organizer.name or "", organizer.email))
        if activity.changed_at is not None:
            message["Date"] = activity.changed_at
        message.set_content(self._text(entry, method, attendee, subject))
        # Only those who are told of are named: nobody learns from a withdrawal who else is invited.
        named = (attendee,) if method == "CANCEL" else activity.texts.attendees
        written = invitation(entry, method, organizer, named).decode()
        message.add_alternative(
            written, subtype="calendar", charset="utf-8", cte="base64", params={"method": method, "component": "VEVENT"}
        )
        return message

    def _text(self, entry: Entry, method: Method, attendee: str, subject: str) -> str:
        activity = entry.activity
        lines = [subject]
        due_at = activity.schedule.due_at
        if due_at is not None:
            zone = activity.schedule.time_zone or "UTC"
            moment = f"{due_at.astimezone(zone_of(zone)):%Y-%m-%d %H:%M} {zone}"
            lines.append(f"When: {activity.schedule.day_of(due_at) if activity.schedule.all_day else moment}")
        if activity.texts.location:
            lines.append(f"Where: {activity.texts.location}")
        if method == "REQUEST" and self.channels.public_url is not None:
            token = self.replies.link(entry.id, activity.sequence, attendee)
            base = self.channels.public_url.rstrip("/")
            lines += ["", f"Answer: {base}/pipeline/v1/invitations/{token}"]
        return "\n".join(lines) + "\n"


def _is_over(activity: Activity, now: datetime) -> bool:
    """Tell whether nobody needs to be told any more: it was completed, or all of it is past."""
    schedule = activity.schedule
    if activity.status not in ("open", "cancelled") or schedule.due_at is None:
        return True
    return schedule.due_at < now and schedule.next_after(now, activity.left_out) is None
