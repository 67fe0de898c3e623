"""Reminders and invitations, from the fact to the mailbox of a real mail server; timers and webhooks are in memory."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from patron_events.catalog.pipeline import activities as events
from patron_events.decisions import Decisions
from patron_events.journal import Journal
from patron_pipeline.channels.smtp import SmtpMailer
from patron_pipeline.channels.standard_webhooks import StandardWebhook, secret_bytes
from patron_pipeline.domain.activity import ACTIVITY
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.finding import Finding
from patron_pipeline.handlers.reminding import Reminding
from patron_pipeline.handlers.sending import Channels, MailUnavailable, Undeliverable, WebhookUnavailable, letter
from patron_pipeline.reactions.everything import all_reactions
from patron_reactions.memory import InMemory, MemoryTimers
from patron_reactions.service import Means, Reactions
from patron_reactions.timers import Fired
from pipeline.mail_server import Inbox, mail_server
from pipeline.served import BASE, Selling
from pipeline.test_activities_http import ACTIVITIES, planned

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
NOW = datetime.now(UTC).replace(microsecond=0)
DUE = NOW + timedelta(days=1)
ATTENDEES = ["ada@example.org", "bob@example.org"]


@dataclass
class Receiver:
    """A receiver of webhooks; answers: what it says to the next calls, 200 afterwards."""

    answers: list[int] = field(default_factory=list[int])
    calls: list[httpx.Request] = field(default_factory=list[httpx.Request])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take a call."""
        self.calls.append(request)
        return httpx.Response(self.answers.pop(0) if self.answers else 200)


@dataclass
class World:
    """The service, its reactions, the mail server and the receiver of webhooks; time passes by `until`."""

    selling: Selling
    inbox: Inbox
    receiver: Receiver
    channels: Channels
    timers: MemoryTimers = field(default_factory=lambda: MemoryTimers(NOW))

    def reactions(self) -> Reactions:
        """Start a process of reactions, with caches of its own."""
        decisions = Decisions(Journal(self.selling.store, self.selling.vault))
        means = Means(decisions, self.selling.store, self.timers, self.selling.index)
        return all_reactions(means, self.channels)

    def host(self) -> InMemory:
        """Run a process of reactions."""
        return InMemory(self.reactions(), self.selling.store, self.selling.vault, self.timers)

    async def in_flight(self, now: datetime) -> Fired:
        """React to everything, and take the timer that the server fires now."""
        await self.host().settle()
        self.timers.now = now
        fired = self.timers.fire()
        assert fired is not None
        return fired

    async def deliver(self, fired: Fired) -> None:
        """Deliver a timer to a process that was just started."""
        reaction = self.reactions().on(fired.kind)
        assert reaction is not None
        await reaction.handle(fired)

    async def facts(self, activity_id: str, kind: type[Any]) -> list[Any]:
        """Read the facts of one kind about an activity."""
        return [one for one in await self.selling.facts(ACTIVITY, activity_id) if isinstance(one, kind)]


@pytest.fixture
async def world(selling: Selling) -> AsyncIterator[World]:
    receiver = Receiver()
    transport = httpx.MockTransport(receiver)
    async with mail_server() as inbox, httpx.AsyncClient(transport=transport) as client:
        mailer = SmtpMailer("127.0.0.1", inbox.port, security="none", timeout_s=2)
        webhook = StandardWebhook("https://hooks.example/in", secret_bytes(SECRET), client)
        channels = Channels(mailer, webhook, "patron@crm.example", "https://crm.example")
        async with selling.client("admin") as admin:
            body = {"subject": "ann", "name": "Ann Lee", "email": "ann@corp.example", "time_zone": "Europe/Berlin"}
            (await admin.post(f"{BASE}/reps", json=body)).raise_for_status()
        yield World(selling, inbox, receiver, channels)


async def reminded(client: httpx.AsyncClient, *reminders: dict[str, Any], **body: Any) -> str:
    about = {"summary": "Call Žofie", "due_at": DUE.isoformat(), "assignee": "ann", **body}
    return await planned(client, **about, reminders=list(reminders) or [{"minutes": 15}])


