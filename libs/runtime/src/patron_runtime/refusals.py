"""Answer every exception of a route with a problem document; nothing else reaches the caller."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from patron_events.rejections import Rejection, Unavailable
from patron_runtime.problems import FieldError, Refused, answer, code_of_status, problem, status_of

_NAME_LIMIT: Final = 64
_ERRORS_LIMIT: Final = 100
_QUIET: Final = "Value is not acceptable."
# Their texts are made by pydantic from the caller's own value, or by whoever raised a ValueError.
_TELLTALES: Final = frozenset({
    "assertion_error", "json_invalid", "union_tag_invalid", "url_parsing", "uuid_parsing", "value_error",
})  # fmt: skip
_SOURCES: Final = frozenset({"body", "query", "path", "header", "cookie"})


def install(app: FastAPI) -> None:
    """Register the handlers; an unexpected exception is the business of `patron_runtime.observation`."""
    app.add_exception_handler(Rejection, _rejected)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_refused)
    app.add_exception_handler(RecursionError, _too_deep)


async def _rejected(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Rejection):
        raise refusal
    headers = {"Retry-After": str(refusal.retry_after_s)} if isinstance(refusal, Unavailable) else None
    errors = [FieldError(*fault) for fault in refusal.faults[:_ERRORS_LIMIT]]
    document = problem(status_of(type(refusal)), refusal.code, refusal.detail, field=refusal.field, errors=errors)
    if refusal.current is not None:
        document = msgspec.structs.replace(document, current=refusal.current)
    return answer(document, headers)


async def _invalid_request(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, RequestValidationError):
        raise refusal
    errors = [field_error(error) for error in refusal.errors()[:_ERRORS_LIMIT]]
    detail = "The request does not have the form that this operation needs; `errors` names the parts."
    return answer(problem(422, "invalid-request", detail, field=errors[0].field, errors=errors))


async def _http_refused(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, HTTPException):
        raise refusal
    if refusal.status_code < 400 or refusal.status_code > 599:  # noqa: PLR2004  (a redirect has no problem)
        return Response(status_code=refusal.status_code, headers=refusal.headers)
    code = refusal.code if isinstance(refusal, Refused) else code_of_status(refusal.status_code)
    return answer(problem(refusal.status_code, code, refusal.detail), refusal.headers)


async def _too_deep(_request: Request, _refusal: Exception) -> Response:
    return answer(problem(400, "malformed-json", "The body is nested too deeply."))


def field_error(error: Mapping[str, Any]) -> FieldError:
    """Translate one error of pydantic without repeating the value that caused it."""
    kind = str(error["type"])
    return FieldError(
        field=field_path(error["loc"]),
        code=kind.replace("_", "-").replace(".", "-"),
        detail=_QUIET if kind in _TELLTALES else _without_value(str(error["msg"]), error.get("input")),
    )


def field_path(location: Sequence[str | int]) -> str:
    """Write pydantic's location as a path such as `emails[0].value`."""
    parts = location[1:] if location and location[0] in _SOURCES else location
    return "".join(_steps(parts)).removeprefix(".")


def _steps(parts: Iterable[str | int]) -> Iterable[str]:
    for part in parts:
        # Names may come from the caller (an unknown key): keep them short and printable.
        if isinstance(part, int):
            yield f"[{part}]"
        else:
            yield "." + "".join(letter for letter in part[:_NAME_LIMIT] if letter.isprintable())


def _without_value(detail: str, value: object) -> str:
    shown = str(value) if isinstance(value, str | int | float) else ""
    if len(shown) > 1 and shown in detail:
        return _QUIET
    return detail if detail.endswith(".") else detail + "."
