"""Complete FastAPI's OpenAPI document: problems in place of its own error form, and what every route may answer."""

from collections.abc import Iterator
from typing import Any, Final

from patron_runtime.problems import PROBLEM_MEDIA_TYPE, PROBLEM_SCHEMA, response_of_status

_FASTAPI_FORMS: Final = ("HTTPValidationError", "ValidationError")
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add the problem schema and the shared answers; the document is changed and returned."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for form in _FASTAPI_FORMS:
        schemas.pop(form, None)
    schemas["ProblemDetails"] = dict(PROBLEM_SCHEMA)
    for operation in _operations(document):
        for status in _statuses(operation):
            _merge(operation["responses"], str(status))
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                yield operation


def _statuses(operation: dict[str, Any]) -> Iterator[int]:
    yield 400
    yield 500
    if "requestBody" in operation:
        yield from (413, 415)
    if operation.get("security"):
        yield from (401, 403)
    if "422" in operation["responses"]:
        yield 422


def _merge(responses: dict[str, Any], status: str) -> None:
    """Keep what the route says itself, and drop FastAPI's form of a 422."""
    present = responses.get(status)
    if present is None or PROBLEM_MEDIA_TYPE not in present.get("content", {}):
        responses[status] = response_of_status(int(status))
        del responses[status]["content"][PROBLEM_MEDIA_TYPE]["examples"]
    else:
        present["content"].pop("application/json", None)