async def test_a_reminder_is_mailed_when_its_time_has_come_and_recorded(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent, location="Hauptstraße 1")
    host = world.host()
    await host.advance(DUE - timedelta(minutes=16))
    assert world.inbox.messages == []
    await host.advance(DUE)
    (mail,) = world.inbox.messages
    assert (world.inbox.recipients, mail["Subject"]) == (["ann@corp.example"], "Reminder: Call Žofie")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Where: Hauptstraße 1" in mail.get_content()
    (fact,) = await world.facts(activity_id, events.ActivityReminded)
    assert (fact.due_at, fact.minutes, fact.channel, fact.message_id) == (DUE, 15, "email", mail["Message-ID"])
    assert world.timers.pending == {}


async def test_everything_delivered_again_sends_nothing_again(world: World, agent: httpx.AsyncClient) -> None:
    await reminded(agent)
    host = world.host()
    await host.advance(DUE)
    await host.redeliver()
    await host.advance(DUE + timedelta(days=1))
    assert len(world.inbox.messages) == 1


async def test_a_kill_between_sending_and_recording_sends_the_same_message(
    world: World, agent: httpx.AsyncClient
) -> None:
    activity_id = await reminded(agent)
    fired = await world.in_flight(DUE)
    with pytest.MonkeyPatch.context() as killing:
        killing.setattr(world.selling.store, "append", _killed)
        with pytest.raises(asyncio.CancelledError):
            await world.deliver(fired)
    assert len(world.inbox.messages) == 1
    assert await world.facts(activity_id, events.ActivityReminded) == []
    await world.deliver(fired)  # the server delivers it again, to another process
    assert len(world.inbox.messages) == 2
    assert len(world.inbox.by_id()) == 1
    assert len(await world.facts(activity_id, events.ActivityReminded)) == 1


async def _killed(group: Any) -> Any:
    del group
    raise asyncio.CancelledError


async def test_a_reminder_comes_late_but_comes_when_everything_was_down(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent)
    world.timers.now = DUE + timedelta(days=2)
    await world.host().settle()
    assert len(await world.facts(activity_id, events.ActivityReminded)) == 1


async def test_no_reminder_is_lost_or_sent_by_what_a_caller_or_a_wrong_clock_says(
    world: World, agent: httpx.AsyncClient
) -> None:
    soon, ago = NOW + timedelta(minutes=30), NOW - timedelta(days=1)
    ahead = await reminded(agent, due_at=soon.isoformat(), occurred_at=(NOW + timedelta(hours=1)).isoformat())
    past = await reminded(agent, due_at=ago.isoformat(), occurred_at=(NOW - timedelta(days=5)).isoformat())
    await world.host().advance(DUE)
    assert [one.due_at for one in await world.facts(ahead, events.ActivityReminded)] == [soon]
    assert await world.facts(past, events.ActivityReminded) == []


async def test_a_reminder_that_waited_here_for_too_long_is_not_sent(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent)
    fired = await world.in_flight(DUE)
    decisions = Decisions(Journal(world.selling.store, world.selling.vault))
    activities = ActivityHandlers(decisions, world.selling.index, Finding(decisions.journal, world.selling.index))
    for days, sent in ((8, 0), (6, 1)):
        reminding = Reminding(activities, world.channels, lambda days=days: DUE + timedelta(days=days))
        await reminding.remind(activity_id, fired.fired_at, fired.asked)
        assert len(await world.facts(activity_id, events.ActivityReminded)) == sent


@pytest.mark.parametrize(
    "change",
    [
        ("complete", {}),
        ("cancel", {}),
        ("schedule", {"due_at": (DUE + timedelta(days=90)).isoformat()}),
    ],
)
async def test_a_reminder_of_what_is_not_due_any_more_is_not_sent(
    world: World, agent: httpx.AsyncClient, change: tuple[str, dict[str, Any]]
) -> None:
    activity_id = await reminded(agent)
    overtaken = await world.in_flight(DUE - timedelta(minutes=15))
    await agent.post(f"{ACTIVITIES}/{activity_id}/{change[0]}", json=change[1])
    await world.deliver(overtaken)
    await world.host().advance(DUE + timedelta(days=1))
    assert world.inbox.messages == []


async def test_a_series_reminds_of_each_occurrence_that_is_not_left_out(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent, time_zone="UTC", recurrence="FREQ=DAILY;COUNT=4")
    left_out = (DUE + timedelta(days=1)).isoformat()
    await agent.post(f"{ACTIVITIES}/{activity_id}/cancel", json={"occurrence": left_out})
    await world.host().advance(DUE + timedelta(days=10))
    facts = await world.facts(activity_id, events.ActivityReminded)
    assert [one.due_at for one in facts] == [DUE, DUE + timedelta(days=2), DUE + timedelta(days=3)]
    assert len(world.inbox.by_id()) == 3


