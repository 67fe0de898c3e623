"""Selling as `patron up` runs it: import of deals with their past, the board, and leads until they are assigned."""

import asyncio
import csv
import json
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.figure import Figure, percentile
from bench.whole import PATRON, run
from patron_events.catalog.pipeline import leads
from patron_events.envelope import decode_commit
from patron_events.jetstream.connection import connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.registry import type_of

OPEN_DEALS = 10_000
CLOSED_DEALS = 10_000
BOARDS = 200
REPS = 20
LEADS_PER_S = 50
LEADS_FOR_S = 20.0
_STAGES = ("prospecting", "engaging", "proposal", "negotiation")
_RULES = {
    "rules": [{"id": "everybody", "to": {"strategy": "round-robin"}}],
    "fallback": {"strategy": "queue", "queue": "unclaimed"},
}


def _deals(file: Path) -> None:
    """Write deals that went through some stages; half of them were won in the end."""
    with file.open("w", newline="") as target:
        rows = csv.writer(target)
        rows.writerow(["id", "name", "amount", "owner", "stage", *(f"entered[{one}]" for one in _STAGES), "closed at"])
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(OPEN_DEALS + CLOSED_DEALS):
            closed = number >= OPEN_DEALS
            reached = len(_STAGES) if closed else number % len(_STAGES) + 1
            days = [(begin + timedelta(days=number % 90 + 7 * step)).isoformat() for step in range(len(_STAGES) + 1)]
            entered = [day if step < reached else "" for step, day in enumerate(days[:-1])]
            stage = "won" if closed else _STAGES[reached - 1]
            end = days[-1] if closed else ""
            rows.writerow([number, f"Deal {number}", 1000 + number, f"rep-{number % REPS}", stage, *entered, end])


async def _events(nats_url: str, see: Callable[[str, str, datetime], None]) -> None:
    """Show every event of the context that is in the log: its type, its record, and when the log took it."""
    connection = await connect(nats_url)
    try:
        reader = JetStreamReader(connection)
        last = await reader.last_sequence("pipeline")
        async with aclosing(reader.follow("pipeline")) as batches:
            async for batch in batches:
                for stored in batch.commits:
                    for event in decode_commit(stored.body).events:
                        see(event.type, stored.stream.id, stored.stored_at)
                if batch.through >= last:
                    return
    finally:
        await connection.close()


async def _import(data: Path, nats_url: str) -> Figure:
    file = data / "deals.csv"
    _deals(file)
    options = ("--source", "bench", "--currency", "EUR", "--json")
    report = json.loads(await run(*PATRON, "import", "deals", str(file), *options, data=data))
    if report["created"] != OPEN_DEALS + CLOSED_DEALS or not report["visible"]:
        raise SystemExit(f"the import did not do what it should: {report}")
    seen = [0]

    def count(_type: str, _record: str, _at: datetime) -> None:
        seen[0] += 1

    await _events(nats_url, count)
    name = f"import of {report['rows']:,} deals with their stage history, until visible on the board"
    return Figure(name, seen[0] / report["seconds"], "events/s", target=5_000)


async def _quiet(client: httpx.AsyncClient) -> None:
    """Wait until reactions have seen all that was imported: what follows measures something else."""
    for _ in range(180):
        seen = (await client.get("/pipeline/v1/reactions")).raise_for_status().json()
        if all(one["pending"] == one["open"] == 0 for one in seen["consumers"]):
            return
        await asyncio.sleep(1)
    raise SystemExit("reactions do not come to an end")


async def _board(client: httpx.AsyncClient) -> Figure:
    took_ms: list[float] = []
    for number in range(BOARDS + 10):
        started = time.perf_counter()
        board = (await client.get("/projections/v1/pipelines/default/board")).raise_for_status().json()
        if number >= 10:  # noqa: PLR2004 - the first ones fill caches
            took_ms.append((time.perf_counter() - started) * 1000)
        if board["deals"] != OPEN_DEALS:
            raise SystemExit(f"the board shows {board['deals']} open deals")
    name = f"first screen of a board with {OPEN_DEALS:,} open deals, p95"
    return Figure(name, percentile(took_ms, 95), "ms", target=50, lower_is_better=True)


async def _sell(client: httpx.AsyncClient) -> None:
    """Have representatives, and a rule that gives leads to them in turns."""
    team = [{"subject": f"rep-{number}", "name": f"Rep {number}"} for number in range(REPS)]
    (await client.post("/pipeline/v1/reps/bulk", json={"items": team})).raise_for_status()
    (await client.post("/pipeline/v1/rules/assignment/drafts", json={"document": _RULES})).raise_for_status()
    (await client.post("/pipeline/v1/rules/assignment/publish", json={"version": 1})).raise_for_status()


async def _at_rate(do: Callable[[], Awaitable[None]], per_s: float, for_s: float) -> None:
    began, tasks = time.perf_counter(), list[asyncio.Task[None]]()

    async def one() -> None:
        await do()

    for number in range(int(per_s * for_s)):
        await asyncio.sleep(max(0.0, began + number / per_s - time.perf_counter()))
        tasks.append(asyncio.create_task(one()))
    await asyncio.gather(*tasks)


async def _assigned(client: httpx.AsyncClient, nats_url: str, when: str, target: float | None = None) -> Figure:
    asked: dict[str, datetime] = {}

    async def create() -> None:
        asked_at = datetime.now(UTC)
        body = {"company_name": f"Company {secrets.token_hex(4)}", "source": "bench"}
        answer = (await client.post("/pipeline/v1/leads", json=body)).raise_for_status().json()
        asked[answer["id"]] = asked_at

    await _at_rate(create, LEADS_PER_S, LEADS_FOR_S)
    assigned: dict[str, datetime] = {}

    def note(name: str, record: str, at: datetime) -> None:
        if name == type_of(leads.LeadAssigned).name:
            assigned.setdefault(record, at)

    for _ in range(30):
        await asyncio.sleep(1)
        await _events(nats_url, note)
        if asked.keys() <= assigned.keys():
            break
    late = [(assigned[lead] - at).total_seconds() * 1000 for lead, at in asked.items() if lead in assigned]
    if len(late) < len(asked):
        raise SystemExit(f"{len(asked) - len(late)} leads of {len(asked)} have nobody")
    name = f"lead asked for to assigned in the log, at {LEADS_PER_S} leads/s, {when}, p99"
    return Figure(name, percentile(late, 99), "ms", target=target, lower_is_better=True)


async def figures(data: Path) -> AsyncGenerator[dict[str, Any]]:
    """Start an installation with two web processes in `data`, measure it, and stop it."""
    state = json.loads(await run(*PATRON, "up", "--detach", "--port", "0", "--workers", "2", "--json", data=data))
    try:
        token = (await run(*PATRON, "token", "--role", "admin", "--ttl", "3600", data=data)).strip()
        nats_url = json.loads((data / "state.json").read_text())["nats_url"]
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=state["url"], headers=headers, timeout=60, trust_env=False) as client:
            await _sell(client)
            yield (await _import(data, nats_url)).line()
            yield (await _assigned(client, nats_url, "while reactions work off an import")).line()
            await _quiet(client)
            yield (await _board(client)).line()
            yield (await _assigned(client, nats_url, "at rest", 500)).line()
    finally:
        await run(*PATRON, "down", data=data)
