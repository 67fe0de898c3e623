"""Calendar feeds and invitation links, read by a real parser."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from patron_pipeline.domain.activity_errors import ReplyUnreadable
from patron_pipeline.domain.activity_state import Activity, Texts
from patron_pipeline.domain.schedule import read_schedule
from patron_pipeline.handlers.icalendars import Entry, FeedWriter, Organizer, invitation
from patron_pipeline.handlers.replies import read_reply
from pipeline.served import BASE, Selling
from pipeline.test_activities_http import ACTIVITIES, WEEKLY, planned, shown

CALENDARS = f"{BASE}/calendars"
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


async def address(client: httpx.AsyncClient, **body: Any) -> str:
    return (await client.post(CALENDARS, json=body)).raise_for_status().json()["url"]


async def read(client: httpx.AsyncClient, url: str, **query: str) -> Any:
    answer = await client.get(url, params=query, headers={"Authorization": ""})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content)


async def test_a_feed_holds_what_its_user_has_to_do(agent: httpx.AsyncClient) -> None:
    meeting = await planned(agent, kind="meeting", summary="Grüße; an, alle", due_at=SOON.isoformat(), assignee="ann")
    task = await planned(agent, summary="Offer", assignee="ann", priority=2)
    for other in ({"assignee": "ben"}, {"assignee": "ann", "due_at": "2001-01-01T00:00:00Z"}, {}):
        await planned(agent, summary="Not mine, or long ago", **other)
    done = await planned(agent, summary="Done", assignee="ann")
    await agent.post(f"{ACTIVITIES}/{done}/complete", json={})
    calendar = await read(agent, await address(agent))
    (event,), (todo,) = calendar.walk("VEVENT"), calendar.walk("VTODO")
    assert (event["UID"], event["SUMMARY"], event["DTSTART"].dt) == (meeting, "Grüße; an, alle", SOON)
    assert (todo["UID"], todo["SUMMARY"], todo["PRIORITY"], todo["STATUS"]) == (task, "Offer", 2, "NEEDS-ACTION")


async def test_programs_without_to_dos_get_tasks_as_events(agent: httpx.AsyncClient) -> None:
    task = await planned(agent, assignee="ann", due_on=SOON.date().isoformat(), time_zone="Europe/Berlin")
    await planned(agent, assignee="ann", summary="Without date")
    calendar = await read(agent, await address(agent), tasks="events")
    assert [(one["UID"], one["DTSTART"].dt) for one in calendar.walk("VEVENT")] == [(task, SOON.date())]
    assert calendar.walk("VTODO") == []


async def test_an_address_ends_when_it_is_renewed_or_closed(agent: httpx.AsyncClient) -> None:
    first = await address(agent)
    assert await address(agent) == first
    second = await address(agent, renew=True)
    answers = [(await agent.get(one)).status_code for one in (first, second)]
    assert answers == [404, 200]
    await agent.post(f"{CALENDARS}/close", json={})
    assert (await agent.get(second)).json()["code"] == "link-invalid"
    assert await address(agent) not in (first, second)


async def test_a_changed_address_opens_nothing(agent: httpx.AsyncClient) -> None:
    url = await address(agent)
    token = url.rsplit("/", 1)[1].removesuffix(".ics")
    for at in range(0, len(token), 7):
        wrong = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        assert (await agent.get(f"{BASE}/calendar/{wrong}.ics")).status_code == 404


async def test_a_feed_that_did_not_change_is_not_sent_again(agent: httpx.AsyncClient) -> None:
    url = await address(agent)
    tag = (await agent.get(url)).headers["ETag"]
    assert (await agent.get(url, headers={"If-None-Match": tag})).status_code == 304
    await planned(agent, assignee="ann")
    assert (await agent.get(url, headers={"If-None-Match": tag})).status_code == 200


async def test_only_administrators_open_the_calendars_of_others(selling: Selling, agent: httpx.AsyncClient) -> None:
    refused = await agent.post(CALENDARS, json={"subject": "ben"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not-your-calendar")
    async with selling.client("admin", subject="eve") as admin, selling.client("agent", subject="ben") as ben:
        assert await address(admin, subject="ben") == await address(ben)


async def test_an_activity_moves_between_the_feeds_of_its_assignees(selling: Selling, agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, assignee="ann")
    async with selling.client("agent", subject="ben") as ben:
        await agent.patch(f"{ACTIVITIES}/{activity_id}", json={"assignee": "ben"})
        feeds = [await read(one, await address(one)) for one in (agent, ben)]
    assert [len(one.walk("VTODO")) for one in feeds] == [0, 1]


def activity(**body: Any) -> Activity:
    texts = Texts("Demo", "Line\nline", "Berlin", ("ada@example.org", "bob@example.org"))
    changed = datetime(2026, 1, 1, tzinfo=UTC)
    return Activity("open", "meeting", 1, texts=texts, schedule=read_schedule(body), changed_at=changed)


def test_a_series_is_written_with_its_zone_and_what_is_left_out() -> None:
    one = activity(**{name: WEEKLY[name] for name in ("due_at", "time_zone", "recurrence", "duration_minutes")})
    days = list(islice(one.schedule.later_than(datetime(2026, 3, 23, 7, tzinfo=UTC)), 4))
    meeting = Entry(
        "u-1", Activity("open", "meeting", texts=one.texts, schedule=one.schedule, left_out=frozenset(days[2:3]))
    )
    calendar: Any = Calendar.from_ical(FeedWriter().write("Patron", [meeting], as_events=False))
    (event,) = calendar.walk("VEVENT")
    assert event["DTSTART"].to_ical() == b"20260323T090000"
    assert event["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert event["EXDATE"].to_ical() == b"20260406T090000"
    assert event["RRULE"].to_ical() == b"FREQ=WEEKLY;BYDAY=MO"
    assert event["DURATION"].td == timedelta(minutes=30)
    (zone,) = calendar.walk("VTIMEZONE")
    assert zone.to_tz().utcoffset(datetime(2026, 7, 1)) == timedelta(hours=2)  # noqa: DTZ001 - on the wall there


def test_what_was_written_before_is_written_anew_when_it_changes() -> None:
    writer, one = FeedWriter(most=1), activity(due_at="2026-03-23T09:00:00Z")
    entries = [Entry("u-1", one), Entry("u-2", one)]
    first = writer.write("Patron", entries, as_events=True)
    assert writer.write("Patron", entries, as_events=True) == first
    changed = [entries[0], Entry("u-2", replace(one, texts=Texts("Changed")))]
    calendar: Any = Calendar.from_ical(writer.write("Patron", changed, as_events=True))
    assert [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")] == ["Demo", "Changed"]


def test_whole_days_are_dates() -> None:
    entry = Entry("u-1", activity(due_on="2026-03-29", time_zone="Europe/Berlin"))
    calendar: Any = Calendar.from_ical(FeedWriter().write("Patron", [entry], as_events=False))
    (event,) = calendar.walk("VEVENT")
    assert event["DTSTART"].dt == date(2026, 3, 29)


@pytest.mark.parametrize(("method", "status"), [("REQUEST", "CONFIRMED"), ("CANCEL", "CANCELLED")])
def test_an_invitation_names_who_invites_whom(method: Any, status: str) -> None:
    entry = Entry("u-1", activity(due_at="2026-03-23T09:00:00Z"))
    written = invitation(entry, method, Organizer("ann@example.org", "Ann Lee"), entry.activity.texts.attendees)
    calendar: Any = Calendar.from_ical(written)
    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["STATUS"], event["ORGANIZER"]) == (method, status, "mailto:ann@example.org")
    assert event["ORGANIZER"].params["CN"] == "Ann Lee"
    assert [str(one) for one in event["ATTENDEE"]] == ["mailto:ada@example.org", "mailto:bob@example.org"]
    assert {one.params["PARTSTAT"] for one in event["ATTENDEE"]} == {"NEEDS-ACTION"}


async def test_a_link_shows_the_invitation_and_answers_it(selling: Selling, agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, **{**WEEKLY, "summary": "<b>Weekly</b>"})
    token = selling.parts().replies.link(activity_id, 0, "ada@example.org")
    page = await agent.get(f"{BASE}/invitations/{token}", headers={"Authorization": ""})
    assert page.status_code == 200
    assert "&lt;b&gt;Weekly" in page.text
    assert (await shown(agent, activity_id))["answers"] == []
    for _ in range(2):
        answered = await agent.post(f"{BASE}/invitations/{token}?answer=accepted", headers={"Authorization": ""})
        assert answered.status_code == 200
    assert [one["answer"] for one in (await shown(agent, activity_id))["answers"]] == ["accepted"]
    await agent.post(f"{ACTIVITIES}/{activity_id}/schedule", json={"due_at": SOON.isoformat()})
    late = await agent.post(f"{BASE}/invitations/{token}?answer=declined")
    assert (late.status_code, late.json()["code"]) == (409, "invitation-changed")
    await agent.patch(f"{ACTIVITIES}/{activity_id}", json={"attendees": []})
    assert (await agent.get(f"{BASE}/invitations/{token}")).status_code == 404


def test_calendars_of_others_are_refused_as_answers_and_break_nothing(data_set: Callable[[str], Path]) -> None:
    files = sorted(data_set("icalendar").glob("*.ics"))
    assert len(files) == 113
    for file in files:
        text = file.read_bytes().decode("utf-8", "replace")
        with pytest.raises(ReplyUnreadable):
            read_reply(text, "u-1", activity())
        as_answer = text.replace("BEGIN:VEVENT", "METHOD:REPLY\r\nBEGIN:VEVENT", 1)
        with contextlib.suppress(ReplyUnreadable):  # some of them do have one attendee with an answer
            read_reply(as_answer.replace("UID:", "UID:u-1\r\nX-OLD:", 1), "u-1", activity())
