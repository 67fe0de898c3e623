"""Build the FastAPI application of a service with everything that all services share."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from typing_extensions import override

from patron_runtime import refusals
from patron_runtime.bodies import RequestLimits, StrictRoute
from patron_runtime.drain import draining_on_sigterm
from patron_runtime.health import Check, Health, add_health
from patron_runtime.identity import Verifier
from patron_runtime.logs import configure_logs
from patron_runtime.metrics import Metrics, add_metrics
from patron_runtime.observation import Observation
from patron_runtime.openapi import complete
from patron_runtime.settings import RuntimeSettings
from patron_runtime.state import Runtime, attach
from patron_runtime.tracing import Tracing, configure_tracing

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_GRACE_S: Final = 25


@dataclass(frozen=True, slots=True)
class About:
    """What a service is called and where it answers.

    name: short name for logs and traces, such as `contacts`.
    prefix: base path of its API, such as `/contacts/v1`; `<prefix>/openapi.json` and `<prefix>/docs` describe it.
    bulk_paths: full paths, such as `/contacts/v1/people/bulk`, that take large bodies.
    """

    name: str
    title: str
    version: str
    prefix: str
    description: str = ""
    bulk_paths: frozenset[str] = frozenset()


class Service(FastAPI):
    """A FastAPI application that takes strict routers only and completes its OpenAPI document."""

    @override
    def include_router(self, router: APIRouter, **options: Any) -> None:
        """Include a router made by `patron_runtime.bodies.router`."""
        if not issubclass(router.route_class, StrictRoute):
            message = "make routers with patron_runtime.bodies.router(), so that bodies are read strictly"
            raise TypeError(message)
        super().include_router(router, **options)

    @override
    def openapi(self) -> dict[str, Any]:
        """Describe the service, problems and security included."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_service(
    about: About,
    verifier: Verifier,
    settings: RuntimeSettings,
    *,
    checks: Mapping[str, Check] | None = None,
    lifespan: Lifespan | None = None,
    tracing: Tracing | None = None,
) -> Service:
    """Build a service that has problems, identity, limits, logs, traces, metrics and health wired.

    checks: readiness checks by name; `runtime_of` or `app.state` parts may add more later.
    lifespan: the service's own start and stop, run inside of the shared one.
    tracing: for tests; otherwise the OTEL_ variables decide.
    """
    configure_logs(about.name, settings)
    traces = tracing or configure_tracing(about.name, about.version)
    runtime = Runtime(settings, verifier, Metrics(), Health(checks, settings.check_timeout_s))
    app = Service(
        title=about.title,
        version=about.version,
        description=about.description,
        openapi_url=f"{about.prefix}/openapi.json",
        docs_url=f"{about.prefix}/docs",
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        servers=[{"url": "/", "description": "The address that served this document."}],
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan(runtime, traces, lifespan),
        # FastAPI's own spans carry the query string, which may be personal.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        middleware=[
            Middleware(Observation, metrics=runtime.metrics, tracing=traces, access_log=settings.access_log),
            Middleware(
                RequestLimits,
                limit=settings.body_limit,
                bulk_limit=settings.bulk_body_limit,
                bulk_paths=about.bulk_paths,
            ),
        ],
    )
    app.router.route_class = StrictRoute
    attach(app, runtime)
    refusals.install(app)
    add_health(app, runtime.health)
    add_metrics(app, runtime.metrics)
    return app


def server_options() -> dict[str, Any]:
    """Give the options under which uvicorn must run a service.

    Its own proxy handling is off because `trusted_proxies` does it, its access log because ours replaces it.
    """
    return {
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": _GRACE_S,
    }


def _lifespan(runtime: Runtime, tracing: Tracing, inner: Lifespan | None) -> Lifespan:
    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncGenerator[None]:
        _spare_the_collector()
        with draining_on_sigterm(runtime.health, runtime.settings.drain_delay_s):
            try:
                if inner is None:
                    yield
                else:
                    async with inner(app):
                        yield
            finally:
                runtime.metrics.close()
                await asyncio.to_thread(tracing.close)

    return run


def _spare_the_collector() -> None:
    """Let the collector of cycles look at young objects less often, and never at what was there at the start.

    Bodies, commits and cached states hold no cycles. With the defaults, a bulk request spent a quarter of its time
    in collections that walked tens of thousands of cached states and found nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _operation_id(route: APIRoute) -> str:
    return "_".join([*(str(tag) for tag in route.tags[:1]), route.name]).replace(" ", "_")
