"""Turn refusals and faults into problem documents (RFC 9457), with one table of kinds and statuses.

A problem never repeats what the caller sent, because that may be personal data, and never tells how the
service works inside. `code` is the contract; `detail` is for people.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response
from fastapi.exceptions import HTTPException
from opentelemetry import trace

from patron_events.rejections import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Rejection,
    Unavailable,
    VersionMismatch,
)

PROBLEM_MEDIA_TYPE = "application/problem+json"

STATUS_OF_KIND: Mapping[type[Rejection], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Forbidden: 403,
    VersionMismatch: 412,
    Unavailable: 503,
}

_CODE_OF_STATUS: Mapping[int, str] = {
    400: "malformed-request",
    401: "token-invalid",
    403: "forbidden",
    404: "no-such-path",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
    500: "internal-error",
    503: "unavailable",
}


class FieldError(msgspec.Struct, frozen=True):
    """Name one wrong part of a request.

    field: path such as `emails[0].value`; empty when the whole body is meant.
    code: kebab-case slug; detail: a sentence that does not repeat the value.
    """

    field: str
    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one problem document in the order in which it is written."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    errors: tuple[FieldError, ...] | None = None
    trace_id: str | None = None
    current: Mapping[str, Any] | None = None


class Refused(HTTPException):
    """Refuse a request before any rule of the domain has been asked.

    For what belongs to HTTP alone: tokens, headers, bodies. Rules of the domain raise a `Rejection`.
    """

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


def status_of(rejection: type[Rejection]) -> int:
    """Look up the status of a refusal by its nearest kind; 422 for a refusal of no known kind."""
    for kind in rejection.__mro__:
        if kind in STATUS_OF_KIND:
            return STATUS_OF_KIND[kind]
    return 422


def code_of_status(status: int) -> str:
    """Name the problem of a status that was raised without a code."""
    return _CODE_OF_STATUS.get(status) or f"http-{status}"


def present_trace_id() -> str | None:
    """Give the trace id of the present span as 32 hex digits; None outside of a request."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    errors: Sequence[FieldError] | None = None,
) -> Problem:
    """Write the document of one problem of the present request."""
    return Problem(
        type=f"urn:patron:problem:{code}",
        title=code.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        code=code,
        field=field,
        errors=tuple(errors) if errors else None,
        trace_id=present_trace_id(),
    )


def answer(document: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Wrap a problem document into its HTTP answer."""
    return Response(
        msgspec.json.encode(document),
        status_code=document.status,
        headers=dict(headers) if headers else None,
        media_type=PROBLEM_MEDIA_TYPE,
    )


def problems(*rejections: type[Rejection]) -> dict[int | str, dict[str, Any]]:
    """List refusals for the `responses=` of a route, grouped by status, with an example of each."""
    responses: dict[int | str, dict[str, Any]] = {}
    for rejection in rejections:
        status = status_of(rejection)
        entry = responses.setdefault(status, response_of_status(status))
        entry["content"][PROBLEM_MEDIA_TYPE]["examples"][rejection.code] = {"value": _example(rejection)}
    return responses


def response_of_status(status: int) -> dict[str, Any]:
    """Describe for OpenAPI an answer of this status that carries a problem document."""
    return {
        "description": HTTPStatus(status).phrase,
        "content": {
            PROBLEM_MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                "examples": {},
            },
        },
    }


def _example(rejection: type[Rejection]) -> dict[str, Any]:
    detail = (rejection.__doc__ or "").strip().split("\n")[0]
    return msgspec.to_builtins(problem(status_of(rejection), rejection.code, detail))


PROBLEM_SCHEMA: Mapping[str, Any] = {
    "title": "ProblemDetails",
    "description": "What went wrong, after RFC 9457. Branch on `code`; show `detail` to people.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:patron:problem:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        "field": {"type": "string", "description": "Path of the wrong part, such as `emails[0].value`."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "current": {"type": "object", "description": "The present state of the record, where a conflict tells it."},
    },
}
