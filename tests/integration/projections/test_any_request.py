"""Whatever is asked, the answer follows the OpenAPI document and is never a fault of the service."""

import asyncio
import os
import secrets
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from psycopg import sql
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error  # pyright: ignore[reportUnknownVariableType]  # untyped there
from schemathesis.specs.openapi import checks

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from patron_projections.engine.builds import present_builds
from patron_projections.sales.models import SALES
from patron_projections.scoring import prepare_scoring
from patron_projections.service import MODELS, build
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.service import Service
from patron_runtime.settings import RuntimeSettings
from read_side import ReadSide
from sales_history import SalesHistory

EXAMPLES: Final = int(os.environ.get("PATRON_SCHEMATHESIS_EXAMPLES", "15"))
LONGEST_WAIT_S: Final = 30
CHECKS: Final[list[Any]] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
OPERATIONS: Final = [
    (path, method)
    for path, operations in build(Verifier([]), RuntimeSettings(), "").openapi()["paths"].items()
    for method in operations
]


@dataclass(frozen=True, slots=True)
class Served:
    """The service over a filled database. known: path parameters that exist."""

    service: Service
    headers: dict[str, str]
    known: dict[str, str]


def served(url: str, folder: Path, known: dict[str, str]) -> Served:
    issuer = EmbeddedIssuer(folder)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    service = build(verifier, RuntimeSettings(log_level="ERROR", access_log=False), url)
    return Served(service, {"Authorization": f"Bearer {issuer.issue('any', ['admin'])}"}, known)


async def filled(url: str) -> dict[str, str]:
    log = CustomerLog(store := MemoryStore(), MemoryVault())
    for _ in range(80):
        await log.anything()
    person, company = await log.person(), await log.company()
    bad = await log.person()
    await log.record("person", bad, events.TagsChanged(tags=("\0",)))
    side = ReadSide(url, store, store, log.vault)
    async with side.worker():
        await side.caught_up(log.last)
    sales = SalesHistory()
    await sales.settings()
    for _ in range(60):
        await sales.anything()
    sold = ReadSide(url, sales.memory, sales.memory, sales.vault, "pipeline")
    async with sold.worker(models=SALES):
        await sold.caught_up(sales.last, models=SALES)
    async with await side.connect() as connection:
        await present_builds(connection, MODELS)
        await prepare_scoring(connection)
        # As after an evaluator that saw it all, of segments that nobody has defined.
        await connection.execute("UPDATE patron.evaluator SET contacts = %s, campaigns = %s", (log.last, log.last))
    parked = {"model": "people", "category": "person", "aggregate_id": bad}
    parked |= {"pipeline_id": "default", "deal_id": sales.deals[0], "lead_id": sales.leads[0]}
    return {"person_id": person, "company_id": company, "customer_id": person, "name": "purchases", **parked}


@pytest.fixture(scope="module")
def whole(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """Fill one database for all operations; nothing that is asked changes more than a wish to retry."""
    name = f"any_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    url = postgres_url.rpartition("/")[0] + "/" + name
    yield served(url, tmp_path_factory.mktemp("issuer"), asyncio.run(filled(url)))
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.parametrize("kind", ["valid", "known", "invalid"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_documented(whole: Served, path: str, method: str, kind: str) -> None:
    schema = schemathesis.openapi.from_dict(whole.service.openapi())
    schema.app = whole.service
    mode = GenerationMode.NEGATIVE if kind == "invalid" else GenerationMode.POSITIVE
    known = {name: value for name, value in whole.known.items() if f"{{{name}}}" in path}
    operation = cast("Any", schema[path][method])
    strategy: SearchStrategy[Any] = operation.as_strategy(mode, path_parameters=known if kind == "known" else None)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        database=None,
    )
    @given(case=strategy)
    def answers_as_documented(case: schemathesis.Case[Any]) -> None:
        for asked in (case.query, case.body):
            if isinstance(asked, dict):
                wait: object = asked.get("wait_s")
                if type(wait) in {int, float} and 0 < cast("float", wait) <= LONGEST_WAIT_S:
                    asked["wait_s"] = 0  # a position from nowhere would be waited for; what is wrong stays wrong
        answer = case.call(headers=whole.headers)
        case.validate_response(answer, checks=CHECKS)

    answers_as_documented()
