"""Set up OpenTelemetry: spans leave the process only when the OTEL_ variables name a collector.

Without one no spans are recorded, but each request still has a trace id (its caller's, or a new one), so
that logs, problem documents and the causes of commits can be joined. OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES,
OTEL_EXPORTER_OTLP_* and OTEL_SDK_DISABLED work as the OpenTelemetry specification says (http/protobuf only).
"""

import os
from dataclasses import dataclass
from random import getrandbits
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

if TYPE_CHECKING:
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


@dataclass(frozen=True, slots=True)
class Tracing:
    """Start the spans of requests; `provider` is None while nothing is exported."""

    provider: TracerProvider | None = None
    tracer: trace.Tracer | None = None

    def start_span(self, scope: Scope) -> trace.Span:
        """Start the span of a request under the caller's `traceparent`, if it sent a valid one."""
        parent = _parent(scope)
        if self.tracer is not None:
            attributes = {"http.request.method": scope["method"], "url.scheme": scope.get("scheme", "http")}
            context = trace.set_span_in_context(trace.NonRecordingSpan(parent)) if parent else None
            return self.tracer.start_span(scope["method"], context, trace.SpanKind.SERVER, attributes)
        own = trace.SpanContext(
            trace_id=parent.trace_id if parent else getrandbits(128) or 1,
            span_id=getrandbits(64) or 1,
            is_remote=False,
            trace_flags=parent.trace_flags if parent else trace.TraceFlags.get_default(),
            trace_state=parent.trace_state if parent else None,
        )
        return trace.NonRecordingSpan(own)

    def close(self) -> None:
        """Export what is left and stop; blocks up to the exporter's time limit."""
        if self.provider is not None:
            _instrumentor().uninstrument()
            self.provider.shutdown()


def configure_tracing(service: str, version: str, exporter: SpanExporter | None = None) -> Tracing:
    """Build the tracing of a process and instrument psycopg.

    exporter: takes every span at once, for tests; without it the OTEL_ variables decide.
    """
    if exporter is not None:
        processor = SimpleSpanProcessor(exporter)
    elif _wanted():
        # Imported here, because without a collector nobody should pay the memory: 14 MB with the instrumentor.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        processor = BatchSpanProcessor(OTLPSpanExporter())
    else:
        return Tracing()
    resource = Resource.create({"service.name": f"patron-{service}", "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    if exporter is None:
        trace.set_tracer_provider(provider)
    # Not SQLAlchemy's instrumentation: it silently does nothing on SQLAlchemy 2.1.
    _instrumentor().instrument(tracer_provider=provider)
    return Tracing(provider, provider.get_tracer("patron_runtime"))


def _instrumentor() -> "PsycopgInstrumentor":
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor  # noqa: PLC0415 - as in configure_tracing

    return PsycopgInstrumentor()


def _wanted() -> bool:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("OTEL_TRACES_EXPORTER", "otlp").lower() != "otlp":
        return False
    return any(os.environ.get(name) for name in _ENDPOINTS)


def _parent(scope: Scope) -> trace.SpanContext | None:
    carrier: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"traceparent" or name == b"tracestate":  # noqa: PLR1714  (twice as fast as `in`)
            carrier[name.decode()] = value.decode("latin-1")
    if "traceparent" not in carrier:
        return None
    found = trace.get_current_span(_PROPAGATOR.extract(carrier)).get_span_context()
    return found if found.is_valid and found.is_remote else None
