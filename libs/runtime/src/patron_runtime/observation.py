"""Watch every request: its span, its figures, its log line, and the 500 of an unexpected exception.

One pure ASGI layer does all four, because each layer costs every request.
"""

from time import perf_counter
from typing import Any, Final

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patron_runtime.logs import faults
from patron_runtime.metrics import Metrics
from patron_runtime.problems import answer, problem
from patron_runtime.tracing import Tracing

UNMATCHED: Final = "unmatched"
_ABANDONED: Final = 499
_SERVER_FAULT: Final = 500
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES: Final = frozenset({"/health/live", "/health/ready", "/metrics"})


class AnswerBrokenError(Exception):
    """The route failed after its answer had begun; the server must cut the connection."""


class Observation:
    """Serve each request under a span, and answer 500 for what no handler expected."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing, *, access_log: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing
        self._access_log = access_log
        self._log = structlog.get_logger("patron.http").bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of connection pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        span = self._tracing.start_span(scope)
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # noqa: BLE001  (the last place that can answer)
            self._fail(scope, error, span)
            if status:
                raise AnswerBrokenError from None
            document = problem(_SERVER_FAULT, "internal-error", "The service failed; quote the trace id.")
            await answer(document)(scope, receive, watched)
        finally:
            self._finish(scope, span, status or _ABANDONED, perf_counter() - started)
            otel_context.detach(token)

    def _fail(self, scope: Scope, error: Exception, span: trace.Span) -> None:
        described = faults(error)
        span.set_attribute("error.type", str(described["error_type"]))
        self._log.error("http.request.failed", method=scope["method"], route=route_of(scope), **described)

    def _finish(self, scope: Scope, span: trace.Span, status: int, duration_s: float) -> None:
        route = route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.count_request(method, route, status, duration_s)
        if self._access_log and route not in _PROBES:
            self._log.info(
                "http.request", method=method, route=route, status=status, duration_ms=round(duration_s * 1000, 2)
            )
        if span.is_recording():
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= _SERVER_FAULT:
                span.set_status(trace.StatusCode.ERROR)
        span.end()


def route_of(scope: Scope) -> str:
    """Give the template of the route that was chosen, such as `/contacts/v1/people/{person_id}`."""
    # FastAPI leaves the template with all prefixes in a context of its own, the bare one on the route.
    chosen: Any = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(chosen, "path_format", None) or getattr(scope.get("endpoint"), "__name__", UNMATCHED)
