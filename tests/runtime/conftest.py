from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.service import About, Service, create_service
from patron_runtime.settings import LogFormat, RuntimeSettings
from runtime.things import PEOPLE, client_of, people


@pytest.fixture
def issuer(tmp_path: Path) -> EmbeddedIssuer:
    return EmbeddedIssuer(tmp_path / "issuer")


@pytest.fixture
def verifier(issuer: EmbeddedIssuer) -> Verifier:
    return Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])


@pytest.fixture
def settings() -> RuntimeSettings:
    return RuntimeSettings(log_format=LogFormat.JSON, body_limit=10_000, bulk_body_limit=100_000)


@pytest.fixture
def about() -> About:
    return About("things", "Things", "1.0", "/things/v1", bulk_paths=frozenset({f"{PEOPLE}/bulk"}))


@pytest.fixture
def app(about: About, verifier: Verifier, settings: RuntimeSettings) -> Service:
    service = create_service(about, verifier, settings)
    service.include_router(people(), prefix="/things/v1")
    return service


@pytest.fixture
async def agent(app: Service, issuer: EmbeddedIssuer) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {issuer.issue('ann', ['agent'], ['north'])}"}
    async with client_of(app, headers) as client:
        yield client
