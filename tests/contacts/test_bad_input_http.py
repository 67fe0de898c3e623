"""Whatever is sent, the answer is a problem of the 4xx kind, and nothing is recorded."""

import json
from typing import Any

import httpx
import pytest

from contacts.calls import COMPANIES, PEOPLE, UNKNOWN, created, refusal
from contacts.served import BASE, Contacts, issuer

COMMANDS = [
    ("POST", PEOPLE),
    ("PATCH", f"{PEOPLE}/{UNKNOWN}"),
    ("POST", f"{PEOPLE}/upsert"),
    ("POST", f"{PEOPLE}/bulk"),
    ("POST", f"{PEOPLE}/{UNKNOWN}/archive"),
    ("POST", f"{PEOPLE}/{UNKNOWN}/restore"),
    ("POST", f"{PEOPLE}/{UNKNOWN}/notes"),
    ("DELETE", f"{PEOPLE}/{UNKNOWN}/notes/{UNKNOWN}"),
    ("POST", f"{PEOPLE}/{UNKNOWN}/lifecycle-stage"),
    ("PUT", f"{PEOPLE}/{UNKNOWN}/companies/{UNKNOWN}"),
    ("DELETE", f"{PEOPLE}/{UNKNOWN}/companies/{UNKNOWN}"),
    ("POST", COMPANIES),
    ("PATCH", f"{COMPANIES}/{UNKNOWN}"),
    ("POST", f"{COMPANIES}/bulk"),
    ("POST", f"{BASE}/interactions"),
    ("POST", f"{BASE}/interactions/bulk"),
    ("POST", f"{BASE}/orders"),
    ("POST", f"{BASE}/orders/bulk"),
]
FOR_ADMINS = [
    ("POST", f"{PEOPLE}/{UNKNOWN}/erasure"),
    ("POST", f"{COMPANIES}/{UNKNOWN}/erasure"),
    ("PUT", f"{BASE}/fields/people/plan"),
    ("DELETE", f"{BASE}/fields/people/plan"),
]
QUERIES = [("GET", f"{PEOPLE}/{UNKNOWN}"), ("GET", f"{COMPANIES}/{UNKNOWN}"), ("GET", f"{BASE}/fields/people")]


@pytest.mark.parametrize(("method", "path"), [*COMMANDS, *FOR_ADMINS])
async def test_a_reader_commands_nothing(contacts: Contacts, method: str, path: str) -> None:
    async with contacts.client("reader") as reader:
        assert refusal(await reader.request(method, path, json={}))[0] == 403


@pytest.mark.parametrize(("method", "path"), FOR_ADMINS)
async def test_an_agent_neither_erases_nor_defines(agent: httpx.AsyncClient, method: str, path: str) -> None:
    assert refusal(await agent.request(method, path, json={}))[0] == 403


@pytest.mark.parametrize(("method", "path"), QUERIES)
async def test_a_reader_reads(contacts: Contacts, method: str, path: str) -> None:
    async with contacts.client("reader") as reader:
        assert (await reader.request(method, path)).status_code in {200, 404}


@pytest.mark.parametrize(("method", "path"), [*COMMANDS, *FOR_ADMINS, *QUERIES])
@pytest.mark.parametrize("token", [None, "Bearer", "Bearer x.y.z", "Basic YTpi", "expired"])
async def test_nothing_is_told_without_a_valid_token(
    contacts: Contacts, method: str, path: str, token: str | None
) -> None:
    async with contacts.client() as client:
        client.headers.pop("Authorization")
        expired = f"Bearer {issuer().issue('ann', ['admin'], ttl_s=-3600)}"
        headers = {} if token is None else {"Authorization": expired if token == "expired" else token}
        answer = await client.request(
            method, path, headers=headers, json={} if method in {"POST", "PUT", "PATCH"} else None
        )
        assert refusal(answer)[0] == 401


