"""Exports: the same rows in every format, and no half file that looks whole."""

import asyncio
import csv
import io
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pyarrow import parquet

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from patron_projections.database import Database, StreamsBusy
from patron_projections.reports.question import Question
from patron_projections.reports.running import Reports
from patron_projections.service import build
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.service import server_options
from patron_runtime.settings import RuntimeSettings
from patron_servers import PostgresServer
from projections_http import Queries, client
from read_side import ReadSide
from waiting import soon

# Enough rows to fill every buffer between PostgreSQL and the client many times.
MANY = 400_000
_FILL = """
INSERT INTO patron.activities (customer_id, occurred_at, position, index, recorded_at, event_id, fact, currency,
    amount_minor, quantity, erased)
SELECT gen_random_uuid(), now() - make_interval(mins => n), 1000000 + n, 0, now(), n || ':0', 'purchase', 'EUR', n, 1,
    false
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
async def queries(side: ReadSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(side.url, tmp_path):
        yield one


async def some(log: CustomerLog, side: ReadSide) -> None:
    for _ in range(60):
        await log.anything()
    async with side.worker():
        await side.caught_up(log.last)


def table(content: bytes) -> list[dict[str, Any]]:
    untyped: Any = parquet
    return untyped.read_table(io.BytesIO(content)).to_pylist()


@pytest.mark.parametrize("path", ["/people", "/companies", "/audit", "/reports/purchases", "/reports/rfm"])
async def test_every_format_has_the_same_rows(log: CustomerLog, side: ReadSide, queries: Queries, path: str) -> None:
    await some(log, side)
    lines = (await queries.get(path, format="jsonl")).text.splitlines()
    documents = [json.loads(line) for line in lines]
    answer = await queries.get(path, format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    cells = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    typed = table((await queries.get(path, format="parquet")).content)
    assert len(documents) == len(cells) == len(typed) > 0
    assert set(cells[0]) == set(typed[0])
    if not path.startswith("/reports"):
        assert documents == await queries.every(path)
        assert [row["id"] for row in cells] == [row["id"] for row in typed] == [row["id"] for row in documents]
    else:
        assert set(cells[0]) == set(documents[0])
        sums = {sum(Decimal(str(row["revenue"])) for row in rows) for rows in (documents, cells, typed)}
        assert len(sums) == 1


async def test_spreadsheets_find_no_formulas_unless_they_are_asked_for(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    for name in ("=cmd()", "+49 30 1", 'Ann, "the" 1st\r\n', "-1", "@x"):
        await log.record("person", await log.person(), events.PersonNamed(given_name=name))
    async with side.worker():
        await side.caught_up(log.last)

    async def names(**parameters: object) -> set[str]:
        text = (await queries.get("/people", format="csv", **parameters)).text
        return {row["given_name"] for row in csv.DictReader(io.StringIO(text, newline=""))}

    assert {"'=cmd()", "+49 30 1", 'Ann, "the" 1st\r\n', "-1", "'@x"} <= await names()
    assert {"=cmd()", "+49 30 1", "-1", "@x"} <= await names(formulas="kept")
    typed = table((await queries.get("/people", format="parquet")).content)
    assert {"=cmd()", "@x"} <= {row["given_name"] for row in typed}


async def test_an_accept_header_asks_for_a_file_too(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    await some(log, side)
    answer = await queries.http.get("/projections/v1/reports/people", headers={"Accept": "text/csv;q=0.9, */*;q=0.1"})
    assert answer.text.startswith("lifecycle_stage,people,share\r\n")
    assert answer.headers["content-disposition"] == 'attachment; filename="patron-people.csv"'


async def test_a_refusal_comes_before_the_first_byte(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    await some(log, side)
    assert await queries.refusal("/people", format="csv", sort="tags") == (422, "sort-invalid", "sort")
    late = await queries.refusal("/reports/purchases", format="csv", filter="created_at:gt:soon")
    assert late == (422, "filter-invalid", "filter[0].value")


async def test_slow_exports_keep_no_report_waiting(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    await some(log, side)
    database = Database(side.url)
    reports = Reports(database)
    question = Question(now=datetime.now(UTC), by=("total",))
    exports = [(await reports.answer("people", question)).batches for _ in range(5)]
    answers = [(await reports.answer("people", question, "answers")).batches for _ in range(8)]
    try:
        for one in (*exports[:4], *answers):
            assert await anext(one)
        for refused in (exports[4], (await reports.answer("people", question, "answers")).batches):
            with pytest.raises(StreamsBusy):
                await anext(refused)
        await exports[0].aclose()
        exports.append((await reports.answer("people", question)).batches)
        assert await anext(exports[-1])
    finally:
        for one in (*exports, *answers):
            await one.aclose()


async def test_a_lost_database_breaks_the_transfer_off(own_postgres: PostgresServer, tmp_path: Path) -> None:
    log = CustomerLog(store := MemoryStore(), MemoryVault())
    side = ReadSide(own_postgres.url, store, store, log.vault)
    await log.person()
    async with side.worker():
        await side.caught_up(log.last)
    async with await side.connect() as connection:
        await connection.execute(_FILL, (MANY,))
    issuer = EmbeddedIssuer(tmp_path)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    service = build(verifier, RuntimeSettings(log_level="ERROR"), own_postgres.url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(service, http="httptools", **server_options()))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await soon(_started(server))
            headers = {"Authorization": f"Bearer {issuer.issue('tester', ['reader'])}"}
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/projections/v1/reports/purchases/events"
            asked = {"by": "total", "row": ["total:total", "currency:EUR"], "format": "csv"}
            async with (
                httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
                http.stream("GET", address, params=asked) as answer,
            ):
                assert answer.status_code == 200
                parts = answer.aiter_bytes()
                assert await anext(parts)
                await asyncio.to_thread(own_postgres.kill)
                with pytest.raises(httpx.RemoteProtocolError):
                    await _read(parts)
        finally:
            server.should_exit = True
            await running


async def _read(parts: AsyncIterator[bytes]) -> None:
    async for _ in parts:
        pass


def _started(server: uvicorn.Server) -> Any:
    async def started() -> bool:
        return server.started

    return started
