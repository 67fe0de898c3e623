"""Every service answers as its OpenAPI document says; schemathesis thinks up the requests."""

import os
from functools import cache
from typing import Any, Final, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis import checks as general
from schemathesis.specs.openapi import checks

from contracts import snapshots
from contracts.services import DOCUMENTS, SERVICES

EXAMPLES: Final = int(os.environ.get("PATRON_SCHEMATHESIS_EXAMPLES", "6"))
TOO_LARGE: Final = 413
CHECKS: Final[list[Any]] = [
    general.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
]


@cache
def document(service: str) -> dict[str, Any]:
    """Make the document of a service once."""
    return DOCUMENTS[service]()


OPERATIONS: Final = [
    (service, path, method)
    for service in SERVICES
    for path, operations in document(service)["paths"].items()
    for method in operations
]


@pytest.mark.parametrize("service", DOCUMENTS)
def test_the_document_is_that_of_the_snapshot(service: str) -> None:
    kept = (snapshots.OPENAPI / f"{service}.json").read_text(encoding="utf-8")
    assert kept == snapshots.as_text(document(service)), "read the difference, then run tests/contracts/renew.py"


@pytest.mark.parametrize("kind", ["valid", "valid-and-known", "invalid"])
@pytest.mark.parametrize(("service", "path", "method"), OPERATIONS)
def test_every_answer_is_documented(
    request: pytest.FixtureRequest, service: str, path: str, method: str, kind: str
) -> None:
    served = SERVICES[service](request, path)
    schema = schemathesis.openapi.from_dict(document(service))
    schema.app = served.app
    operation = cast("Any", schema[path][method])
    mode = GenerationMode.NEGATIVE if kind == "invalid" else GenerationMode.POSITIVE
    known = {name: value for name, value in served.known.items() if f"{{{name}}}" in path}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        database=None,
    )
    @given(case=operation.as_strategy(mode))
    def answers_as_documented(case: "schemathesis.Case[Any]") -> None:
        if kind == "valid-and-known":
            case.path_parameters.update(known)
        answer = case.call(headers=served.headers)
        # A body that is too large is not looked at, whatever else is wrong with it: 413 is unknown to the check.
        unknown: list[Any] = [checks.negative_data_rejection] if answer.status_code == TOO_LARGE else []
        case.validate_response(answer, checks=CHECKS, excluded_checks=unknown)

    answers_as_documented()
