"""Web forms over HTTP: what strangers may do, and what they may not."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from patron_pipeline.domain.lead import LEAD
from pipeline.served import BASE, Selling

FORM = f"{BASE}/forms/contact-us"
DEFINED: dict[str, Any] = {
    "name": "Contact us",
    "fields": ["given_name", "email", "message", "attributes.seats"],
    "honeypot": "website",
    "source": "website",
    "origins": ["https://example.org"],
    "per_minute": 3,
}
PAGE = {"Origin": "https://example.org"}
GRACE = {"given_name": "Grace", "email": "grace@example.org", "attributes.seats": "25"}


@pytest.fixture
async def form(admin: httpx.AsyncClient) -> None:
    answer = await admin.put(FORM, json=DEFINED)
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def visitor(selling: Selling, form: None) -> Any:
    """A stranger on the web page of the form."""
    async with selling.client() as client:
        client.headers.clear()
        client.headers.update(PAGE)
        yield client


async def sent(client: httpx.AsyncClient, fields: dict[str, Any], token: str | None = None) -> httpx.Response:
    token = token or (await client.get(f"{FORM}/token")).json()["token"]
    return await client.post(f"{FORM}/submissions", json={"token": token, "fields": fields})


async def leads(selling: Selling) -> int:
    return await selling.size() - 1  # the form itself


async def test_what_a_visitor_sends_becomes_a_lead(visitor: httpx.AsyncClient, selling: Selling) -> None:
    answer = await sent(visitor, GRACE)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
    (lead,) = [one.stream.id for one in await _commits(selling) if one.stream.category == "lead"]
    async with selling.client("reader") as reader:
        shown = (await reader.get(f"{BASE}/leads/{lead}")).json()
    expected = {
        "channel": "form",
        "form_id": "contact-us",
        "source": "website",
        "email": "grace@example.org",
        "attributes": {"seats": "25"},
    }
    assert {name: shown[name] for name in expected} == expected
    assert len(await selling.facts(LEAD, lead)) == 3


async def _commits(selling: Selling) -> Any:
    batches = selling.store.follow("pipeline")
    try:
        return (await anext(batches)).commits
    finally:
        await batches.aclose()


async def test_sending_again_with_the_same_token_is_the_same_lead(visitor: httpx.AsyncClient, selling: Selling) -> None:
    token = (await visitor.get(f"{FORM}/token")).json()["token"]
    assert [(await sent(visitor, GRACE, token)).status_code for _ in range(2)] == [202, 202]
    other = await sent(visitor, {"email": "ada@example.org"}, token)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert await leads(selling) == 1


async def test_a_token_is_spelled_in_one_way(visitor: httpx.AsyncClient, selling: Selling) -> None:
    token = (await visitor.get(f"{FORM}/token")).json()["token"]
    assert (await sent(visitor, GRACE, token)).status_code == 202
    for other in (f"{token[:8]}!!!!{token[8:]}", f"{token}===="):
        answer = await sent(visitor, GRACE, other)
        assert (answer.status_code, answer.json()["code"]) == (422, "form-token-invalid")
    assert await leads(selling) == 1


async def test_a_robot_is_thanked_and_nothing_is_kept(visitor: httpx.AsyncClient, selling: Selling) -> None:
    assert (await sent(visitor, {**GRACE, "website": "https://spam.example"})).status_code == 202
    assert await leads(selling) == 0
    assert (await sent(visitor, {**GRACE, "website": ""})).status_code == 202
    assert await leads(selling) == 1


async def test_one_address_sends_so_many_in_a_minute(visitor: httpx.AsyncClient) -> None:
    answers = [await sent(visitor, {"email": f"{number}@example.org"}) for number in range(4)]
    assert [one.status_code for one in answers] == [202, 202, 202, 429]
    assert (answers[3].json()["code"], answers[3].headers["Retry-After"]) == ("too-many-submissions", "60")


async def test_a_form_is_sent_from_its_own_pages_only(visitor: httpx.AsyncClient) -> None:
    for origin in ("https://evil.example", None):
        headers = {} if origin is None else {"Origin": origin}
        visitor.headers.clear()
        refused = await visitor.get(f"{FORM}/token", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "origin-not-allowed")
    asked = await visitor.options(f"{FORM}/submissions", headers=PAGE)
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (204, "https://example.org")
    assert asked.headers["Access-Control-Allow-Headers"] == "Content-Type"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"email": "nobody"}, "email-invalid"),
        ({"email": 5}, "invalid-item"),
        ({"message": "Hello"}, "lead-empty"),
        ({"email": "a@example.org", "owner": "ann"}, "form-field-unknown"),
    ],
)
async def test_a_form_takes_its_fields_and_no_others(
    visitor: httpx.AsyncClient, fields: dict[str, Any], code: str
) -> None:
    answer = await sent(visitor, fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_tokens_are_signed_for_one_form_and_grow_old(
    visitor: httpx.AsyncClient, admin: httpx.AsyncClient, selling: Selling
) -> None:
    await admin.put(FORM, json={**DEFINED, "per_minute": 60})
    await admin.put(f"{BASE}/forms/other", json={**DEFINED, "valid_s": 60})
    foreign = (await visitor.get(f"{BASE}/forms/other/token")).json()["token"]
    endless = urlsafe_b64encode(b"9" * 330 + b".0.0").decode()
    for token in (".", "nonsense", "ä", foreign, foreign[:-2], endless):
        answer = await sent(visitor, GRACE, token)
        assert (answer.status_code, answer.json()["code"]) == (422, "form-token-invalid")
    handlers = selling.parts().forms
    old = handlers.token("other", datetime.now(UTC) - timedelta(seconds=61))
    answer = await visitor.post(f"{BASE}/forms/other/submissions", json={"token": old, "fields": GRACE})
    assert answer.json()["code"] == "form-token-invalid"


async def test_a_retired_form_takes_nothing(visitor: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    token = (await visitor.get(f"{FORM}/token")).json()["token"]
    await admin.post(f"{FORM}/retirement")
    assert (await sent(visitor, GRACE, token)).json()["code"] == "form-not-found"
    assert (await visitor.get(f"{FORM}/token")).status_code == 404
    assert (await admin.put(FORM, json=DEFINED)).json()["code"] == "form-retired"
    assert (await admin.get(FORM)).json()["status"] == "retired"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"fields": ["owner"]}, "fields[0]"),
        ({"honeypot": "email"}, "honeypot"),
        ({"origins": ["https://example.org/"]}, "origins[0]"),
    ],
)
async def test_a_form_that_contradicts_itself_is_refused(
    admin: httpx.AsyncClient, wrong: dict[str, Any], field: str
) -> None:
    answer = await admin.put(FORM, json={**DEFINED, **wrong})
    assert (answer.json()["code"], answer.json()["field"]) == ("form-invalid", field)