async def test_whom_nobody_can_write_to_is_recorded(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent, assignee="nobody")
    await world.host().advance(DUE)
    (fact,) = await world.facts(activity_id, events.ActivityReminderFailed)
    assert fact.reason == "no-address"
    assert world.inbox.messages == []


@pytest.mark.parametrize("mood", ["refuses", "refuses-content"])
async def test_a_mail_that_is_refused_for_good_is_not_tried_again(
    world: World, agent: httpx.AsyncClient, mood: Any
) -> None:
    activity_id = await reminded(agent)
    world.inbox.mood = mood
    await world.host().advance(DUE + timedelta(days=1))
    (fact,) = await world.facts(activity_id, events.ActivityReminderFailed)
    assert fact.reason == "refused"


@pytest.mark.parametrize("mood", ["is-busy", "stalls", "hangs-up", "takes-and-hangs-up"])
async def test_a_mail_that_may_not_have_arrived_is_sent_again_with_the_same_id(
    world: World, agent: httpx.AsyncClient, mood: Any
) -> None:
    activity_id = await reminded(agent)
    fired = await world.in_flight(DUE)
    patient = world.channels
    world.channels = replace(patient, mailer=SmtpMailer("127.0.0.1", world.inbox.port, security="none", timeout_s=0.2))
    world.inbox.mood = mood
    with pytest.raises(MailUnavailable):
        await world.deliver(fired)
    assert await world.facts(activity_id, events.ActivityReminded) == []
    world.inbox.mood, world.channels = "takes", patient
    await world.deliver(fired)
    assert len(world.inbox.by_id()) == 1
    assert len(await world.facts(activity_id, events.ActivityReminded)) == 1


async def test_a_webhook_is_signed_and_names_nobody(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent, {"minutes": 60, "channel": "webhook"}, notes="secret")
    await world.host().advance(DUE)
    (call,) = world.receiver.calls
    content = call.read()
    signed = f"{call.headers['webhook-id']}.{call.headers['webhook-timestamp']}.".encode() + content
    expected = base64.b64encode(hmac.digest(b"s" * 32, signed, "sha256")).decode()
    assert call.headers["webhook-signature"] == f"v1,{expected}"
    body = json.loads(content)
    assert (body["type"], body["data"]["activity_id"]) == ("activity.reminder", activity_id)
    assert "secret" not in content.decode()
    (fact,) = await world.facts(activity_id, events.ActivityReminded)
    assert fact.message_id == call.headers["webhook-id"]


async def test_one_channel_that_is_down_does_not_hold_up_the_other_nor_what_comes_next(
    world: World, agent: httpx.AsyncClient
) -> None:
    activity_id = await reminded(agent, {"minutes": 60, "channel": "webhook"}, {"minutes": 60}, {"minutes": 5})
    first = await world.in_flight(DUE - timedelta(minutes=60))
    world.receiver.answers = [503, 302]
    for _ in range(2):
        with pytest.raises(WebhookUnavailable):
            await world.deliver(first)
    assert [one.at for one in world.timers.pending.values()] == [DUE - timedelta(minutes=5)]
    assert len(world.inbox.messages) == 1
    await world.deliver(first)
    assert len({call.headers["webhook-id"] for call in world.receiver.calls}) == 1
    await world.host().advance(DUE)
    channels = [(one.minutes, one.channel) for one in await world.facts(activity_id, events.ActivityReminded)]
    assert channels == [(60, "email"), (60, "webhook"), (5, "email")]


