"""Companies, activities and custom fields over HTTP, one at a time."""

from typing import Any

import httpx
import pytest

from contacts.calls import COMPANIES, PEOPLE, UNKNOWN, company, created, refusal
from contacts.served import BASE, Contacts
from patron_contacts.api.bodies import COMPANY_EXAMPLE
from patron_contacts.domain.activity import ACTIVITY
from patron_contacts.domain.company import COMPANY
from patron_events.catalog import contacts as events

PERSON_FIELDS = f"{BASE}/fields/people"
CALL = {"kind": "call", "source": "pbx", "external_id": "1", "occurred_at": "1997-01-01T10:00:00+01:00"}
ORDER = {"currency": "USD", "amount": "29.33", "source": "cd", "external_id": "1", "ordered_at": "1997-01-01T00:00:00Z"}
ONE_OF = {"interactions": CALL, "orders": ORDER}


async def test_a_company_is_created_read_and_changed(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    answer = await agent.post(COMPANIES, json=COMPANY_EXAMPLE)
    assert (answer.status_code, answer.headers["etag"], answer.json()["status"]) == (201, '"1"', "created")
    acme = answer.json()["id"]
    read = (await agent.get(f"{COMPANIES}/{acme}")).json()
    assert {name: read[name] for name in COMPANY_EXAMPLE} == COMPANY_EXAMPLE
    before = await contacts.facts(COMPANY, acme)
    changed = await agent.patch(
        f"{COMPANIES}/{acme}", json={**COMPANY_EXAMPLE, "name": "Acme"}, headers={"If-Match": '"1"'}
    )
    assert (changed.json()["status"], changed.json()["version"]) == ("updated", 2)
    assert (await contacts.facts(COMPANY, acme))[len(before) :] == [events.CompanyNamed(name="Acme")]


async def test_every_member_of_a_company_but_its_name_can_be_null(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    acme = (await agent.post(COMPANIES, json=COMPANY_EXAMPLE)).json()["id"]
    schema = (await agent.get(f"{BASE}/openapi.json")).json()["components"]["schemas"]["CompanyBody"]
    members = dict.fromkeys(name for name in schema["properties"] if name != "name")
    assert (await agent.patch(f"{COMPANIES}/{acme}", json=members)).status_code == 200
    assert refusal(await agent.patch(f"{COMPANIES}/{acme}", json={"name": None})) == (422, "name-missing", "name")
    async with contacts.client("reader") as restarted:
        read = (await restarted.get(f"{COMPANIES}/{acme}")).json()
    assert set(read) == {"id", "version", "status", "created_at", "updated_at", "name"}


WRONG_COMPANIES: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "name-missing", "name"),
    ({"name": " "}, "name-missing", "name"),
    ({"name": "A", "website": "mailto:x"}, "url-invalid", "website"),
    ({"name": "A", "domains": ["http://x"]}, "domain-invalid", "domains[0]"),
    ({"name": "A", "employees": -1}, "invalid-request", "employees"),
    ({"name": "A", "founding_year": 0}, "invalid-request", "founding_year"),
    (
        {"name": "A", "annual_revenue": {"amount": "1.234", "currency": "EUR"}},
        "amount-too-precise",
        "annual_revenue.amount",
    ),
    (
        {"name": "A", "annual_revenue": {"amount": "1", "currency": "XXY"}},
        "currency-unknown",
        "annual_revenue.currency",
    ),
    ({"name": "A", "parent": {"company_id": UNKNOWN}}, "company-not-found", "parent"),
    ({"name": "A", "parent": {}}, "text-empty", "parent.name"),
]


@pytest.mark.parametrize(("body", "code", "field"), WRONG_COMPANIES)
async def test_a_wrong_part_of_a_company_is_named(
    agent: httpx.AsyncClient, body: dict[str, Any], code: str, field: str | None
) -> None:
    assert refusal(await agent.post(COMPANIES, json=body)) == (422, code, field)


async def test_a_company_has_another_one_as_parent(agent: httpx.AsyncClient) -> None:
    acme = await company(agent, external_ids=[{"source": "crm", "id": "acme"}])
    bolt = await company(agent, parent={"external_id": {"source": "crm", "id": "acme"}})
    assert (await agent.get(f"{COMPANIES}/{bolt}")).json()["parent_id"] == acme
    own = await agent.patch(f"{COMPANIES}/{acme}", json={"parent": {"company_id": acme}})
    assert refusal(own) == (422, "company-is-own-parent", "parent")


