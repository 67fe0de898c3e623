"""Leads over HTTP: capture, matching with contacts, assignment, status, path, erasure."""

import asyncio
from typing import Any

import httpx
import pytest

from patron_events.decisions import Asked
from patron_events.envelope import Actor
from patron_pipeline.domain.customer import CUSTOMER
from patron_pipeline.domain.lead import LEAD
from pipeline.served import BASE, Selling

LEADS = f"{BASE}/leads"


def asked(command_id: str) -> Asked:
    return Asked(Actor("user", "ann"), command_id=command_id)


async def captured(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(LEADS, json={"email": "grace@example.org", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_captured_lead_reads_as_it_was_told(selling: Selling) -> None:
    body = {
        "given_name": "Grace",
        "email": " Grace@EXAMPLE.org",
        "phone": "030 123456",
        "company_name": "Acme",
        "country": "Germany",
        "amount": "1234.5",
        "currency": "eur",
        "attributes": {"seats": 25, "beta": True},
        "source": "google",
        "external_id": {"source": "hubspot", "id": "7"},
        "captured_at": "2026-03-01T09:00:00+01:00",
    }
    async with selling.client("agent") as client:
        made = await client.post(LEADS, json=body)
        assert made.status_code == 201
        assert made.json()["status"] == "created"
        read = await client.get(f"{LEADS}/{made.json()['id']}")
    shown = read.json()
    assert read.headers["ETag"] == '"1"'
    expected: dict[str, Any] = {
        "status": "new",
        "channel": "api",
        "given_name": "Grace",
        "email": "Grace@example.org",
        "phone": "030 123456",
        "phone_e164": "+4930123456",
        "country": "DE",
        "amount": "1234.50",
        "currency": "EUR",
        "attributes": {"beta": True, "seats": 25},
        "source": "google",
        "external_id": {"source": "hubspot", "id": "7"},
        "captured_at": "2026-03-01T08:00:00Z",
        "path": [],
    }
    assert {name: shown[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "lead-empty", None),
        ({"message": "Hello"}, "lead-empty", None),
        ({"email": "nobody"}, "email-invalid", "email"),
        ({"email": "a@example.org", "phone": "12", "phone_region": "DE"}, "phone-invalid", "phone"),
        ({"email": "a@example.org", "amount": 5}, "currency-unknown", "currency"),
        ({"email": "a@example.org", "currency": "EUR"}, "amount-invalid", "amount"),
        ({"email": "a@example.org", "country": "Atlantis"}, "country-unknown", "country"),
        ({"email": "a@example.org", "captured_at": "3026-01-01T00:00:00Z"}, "time-in-future", "captured_at"),
        (
            {"given_name": "A", "person_id": "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"},
            "person-not-found",
            "person_id",
        ),
        ({"given_name": "A", "company_external_id": {"source": "x", "id": "1"}}, "company-not-found", None),
    ],
)
async def test_what_cannot_be_a_lead_is_refused(
    selling: Selling, body: dict[str, Any], code: str, field: str | None
) -> None:
    async with selling.client("agent") as client:
        answer = await client.post(LEADS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if field is not None:
        assert answer.json()["field"] == field


async def test_a_lead_is_matched_with_the_person_who_has_its_address_and_their_company(selling: Selling) -> None:
    contacts = selling.contacts.parts().real
    company = (await contacts.companies.create({"name": "Acme"}, asked("c"))).stream.id
    person = {"emails": [{"value": "grace@example.org"}], "companies": [{"company_id": company}]}
    grace = (await contacts.people.create(person, asked("p"))).stream.id
    async with selling.client("agent") as client:
        lead = await captured(client, email="GRACE@example.org")
        shown = (await client.get(f"{LEADS}/{lead}")).json()
        assert (shown["person_id"], shown["company_id"]) == (grace, company)
        await client.post(f"{LEADS}/{lead}/match", json={})
        shown = (await client.get(f"{LEADS}/{lead}")).json()
        assert (shown["person_id"], shown["company_id"]) == (None, None)
    linked = [type(fact).__name__ for fact in await selling.facts(CUSTOMER, grace)]
    assert linked == ["CustomerLinked", "CustomerUnlinked"]


async def test_a_company_is_known_by_the_name_it_was_imported_with(selling: Selling) -> None:
    contacts = selling.contacts.parts().real
    body = {"given_name": "Grace", "companies": [{"name": "Acme  Ltd"}]}
    await contacts.people.create(body, asked("p"))
    async with selling.client("agent") as client:
        lead = await captured(client, company_name="ACME ltd")
        assert (await client.get(f"{LEADS}/{lead}")).json()["company_id"] is not None


async def test_a_new_address_matches_a_lead_that_was_nobody(selling: Selling) -> None:
    grace = (
        await selling.contacts.parts().real.people.create({"emails": [{"value": "g@example.org"}]}, asked("p"))
    ).stream.id
    async with selling.client("agent") as client:
        lead = await captured(client)
        answer = await client.patch(f"{LEADS}/{lead}", json={"email": "g@example.org", "job_title": None})
        assert answer.json()["status"] == "updated"
        assert (await client.patch(f"{LEADS}/{lead}", json={"email": "g@example.org"})).json()["status"] == "unchanged"
        assert (await client.get(f"{LEADS}/{lead}")).json()["person_id"] == grace


async def test_an_id_of_another_system_belongs_to_one_live_lead(selling: Selling) -> None:
    own = {"source": "hubspot", "id": "7"}
    async with selling.client("admin") as client:
        answers = await asyncio.gather(
            *(client.post(LEADS, json={"given_name": str(n), "external_id": own}) for n in range(4))
        )
        assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
        (lead,) = [one.json()["id"] for one in answers if one.status_code == 201]
        assert {one.json()["code"] for one in answers if one.status_code == 409} == {"external-id-taken"}
        await client.post(f"{LEADS}/{lead}/erasure")
        assert (await client.post(LEADS, json={"external_id": own})).status_code == 201


async def test_repeating_a_capture_with_its_key_finds_the_same_lead(selling: Selling) -> None:
    headers, body = {"Idempotency-Key": "k"}, {"email": "grace@example.org"}
    async with selling.client("agent") as client:
        first = await client.post(LEADS, json=body, headers=headers)
        again = await client.post(LEADS, json=body, headers=headers)
        assert first.json() == again.json()
        other = await client.post(LEADS, json={"email": "ada@example.org"}, headers=headers)
        assert other.json()["code"] == "idempotency-key-reused"


async def test_the_path_of_a_lead_tells_every_assignment_and_status(selling: Selling) -> None:
    async with selling.client("agent") as client:
        lead = await captured(client, owner="bob", captured_at="2026-03-01T09:00:00Z")
        at = f"{LEADS}/{lead}"

        async def ask(what: str, **body: Any) -> None:
            answer = await client.post(f"{at}/{what}", json=body)
            assert answer.status_code == 200, answer.text

        await ask("assignment", owner="cyd", why="Speaks Finnish", occurred_at="2026-03-02T09:00:00Z")
        await ask("status", to="working", occurred_at="2026-03-03T09:00:00Z")
        await ask("status", to="recycled", reason="no-budget", until="2127-01-01T00:00:00Z")
        shown = (await client.get(at)).json()
    steps = [(one["step"], one["owner"], one["to"], one["was"], one["reason"]) for one in shown["path"]]
    assert steps == [
        ("assigned", "bob", None, None, None),
        ("moved", None, "assigned", "new", None),
        ("assigned", "cyd", None, "bob", None),
        ("moved", None, "working", "assigned", None),
        ("moved", None, "recycled", "working", "no-budget"),
    ]
    assert shown["path"][2]["why"] == "Speaks Finnish"
    assert (shown["status"], shown["owner"], shown["until"]) == ("recycled", "cyd", "2127-01-01T00:00:00Z")


async def test_somebody_who_saw_an_older_version_is_told(selling: Selling) -> None:
    async with selling.client("agent") as client:
        lead = await captured(client)
        await client.post(f"{LEADS}/{lead}/assignment", json={"owner": "bob"})
        late = await client.post(f"{LEADS}/{lead}/assignment", json={"owner": "cyd"}, headers={"If-Match": '"1"'})
        assert (late.status_code, late.json()["code"]) == (412, "version-mismatch")


async def test_an_erased_lead_keeps_its_source_and_nothing_personal(selling: Selling) -> None:
    async with selling.client("admin") as client:
        lead = await captured(client, given_name="Grace", phone="+1 202 555 0143", source="google", message="Hi")
        assert (await client.post(f"{LEADS}/{lead}/erasure")).json()["status"] == "updated"
        assert (await client.post(f"{LEADS}/{lead}/erasure")).json()["status"] == "unchanged"
        shown = (await client.get(f"{LEADS}/{lead}")).json()
        answer = await client.patch(f"{LEADS}/{lead}", json={"given_name": "Grace"})
        assert answer.json()["code"] == "lead-erased"
    personal = {"given_name", "email", "phone", "phone_e164", "message"}
    assert {shown[name] for name in personal} == {None}
    assert (shown["status"], shown["source"]) == ("erased", "google")
    described = (await selling.facts(LEAD, lead))[1]
    assert "Grace" not in repr(described)


async def test_readers_may_look_and_only_admins_erase(selling: Selling) -> None:
    async with selling.client("agent") as client:
        lead = await captured(client)
        assert (await client.post(f"{LEADS}/{lead}/erasure")).status_code == 403
    async with selling.client("reader") as client:
        assert (await client.get(f"{LEADS}/{lead}")).status_code == 200
        assert (await client.post(LEADS, json={"given_name": "A"})).status_code == 403
        missing = await client.get(f"{LEADS}/6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11")
        assert (missing.status_code, missing.json()["code"]) == (404, "lead-not-found")
