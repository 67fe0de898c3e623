"""Segments over 100,000 customers with 1,000,000 purchases: one full evaluation, and changes as they are seen live."""

import time
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import func, select

from patron_projections.engine.tables import compiled
from patron_projections.segments.compiler import compile_rule
from patron_projections.segments.sources import live
from patron_rules.tree import read_rule

RULE: Final[dict[str, Any]] = {
    "type": "measure",
    "measure": "count",
    "op": "gte",
    "value": 3,
    "facts": {
        "fact": "purchase",
        "where": [{"field": "amount", "op": "gte", "value": "50", "currency": "USD"}],
        "period": {"last": {"days": 900}},
    },
}
RUNS: Final = 5


async def full_evaluation(url: str) -> tuple[float, int]:
    """Evaluate one behavioural segment over all customers; answers the median of seconds, and the members."""
    source = live()
    rule = compile_rule(read_rule(RULE), source, datetime.now(UTC))
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