BODIES: dict[str, tuple[bytes, set[int]]] = {
    "no json": (b"{", {400}),
    "not utf-8": (b'{"given_name":"\xff"}', {400}),
    "nul escaped": (b'{"given_name":"a\\u0000b"}', {400}),
    "nul raw": (b'{"given_name":"a\x00b"}', {400}),
    "half a surrogate pair": (b'{"given_name":"\\ud800"}', {400}),
    "nan": (b'{"custom":{"a":NaN}}', {400}),
    "huge number": (b'{"custom":{"a":1e999}}', {400}),
    "long number": (b'{"custom":{"a":' + b"9" * 30 + b"}}", {400}),
    "deep": (b'{"custom":' + b"[" * 5_000 + b"]" * 5_000 + b"}", {400}),
    "array": (b"[]", {422}),
    "null": (b"null", {422}),
    "text": (b'"x"', {422}),
    "number": (b"7", {422}),
    "empty": (b"", {400, 422}),
    "wrong types": (b'{"given_name":[],"emails":{},"tags":7,"custom":[],"notes":"x","birth_date":1906}', {422}),
    "5 MB note": (json.dumps({"given_name": "G", "notes": [{"text": "x" * 5_000_000}]}).encode(), {413}),
    "100,000 tags": (json.dumps({"given_name": "G", "tags": ["x"] * 100_000}).encode(), {422}),
    "100,000 e-mails": (json.dumps({"emails": [{"value": "a@b.example"}] * 30_000}).encode(), {422}),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(("method", "path"), [("POST", PEOPLE), ("POST", COMPANIES), ("PATCH", "known")])
async def test_a_malformed_body_is_a_problem(
    contacts: Contacts, agent: httpx.AsyncClient, method: str, path: str, name: str
) -> None:
    grace = f"{PEOPLE}/{await created(agent)}"
    content, statuses = BODIES[name]
    headers = {"Content-Type": "application/json"}
    answer = await agent.request(method, grace if path == "known" else path, content=content, headers=headers)
    assert refusal(answer)[0] in statuses
    assert await contacts.size() == 1


async def test_other_media_types_are_refused(agent: httpx.AsyncClient) -> None:
    answer = await agent.post(
        PEOPLE, content=b"given_name=G", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert refusal(answer) == (415, "unsupported-media-type", None)


async def test_a_note_of_more_than_100_000_characters_is_refused(agent: httpx.AsyncClient) -> None:
    grace = await created(agent)
    assert refusal(await agent.post(f"{PEOPLE}/{grace}/notes", json={"text": "x" * 100_001}))[0] == 422
    assert (await agent.post(f"{PEOPLE}/{grace}/notes", json={"text": "😀" * 100_000})).status_code == 201


@pytest.mark.parametrize("path", [PEOPLE, COMPANIES, f"{BASE}/interactions", f"{BASE}/orders"])
async def test_100_000_items_are_refused(agent: httpx.AsyncClient, path: str) -> None:
    assert refusal(await agent.post(f"{path}/bulk", json={"items": [7] * 100_000}))[:2] == (422, "invalid-request")


NAMES = ["😀👩‍👩‍👧", "محمد", "שָׁלוֹם", "\u200fאבג\u200e", "O'Brien; DROP TABLE", "Ñ", "李小龍", "a\u0301", "<b>x</b>"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_every_script_are_kept(agent: httpx.AsyncClient, name: str) -> None:
    grace = await created(agent, given_name=name, tags=[name], preferences={"call me": name})
    read: dict[str, Any] = (await agent.get(f"{PEOPLE}/{grace}")).json()
    composed = name.replace("a\u0301", "\u00e1")
    assert (read["given_name"], read["tags"], read["preferences"]) == (composed, [composed], {"call me": composed})


@pytest.mark.parametrize(
    "path", [f"{BASE}/nothing", "/", f"{PEOPLE}/{UNKNOWN}/nothing", f"{BASE}/fields/tickets", f"{PEOPLE}/%00"]
)
async def test_an_unknown_address_is_a_problem(agent: httpx.AsyncClient, path: str) -> None:
    assert refusal(await agent.get(path))[0] in {400, 404, 422}
