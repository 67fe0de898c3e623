"""Planned activities over HTTP: plan, change, series, answers, erasure."""

from typing import Any

import httpx
import pytest

from patron_pipeline.domain.activity import ACTIVITY
from patron_pipeline.domain.activity_state import Texts
from patron_pipeline.domain.customer import CUSTOMER, Link
from pipeline.served import BASE, Selling

ACTIVITIES = f"{BASE}/activities"
WEEKLY: dict[str, Any] = {
    "kind": "meeting",
    "summary": "Weekly",
    "due_at": "2026-03-23T09:00:00+01:00",
    "duration_minutes": 30,
    "time_zone": "Europe/Berlin",
    "recurrence": "FREQ=WEEKLY;BYDAY=MO",
    "attendees": ["Ada@Example.org"],
    "assignee": "ann",
}


async def planned(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(ACTIVITIES, json={"kind": "task", "summary": "Send the offer", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def shown(client: httpx.AsyncClient, activity_id: str) -> dict[str, Any]:
    return (await client.get(f"{ACTIVITIES}/{activity_id}")).raise_for_status().json()


async def test_a_planned_activity_reads_as_it_was_told(agent: httpx.AsyncClient) -> None:
    body = {
        **WEEKLY,
        "notes": "Bring the contract.\nAnd a pen.",
        "location": "Hauptstraße 1",
        "priority": 1,
        "reminders": [{"minutes": 15}, {"minutes": 60, "channel": "webhook"}],
        "external_id": {"source": "exchange", "id": "AAMk-1"},
        "occurred_at": "2026-03-01T10:00:00Z",
    }
    activity_id = await planned(agent, **body)
    expected = {
        "status": "open",
        "kind": "meeting",
        "summary": "Weekly",
        "notes": "Bring the contract.\nAnd a pen.",
        "location": "Hauptstraße 1",
        "attendees": ["ada@example.org"],
        "priority": 1,
        "assignee": "ann",
        "reminders": [{"minutes": 60, "channel": "webhook"}, {"minutes": 15, "channel": "email"}],
        "due_at": "2026-03-23T08:00:00Z",
        "due_on": None,
        "starts_at": "2026-03-23T08:00:00Z",
        "recurrence": "FREQ=WEEKLY;BYDAY=MO",
        "external_id": {"source": "exchange", "id": "AAMk-1"},
        "planned_at": "2026-03-01T10:00:00Z",
    }
    found = await shown(agent, activity_id)
    assert {name: found[name] for name in expected} == expected


async def test_repeating_with_the_same_key_plans_once(selling: Selling) -> None:
    headers = {"Idempotency-Key": "plan-1"}
    async with selling.client("agent") as first, selling.client("agent") as second:
        answers = [await one.post(ACTIVITIES, json=WEEKLY, headers=headers) for one in (first, second)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await selling.size() == 2  # the activity, and the agenda of who is to do it


async def test_an_external_id_belongs_to_one_activity(agent: httpx.AsyncClient) -> None:
    body = {"kind": "task", "summary": "A", "external_id": {"source": "crm", "id": "1"}}
    assert (await agent.post(ACTIVITIES, json=body)).status_code == 201
    refused = await agent.post(ACTIVITIES, json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "external-id-taken")


async def test_a_series_goes_on_over_the_change_of_the_clocks(agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, **WEEKLY, occurred_at="2026-03-01T10:00:00Z")
    done = {"occurrence": "2026-03-23T09:00:00+01:00", "outcome": "held", "occurred_at": "2026-03-23T10:00:00+01:00"}
    assert (await agent.post(f"{ACTIVITIES}/{activity_id}/complete", json=done)).json()["status"] == "updated"
    assert (await agent.post(f"{ACTIVITIES}/{activity_id}/complete", json=done)).json()["status"] == "unchanged"
    assert (await shown(agent, activity_id))["due_at"] == "2026-03-30T07:00:00Z"
    left_out = {"occurrence": "2026-04-06T07:00:00Z", "reason": "easter"}
    assert (await agent.post(f"{ACTIVITIES}/{activity_id}/cancel", json=left_out)).status_code == 200
    found = await shown(agent, activity_id)
    assert (found["left_out"], found["status"], found["sequence"]) == (["2026-04-06T07:00:00Z"], "open", 1)


async def test_whole_days_are_overdue_when_they_are_over(agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, due_on="2026-03-29", time_zone="Europe/Berlin")
    found = await shown(agent, activity_id)
    times = (found["due_at"], found["due_on"], found["overdue_from"])
    assert times == ("2026-03-28T23:00:00Z", "2026-03-29", "2026-03-29T22:00:00Z")


async def test_changing_states_what_is_given_and_leaves_the_rest(agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent, notes="old", priority=3, assignee="ann")
    body = {"notes": None, "priority": 5, "assignee": None, "reminders": [{"minutes": 5}]}
    read = await agent.get(f"{ACTIVITIES}/{activity_id}")
    changed = await agent.patch(f"{ACTIVITIES}/{activity_id}", json=body, headers={"If-Match": read.headers["ETag"]})
    assert changed.json()["version"] == 2
    found = await shown(agent, activity_id)
    assert (found["summary"], found["notes"], found["priority"], found["assignee"]) == ("Send the offer", None, 5, None)
    stale = await agent.patch(f"{ACTIVITIES}/{activity_id}", json=body, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_a_cancelled_activity_is_taken_up_again(agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent)
    path = f"{ACTIVITIES}/{activity_id}"
    await agent.post(f"{path}/cancel", json={"reason": "duplicate"})
    refused = await agent.post(f"{path}/complete", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "activity-closed")
    assert (await agent.post(f"{path}/reopen", json={})).status_code == 200
    assert (await shown(agent, activity_id))["status"] == "open"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"summary": " "}, 422, "summary-missing", "summary"),
        ({"recurrence": "FREQ=DAILY"}, 422, "due-missing", "recurrence"),
        ({"attendees": ["nobody"], "due_at": "2026-03-23T09:00:00Z"}, 422, "email-invalid", "attendees[0]"),
        ({"attendees": ["a@example.org"]}, 422, "due-missing", "attendees"),
        ({"reminders": [{"minutes": 5}, {"minutes": 5}]}, 422, "reminder-given-twice", "reminders"),
        ({"lead_id": "0b9c8f5e-7a51-5c66-8b0e-3f6a1c1a5211"}, 422, "activity-subject-unknown", "lead_id"),
        ({"person_id": "0b9c8f5e-7a51-5c66-8b0e-3f6a1c1a5211"}, 422, "person-not-found", "person_id"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, 422, "time-in-future", "occurred_at"),
        ({"kind": "lunch"}, 422, "invalid-request", "kind"),
    ],
)
async def test_a_wrong_body_is_refused_with_its_place(
    agent: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    refused = await agent.post(ACTIVITIES, json={"kind": "task", "summary": "A", **body})
    assert (refused.status_code, refused.json()["code"], refused.json().get("field")) == (status, code, field)


async def test_what_is_about_a_person_is_found_by_them_and_erased_for_good(selling: Selling) -> None:
    async with selling.contacts.client("agent") as contacts:
        made = await contacts.post("/contacts/v1/people", json={"emails": [{"value": "grace@example.org"}]})
    person_id = made.json()["id"]
    async with selling.client("admin") as admin:
        about = {"person_email": "grace@example.org", "external_id": {"source": "crm", "id": "1"}}
        invited = {"attendees": ["grace@example.org"], "due_at": "2026-03-23T09:00:00Z"}
        activity_id = await planned(admin, **about, **invited)
        links = (await selling.parts().decisions.journal.load(CUSTOMER, person_id)).state
        assert links == {Link("activity", activity_id)}
        assert (await admin.post(f"{ACTIVITIES}/{activity_id}/erasure")).status_code == 200
        assert (await admin.post(f"{ACTIVITIES}/{activity_id}/erasure")).json()["status"] == "unchanged"
        found = await shown(admin, activity_id)
        assert (found["status"], found["summary"], found["attendees"]) == ("erased", None, [])
        refused = await admin.patch(f"{ACTIVITIES}/{activity_id}", json={"summary": "B"})
        assert refused.json()["code"] == "activity-erased"
        await planned(admin, external_id={"source": "crm", "id": "1"})
    loaded = await selling.parts().decisions.journal.load(ACTIVITY, activity_id)
    assert loaded.state.texts == Texts()


async def test_an_agent_does_not_erase(agent: httpx.AsyncClient) -> None:
    activity_id = await planned(agent)
    assert (await agent.post(f"{ACTIVITIES}/{activity_id}/erasure")).status_code == 403


async def test_the_answer_of_an_attendee_is_recorded_in_words_or_as_their_calendar_sent_it(
    agent: httpx.AsyncClient,
) -> None:
    activity_id = await planned(agent, **WEEKLY)
    path = f"{ACTIVITIES}/{activity_id}/answers"
    told = await agent.post(path, json={"attendee": "Ada@example.org", "answer": "tentative"})
    assert told.status_code == 200
    reply = "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
            "VERSION:2.0",
            "METHOD:REPLY",
            "BEGIN:VEVENT",
            'ATTENDEE;PARTSTAT=DECLINED;CN="Ada":MAILTO:ada@example.org',
            f"UID:{activity_id}",
            "RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000",
            "SEQUENCE:0",
            "DTSTAMP:20260301T000000Z",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
    assert (await agent.post(path, json={"calendar": reply})).status_code == 200
    answers = [(one["answer"], one["occurrence"]) for one in (await shown(agent, activity_id))["answers"]]
    assert answers == [("tentative", None), ("declined", "2026-03-30T07:00:00Z")]
    await agent.post(f"{ACTIVITIES}/{activity_id}/schedule", json={"due_at": "2026-03-24T09:00:00Z"})
    late = await agent.post(path, json={"calendar": reply})
    assert (late.status_code, late.json()["code"]) == (409, "invitation-changed")


@pytest.mark.parametrize("calendar", ["", "hello", "BEGIN:VCALENDAR\r\nEND:VCALENDAR", "BEGIN:VEVENT", "\r\n;:"])
async def test_what_is_no_answer_is_refused(agent: httpx.AsyncClient, calendar: str) -> None:
    activity_id = await planned(agent, **WEEKLY)
    refused = await agent.post(f"{ACTIVITIES}/{activity_id}/answers", json={"calendar": calendar})
    assert (refused.status_code, refused.json()["code"]) == (422, "reply-unreadable")