async def test_a_receiver_that_is_gone_is_not_called_again(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await reminded(agent, {"minutes": 60, "channel": "webhook"})
    world.receiver.answers = [410]
    await world.host().advance(DUE)
    (fact,) = await world.facts(activity_id, events.ActivityReminderFailed)
    assert fact.reason == "gone"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", base64.b64encode(b"s" * 32).decode(), "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        secret_bytes(secret)


def read(mail: Any) -> tuple[str, Any]:
    (part,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    calendar: Any = Calendar.from_ical(part.get_payload(decode=True))
    assert part.get_param("method") == calendar["METHOD"]
    (event,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), event


async def test_attendees_are_invited_told_of_changes_and_of_the_end(world: World, agent: httpx.AsyncClient) -> None:
    meeting = {"kind": "meeting", "summary": "Demo", "due_at": DUE.isoformat(), "assignee": "ann"}
    activity_id = await planned(agent, **meeting, attendees=ATTENDEES)
    host = world.host()
    await host.settle()
    assert sorted(world.inbox.recipients) == ATTENDEES
    method, event = read(world.inbox.messages[0])
    assert (method, event["UID"], event["SEQUENCE"], event["DTSTART"].dt) == ("REQUEST", activity_id, 0, DUE)
    assert event["ORGANIZER"] == "mailto:ann@corp.example"
    world.inbox.messages.clear()
    later = DUE + timedelta(hours=1)
    await agent.post(f"{ACTIVITIES}/{activity_id}/schedule", json={"due_at": later.isoformat()})
    await agent.patch(f"{ACTIVITIES}/{activity_id}", json={"attendees": ATTENDEES[:1]})
    await host.settle()
    told = {str(mail["To"]): read(mail) for mail in world.inbox.messages}
    assert {to: (method, event["SEQUENCE"]) for to, (method, event) in told.items()} == {
        "ada@example.org": ("REQUEST", 1),
        "bob@example.org": ("CANCEL", 1),
    }
    world.inbox.messages.clear()
    await agent.post(f"{ACTIVITIES}/{activity_id}/cancel", json={})
    await host.settle()
    await host.redeliver()
    (mail,) = world.inbox.messages
    method, event = read(mail)
    assert (method, event["STATUS"], event["SEQUENCE"], mail["To"]) == ("CANCEL", "CANCELLED", 2, "ada@example.org")


async def test_the_link_in_an_invitation_answers_it(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, kind="meeting", due_at=DUE.isoformat(), attendees=ATTENDEES[:1])
    await world.host().settle()
    text = world.inbox.messages[0].get_body(("plain",))
    assert text is not None
    link = text.get_content().partition("https://crm.example")[2].split()[0]
    await agent.post(f"{link}?answer=declined", headers={"Authorization": ""})
    (fact,) = await world.facts(activity_id, events.ActivityAnswered)
    assert (fact.attendee, fact.answer) == ("ada@example.org", "declined")


async def test_the_activities_of_somebody_who_is_erased_are_erased_and_remind_nobody(
    world: World, agent: httpx.AsyncClient
) -> None:
    async with world.selling.contacts.client("admin") as contacts:
        people = "/contacts/v1/people"
        made = (await contacts.post(people, json={"emails": [{"value": "grace@example.org"}]})).json()
        about = await reminded(agent, person_id=made["id"])
        another = await reminded(agent)
        host = world.host()
        await host.settle()
        erased = await contacts.post(f"{people}/{made['id']}/erasure", json={"reason": "request"})
        assert erased.status_code == 200, erased.text
    await host.advance(DUE)
    (fact,) = await world.facts(about, events.ActivityErased)
    assert fact.person_id == made["id"]
    assert len(await world.facts(another, events.ActivityReminded)) == 1
    assert len(world.inbox.messages) == 1
    await host.redeliver()
    assert len(await world.facts(about, events.ActivityErased)) == 1


async def test_nobody_is_invited_to_what_is_over(world: World, agent: httpx.AsyncClient) -> None:
    await planned(agent, kind="meeting", due_at="2020-01-01T09:00:00Z", attendees=ATTENDEES)
    await world.host().settle()
    assert world.inbox.messages == []


async def test_attendees_that_are_refused_hold_nobody_up(world: World, agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, kind="meeting", due_at=DUE.isoformat(), attendees=ATTENDEES)
    world.inbox.mood = "refuses"
    await world.host().settle()
    (fact,) = await world.facts(activity_id, events.ActivityInvited)
    assert (fact.attendees, fact.failed) == (tuple(ATTENDEES), 2)


async def test_a_mail_server_that_must_be_spoken_to_in_private_is_not_trusted_with_plain_text(world: World) -> None:
    mailer = SmtpMailer("127.0.0.1", world.inbox.port, security="starttls", timeout_s=2)
    message = letter(world.channels, "ann@corp.example", "Hello", "<1@crm.example>")
    message.set_content("secret")
    with pytest.raises((MailUnavailable, Undeliverable)):
        await mailer.send(message)
    assert world.inbox.messages == []
