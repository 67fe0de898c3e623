"""Previews and backtests over HTTP, against rows that a worker wrote."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_projections.database import Database
from patron_projections.engine.tables import create_tables
from patron_projections.segments import definitions
from patron_projections.segments.backtest import BacktestTooLong
from patron_projections.segments.backtest_report import Backtests, BacktestsBusy, Span, Wanted
from projections_http import Document, Queries, client, someone
from read_side import ReadSide

BEGIN = datetime(2024, 5, 1, tzinfo=UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"
GERMANS = {"type": "field", "field": "country", "op": "eq", "value": "DE"}


@pytest.fixture
async def queries(side: ReadSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(side.url, tmp_path, role="reader"):
        yield one


def order(log: CustomerLog, minor: int) -> events.OrderPlaced:
    return events.OrderPlaced(order_id=log.new_id(), currency="EUR", amount_minor=minor)


def buyers(least: int, days: int) -> Document:
    where = [{"field": "amount", "op": "gte", "value": "50", "currency": "EUR"}]
    facts = {"fact": "purchase", "where": where, "period": {"last": {"days": days}}}
    return {"type": "measure", "measure": "count", "facts": facts, "op": "gte", "value": least}


async def answer(queries: Queries, path: str, body: Document, status: int = 200) -> Any:
    response = await queries.http.post(f"/projections/v1/segments/{path}", json=body)
    assert response.status_code == status, response.text
    return response.json()


async def test_a_preview_counts_and_shows_customers(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    home = events.AddressesChanged(addresses=(events.PostalAddress(country="DE", primary=True),))
    people = [await someone(log, name, home) for name in ("Ann", "Bob", "Cid")]
    await someone(log, "Dan")
    await log.record("person", people[2], events.RecordArchived())
    async with side.worker():
        await side.caught_up(log.last)
    found = await answer(queries, "preview", {"rule": GERMANS, "limit": 1, "after": f"contacts.*.{log.last}"})
    assert (found["count"], found["total"]) == (2, 3)
    assert [one["id"] for one in found["sample"]] == [min(people[:2])]
    nobody = await answer(queries, "preview", {"rule": {"type": "not", "rule": {"type": "all", "rules": []}}})
    assert (nobody["count"], nobody["sample"]) == (0, [])


async def test_a_preview_answers_as_of_a_moment(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    ann = await someone(log, "Ann")
    for days in (0, 10):
        await log.record("activity", ann, order(log, 5000), at=BEGIN + timedelta(days=days))
    async with side.worker():
        await side.caught_up(log.last)
    counts = {
        moment: (await answer(queries, "preview", {"rule": buyers(2, 30), "as_of": moment}))["count"]
        for moment in ("2024-05-10T23:59:59Z", "2024-05-11", "2024-05-30T23:59:59Z", "2024-05-31")
    }
    assert list(counts.values()) == [0, 1, 1, 0]
    rule = {"type": "field", "field": "rfm.recency", "op": "gte", "value": 3}
    refused = await answer(queries, "preview", {"rule": rule, "as_of": "2024-05-11"}, 422)
    assert refused["code"] == "scores-without-history"
    assert (await answer(queries, "preview", {"rule": GERMANS, "as_of": "1200-01-01"}, 422))["code"] == "clock-invalid"


async def test_custom_fields_are_known_by_their_definitions(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    defined = events.FieldDefined(name="score", type="number")
    await log.record("field-catalogue", "people", defined, events.FieldDefined(name="old", type="string"))
    await log.record("field-catalogue", "people", events.FieldRetired(name="old"))
    await someone(log, "Ann", events.CustomFieldsChanged(fields=(events.Attribute("score", 7),)))
    async with side.worker():
        await side.caught_up(log.last)
    rule = {"type": "field", "field": "custom.score", "op": "gt", "value": 6.5}
    assert (await answer(queries, "preview", {"rule": rule}))["count"] == 1
    rules = [{**rule, "value": "much"}, {**rule, "field": "custom.old"}]
    refused = await answer(queries, "preview", {"rule": {"type": "all", "rules": rules}}, 422)
    assert refused["code"] == "rule-invalid"
    places = [(one["field"], one["code"]) for one in refused["errors"]]
    assert places == [("rule.rules[0].value", "value-not-a-number"), ("rule.rules[1].field", "unknown-field")]


async def test_a_backtest_tells_sizes_and_who_came_and_went(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    ann, bob = await someone(log, "Ann"), await someone(log, "Bob")
    for person, day in ((ann, 1), (ann, 2), (bob, 3)):
        await log.record("activity", person, order(log, 6000), at=BEGIN + timedelta(days=day))
    async with side.worker():
        await side.caught_up(log.last)
    body = {"rule": buyers(1, 3), "from": "2024-05-01", "to": "2024-05-08", "customers": True}
    found = await answer(queries, "backtest", {**body, "against_rule": buyers(2, 3)})
    points = found["points"]
    assert [point["size"] for point in points] == [0, 1, 1, 2, 2, 1, 0, 0]
    assert [point["entered_ids"] for point in points] == [[], [ann], [], [bob], [], [], [], []]
    assert [point["left_ids"] for point in points] == [[], [], [], [], [], [ann], [bob], []]
    assert [point["against"]["size"] for point in points] == [0, 0, 1, 1, 0, 0, 0, 0]
    assert [point["against"]["added_ids"] for point in points[2:4]] == [[], [bob]]
    summary = found["summary"]
    assert (summary["greatest_size"], summary["entered"], summary["left"]) == (2, 2, 2)
    assert not found["truncated"]
    day = datetime(2024, 5, 1, tzinfo=UTC)
    wanted = Wanted(buyers(1, 3), Span(day, day + timedelta(days=7)), customers=True)
    database = Database(side.url)
    await database.open()
    try:
        few = await Backtests(database, most_named=3).run(wanted, datetime.now(UTC))
        assert few["truncated"]
        assert [point["left_ids"] for point in few["points"]][5:] == [[UUID(ann)], [], []]
        assert [point["left"] for point in few["points"]][5:] == [1, 1, 0]
        with pytest.raises(BacktestTooLong):
            await Backtests(database, most_s=-1).run(wanted, datetime.now(UTC))
        backtests = Backtests(database)
        asked = [backtests.run(wanted, datetime.now(UTC)) for _ in range(3)]
        *answered, refused = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(refused, BacktestsBusy)
        assert [one for one in answered if isinstance(one, BaseException)] == []
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from": "2024-05-09"}, "backtest-period-invalid"),
        ({"from": "whenever"}, "backtest-period-invalid"),
        ({"to": "2924-05-09"}, "backtest-period-invalid"),
        ({"rule": {"type": "sum"}}, "rule-invalid"),
        ({"against_rule": {"type": "sum"}}, "rule-invalid"),
        (
            {"against_segment": "00000000-0000-4000-8000-000000000000", "against_rule": GERMANS},
            "backtest-one-comparison",
        ),
        ({"against_segment": NOBODY}, "segment-not-found"),
    ],
)
async def test_a_backtest_refuses_what_it_cannot_answer(
    side: ReadSide, queries: Queries, changes: Document, code: str
) -> None:
    async with side.worker(), await side.connect() as connection:
        await side.caught_up(0)
        await create_tables(connection, [definitions.TABLE])
    body = {"rule": GERMANS, "from": "2024-05-01", "to": "2024-05-08", **changes}
    assert (await answer(queries, "backtest", body, 404 if code == "segment-not-found" else 422))["code"] == code
