"""Health, metrics, logs and traces of one service."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator

import httpx
import psycopg
import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from patron_runtime.bodies import router
from patron_runtime.identity import EmbeddedIssuer, Verifier
from patron_runtime.logs import WITHHELD, configure_logs
from patron_runtime.service import About, Service, create_service
from patron_runtime.settings import LogFormat, RuntimeSettings
from patron_runtime.state import Runtime
from patron_runtime.tracing import Tracing, configure_tracing
from runtime.things import PEOPLE, client_of, people

JSON_LOGS = RuntimeSettings(log_format=LogFormat.JSON)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Iterator[Tracing]:
    traces = configure_tracing("things", "1", spans)
    yield traces
    traces.close()


async def test_ready_names_the_checks_that_fail_or_hang(about: About, verifier: Verifier) -> None:
    async def fine() -> None:
        return

    async def broken() -> None:
        raise ConnectionError("host=secret")

    async def hanging() -> None:
        await asyncio.Event().wait()

    checks = {"log": fine, "store": broken, "broker": hanging}
    app = create_service(about, verifier, RuntimeSettings(check_timeout_s=0.05), checks=checks)
    async with client_of(app, {}) as client:
        assert (await client.get("/health/live")).json() == {"status": "live"}
        answer = await client.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
        assert answer.json()["detail"] == "Not ready: broker (timeout), store (failed)."


async def test_a_service_that_is_being_stopped_is_alive_but_not_ready(app: Service) -> None:
    runtime: Runtime = app.state.patron_runtime
    async with client_of(app, {}) as client:
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
        runtime.health.draining = True
        assert (await client.get("/health/ready")).json()["code"] == "draining"
        assert (await client.get("/health/live")).status_code == 200


async def test_requests_are_counted_under_their_template(agent: httpx.AsyncClient, app: Service) -> None:
    runtime: Runtime = app.state.patron_runtime
    runtime.metrics.counter("appends_total", "Appended commits.", ["result"]).labels("ok").inc(3)
    for path in (f"{PEOPLE}/1", f"{PEOPLE}/2", f"{PEOPLE}/404", "/secret-path"):
        await agent.get(path)
    text = (await agent.get("/metrics")).text
    counted = dict(re.findall(r"^http_requests_total\{(.*)\} (.*)$", text, re.MULTILINE))
    template = f'method="GET",route="{PEOPLE}/{{person_id}}"'
    assert counted == {
        f'{template},status="200"': "2.0",
        f'{template},status="404"': "1.0",
        'method="GET",route="unmatched",status="404"': "1.0",
    }
    assert f'http_request_duration_seconds_count{{{template},status="200"}} 2.0' in text
    assert 'appends_total{result="ok"} 3.0' in text


async def test_a_request_is_logged_with_its_template_and_trace_but_without_its_query(
    agent: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    await agent.get(f"{PEOPLE}/77123?email=eve@x.example")
    await agent.get("/health/ready")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 1
    assert len(lines[0].pop("trace_id")) == 32
    assert len(lines[0].pop("span_id")) == 16
    assert lines[0].pop("duration_ms") > 0
    assert lines[0].pop("timestamp").endswith("Z")
    assert lines[0] == {
        "event": "http.request",
        "level": "info",
        "service": "things",
        "method": "GET",
        "route": f"{PEOPLE}/{{person_id}}",
        "status": 200,
    }


def test_personal_values_never_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("things", JSON_LOGS)
    log = structlog.get_logger().bind()
    log.info("x.y", given_name="Eve", part={"phones": ["+49 1"], "size": 2}, found=["eve@x.example"], code="ok")
    try:
        int("eve@x.example")
    except ValueError as error:
        log.warning("x.failed", error=error)
        logging.getLogger("driver").exception("cannot store eve@x.example")
    first, second, third = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["given_name"], first["part"], first["found"], first["code"]) == (
        WITHHELD,
        {"phones": WITHHELD, "size": 2},
        [WITHHELD],
        "ok",
    )
    assert first["withheld"] == ["found", "given_name", "phones"]
    assert second["error"] == "ValueError"
    assert (third["logger"], third["message"], third["error_type"]) == ("driver", WITHHELD, "builtins.ValueError")


async def test_a_request_and_its_database_call_are_spans_of_the_callers_trace(
    spans: InMemorySpanExporter,
    tracing: Tracing,
    about: About,
    verifier: Verifier,
    issuer: EmbeddedIssuer,
    database_url: str,
) -> None:
    url = re.sub(r"^postgresql\+\w+", "postgresql", database_url)
    routes = router(prefix="/sums")

    @routes.get("")
    async def add() -> int:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            cursor = await connection.execute("SELECT %s + 1", ("41",))
            row = await cursor.fetchone()
        return row[0] if row else 0

    app = create_service(about, verifier, JSON_LOGS, tracing=tracing)
    app.include_router(routes, prefix="/things/v1")
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with client_of(app, {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}) as client:
        assert (await client.get("/things/v1/sums?q=personal")).json() == 42
    finished = {span.name: span for span in spans.get_finished_spans()}
    request, query = finished["GET /things/v1/sums"], finished["SELECT"]
    assert request.context is not None
    assert query.context is not None
    assert {format(context.trace_id, "032x") for context in (request.context, query.context)} == {trace_id}
    assert query.parent is not None
    assert query.parent.span_id == request.context.span_id
    assert query.attributes is not None
    assert "SELECT %s + 1" in query.attributes.values()
    assert request.attributes is not None
    assert request.attributes["http.route"] == "/things/v1/sums"
    assert not any("personal" in str(value) for value in request.attributes.values())


async def test_an_unexpected_exception_marks_the_span_without_its_message(
    spans: InMemorySpanExporter, tracing: Tracing, about: About, verifier: Verifier, issuer: EmbeddedIssuer
) -> None:
    app = create_service(about, verifier, JSON_LOGS, tracing=tracing)
    app.include_router(people(), prefix="/things/v1")
    async with client_of(app, {"Authorization": f"Bearer {issuer.issue('ann', ['agent'])}"}) as client:
        await client.post(PEOPLE, json={"given_name": "boom", "emails": [{"value": "eve@x.example"}]})
    (span,) = spans.get_finished_spans()
    assert not span.status.is_ok
    assert span.attributes is not None
    assert span.attributes["error.type"] == "builtins.RuntimeError"
    assert "eve@" not in span.to_json()


@pytest.mark.parametrize(
    ("variables", "exports"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_spans_are_exported_only_where_the_environment_names_a_collector(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, exports: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    adopted: list[object] = []
    monkeypatch.setattr("opentelemetry.trace.set_tracer_provider", adopted.append)
    traces = configure_tracing("things", "1")
    assert (traces.provider is not None) is exports
    assert adopted == [traces.provider] * exports
    traces.close()
