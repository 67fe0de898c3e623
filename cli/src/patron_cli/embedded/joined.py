"""One ASGI application that answers for several services, each under its own path."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from patron_runtime.problems import answer, problem
from patron_runtime.service import Service
from patron_runtime.state import runtime_of_app


class Joined:
    """Dispatch by the first part of the path, such as `/contacts`; answer health, metrics and an index for all.

    services: by name, which is also the first part of their paths.
    """

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = services
        self._own = Starlette(
            routes=[
                Route("/", self._index),
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
            ],
            lifespan=lambda _: self.started(),
        )
        # Whatever nobody knows is refused by a service, so that it is counted, logged and answered as a problem.
        # All figures of one machine lie in one folder: any service answers `/metrics` for everybody.
        self._others: ASGIApp = next(iter(services.values()))
        self._here = frozenset({"/", "/health/live", "/health/ready"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the start and stop of all services."""
        if scope["type"] == "lifespan":
            await self._own(scope, receive, send)
            return
        name = scope["path"][1:].partition("/")[0]
        app = self._services.get(name)
        if app is None:
            app = self._own if scope["path"] in self._here and scope["type"] == "http" else self._others
        await app(scope, receive, send)

    @asynccontextmanager
    async def started(self) -> AsyncGenerator[None]:
        """Start all services, and stop them in the reverse order."""
        async with AsyncExitStack() as running:
            for service in self._services.values():
                await running.enter_async_context(service.router.lifespan_context(service))
            yield

    async def _index(self, _: Request) -> Response:
        services = {
            name: {"api": _parent_of(service.docs_url), "docs": service.docs_url, "openapi": service.openapi_url}
            for name, service in self._services.items()
        }
        about = {"live": "/health/live", "ready": "/health/ready", "metrics": "/metrics"}
        return JSONResponse({"name": "Patron", "services": services, **about})

    async def _live(self, _: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def _ready(self, _: Request) -> Response:
        states: dict[str, str] = {}
        for name, service in self._services.items():
            health = runtime_of_app(service).health
            reasons = {"draining": "stopping"} if health.draining else await health.failures()
            states[name] = ", ".join(f"{part} {reason}" for part, reason in sorted(reasons.items())) or "ready"
        if all(state == "ready" for state in states.values()):
            return JSONResponse({"status": "ready", "services": states})
        detail = "; ".join(f"{name}: {state}" for name, state in states.items())
        return answer(problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", detail))


def _parent_of(url: str | None) -> str | None:
    return None if url is None else url.rpartition("/")[0]
