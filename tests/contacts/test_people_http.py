"""People over HTTP: every good path, and what is refused."""

import asyncio
from typing import Any

import httpx
import pytest

from contacts.calls import PEOPLE, UNKNOWN, company, created, refusal
from contacts.served import BASE, Contacts, bearer
from patron_contacts.api.bodies import PERSON_EXAMPLE
from patron_contacts.domain.person import PERSON
from patron_events.catalog import contacts as events


async def test_a_person_is_created_and_read_back(agent: httpx.AsyncClient) -> None:
    answer = await agent.post(PEOPLE, json=PERSON_EXAMPLE)
    accepted = answer.json()
    assert (answer.status_code, accepted["version"], accepted["status"]) == (201, 1, "created")
    assert (answer.headers["etag"], answer.headers["patron-position"]) == ('"1"', accepted["position"])
    read = await agent.get(f"{PEOPLE}/{accepted['id']}")
    assert (read.headers["etag"], read.headers["patron-position"]) == ('"1"', accepted["position"])
    person = read.json()
    assert {name: person[name] for name in PERSON_EXAMPLE if name != "phones"} == {
        name: value for name, value in PERSON_EXAMPLE.items() if name != "phones"
    }
    assert person["phones"] == [{"typed": "(202) 555-0143", "value": "+12025550143", "type": "work", "primary": True}]
    assert (person["status"], person["version"], set(person["lifecycle_stages"])) == ("live", 1, {"lead"})


async def test_a_position_names_the_partition_and_the_sequence(agent: httpx.AsyncClient) -> None:
    context, partition, sequence = (await agent.post(PEOPLE, json={"given_name": "G"})).json()["position"].split(".")
    assert (context, 0 <= int(partition) < 256, sequence) == ("contacts", True, "1")


async def test_the_same_idempotency_key_gives_the_same_answer(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await agent.post(PEOPLE, json=PERSON_EXAMPLE, headers=key)
    assert (await agent.patch(f"{PEOPLE}/{first.json()['id']}", json={"nickname": "A"})).status_code == 200
    async with contacts.client("agent") as restarted:
        for client in (agent, restarted):
            again = await client.post(PEOPLE, json=PERSON_EXAMPLE, headers=key)
            assert (again.status_code, again.json()) == (201, first.json())
            other = await client.post(PEOPLE, json={"given_name": "Ada"}, headers=key)
            assert refusal(other) == (422, "idempotency-key-reused", None)
    assert len(await contacts.facts(PERSON, first.json()["id"])) > 1


async def test_a_change_is_repeated_without_effect(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    key = {"Idempotency-Key": "k1"}
    first = await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "A"}, headers=key)
    await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "B"})
    again = await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "A"}, headers=key)
    assert again.json() == first.json()
    assert (await agent.get(f"{PEOPLE}/{person}")).json()["nickname"] == "B"


async def test_two_people_may_use_the_same_idempotency_key(contacts: Contacts) -> None:
    async with contacts.client("agent") as ann:
        first = await ann.post(PEOPLE, json={"given_name": "G"}, headers={"Idempotency-Key": "k"})
        bob = {**bearer("agent", subject="bob"), "Idempotency-Key": "k"}
        other = await ann.post(PEOPLE, json={"given_name": "H"}, headers=bob)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


@pytest.mark.parametrize(
    "header", [{"If-Match": "1"}, {"If-Match": 'W/"1"'}, {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 256}]
)
async def test_a_malformed_condition_is_refused(agent: httpx.AsyncClient, header: dict[str, str]) -> None:
    person = await created(agent)
    answer = await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "A"}, headers=header)
    assert refusal(answer) == (400, "malformed-header", None)


async def test_a_change_names_the_version_that_its_caller_saw(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    first = await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "A"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    late = await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "B"}, headers={"If-Match": '"1"'})
    assert refusal(late) == (412, "version-mismatch", None)
    any_version = await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "B"}, headers={"If-Match": "*"})
    assert any_version.status_code == 200