async def test_companies_are_upserted_archived_and_erased(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    body = {"match": {"external_id": {"source": "crm", "id": "1"}}, "company": {"name": "Acme"}}
    first = (await agent.post(f"{COMPANIES}/upsert", json=body)).json()
    assert (first["status"], (await agent.post(f"{COMPANIES}/upsert", json=body)).json()["status"]) == (
        "created",
        "unchanged",
    )
    by_email = {"match": {"email": "info@example.org"}, "company": {"name": "Acme"}}
    assert refusal(await agent.post(f"{COMPANIES}/upsert", json=by_email)) == (422, "invalid-request", "match.email")
    assert (await agent.post(f"{COMPANIES}/{first['id']}/archive", json={})).status_code == 200
    again = (await agent.post(f"{COMPANIES}/upsert", json=body)).json()
    assert (again["status"], again["id"] == first["id"]) == ("created", False)
    assert refusal(await agent.post(f"{COMPANIES}/{first['id']}/restore"))[:2] == (409, "external-id-taken")
    assert (await admin.post(f"{COMPANIES}/{first['id']}/erasure", json={})).status_code == 200


@pytest.mark.parametrize("kind", ONE_OF)
async def test_an_activity_is_recorded_once_at_its_own_time(
    contacts: Contacts, agent: httpx.AsyncClient, kind: str
) -> None:
    grace = await created(agent, emails=[{"value": "g@example.org"}])
    first = await agent.post(f"{BASE}/{kind}", json={**ONE_OF[kind], "customer": {"email": "G@example.org"}})
    assert (first.status_code, first.json()["status"], first.headers["patron-position"]) == (
        201,
        "created",
        first.json()["position"],
    )
    again = await agent.post(f"{BASE}/{kind}", json={**ONE_OF[kind], "customer": {"person_id": grace}})
    assert (again.status_code, again.json()["status"], again.json()["id"]) == (200, "unchanged", first.json()["id"])
    assert len(await contacts.facts(ACTIVITY, grace)) == 1


@pytest.mark.parametrize("kind", ONE_OF)
async def test_a_repeated_activity_is_answered_as_the_first_was(agent: httpx.AsyncClient, kind: str) -> None:
    body = {**ONE_OF[kind], "customer": {"person_id": await created(agent)}, "source": None, "external_id": None}
    first = await agent.post(f"{BASE}/{kind}", json=body, headers={"Idempotency-Key": "k"})
    again = await agent.post(f"{BASE}/{kind}", json=body, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    other = await agent.post(f"{BASE}/{kind}", json={**body, "source": "x"}, headers={"Idempotency-Key": "k"})
    assert refusal(other) == (422, "idempotency-key-reused", None)


@pytest.mark.parametrize("kind", ONE_OF)
async def test_a_company_is_a_customer_too(contacts: Contacts, agent: httpx.AsyncClient, kind: str) -> None:
    acme = await company(agent)
    answer = await agent.post(f"{BASE}/{kind}", json={**ONE_OF[kind], "customer": {"company_id": acme}})
    assert answer.status_code == 201
    (fact,) = await contacts.facts(ACTIVITY, acme)
    assert isinstance(fact, events.InteractionLogged | events.OrderPlaced)
    assert fact.company_id == acme


WRONG_ACTIVITIES: list[tuple[str, dict[str, Any], str, str | None]] = [
    *((kind, {"customer": customer}, code, field) for kind in ONE_OF for customer, code, field in (
        ({}, "invalid-item", "customer"),
        ({"email": None}, "invalid-item", "customer"),
        ({"person_id": None, "company_id": None}, "invalid-item", "customer"),
        ({"person_id": UNKNOWN, "company_id": UNKNOWN}, "invalid-item", "customer"),
        ({"person_id": UNKNOWN}, "customer-not-found", "customer"),
        ({"company_id": UNKNOWN}, "customer-not-found", "customer"),
        ({"email": "nobody"}, "email-invalid", "customer.email[0].value"),
        ({"person_id": "grace"}, "invalid-request", "customer.person_id"),
    )),
    ("interactions", {"occurred_at": "0000-01-01T00:00:00Z"}, "time-invalid", "occurred_at"),
    ("interactions", {"occurred_at": "9999-12-31T23:59:59Z"}, "time-in-future", "occurred_at"),
    ("interactions", {"occurred_at": "2020-01-01T00:00:00"}, "time-zone-missing", "occurred_at"),
    ("interactions", {"kind": "telepathy"}, "invalid-request", "kind"),
    ("interactions", {"duration_s": -1}, "invalid-request", "duration_s"),
    ("orders", {"ordered_at": "9999-12-31T23:59:59Z"}, "time-in-future", "ordered_at"),
    ("orders", {"currency": "ZZZ"}, "currency-unknown", "currency"),
    ("orders", {"amount": "1e5"}, "amount-invalid", "amount"),
    ("orders", {"amount": "1.234"}, "amount-too-precise", "amount"),
    ("orders", {"amount": None}, "amount-missing", "amount"),
    ("orders", {"lines": [{"amount": "1.00"}]}, "amount-mismatch", "amount"),
    ("orders", {"lines": [{"sku": "A"}]}, "amount-missing", "lines[0].amount"),
    ("orders", {"lines": [{"amount": "1", "quantity": "many"}]}, "quantity-invalid", "lines[0].quantity"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "wrong", "code", "field"), WRONG_ACTIVITIES)
async def test_a_wrong_part_of_an_activity_is_named(
    agent: httpx.AsyncClient, kind: str, wrong: dict[str, Any], code: str, field: str | None
) -> None:
    body = {**ONE_OF[kind], "customer": {"person_id": await created(agent)}, **wrong}
    assert refusal(await agent.post(f"{BASE}/{kind}", json=body)) == (422, code, field)


async def test_an_order_is_the_sum_of_its_lines(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    grace = await created(agent)
    lines = [{"sku": "A", "unit_price": "10.00", "quantity": "2.5"}, {"name": "B", "amount": 4.33}]
    body = {"currency": "usd", "amount": "29.33", "lines": lines, "customer": {"person_id": grace}}
    assert (await agent.post(f"{BASE}/orders", json=body)).status_code == 201
    (fact,) = await contacts.facts(ACTIVITY, grace)
    assert isinstance(fact, events.OrderPlaced)
    assert (fact.currency, fact.amount_minor, [line.amount_minor for line in fact.lines]) == ("USD", 2933, [2500, 433])


async def test_custom_fields_are_defined_listed_and_retired(admin: httpx.AsyncClient) -> None:
    definition = {"type": "enum", "options": ["a", "b"], "label": "Plan"}
    first = await admin.put(f"{PERSON_FIELDS}/plan", json=definition, headers={"Idempotency-Key": "k"})
    again = await admin.put(f"{PERSON_FIELDS}/plan", json=definition, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.json()) == (200, first.json())
    assert (await admin.put(f"{PERSON_FIELDS}/plan", json=definition)).json()["status"] == "unchanged"
    assert (await admin.get(PERSON_FIELDS)).json()["items"] == [
        {"name": "plan", "required": False, "unique": False, "personal": False, **definition}
    ]
    assert (await admin.get(f"{BASE}/fields/companies")).json()["items"] == []
    other_type = await admin.put(f"{PERSON_FIELDS}/plan", json={"type": "string"})
    assert refusal(other_type) == (409, "field-type-fixed", "type")
    assert (await admin.delete(f"{PERSON_FIELDS}/plan")).status_code == 200
    assert refusal(await admin.delete(f"{PERSON_FIELDS}/plan")) == (404, "field-not-found", None)


WRONG_FIELDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("plan", {"type": "colour"}, "field-type-unknown", "type"),
    ("plan", {"type": "enum"}, "field-options-invalid", "options"),
    ("plan", {"type": "boolean", "unique": True}, "field-never-unique", "unique"),
    ("Plan", {"type": "string"}, "invalid-request", "name"),
    ("x" * 64, {"type": "string"}, "invalid-request", "name"),
]


@pytest.mark.parametrize(("name", "body", "code", "field"), WRONG_FIELDS)
async def test_a_wrong_definition_is_refused(
    admin: httpx.AsyncClient, name: str, body: dict[str, Any], code: str, field: str
) -> None:
    assert refusal(await admin.put(f"{PERSON_FIELDS}/{name}", json=body)) == (422, code, field)


async def test_custom_values_are_checked_on_every_way_in(agent: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    grace = await created(agent)
    await admin.put(f"{PERSON_FIELDS}/seats", json={"type": "integer", "required": True})
    for value, code in (
        ({"seats": "three"}, "custom-field-type"),
        ({}, "custom-field-missing"),
        ({"seats": None}, "custom-field-missing"),
    ):
        body = {"given_name": "G", "emails": [{"value": "g@example.org"}], "custom": value}
        upsert = {"match": {"email": "g@example.org"}, "person": body}
        # A definition made elsewhere is in force here a second later, so the admin's own process is asked.
        for method, path, content in (("POST", "", body), ("PATCH", f"/{grace}", body), ("POST", "/upsert", upsert)):
            answer = await admin.request(method, f"{PEOPLE}{path}", json=content)
            assert refusal(answer) == (422, code, "custom.seats")
        (item,) = (await admin.post(f"{PEOPLE}/bulk", json={"items": [body]})).json()["results"]
        assert (item["status"], item["code"], item["field"]) == ("rejected", code, "custom.seats")
    assert (await admin.patch(f"{PEOPLE}/{grace}", json={"custom": {"seats": 3}})).status_code == 200


async def test_what_a_person_does_for_a_company_names_the_company(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    employer = await company(agent)
    call = {"customer": {"person_id": person}, "kind": "call", "company_id": employer}

    assert (await agent.post(f"{BASE}/interactions", json=call)).status_code == 201
    unknown = await agent.post(f"{BASE}/interactions", json={**call, "company_id": person})

    assert refusal(unknown) == (422, "company-not-found", "company_id")
    assert [fact.company_id for fact in await contacts.facts(ACTIVITY, person)] == [employer]  # pyright: ignore[reportAttributeAccessIssue]
