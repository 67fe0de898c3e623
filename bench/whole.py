"""The whole platform as `patron up` starts it: requests, an import, and memory at rest."""

import asyncio
import csv
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import psutil

from bench import log
from bench.figure import Figure, percentile
from patron_events.envelope import StreamId
from patron_events.jetstream.connection import connect
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.store import Append

ROWS = 30_000
CLIENTS = 32
REQUESTS = 150
PATRON = (sys.executable, "-m", "patron_cli.main")


async def run(*command: str, data: Path | None = None) -> str:
    """Run a command, on a data folder; answers what it prints. Ends the measuring where it fails."""
    environment = {**os.environ, "PATRON_DATA": str(data)} if data else dict(os.environ)
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {err.decode()[-2000:]}")
    return out.decode()


async def _load(address: str, token: str, clients: int, each: int, what: str = "people") -> dict[str, float]:
    return json.loads(await run(sys.executable, "-m", "bench.http_load", address, token, str(clients), str(each), what))


async def _appends_alone(nats_url: str, lanes: int, each: int) -> tuple[float, float]:
    """Append what one creation appends (a key, then a person with a claim) without HTTP, rules and encryption.

    Answers creations per second, and the median of one in milliseconds.
    """
    context = "bench" + secrets.token_hex(4)
    connection = await connect(nats_url)
    await assert_streams(connection, [log_stream(context, Sizing())])
    store, took_ms = JetStreamStore(connection), list[float]()

    def one(category: str) -> Append:
        return Append(StreamId(context, category, secrets.token_hex(16)), 0, secrets.token_hex(16), b"x" * 600)

    async def lane() -> None:
        for _ in range(each):
            started = time.perf_counter()
            await store.append([one("key")])
            await store.append([one("person"), one("claim")])
            took_ms.append((time.perf_counter() - started) * 1000)

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    per_s = lanes * each / (time.perf_counter() - started)
    await connection.ask(f"$JS.API.STREAM.DELETE.{context.upper()}", timeout_s=30)
    await connection.close()
    return per_s, percentile(took_ms, 50)


async def _requests(address: str, token: str, nats_url: str) -> AsyncGenerator[Figure]:
    await _load(address, token, 4, 50)
    one = await _load(address, token, 1, 200)
    _, alone_ms = await _appends_alone(nats_url, 1, 200)
    yield Figure(
        "POST /contacts/v1/people, claims included, p50 at 1 client",
        one["p50_ms"],
        "ms",
        alone_ms,
        "its appends alone, p50",
        target=10,
        lower_is_better=True,
    )
    many = await _load(address, token, CLIENTS, REQUESTS)
    alone_per_s, _ = await _appends_alone(nats_url, CLIENTS, REQUESTS)
    yield Figure(
        "POST /contacts/v1/people, claims included, 32 clients, two workers",
        many["per_s"],
        "requests/s",
        alone_per_s,
        "its appends alone, 32 in flight, one process",
        target=1_500,
    )
    empty = await _load(address, token, CLIENTS, REQUESTS, "live")
    yield Figure("GET /health/live, 32 clients, two workers", empty["per_s"], "requests/s")


def _people(file: Path) -> None:
    with file.open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(
            ["id", "first name", "last name", "email", "phone", "job title", "city", "country", "lead source"]
        )
        for n in range(ROWS):
            mail, phone = f"ada.{n}@example{n % 500}.org", f"+1202555{n % 10_000:04d}"
            rows.writerow([n, f"Ada {n}", f"Lovelace {n}", mail, phone, "Engineer", "London", "GB", "web"])


async def _import(data: Path, bulk_events_per_s: float) -> Figure:
    file = data / "people.csv"
    _people(file)
    report = json.loads(await run(*PATRON, "import", "people", str(file), "--source", "bench", "--json", data=data))
    if report["created"] != ROWS or not report["visible"]:
        raise SystemExit(f"the import did not do what it should: {report}")
    return Figure(
        "import of people with claims, until visible in the directory",
        report["rows_per_s"],
        "rows/s",
        bulk_events_per_s / 6,
        "bulk append of people with two claims through the store alone",
        target=2_500,
    )


def _memory(data: Path) -> list[Figure]:
    pids: dict[str, int] = json.loads((data / "state.json").read_text())["pids"]
    services = {name: pid for name, pid in pids.items() if name.startswith(("web", "projections"))}
    return [
        Figure(
            f"memory of one service process at rest ({name})",
            psutil.Process(pid).memory_info().rss / 2**20,
            "MiB",
            target=120,
            lower_is_better=True,
        )
        for name, pid in services.items()
    ]


async def figures(data: Path) -> AsyncGenerator[dict[str, Any]]:
    """Start an installation with two web processes in `data`, measure it, and stop it."""
    state = json.loads(await run(*PATRON, "up", "--detach", "--port", "0", "--workers", "2", "--json", data=data))
    try:
        token = (await run(*PATRON, "token", "--role", "admin", "--ttl", "3600", data=data)).strip()
        await asyncio.sleep(2)
        for figure in _memory(data):
            yield figure.line()
        nats_url = json.loads((data / "state.json").read_text())["nats_url"]
        async for figure in _requests(state["url"].removeprefix("http://"), token, nats_url):
            yield figure.line()
        yield (await _import(data, await log.bulk_alone(nats_url))).line()
    finally:
        await run(*PATRON, "down", data=data)


def now() -> str:
    """Name a run by its time."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
