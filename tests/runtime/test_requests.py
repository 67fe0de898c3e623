from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from patron_runtime.identity import EmbeddedIssuer, Verifier
from patron_runtime.service import About, create_service
from patron_runtime.settings import RuntimeSettings
from runtime.things import PEOPLE, client_of, people

ANN = {"given_name": "Ann"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_command_carries_its_conditions_and_its_story(agent: httpx.AsyncClient) -> None:
    headers = {
        "Idempotency-Key": "order 66",
        "If-Match": '"7"',
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
        "X-Correlation-Id": "import-2026:1",
    }
    answer = await agent.post(PEOPLE, json=ANN, headers=headers)
    asked = answer.json()
    version, trace_id, span_id, flags = asked.pop("traceparent").split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01")
    assert span_id != "00f067aa0ba902b7"
    assert asked == {
        "subject": "ann",
        "source": "127.0.0.1",
        "correlation_id": "import-2026:1",
        "idempotency_key": "order 66",
        "expected_version": 7,
        "must_exist": False,
    }
    assert (answer.headers["etag"], answer.headers["patron-position"]) == ('"1"', "things.3.7")


async def test_without_headers_a_command_is_unconditional_and_its_trace_is_its_correlation(
    agent: httpx.AsyncClient,
) -> None:
    asked = (await agent.post(PEOPLE, json=ANN)).json()
    assert (asked["idempotency_key"], asked["expected_version"], asked["must_exist"]) == (None, None, False)
    assert asked["traceparent"].split("-")[1] == asked["correlation_id"]


async def test_a_star_asks_for_any_version(agent: httpx.AsyncClient) -> None:
    asked = (await agent.post(PEOPLE, json=ANN, headers={"If-Match": "*"})).json()
    assert (asked["expected_version"], asked["must_exist"]) == (None, True)


async def test_an_invalid_traceparent_is_replaced(agent: httpx.AsyncClient) -> None:
    asked = (await agent.post(PEOPLE, json=ANN, headers={"traceparent": f"00-{'0' * 32}-x-01"})).json()
    assert int(asked["traceparent"].split("-")[1], 16) > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("If-Match", "7"),
        ("If-Match", 'W/"7"'),
        ("If-Match", '"7", "8"'),
        ("If-Match", '"-1"'),
        ("If-Match", '"' + "9" * 30 + '"'),
        ("If-Match", ""),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "x" * 256),
        ("Idempotency-Key", "schl\xfcssel"),
        ("X-Correlation-Id", "a b"),
    ],
)
async def test_a_malformed_header_is_refused(agent: httpx.AsyncClient, name: str, value: str) -> None:
    answer = await agent.post(PEOPLE, json=ANN, headers={name.encode(): value.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-header")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "source"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (2, "10.9.9.9, 2001:db8::1, 203.0.113.9", "2001:db8::1"),
        (3, "203.0.113.9", "203.0.113.9"),
        (1, "<script>", "127.0.0.1"),
        (1, None, "127.0.0.1"),
    ],
)
async def test_the_source_is_what_the_trusted_proxies_saw(
    about: About, verifier: Verifier, issuer: EmbeddedIssuer, proxies: int, forwarded: str | None, source: str
) -> None:
    app: FastAPI = create_service(about, verifier, replace(RuntimeSettings(), trusted_proxies=proxies))
    app.include_router(people(), prefix="/things/v1")
    headers = {"Authorization": f"Bearer {issuer.issue('ann', ['agent'])}"}
    headers |= {"X-Forwarded-For": forwarded} if forwarded else {}
    async with client_of(app, headers) as client:
        assert (await client.post(PEOPLE, json=ANN)).json()["source"] == source


async def test_a_query_parameter_is_taken_once(agent: httpx.AsyncClient) -> None:
    answer = await agent.get(f"{PEOPLE}/1?a=1&b=2&a=3&b=2&c=4")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("a", "repeated"),
        ("b", "repeated"),
    ]
