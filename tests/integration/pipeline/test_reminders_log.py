"""Activities over a real log: agendas under contention; reminders by timers of the server, and killed processes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from patron_events.decisions import Asked
from patron_events.envelope import Actor
from patron_events.jetstream.log import Log, LogOptions, open_log
from patron_events.jetstream.streams import Sizing
from patron_events.vault import BlindIndex
from patron_pipeline.api.parts import Parts
from patron_pipeline.channels.smtp import SmtpMailer
from patron_pipeline.composition import parts
from patron_pipeline.handlers.sending import Channels
from patron_pipeline.reactions.everything import SERVICE, all_reactions
from patron_reactions import consumers
from patron_reactions.process import Reacting, ReactionProcess, react
from patron_runtime.settings import RuntimeSettings
from patron_servers import NatsServer
from pipeline.mail_server import Inbox, mail_server
from waiting import soon

KEY = b"k" * 32
COUNT = 12


def options(url: str) -> LogOptions:
    return LogOptions((url,), {"k": KEY}, ("pipeline", "contacts"), (), Sizing(max_bytes=64 << 20))


def asked() -> Asked:
    return Asked(Actor("user", "ann"))


@pytest.fixture
async def log(own_nats: NatsServer) -> AsyncIterator[Log]:
    async with open_log(options(own_nats.url)) as log:
        yield log


def service(log: Log) -> Parts:
    """Give the use cases with caches of their own, as in a process just started."""
    return parts(log.store, log.vault, BlindIndex(KEY))


@asynccontextmanager
async def reacting(url: str, inbox: Inbox) -> AsyncGenerator["asyncio.Task[None]"]:
    """Run a process of reactions that mails to this server, until the block ends or the task is cancelled."""
    channels = Channels(SmtpMailer("127.0.0.1", inbox.port, security="none"), sender="patron@crm.example")
    process = ReactionProcess("test", options(url), KEY, RuntimeSettings(access_log=False))
    stop = asyncio.Event()
    build = Reacting(SERVICE, lambda means: all_reactions(means, channels))
    task = asyncio.create_task(react(process, [build], stop))
    try:
        yield task
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await task


async def reminders(log: Log, ids: list[str]) -> list[frozenset[object]]:
    return [frozenset((await service(log).activities.read(one)).state.sent) for one in ids]


async def test_two_processes_fill_one_agenda_at_once_and_nothing_is_lost(log: Log) -> None:
    first, second = service(log), service(log)
    due_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"kind": "task", "summary": "Offer", "due_at": due_at, "assignee": "ann"}
    planned = await asyncio.gather(
        *(one.activities.plan({**body, "summary": f"{n}"}, asked()) for n in range(20) for one in (first, second))
    )
    ids = sorted(one.stream.id for one in planned)
    await first.activities.complete(ids[0], {}, asked())
    _, token = await second.calendars.open("ann", asked(), renew=False)
    for one in (first, second, service(log)):
        feed = await one.calendars.read(token, as_events=True)
        assert sorted(str(event["UID"]) for event in Calendar.from_ical(feed.content).walk("VEVENT")) == ids[1:]


async def test_reminders_come_once_in_effect_though_a_process_is_killed_as_it_sends(
    log: Log, own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "ACK_WAIT_S", 2)
    using = service(log)
    await using.reps.record({"subject": "ann", "name": "Ann", "email": "ann@corp.example"}, asked())
    due_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    body = {
        "kind": "call",
        "summary": "Call",
        "due_at": due_at.isoformat(),
        "assignee": "ann",
        "reminders": [{"minutes": 0}],
    }
    ids = [(await using.activities.plan(body, asked())).stream.id for _ in range(COUNT)]
    async with mail_server() as inbox, reacting(own_nats.url, inbox) as killed, reacting(own_nats.url, inbox):
        await soon(lambda: len(inbox.messages) >= 3)
        killed.cancel()

        async def all_recorded() -> bool:
            return all(await reminders(log, ids))

        await soon(all_recorded, within_s=60)
    assert len(inbox.by_id()) == COUNT
    facts = [(await using.activities.read(one)).state.sent for one in ids]
    assert facts == [frozenset({(due_at, 0, "email")})] * COUNT


async def test_a_reminder_that_fell_due_while_everything_was_down_comes_when_it_is_up(
    log: Log, own_nats: NatsServer
) -> None:
    using = service(log)
    await using.reps.record({"subject": "ann", "name": "Ann", "email": "ann@corp.example"}, asked())
    due_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    body = {"kind": "call", "summary": "Call", "due_at": due_at.isoformat(), "assignee": "ann"}
    planned = await using.activities.plan({**body, "reminders": [{"minutes": 0}]}, asked())
    await soon(lambda: datetime.now(UTC) > due_at)
    async with mail_server() as inbox, reacting(own_nats.url, inbox):
        await soon(lambda: len(inbox.messages) == 1)

        async def recorded() -> bool:
            return bool((await using.activities.read(planned.stream.id)).state.sent)

        await soon(recorded)
    (mail,) = inbox.messages
    assert mail["To"] == "ann@corp.example"
