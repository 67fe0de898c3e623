"""Write log lines of JSON to stderr, with the trace they belong to and without personal data."""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from patron_runtime.settings import LogFormat, RuntimeSettings

WITHHELD: Final = "[personal]"
# Names of the customer's fields (the person body of the API), of credentials, and of raw input.
PERSONAL_KEYS: Final = frozenset({
    "additional_name", "address", "addresses", "authorization", "birth_date", "body", "cause_message",
    "client", "client_address", "description", "display_name", "e164", "email", "emails", "exc_info",
    "exception", "family_name", "full_name", "gender", "given_name", "handle", "honorific_prefix",
    "honorific_suffix", "input", "ip", "nickname", "note", "notes", "password", "payload", "person",
    "phone", "phones", "postal_code", "query", "query_string", "secret", "social", "source_address",
    "stack", "street_address", "subject_line", "text", "token", "url", "urls", "user_agent",
})  # fmt: skip


def configure_logs(service: str, settings: RuntimeSettings) -> None:
    """Send the lines of structlog and of the standard library to stderr in one form. Safe to repeat."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _naming(service),
            _add_trace,
            withhold_personal,
            _renderer(settings.log_format),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Stderr,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if not isinstance(handler, _Forward)]
    root.addHandler(_Forward())
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("uvicorn").setLevel(level)


def faults(error: BaseException) -> dict[str, object]:
    """Describe an exception by types and places; messages are left out, because they quote data."""
    chain = list(_causes(error))
    return {
        "error_type": f"{type(error).__module__}.{type(error).__qualname__}",
        "caused_by": [type(cause).__qualname__ for cause in chain[1:]],
        "frames": [
            f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(chain[-1].__traceback__)
        ][-12:],
    }


def withhold_personal(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Replace values of personal keys, and texts with an `@`, by `[personal]`; list the keys in `withheld`."""
    withheld: list[str] = []
    for key, value in fields.items():
        if type(value) is int or type(value) is float:
            continue
        fields[key] = _clean(key, value, withheld)
    if withheld:
        fields["withheld"] = sorted(set(withheld))
    return fields


def _clean(key: str, value: object, withheld: list[str]) -> object:
    if key in PERSONAL_KEYS or (isinstance(value, str) and "@" in value):
        withheld.append(key)
        return WITHHELD
    if isinstance(value, Mapping):
        nested = cast("Mapping[object, object]", value)
        return {str(name): _clean(str(name), part, withheld) for name, part in nested.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, part, withheld) for part in cast("list[object]", value)]
    if isinstance(value, BaseException):
        return type(value).__qualname__
    return value


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    present: BaseException | None = error
    while present is not None and id(present) not in seen:
        seen.add(id(present))
        yield present
        present = present.__cause__ or (None if present.__suppress_context__ else present.__context__)


def _naming(service: str) -> Processor:
    def add_service(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
        fields["service"] = service
        return fields

    return add_service


def _add_trace(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields["trace_id"] = format(context.trace_id, "032x")
        fields["span_id"] = format(context.span_id, "016x")
    return fields


def _renderer(form: LogFormat) -> Processor:
    if form is LogFormat.CONSOLE or (form is LogFormat.AUTO and sys.stderr.isatty()):
        return structlog.dev.ConsoleRenderer()
    encoder = msgspec.json.Encoder(enc_hook=lambda value: type(value).__qualname__)

    def render(_logger: WrappedLogger, _method: str, fields: EventDict) -> str:
        return encoder.encode(fields).decode()

    return render


class _Stderr:
    """Write to the stderr of the moment, which tests and daemons replace."""

    def __init__(self, *_names: object) -> None:
        pass

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = warn = error = critical = fatal = exception = log = msg


class _Forward(logging.Handler):
    """Pass records of libraries on to structlog, exceptions reduced to types and places."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1]:
            fields |= faults(record.exc_info[1])
        structlog.get_logger().log(record.levelno, "library.message", **fields)