async def test_a_change_records_only_what_differs(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    person = (await agent.post(PEOPLE, json=PERSON_EXAMPLE)).json()["id"]
    before = await contacts.facts(PERSON, person)
    answer = await agent.patch(f"{PEOPLE}/{person}", json={**PERSON_EXAMPLE, "job_title": "Boss"})
    assert (answer.json()["version"], answer.json()["status"]) == (2, "updated")
    assert (await contacts.facts(PERSON, person))[len(before) :] == [
        events.PersonDetailsChanged(job_title="Boss", language="en-US", time_zone="America/New_York")
    ]
    again = await agent.patch(f"{PEOPLE}/{person}", json={**PERSON_EXAMPLE, "job_title": "Boss"})
    assert (again.json()["version"], again.json()["status"]) == (2, "unchanged")


async def test_null_clears_and_absence_keeps(agent: httpx.AsyncClient) -> None:
    person = (await agent.post(PEOPLE, json=PERSON_EXAMPLE)).json()["id"]
    cleared = ("family_name", "emails", "phones", "job_title", "language", "tags", "external_ids", "lead_source")
    assert (await agent.patch(f"{PEOPLE}/{person}", json=dict.fromkeys(cleared))).status_code == 200
    read = (await agent.get(f"{PEOPLE}/{person}")).json()
    assert not set(cleared) & set(read)
    assert (read["given_name"], read["time_zone"]) == ("Grace", "America/New_York")


async def test_every_member_can_be_null(agent: httpx.AsyncClient) -> None:
    person = (await agent.post(PEOPLE, json=PERSON_EXAMPLE)).json()["id"]
    schema = (await agent.get(f"{BASE}/openapi.json")).json()["components"]["schemas"]["PersonBody"]
    answer = await agent.patch(f"{PEOPLE}/{person}", json=dict.fromkeys(schema["properties"]))
    assert answer.status_code == 200
    read = (await agent.get(f"{PEOPLE}/{person}")).json()
    assert set(read) == {"id", "version", "status", "created_at", "updated_at", "lifecycle_stage", "lifecycle_stages"}


async def test_200_attempts_on_one_address_have_one_winner(contacts: Contacts) -> None:
    async with contacts.client("agent") as one, contacts.client("agent") as two:
        body = {"given_name": "G", "emails": [{"value": "Grace@Example.org"}]}
        answers = await asyncio.gather(*(client.post(PEOPLE, json=body) for client in [one, two] * 100))
    codes = [answer.json().get("code", "created") for answer in answers]
    assert (codes.count("created"), codes.count("email-taken")) == (1, 199)


@pytest.mark.parametrize(
    ("key", "code", "field"),
    [
        ({"emails": [{"value": "g@example.org"}]}, "email-taken", "emails"),
        ({"external_ids": [{"source": "crm", "id": "1"}]}, "external-id-taken", "external_ids"),
        ({"custom": {"no": 7}}, "custom-value-taken", "custom.no"),
    ],
)
async def test_a_unique_key_is_released_and_used_again(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient, key: dict[str, Any], code: str, field: str
) -> None:
    assert (await admin.put(f"{BASE}/fields/people/no", json={"type": "integer", "unique": True})).status_code == 200
    first = await created(agent, **key)
    assert refusal(await agent.post(PEOPLE, json={"given_name": "H", **key})) == (409, code, field)
    assert refusal(await agent.patch(f"{PEOPLE}/{await created(agent)}", json=key)) == (409, code, field)
    assert (await agent.post(f"{PEOPLE}/{first}/archive", json={})).status_code == 200
    second = await created(agent, **key)
    assert refusal(await agent.post(f"{PEOPLE}/{first}/restore")) == (409, code, field)
    cleared = {name: None if name != "custom" else {"no": None} for name in key}
    assert (await agent.patch(f"{PEOPLE}/{second}", json=cleared)).status_code == 200
    assert (await agent.post(f"{PEOPLE}/{first}/restore")).status_code == 200
    assert refusal(await agent.patch(f"{PEOPLE}/{second}", json=key)) == (409, code, field)
    assert (await admin.post(f"{PEOPLE}/{first}/erasure", json={})).status_code == 200
    assert (await agent.patch(f"{PEOPLE}/{second}", json=key)).status_code == 200


async def test_archive_and_restore(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    archived = await agent.post(f"{PEOPLE}/{person}/archive", json={"reason": "left"})
    assert (archived.status_code, archived.json()["status"]) == (200, "updated")
    assert (await agent.post(f"{PEOPLE}/{person}/archive", json={})).json()["status"] == "unchanged"
    assert (await agent.get(f"{PEOPLE}/{person}")).json()["status"] == "archived"
    assert refusal(await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "x"}))[:2] == (409, "record-archived")
    assert (await agent.post(f"{PEOPLE}/{person}/restore")).json()["version"] == 3
    assert (await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "x"})).status_code == 200


