"""Segments over 100,000 customers with 1,000,000 purchases: one full evaluation, and changes as they are seen live.

All segments look at purchases, tags or fields, as those of a marketing team do; a fifth of them lets time alone
change who belongs.
"""

import asyncio
import base64
import multiprocessing
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import func, select

from bench.figure import Figure, percentile
from bench.history import ACTOR, History, moved, write_customers
from patron_events.catalog import campaigns
from patron_events.catalog import contacts as events
from patron_events.codec import encode_event
from patron_events.envelope import GENESIS, Cause, Commit, StreamId, encode_commit
from patron_events.jetstream.log import Log, open_log
from patron_events.registry import Fact
from patron_events.store import Append
from patron_projections.activities import Activities
from patron_projections.app import serve_worker
from patron_projections.companies import Companies
from patron_projections.engine.tables import compiled
from patron_projections.people import People
from patron_projections.segments.compiler import compile_rule
from patron_projections.segments.definitions import SegmentDefinitions
from patron_projections.segments.memberships import Memberships
from patron_projections.segments.sources import live
from patron_projections.settings import ProjectionsSettings
from patron_rules.tree import read_rule

CUSTOMERS: Final = 100_000
PURCHASES: Final = 1_000_000
SEGMENTS: Final = 200
CHANGES: Final = 200
RUNS: Final = 5
LOOK_S: Final = 0.005
MODELS: Final = (People(), Companies(), Activities(), SegmentDefinitions(), Memberships())
_BEHAVIOUR: Final[dict[str, Any]] = {
    "type": "measure",
    "measure": "count",
    "op": "gte",
    "value": 3,
    "facts": {
        "fact": "purchase",
        "where": [{"field": "amount", "op": "gte", "value": "50", "currency": "USD"}],
        "period": {"from": "2024-01-01"},
    },
}
# Nobody of the seeded history bought today: each new order makes its customer enter this one.
_BOUGHT_TODAY: Final[dict[str, Any]] = {
    "type": "moment",
    "which": "last",
    "op": "within-last",
    "value": {"days": 1},
    "facts": {"fact": "purchase"},
}


def rules() -> list[dict[str, Any]]:
    """Make the rules of all segments; the first one is that of the watched changes."""
    made: list[dict[str, Any]] = [_BOUGHT_TODAY]
    for number in range(SEGMENTS - 1):
        kinds: list[dict[str, Any]] = [
            {**_BEHAVIOUR, "value": 3 + number % 17},
            {**_BEHAVIOUR, "facts": {"fact": "purchase", "period": {"last": {"days": 30 + number}}}},
            {"type": "field", "field": "family_name", "op": "starts", "value": f"Family{number}"},
            {"type": "field", "field": "custom.plan", "op": "eq", "value": f"plan {number}"},
            {
                "type": "all",
                "rules": [
                    {"type": "field", "field": "tags", "op": "has", "value": "imported"},
                    {**_BEHAVIOUR, "measure": "sum", "of": "amount", "currency": "USD", "value": 5_000 + 50 * number},
                ],
            },
        ]
        made.append(kinds[number % len(kinds)])
    return made


async def define(log: Log) -> list[str]:
    """Append the segments and the custom field that they look at; answers their ids."""
    field = events.FieldDefined(name="plan", type="string")
    await _append(log, StreamId("contacts", "field-catalogue", "people"), (field,))
    ids: list[str] = []
    for number, rule in enumerate(rules()):
        stream = StreamId("campaigns", "segment", str(UUID(int=number + 1, version=4)))
        facts = (
            campaigns.SegmentCreated(kind="dynamic"),
            campaigns.SegmentDescribed(name=f"Segment {number}"),
            campaigns.SegmentRuleChanged(rule_version=1, rule=rule),
        )
        await _append(log, stream, facts)
        ids.append(stream.id)
    return ids


