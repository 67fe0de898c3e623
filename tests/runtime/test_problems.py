import json

import httpx
import pytest

from patron_events.rejections import Conflict, Forbidden, Invalid, NotFound, Rejection, Unavailable, VersionMismatch
from patron_runtime.problems import status_of

PEOPLE = "/things/v1/people"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Invalid, 422),
        (NotFound, 404),
        (Conflict, 409),
        (Forbidden, 403),
        (VersionMismatch, 412),
        (Unavailable, 503),
        (Rejection, 422),
    ],
)
def test_every_kind_of_refusal_has_one_status(kind: type[Rejection], status: int) -> None:
    assert status_of(kind) == status
    assert status_of(type("Concrete", (kind,), {})) == status


async def test_a_refusal_is_a_problem_document_with_its_code_and_trace(agent: httpx.AsyncClient) -> None:
    answer = await agent.post(PEOPLE, json={"given_name": "twice"})
    document = answer.json()
    trace_id = document.pop("trace_id")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(trace_id, 16) > 0
    assert document == {
        "type": "urn:patron:problem:already-there",
        "title": "Already there",
        "status": 409,
        "detail": "The person is there already.",
        "code": "already-there",
        "field": "given_name",
    }


async def test_unavailable_says_when_to_come_back(agent: httpx.AsyncClient) -> None:
    answer = await agent.get(f"{PEOPLE}/503")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "7", "unavailable")


async def test_an_invalid_request_names_its_parts_and_never_their_values(agent: httpx.AsyncClient) -> None:
    answer = await agent.post(PEOPLE, json={"age": "zz-secret", "emails": [{"value": "a@b.example"}, {"value": "q!"}]})
    document = answer.json()
    assert answer.status_code == 422
    assert document["code"] == "invalid-request"
    assert [(error["field"], error["code"]) for error in document["errors"]] == [
        ("given_name", "missing"),
        ("age", "int-parsing"),
        ("emails[1].value", "string-too-short"),
    ]
    assert "zz-secret" not in answer.text
    assert "q!" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"given_name": "a"} x',
        b'{"given_name": NaN}',
        b'{"given_name": "a", "age": 1e999}',
        b'{"given_name": "a", "age": ' + b"9" * 5000 + b"}",
        b'{"given_name": "a", "age": 9223372036854775808}',
        b'{"given_name": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"given_name": "a\\u0000b"}',
        b'{"given_name\\u0000": 1}',
        b'{"given_name": "a\x00b"}',
        b'{"given_name": "\xff"}',
        '{"given_name": "a"}'.encode("utf-16"),
        b'{"given_name": ' + b"[" * 4000 + b"]" * 4000 + b"}",
        b'{"given_name": ' + b"[" * 72 + b"]" * 72 + b"}",
        b'{"given_name": ' + b"[[]," * 72 + b"1" + b"]" * 72 + b"}",
        b"[" * 9000,
    ],
)
async def test_a_malformed_body_is_the_callers_fault(agent: httpx.AsyncClient, body: bytes) -> None:
    answer = await agent.post(PEOPLE, content=body, headers=JSON)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    if body:
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed-json")


@pytest.mark.parametrize("name", ["[{" * 100, "\\\\u0000", "12345678901234567890", "\\ud83d\\ude00"])
async def test_odd_but_correct_texts_pass(agent: httpx.AsyncClient, name: str) -> None:
    answer = await agent.post(PEOPLE, content=f'{{"given_name": "{name}"}}', headers=JSON)
    assert answer.status_code == 201


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_of_another_type_is_refused(agent: httpx.AsyncClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await agent.post(PEOPLE, content=b'{"given_name": "a"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_a_large_body_is_refused_unless_the_path_takes_bulk(agent: httpx.AsyncClient) -> None:
    large = json.dumps(["x" * 20_000]).encode()
    assert (await agent.post(f"{PEOPLE}/bulk", content=large, headers=JSON)).json() == {"items": 1}
    for path, content in ((PEOPLE, large), (f"{PEOPLE}/bulk", large * 6)):
        answer = await agent.post(path, content=content, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_a_large_body_of_undeclared_length_is_refused(agent: httpx.AsyncClient) -> None:
    async def chunks():  # noqa: ANN202  (an async generator of bytes, for httpx)
        for _ in range(20):
            yield b" " * 1000

    answer = await agent.post(PEOPLE, content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "no-such-path"),
        ("GET", f"{PEOPLE}/1/", 404, "no-such-path"),
        ("PUT", PEOPLE, 405, "method-not-allowed"),
        ("GET", f"{PEOPLE}/1?q=%00", 400, "malformed-request"),
        ("GET", f"{PEOPLE}/a%00b", 400, "malformed-request"),
        ("GET", f"{PEOPLE}/abc", 422, "invalid-request"),
        ("GET", f"{PEOPLE}/404", 404, "not-found"),
    ],
)
async def test_http_refusals_are_problems_too(
    agent: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await agent.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unexpected_exception_tells_nothing_and_logs_no_personal_data(
    agent: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await agent.post(PEOPLE, json={"given_name": "boom", "emails": [{"value": "eve@x.example"}]})
    document = answer.json()
    logged = capsys.readouterr().err
    failure = next(line for line in map(json.loads, logged.splitlines()) if line["event"] == "http.request.failed")
    assert (answer.status_code, document["code"]) == (500, "internal-error")
    assert failure["trace_id"] == document["trace_id"]
    assert failure["error_type"] == "builtins.RuntimeError"
    assert failure["frames"][-1].endswith("create_person")
    assert "secret" not in answer.text + logged
    assert "eve@" not in answer.text + logged


async def test_openapi_shows_problems_security_and_headers(agent: httpx.AsyncClient) -> None:
    document = (await agent.get("/things/v1/openapi.json")).json()
    create = document["paths"][PEOPLE]["post"]
    assert set(document["components"]["schemas"]) == {"Email", "PersonBody", "ProblemDetails"}
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert create["security"] == [{"bearer": []}]
    assert {parameter["name"] for parameter in create["parameters"]} == {"Idempotency-Key", "If-Match"}
    assert set(create["responses"]) == {"201", "400", "401", "403", "409", "412", "413", "415", "422", "500"}
    conflict = create["responses"]["409"]["content"]["application/problem+json"]
    assert conflict["examples"]["already-there"]["value"]["status"] == 409
    assert (await agent.get("/things/v1/docs")).status_code == 200