async def test_erasure_leaves_no_personal_value_in_the_log(
    contacts: Contacts, agent: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    acme = await company(agent)
    more = {"first_touch": {"campaign": "dinner-87"}, "companies": [{"company_id": acme, "role": "Aide"}]}
    person = (await agent.post(PEOPLE, json={**PERSON_EXAMPLE, **more})).json()["id"]
    read = (await agent.get(f"{PEOPLE}/{person}")).json()
    assert (read["first_touch"], read["companies"][0]["role"]) == ({"campaign": "dinner-87"}, "Aide")
    await agent.post(f"{PEOPLE}/{person}/notes", json={"text": "Called."})
    await agent.post(f"{PEOPLE}/{person}/archive", json={"reason": "Grace left"})
    free_text = await admin.post(f"{PEOPLE}/{person}/erasure", json={"reason": "Grace asked"})
    assert free_text.status_code == 422
    for _ in range(2):
        assert (await admin.post(f"{PEOPLE}/{person}/erasure", json={"reason": "consent-withdrawn"})).status_code == 200
    assert set((await agent.get(f"{PEOPLE}/{person}")).json()) == {
        "id",
        "version",
        "status",
        "created_at",
        "updated_at",
    }
    facts = await contacts.facts(PERSON, person)
    told = repr(facts)
    secrets = ("Grace", "Hopper", "grace@", "Called", "0031t00000XyZabAAF", "dinner-87", "Aide")
    assert [secret for secret in secrets if secret in told] == []
    kinds = {type(fact) for fact in facts}
    assert {
        *(events.PersonNamed, events.NoteAdded, events.ExternalIdsChanged, events.AcquisitionChanged),
        *(events.CompanyLinked, events.RecordArchived),
    } <= kinds
    assert facts[-1] == events.RecordErased(reason="consent-withdrawn")
    for path, body in (("archive", {}), ("notes", {"text": "x"}), ("lifecycle-stage", {"to": "lead"})):
        assert refusal(await agent.post(f"{PEOPLE}/{person}/{path}", json=body))[:2] == (409, "record-erased")
    assert refusal(await agent.post(f"{PEOPLE}/{person}/restore"))[:2] == (409, "record-erased")
    assert refusal(await agent.patch(f"{PEOPLE}/{person}", json={"nickname": "x"}))[:2] == (409, "record-erased")


async def test_notes(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    body = {"text": "Called.", "at": "2020-05-04T10:00:00+02:00"}
    added = await agent.post(f"{PEOPLE}/{person}/notes", json=body, headers={"Idempotency-Key": "n"})
    assert (added.status_code, added.json()["status"]) == (201, "created")
    again = await agent.post(f"{PEOPLE}/{person}/notes", json=body, headers={"Idempotency-Key": "n"})
    assert again.json() == added.json()
    (note,) = (await agent.get(f"{PEOPLE}/{person}")).json()["notes"]
    assert (note["text"], note["author"]) == ("Called.", "ann")
    removed = await agent.delete(f"{PEOPLE}/{person}/notes/{note['note_id']}")
    assert (removed.status_code, removed.json()["version"]) == (200, 3)
    missing = await agent.delete(f"{PEOPLE}/{person}/notes/{note['note_id']}")
    assert refusal(missing) == (404, "note-not-found", None)
    for wrong, code in (({"text": ""}, "text-empty"), ({"text": "x", "at": "yesterday"}, "time-invalid")):
        assert refusal(await agent.post(f"{PEOPLE}/{person}/notes", json=wrong))[:2] == (422, code)


async def test_the_lifecycle(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    stage = f"{PEOPLE}/{person}/lifecycle-stage"
    assert (await agent.post(stage, json={"to": "customer", "at": "2020-05-04T10:00:00Z"})).json()["version"] == 2
    assert (await agent.post(stage, json={"to": "customer"})).json()["status"] == "unchanged"
    assert refusal(await agent.post(stage, json={"to": "subscriber"}))[:2] == (409, "stage-move-not-allowed")
    assert refusal(await agent.post(stage, json={"to": "hero"})) == (422, "stage-unknown", "to")
    assert refusal(await agent.post(stage, json={"to": "lead", "at": "2999-01-01T00:00:00Z"})) == (
        422,
        "time-in-future",
        "at",
    )
    patched = await agent.patch(f"{PEOPLE}/{person}", json={"lifecycle_stage": "subscriber"})
    assert refusal(patched)[:2] == (409, "stage-move-not-allowed")
    read = (await agent.get(f"{PEOPLE}/{person}")).json()
    assert read["lifecycle_stages"] == {"customer": "2020-05-04T10:00:00Z"}


async def test_links_to_companies(agent: httpx.AsyncClient) -> None:
    person, acme = await created(agent), await company(agent)
    link = f"{PEOPLE}/{person}/companies/{acme}"
    terms = {"role": "Admiral", "from": "2020-01-01", "to": None, "primary": True}
    assert (await agent.put(link, json=terms)).json()["version"] == 2
    assert (await agent.put(link, json=terms)).json()["status"] == "unchanged"
    assert (await agent.get(f"{PEOPLE}/{person}")).json()["companies"] == [{"company_id": acme, **terms}]
    reversed_dates = await agent.put(link, json={"from": "2020-01-02", "to": "2020-01-01"})
    assert refusal(reversed_dates) == (422, "link-dates-reversed", "to")
    assert refusal(await agent.put(link, json={"from": "2020"})) == (422, "date-invalid", "from")
    nowhere = await agent.put(f"{PEOPLE}/{person}/companies/{UNKNOWN}", json={})
    assert refusal(nowhere) == (422, "company-not-found", "company_id")
    assert (await agent.delete(link)).status_code == 200
    assert refusal(await agent.delete(link)) == (404, "link-not-found", None)


async def test_a_company_named_by_its_name_is_created_once(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    first = await created(agent, companies=[{"name": "  Acme   Corp ", "role": "Boss"}])
    second = await created(agent, companies=[{"name": "ACME CORP"}])
    (one,) = (await agent.get(f"{PEOPLE}/{first}")).json()["companies"]
    (two,) = (await agent.get(f"{PEOPLE}/{second}")).json()["companies"]
    assert one["company_id"] == two["company_id"]
    acme = (await agent.get(f"{BASE}/companies/{one['company_id']}")).json()
    assert (acme["name"], acme["version"]) == ("Acme   Corp", 1)
    assert await contacts.size() == 4  # two people, one company, the claim of its name


@pytest.mark.parametrize(
    ("match", "key"),
    [
        ({"email": "g@example.org"}, {"emails": [{"value": "g@example.org"}]}),
        ({"external_id": {"source": "crm", "id": "1"}}, {"external_ids": [{"source": "crm", "id": "1"}]}),
        ({"custom": {"name": "no", "value": 7}}, {"custom": {"no": 7}}),
    ],
)
async def test_upsert_creates_a_holder_of_the_key_once_and_then_changes_it(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient, match: dict[str, Any], key: dict[str, Any]
) -> None:
    await admin.put(f"{BASE}/fields/people/no", json={"type": "integer", "unique": True})
    first = await agent.post(f"{PEOPLE}/upsert", json={"match": match, "person": {"given_name": "G", "tags": ["a"]}})
    assert (first.status_code, first.json()["status"]) == (200, "created")
    body = {"match": match, "person": {"given_name": "H", "tags": ["b"], **key}}
    second = await agent.post(f"{PEOPLE}/upsert", json=body)
    assert (second.json()["id"], second.json()["status"]) == (first.json()["id"], "updated")
    assert (await agent.post(f"{PEOPLE}/upsert", json=body)).json()["status"] == "unchanged"
    read = (await agent.get(f"{PEOPLE}/{first.json()['id']}")).json()
    assert (read["given_name"], read["tags"]) == ("H", ["a", "b"])


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, (422, "match-not-one", "match")),
        ({"email": None}, (422, "match-not-one", "match")),
        ({"email": "g@example.org", "custom": {"name": "no", "value": 7}}, (422, "match-not-one", "match")),
        ({"email": "nobody"}, (422, "email-invalid", "match.email[0].value")),
        ({"external_id": {"source": "", "id": "1"}}, (422, "text-empty", "match.external_id[0].source")),
        ({"custom": {"name": "who", "value": 7}}, (422, "custom-field-unknown", "match.custom.who")),
        ({"custom": {"name": "no", "value": 7}}, (422, "match-not-one", "match.custom")),
    ],
)
async def test_a_wrong_match_is_refused(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient, match: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    await admin.put(f"{BASE}/fields/people/no", json={"type": "integer"})
    answer = await agent.post(f"{PEOPLE}/upsert", json={"match": match, "person": {"given_name": "G"}})
    assert refusal(answer) == expected


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"nickname": "x"}),
        ("POST", "/archive", {}),
        ("POST", "/restore", None),
        ("POST", "/erasure", {}),
        ("POST", "/notes", {"text": "x"}),
        ("DELETE", f"/notes/{UNKNOWN}", None),
        ("POST", "/lifecycle-stage", {"to": "lead"}),
        ("DELETE", f"/companies/{UNKNOWN}", None),
    ],
)
async def test_an_unknown_person_is_not_found(admin: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    answer = await admin.request(method, f"{PEOPLE}/{UNKNOWN}{path}", json=body)
    assert refusal(answer) == (404, "record-not-found", None)
    not_an_id = await admin.request(method, f"{PEOPLE}/grace{path}", json=body)
    assert refusal(not_an_id) == (422, "invalid-request", "record_id")
