"""Many records in one request: each decided by itself, answered in order, and rehearsed with the same outcome."""

from typing import Any

import httpx
import pytest

from contacts.calls import COMPANIES, PEOPLE, created, refusal
from contacts.served import BASE, Contacts
from patron_events.envelope import decode_commit

ACTIVITIES = ("interactions", "orders")


def person(number: int, **more: Any) -> dict[str, Any]:
    """Make a person with an external id and an address of its own."""
    own: dict[str, Any] = {
        "given_name": f"P{number}",
        "emails": [{"value": f"p{number}@example.org"}],
        "external_ids": [{"source": "crm", "id": str(number)}],
    }
    return own | more


async def bulk(client: httpx.AsyncClient, items: list[Any], path: str = PEOPLE, **options: Any) -> dict[str, Any]:
    """Send one request and give its answer."""
    answer = await client.post(f"{path}/bulk", json={"items": items, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """Give status, code and field of each item, in order."""
    assert [one["index"] for one in answer["results"]] == list(range(len(answer["results"])))
    return [(one["status"], one.get("code"), one.get("field")) for one in answer["results"]]


MIXED: list[Any] = [
    person(1),
    person(2, emails=[{"value": "nobody"}]),
    person(1, given_name="Again"),
    person(3, emails=[{"value": "P1@example.org"}]),
    {"surname": "x"},
    {"job_title": "Boss"},
    person(4, custom={"plan": "x"}),
    person(5, companies=[{"name": "Acme"}]),
    person(6, companies=[{"name": "ACME "}]),
    person(7, companies=[{"external_id": {"source": "crm", "id": "none"}}]),
    {"given_name": "Only a name"},
    person(8, lifecycle_stage="hero"),
]
OUTCOME = [
    ("created", None, None),
    ("rejected", "email-invalid", "emails[0].value"),
    ("duplicate", "repeated-in-request", "external_ids"),
    ("duplicate", "email-taken", "emails"),
    ("rejected", "invalid-item", "surname"),
    ("rejected", "record-empty", None),
    ("rejected", "custom-field-unknown", "custom.plan"),
    ("created", None, None),
    ("created", None, None),
    ("rejected", "company-not-found", "companies[0]"),
    ("created", None, None),
    ("rejected", "stage-unknown", "lifecycle_stage"),
]


@pytest.mark.parametrize("mode", ["create", "upsert"])
async def test_each_item_is_decided_by_itself_and_rehearsed_alike(
    contacts: Contacts, agent: httpx.AsyncClient, mode: str
) -> None:
    rehearsed = await bulk(agent, MIXED, mode=mode, dry_run=True)
    assert (await contacts.size(), rehearsed["position"]) == (0, None)
    real = await bulk(agent, MIXED, mode=mode)
    assert told(real) == told(rehearsed) == OUTCOME
    assert (
        real["counts"]
        == rehearsed["counts"]
        == {"created": 4, "updated": 0, "unchanged": 0, "duplicate": 2, "rejected": 6}
    )
    assert real["position"] == f"contacts.*.{await contacts.size()}"


async def test_upserting_again_changes_nothing_and_then_only_what_differs(
    contacts: Contacts, agent: httpx.AsyncClient
) -> None:
    items = [person(number, tags=["a"]) for number in range(5)]
    first = await bulk(agent, items)
    assert [one["status"] for one in (await bulk(agent, items))["results"]] == ["unchanged"] * 5
    size = await contacts.size()
    items[3]["job_title"] = "Boss"
    for dry_run in (True, False):
        again = await bulk(agent, items, dry_run=dry_run)
        assert again["counts"] == {"created": 0, "updated": 1, "unchanged": 4, "duplicate": 0, "rejected": 0}
    assert await contacts.size() == size + 1
    assert [one["id"] for one in again["results"]] == [one["id"] for one in first["results"]]


async def test_creating_again_is_refused_as_duplicate(agent: httpx.AsyncClient) -> None:
    await bulk(agent, [person(1), person(2)])
    assert told(await bulk(agent, [person(1), person(3)], mode="create")) == [
        ("duplicate", "email-taken", "emails"),
        ("created", None, None),
    ]


async def test_a_repeated_request_is_answered_as_the_first_was(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    await created(agent, emails=[{"value": "p9@example.org"}])
    body = {"items": [*MIXED, person(9)]}
    key = {"Idempotency-Key": "file-1"}
    first = (await agent.post(f"{PEOPLE}/bulk", json=body, headers=key)).json()
    assert first["counts"] == {"created": 4, "updated": 1, "unchanged": 0, "duplicate": 2, "rejected": 6}
    size = await contacts.size()
    async with contacts.client("agent") as restarted:
        for client in (agent, restarted):
            again = (await client.post(f"{PEOPLE}/bulk", json=body, headers=key)).json()
            assert again["results"] == first["results"]
    assert await contacts.size() == size


async def test_an_upsert_finds_by_external_id_then_email_then_unique_field(
    agent: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await admin.put(f"{BASE}/fields/people/no", json={"type": "integer", "unique": True})
    by_id = await created(agent, external_ids=[{"source": "crm", "id": "1"}])
    by_mail = await created(agent, emails=[{"value": "m@example.org"}])
    by_field = await created(agent, custom={"no": 7})
    items = [
        {"given_name": "A", "external_ids": [{"source": "crm", "id": "1"}]},
        {"given_name": "B", "emails": [{"value": "m@example.org"}], "external_ids": [{"source": "crm", "id": "2"}]},
        {"given_name": "C", "custom": {"no": 7}},
    ]
    answer = await bulk(agent, items)
    assert [(one["status"], one["id"]) for one in answer["results"]] == [
        ("updated", by_id),
        ("updated", by_mail),
        ("updated", by_field),
    ]
    other = {"given_name": "D", "emails": [{"value": "m@example.org"}], "external_ids": [{"source": "crm", "id": "3"}]}
    assert told(await bulk(agent, [other])) == [("duplicate", "email-taken", "emails")]


async def test_companies_may_share_an_address(agent: httpx.AsyncClient) -> None:
    items = [{"name": name, "emails": [{"value": "info@example.org"}]} for name in ("Acme", "Bolt")]
    assert told(await bulk(agent, items, COMPANIES, mode="create")) == [("created", None, None)] * 2


async def test_a_company_created_elsewhere_is_found(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    own = {"source": "crm", "id": "acme"}
    item = person(1, companies=[{"external_id": own}])
    assert told(await bulk(agent, [item])) == [("rejected", "company-not-found", "companies[0]")]
    async with contacts.client("agent") as elsewhere:
        assert told(await bulk(elsewhere, [{"name": "Acme", "external_ids": [own]}], COMPANIES)) == [
            ("created", None, None)
        ]
    assert told(await bulk(agent, [item])) == [("created", None, None)]


@pytest.mark.parametrize("path", [PEOPLE, COMPANIES, f"{BASE}/interactions", f"{BASE}/orders"])
async def test_a_request_takes_1_to_10_000_items(agent: httpx.AsyncClient, path: str) -> None:
    empty: dict[str, Any] = {}
    for items in (list[Any](), [empty] * 10_001):
        assert refusal(await agent.post(f"{path}/bulk", json={"items": items})) == (422, "invalid-request", "items")
    answer = await bulk(agent, [empty] * 10_000, path)
    assert answer["counts"]["rejected"] == 10_000


def interaction(number: int, customer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make an interaction with an external id."""
    return {"kind": "call", "customer": customer, "source": "pbx", "external_id": str(number), **more}


def order(number: int, customer: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Make an order with an external id."""
    return {
        "currency": "USD",
        "amount": "29.33",
        "customer": customer,
        "source": "shop",
        "external_id": str(number),
        **more,
    }


MAKERS = {"interactions": interaction, "orders": order}


@pytest.mark.parametrize("kind", ACTIVITIES)
async def test_activities_are_recorded_once(contacts: Contacts, agent: httpx.AsyncClient, kind: str) -> None:
    make, path = MAKERS[kind], f"{BASE}/{kind}"
    grace = await created(agent, external_ids=[{"source": "crm", "id": "1"}], emails=[{"value": "g@example.org"}])
    by_key = {"external_id": {"source": "crm", "id": "1"}}
    items = [
        make(1, by_key),
        make(2, {"email": "g@example.org"}),
        make(1, by_key),
        make(3, {"external_id": {"source": "crm", "id": "none"}}),
        make(4, {"person_id": grace}),
        {"customer": by_key},
        make(5, {}),
        make(6, {"person_id": None}),
    ]
    expected = [
        ("created", None, None),
        ("created", None, None),
        ("duplicate", "repeated-in-request", "external_id"),
        ("rejected", "customer-not-found", "customer"),
        ("created", None, None),
        ("rejected", "invalid-item", "kind" if kind == "interactions" else "currency"),
        ("rejected", "invalid-item", "customer"),
        ("rejected", "invalid-item", "customer"),
    ]
    size = await contacts.size()
    assert told(await bulk(agent, items, path, dry_run=True)) == expected
    assert await contacts.size() == size
    assert told(await bulk(agent, items, path)) == expected
    again = [(one if one[0] != "created" else ("unchanged", None, None)) for one in expected]
    size = await contacts.size()
    assert told(await bulk(agent, items, path)) == again
    assert await contacts.size() == size


@pytest.mark.parametrize("kind", ACTIVITIES)
async def test_unknown_customers_are_created_once_when_asked_for(
    contacts: Contacts, agent: httpx.AsyncClient, kind: str
) -> None:
    items = [MAKERS[kind](number, {"external_id": {"source": "cd", "id": str(number % 3)}}) for number in range(9)]
    for dry_run in (True, False):
        answer = await bulk(agent, items, f"{BASE}/{kind}", create_people=True, dry_run=dry_run)
        assert answer["counts"]["created"] == 9
    assert await contacts.size() == 3 * 3  # person, claim and one commit of facts each
    refused = await bulk(agent, [MAKERS[kind](99, {"email": "x@example.org"})], f"{BASE}/{kind}", create_people=True)
    assert told(refused) == [("rejected", "customer-not-found", "customer")]


async def test_long_texts_of_one_customer_are_spread_over_commits(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    grace = await created(agent)
    items = [interaction(number, {"person_id": grace}, body="x" * 90_000) for number in range(30)]
    assert (await bulk(agent, items, f"{BASE}/interactions"))["counts"]["created"] == 30
    batches = contacts.store.follow("contacts")
    bodies = [len(stored.body) for stored in (await anext(batches)).commits]
    await batches.aclose()
    assert max(bodies) < 1_000_000


async def test_an_item_is_no_repetition_of_one_that_was_refused(agent: httpx.AsyncClient) -> None:
    answer = await bulk(agent, [person(1, lifecycle_stage="nobody"), person(2, language="??"), person(1), person(1)])

    assert [result["status"] for result in answer["results"]] == ["rejected", "rejected", "created", "duplicate"]


async def test_a_refusal_that_needs_the_log_leaves_its_key_to_a_later_item(agent: httpx.AsyncClient) -> None:
    await created(agent, **person(1))
    taken = person(3, emails=[{"value": "p1@example.org"}])

    answer = await bulk(agent, [taken, person(3)])

    assert [result["status"] for result in answer["results"]] == ["duplicate", "created"]


async def test_each_commit_tells_the_row_that_it_came_from(contacts: Contacts, agent: httpx.AsyncClient) -> None:
    origin = {"file": "3f2a91bc70d4", "rows": [7, 9]}
    await bulk(agent, [person(1), person(2)], origin=origin)
    batches = contacts.store.follow("contacts")
    commits = [decode_commit(stored.body) for stored in (await anext(batches)).commits]
    await batches.aclose()
    created = {one.cause.correlation_id for one in commits if one.events[0].type == "contacts.person-created"}
    assert created == {"import:3f2a91bc70d4:7", "import:3f2a91bc70d4:9"}


async def test_the_name_of_an_origin_is_no_free_text(agent: httpx.AsyncClient) -> None:
    origin = {"file": "Grace Hopper.csv", "rows": [1]}
    answer = await agent.post(f"{PEOPLE}/bulk", json={"items": [person(1)], "origin": origin})
    assert answer.status_code == 422