async def _append(log: Log, stream: StreamId, facts: Sequence[Fact]) -> None:
    now = datetime.now(UTC)
    stored = tuple(encode_event(fact, now, stream.id, None) for fact in facts)
    body, _ = encode_commit(Commit(stream.id, now, ACTOR, Cause(), 1, GENESIS, stored))
    await log.store.append([Append(stream, 0, stream.id, body)])


async def full_evaluation(url: str) -> tuple[float, int]:
    """Evaluate one behavioural segment over all customers; answers the median of seconds, and the members."""
    source = live()
    rule = compile_rule(read_rule(_BEHAVIOUR), source, datetime.now(UTC))
    text, values = compiled(select(func.count()).select_from(source.people).where(rule))
    took: list[float] = []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        members = 0
        for _ in range(RUNS):
            started = time.perf_counter()
            cursor = await connection.execute(text.encode(), values)
            ((members,),) = await cursor.fetchall()
            took.append(time.perf_counter() - started)
    return sorted(took)[RUNS // 2], members


async def _judged(connection: psycopg.AsyncConnection) -> None:
    """Wait until every segment was evaluated as a whole."""
    query = "SELECT count(*) FROM patron.segment_states WHERE rule_version = 1"
    while True:
        cursor = await connection.execute(query)
        if await cursor.fetchall() == [(SEGMENTS,)]:
            return
        await asyncio.sleep(0.2)


async def _appears(connection: psycopg.AsyncConnection, query: str, values: tuple[str, str]) -> None:
    while True:
        cursor = await connection.execute(query.encode(), values)
        if await cursor.fetchall():
            return
        await asyncio.sleep(LOOK_S)


async def changes(url: str, history: History, segment: str) -> list[float]:
    """Record one order after the other, each by another customer; answers ms from acknowledgement to membership."""
    took: list[float] = []
    query = "SELECT true FROM patron.members WHERE segment_id = %s AND customer_id = %s"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for customer in history.random.sample(history.people, CHANGES):
            keys = dict(await history.log.vault.find([customer]))
            order = events.OrderPlaced(customer, "USD", 9_900, source="bench-live")
            await history.write({StreamId("contacts", "activity", customer): [order]}, keys, at=datetime.now(UTC))
            started = time.perf_counter()
            await _appears(connection, query, (segment, customer))
            took.append((time.perf_counter() - started) * 1000)
    return took


async def figures(nats_url: str, postgres_url: str) -> AsyncGenerator[dict[str, Any]]:
    """Measure on an empty log and an empty database."""
    settings = ProjectionsSettings(
        nats_url=(nats_url,),
        master_keys={"bench": base64.b64encode(b"b" * 32).decode()},
        postgres_url=postgres_url,
        stream_max_bytes=4 << 30,
    )
    async with open_log(settings.log()) as log:
        history = await write_customers(log, CUSTOMERS, PURCHASES)
        process = multiprocessing.get_context("forkserver").Process(
            target=serve_worker, args=(settings, MODELS), daemon=True
        )
        process.start()
        try:
            await moved(postgres_url, history.last - 1, "min")
            async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
                await connection.execute("ANALYZE")
                taken_s, members = await full_evaluation(postgres_url)
                what = (
                    f"one behavioural segment over {PURCHASES} purchases of {CUSTOMERS} customers ({members} members)"
                )
                yield Figure(f"full evaluation of {what}", taken_s, "s", target=3, lower_is_better=True).line()
                began = time.perf_counter()
                ids = await define(log)
                await _judged(connection)
                whole_s = time.perf_counter() - began
                yield Figure(f"{SEGMENTS} segments defined and evaluated as a whole", whole_s, "s").line()
            took = await changes(postgres_url, history, ids[0])
        finally:
            process.terminate()
            await asyncio.to_thread(process.join)
    name = f"segment change visible after the order, {CUSTOMERS} customers, {SEGMENTS} segments"
    for of_hundred, target in ((50, None), (95, 1_000)):
        value = percentile(took, of_hundred)
        yield Figure(f"{name}, p{of_hundred}", value, "ms", target=target, lower_is_better=True).line()
