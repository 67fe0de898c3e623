"""Several services behind one port."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from patron_cli.embedded.joined import Joined
from patron_runtime.bodies import router
from patron_runtime.health import Check
from patron_runtime.identity import TrustedIssuer, Verifier
from patron_runtime.issuer import EmbeddedIssuer
from patron_runtime.service import About, Service, create_service
from patron_runtime.settings import RuntimeSettings


async def _passes() -> None:
    pass


async def _fails() -> None:
    raise ConnectionError


def service(name: str, folder: Path, events: list[str], check: Check = _passes) -> Service:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        events.append(f"{name} starts")
        yield
        events.append(f"{name} stops")

    issuer = EmbeddedIssuer(folder)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    about = About(name=name, title=name, version="1", prefix=f"/{name}/v1")
    built = create_service(about, verifier, RuntimeSettings(), checks={"part": check}, lifespan=lifespan)
    routes = router(prefix=about.prefix)

    @routes.get("/name")
    async def tell() -> dict[str, str]:
        return {"name": name}

    built.include_router(routes)
    return built


@pytest.fixture
def events() -> list[str]:
    return []


@asynccontextmanager
async def running(app: Joined) -> AsyncGenerator[httpx.AsyncClient]:
    async with app.started(), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        yield client


async def test_each_service_answers_below_its_name(tmp_path: Path, events: list[str]) -> None:
    app = Joined({name: service(name, tmp_path, events) for name in ("one", "two")})
    async with running(app) as client:
        for name in ("one", "two"):
            assert (await client.get(f"/{name}/v1/name")).json() == {"name": name}
        assert events == ["one starts", "two starts"]
        assert (await client.get("/health/live")).json() == {"status": "live"}
        ready = await client.get("/health/ready")
        assert ready.json() == {"status": "ready", "services": {"one": "ready", "two": "ready"}}
        assert (await client.get("/")).json()["services"]["two"]["openapi"] == "/two/v1/openapi.json"
        assert b"http_requests_total" in (await client.get("/metrics")).content
        for path in ("/three", "/three/v1/name", "/health/other", "/onefold/v1/name"):
            unknown = await client.get(path)
            assert (unknown.status_code, unknown.json()["code"]) == (404, "no-such-path")
    assert events == ["one starts", "two starts", "two stops", "one stops"]


async def test_it_is_ready_when_everybody_is(tmp_path: Path, events: list[str]) -> None:
    app = Joined({"one": service("one", tmp_path, events), "two": service("two", tmp_path, events, _fails)})
    async with running(app) as client:
        answer = await client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["code"] == "not-ready"
        assert answer.json()["detail"] == "one: ready; two: part failed"
