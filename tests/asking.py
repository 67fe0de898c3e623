"""Ask the service over HTTP, without a network, and take its answers apart."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from httpx import ASGITransport, AsyncClient, Response

from patron_projections.service import build
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.settings import RuntimeSettings

Document = dict[str, Any]


async def client(url: str, folder: Path, role: str = "admin") -> AsyncGenerator["Queries"]:
    issuer = EmbeddedIssuer(folder)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    service = build(verifier, RuntimeSettings(log_level="ERROR"), url)
    headers = {"Authorization": f"Bearer {issuer.issue('tester', [role])}"}
    async with (
        service.router.lifespan_context(service),
        AsyncClient(transport=ASGITransport(service), base_url="http://patron", headers=headers) as http,
    ):
        yield Queries(http)


class Queries:
    """Asks the service and takes its answers apart."""

    def __init__(self, http: AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, **parameters: object) -> Response:
        return await self.http.get(f"/projections/v1{path}", params=parameters)  # pyright: ignore[reportArgumentType]

    async def answer(self, path: str, **parameters: object) -> Document:
        response = await self.get(path, **parameters)
        assert response.status_code == 200, response.text
        return response.json()

    async def items(self, path: str, **parameters: object) -> list[Document]:
        return (await self.answer(path, **parameters))["items"]

    async def every(self, path: str, **parameters: object) -> list[Document]:
        """Read all pages."""
        found: list[Document] = []
        page = await self.answer(path, **parameters)
        while True:
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            page = await self.answer(path, cursor=page["next_cursor"], **parameters)

    async def names(self, **parameters: object) -> list[str]:
        return [item["given_name"] for item in await self.items("/people", **parameters)]

    async def refusal(self, path: str, **parameters: object) -> tuple[int, str, str | None]:
        response = await self.get(path, **parameters)
        problem = response.json()
        return response.status_code, problem["code"], problem.get("field")
