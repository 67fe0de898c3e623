"""Reports over HTTP against rows that a worker wrote, and the events behind every number."""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_projections.reports.rfm import refresh_rfm
from patron_projections.scoring import refresh
from patron_projections.segments.members import prepare_evaluation
from projections_http import Queries, client
from read_side import ReadSide

JAN = datetime(2025, 1, 1, 12, tzinfo=UTC)
NAMES = [
    "acquisition", "cohorts", "interactions", "lifetime-value", "people", "purchases", "response-rate", "rfm",
]  # fmt: skip
# Every report that counts events, and by what its rows are checked against them.
CASES: list[tuple[str, dict[str, object], str]] = [
    ("purchases", {}, "orders"),
    ("purchases", {"by": "week,status", "time_zone": "Pacific/Auckland"}, "orders"),
    ("purchases", {"by": ["sku", "custom.plan"], "filter": "tags:eq:a"}, "orders"),
    ("purchases", {"by": "tags", "currency": "EUR", "from": "2025-02-01", "to": "2025-04-01"}, "orders"),
    ("cohorts", {"currency": "USD"}, "orders"),
    ("cohorts", {"currency": "EUR", "by": "week", "from": "2025-01-15"}, "orders"),
    ("rfm", {"currency": "USD"}, "orders"),
    ("rfm", {"currency": "USD", "by": "cell", "filter": "custom.plan:eq:gold"}, "orders"),
    ("rfm", {"currency": "EUR", "by": "customer_id"}, "orders"),
    ("interactions", {"by": "kind,direction"}, "interactions"),
    ("interactions", {"by": "properties.page,month"}, "interactions"),
    ("response-rate", {"by": "kind", "response": "properties.page:eq:pricing"}, "contacts"),
    ("people", {"by": "tags"}, "people"),
    ("people", {"by": "total"}, "people"),
    ("acquisition", {"by": "lead_source,first_touch.source"}, "people"),
]


@pytest.fixture
async def queries(side: ReadSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(side.url, tmp_path):
        yield one


async def history(log: CustomerLog, people: int = 12, months: int = 5) -> None:
    """Record customers with orders in two currencies and interactions, over some months."""
    random = log.random
    for number in range(people):
        person = await log.person()
        source = random.choice((None, "web", "fair"))
        await log.record(
            "person",
            person,
            events.TagsChanged(tags=tuple(sorted(random.sample(("a", "b", "c:d"), random.randrange(3))))),
            events.AcquisitionChanged(
                lead_source=source, first_touch=(events.Touch(source="ad"),) if number % 2 else ()
            ),
        )
        for _ in range(random.randrange(6)):
            at = JAN + timedelta(days=random.randrange(months * 30), hours=random.randrange(24))
            lines = tuple(
                events.OrderLine(1, quantity=str(random.randrange(1, 4)), sku=random.choice(("x", "y", None)))
                for _ in range(random.randrange(3))
            )
            order = events.OrderPlaced(
                order_id=log.new_id(),
                currency=random.choice(("USD", "EUR")),
                amount_minor=random.randrange(10_000),
                lines=lines,
                status=random.choice(("paid", "open", None)),
            )
            await log.record("activity", person, order, at=at)
        for _ in range(random.randrange(4)):
            page = random.choice(("pricing", "home"))
            call = events.InteractionLogged(
                interaction_id=log.new_id(),
                kind=random.choice(("call", "visit")),
                direction=random.choice(("inbound", None)),
                duration_s=random.choice((None, 60)),
                properties=(events.Attribute("page", page),) if random.random() < 0.7 else (),
            )
            await log.record("activity", person, call, at=JAN + timedelta(days=random.randrange(months * 30)))


async def written(log: CustomerLog, side: ReadSide) -> None:
    async with side.worker():
        await side.caught_up(log.last)


async def order(log: CustomerLog, person: str, at: str, amount: int, currency: str = "EUR") -> None:
    placed = events.OrderPlaced(order_id=log.new_id(), currency=currency, amount_minor=amount)
    await log.record("activity", person, placed, at=datetime.fromisoformat(at).replace(tzinfo=UTC))


async def rows(queries: Queries, name: str, **parameters: object) -> list[dict[str, Any]]:
    """Give the rows of a report without their addresses."""
    found = (await queries.answer(f"/reports/{name}", **parameters))["rows"]
    return [{key: value for key, value in row.items() if key != "drill"} for row in found]


async def events_of(queries: Queries, drill: str) -> list[dict[str, Any]]:
    """Follow the address of a row through all of its pages."""
    found: list[dict[str, Any]] = []
    address = f"{drill}&limit=3"
    while True:
        answer = await queries.http.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        address = f"{drill}&limit=3&cursor={page['next_cursor']}"


async def test_every_number_equals_the_events_behind_it(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    await history(log)
    await written(log, side)
    for name, parameters, number in CASES:
        found = (await queries.answer(f"/reports/{name}", **parameters))["rows"]
        assert found, (name, parameters)
        for row in found:
            behind = await events_of(queries, row["drill"])
            assert len(behind) == row[number] == len({one["id"] for one in behind}), (name, parameters, row)
            assert all(one >= other for one, other in pairwise(one["occurred_at"] for one in behind))
            if "customers" in row:
                assert row["customers"] == len({one["customer_id"] for one in behind})
            if "revenue" in row:
                assert {one["currency"] for one in behind} == {row["currency"]}
                assert Decimal(row["revenue"]) == sum(Decimal(one["amount"]) for one in behind)
            if "units" in row:
                assert Decimal(row["units"]) == sum(Decimal(one["quantity"]) for one in behind)
            if "repeat_rate" in row:
                several = [count for count in Counter(one["customer_id"] for one in behind).values() if count > 1]
                assert row["repeat_rate"] == pytest.approx(len(several) / row["customers"])
            if "responses" in row:
                assert row["responses"] == sum(one["hit"] for one in behind)
            if "buyers" in row:
                assert row["buyers"] == sum(one["hit"] for one in behind)


async def test_purchases_are_those_of_the_log_on_the_days_of_a_time_zone(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    await history(log)
    await written(log, side)
    zone = ZoneInfo("America/New_York")
    expected: dict[tuple[str, str], int] = defaultdict(int)
    facts = await side.rows(
        "SELECT occurred_at, currency, amount_minor FROM patron.timeline WHERE type = 'contacts.order-placed'"
    )
    for at, currency, minor in facts:
        expected[str(at.astimezone(zone).date()), currency] += minor
    found = await rows(queries, "purchases", by="day", time_zone="America/New_York")
    assert {(row["day"], row["currency"]): Decimal(row["revenue"]) * 100 for row in found} == expected
    monthly = await rows(queries, "purchases", by="total")
    assert sum(row["orders"] for row in monthly) == len(facts)


async def test_amounts_have_the_decimals_of_their_currency(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    one = await log.person()
    for currency in ("EUR", "JPY", "KWD", "CLF"):
        await order(log, one, "2025-01-01", 12_345, currency)
        await order(log, one, "2025-01-02", 12_346, currency)
    await written(log, side)
    found = {
        row["currency"]: (row["revenue"], row["average_order"]) for row in await rows(queries, "purchases", by="total")
    }
    assert found == {
        "CLF": ("2.4691", "1.2346"),
        "EUR": ("246.91", "123.46"),
        "JPY": ("24691", "12346"),
        "KWD": ("24.691", "12.346"),
    }


async def test_a_person_counts_once_for_each_tag(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    for tags in (("a",), ("a", "b"), ()):
        await log.record("person", await log.person(), events.TagsChanged(tags=tags))
    await written(log, side)
    found = await rows(queries, "people", by="tags")
    assert [(row["tags"], row["people"]) for row in found] == [("a", 2), ("b", 1), (None, 1)]


async def test_cohorts_follow_customers_from_their_first_purchase(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    one, two, three = [await log.person() for _ in range(3)]
    for person, at in (
        (one, "2025-01-31"),
        (one, "2025-03-01"),
        (two, "2025-01-05"),
        (two, "2025-01-06"),
        (three, "2025-03-09"),
    ):
        await order(log, person, at, 1_000)
    await written(log, side)
    keys = ("cohort", "period", "size", "active", "share", "orders", "revenue")
    found = [tuple(row[key] for key in keys) for row in await rows(queries, "cohorts")]
    assert found == [
        ("2025-01-01", 0, 2, 2, 1.0, 3, "30.00"),
        ("2025-01-01", 2, 2, 1, 0.5, 1, "10.00"),
        ("2025-03-01", 0, 1, 1, 1.0, 1, "10.00"),
    ]
    quarterly = await rows(queries, "cohorts", by="quarter")
    assert [(row["cohort"], row["period"], row["size"], row["orders"]) for row in quarterly] == [
        ("2025-01-01", 0, 3, 5)
    ]
    weekly = await rows(queries, "cohorts", by="week", to="2025-01-07")
    assert [(row["cohort"], row["period"], row["orders"]) for row in weekly] == [
        ("2024-12-30", 0, 1),
        ("2024-12-30", 1, 1),
    ]


async def test_both_clocks(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    one = await log.person()
    await log.record("person", one, events.OwnerAssigned(owner="first"))
    await order(log, one, "2024-01-01", 100)
    await log.record("person", one, events.OwnerAssigned(owner="second"))
    await order(log, one, "2024-01-02", 200)  # an earlier fact that became known later
    await written(log, side)
    ((between,),) = await side.rows("SELECT recorded_at FROM patron.activities WHERE amount_minor = 100")

    async def owners(**clocks: object) -> list[tuple[str, str]]:
        found = await rows(queries, "purchases", by="owner", **clocks)
        return [(row["owner"], row["revenue"]) for row in found]

    assert await owners() == [("second", "3.00")]
    assert await owners(known_at=between.isoformat()) == [("first", "1.00")]
    assert await owners(as_of=between.isoformat()) == [("first", "3.00")]
    assert await owners(as_of="2024-01-01T12:00:00Z") == [(None, "1.00")]  # as in the first version of the record


async def test_scores_are_kept_and_only_those_that_change_are_told(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    people = [await log.person() for _ in range(10)]
    for number, person in enumerate(people):
        await order(log, person, f"2025-01-{number + 1:02}", 1_000 * (number + 1))
    await written(log, side)
    async with await side.connect() as connection:
        await prepare_evaluation(connection)
        await connection.execute("CREATE TABLE patron.rfm_refreshes (id text PRIMARY KEY, at timestamptz NOT NULL)")
        assert await refresh(connection, JAN, 60) == set(people)
        assert await refresh(connection, JAN + timedelta(seconds=59), 60) is None
        nudged = await side.rows("SELECT customer_id::text FROM patron.segment_nudges WHERE aspect = 'rfm'")
        assert {one for (one,) in nudged} == set(people)
        assert await refresh_rfm(connection, JAN + timedelta(hours=1)) == set()
        await order(log, people[0], "2025-02-01", 50_000)
        await written(log, side)
        changed = await refresh_rfm(connection, JAN + timedelta(hours=2))
    assert people[0] in changed
    stored = await side.rows(
        "SELECT customer_id::text, concat(recency, frequency, monetary), segment, currency FROM patron.rfm_scores"
    )
    found = await rows(queries, "rfm", by="customer_id")
    assert {tuple(row) for row in stored} == {
        (row["customer_id"], row["cell"], row["segment"], row["currency"]) for row in found
    }
    assert {row[0]: row[1:3] for row in stored}[people[0]] == ("555", "Champions")


async def test_reports_say_what_they_are(side: ReadSide, log: CustomerLog, queries: Queries) -> None:
    await log.person()
    await written(log, side)
    listed = (await queries.answer("/reports"))["reports"]
    assert set(NAMES) <= {one["name"] for one in listed}
    assert listed == sorted(listed, key=lambda one: one["name"])
    for one in listed:
        assert one["text"]
        assert one["by"]
        assert all(column["type"] for column in one["columns"])
    answer = await queries.answer("/reports/people", by="custom.plan")
    assert [column["name"] for column in answer["columns"]] == ["custom.plan", "people", "share"]
    assert set(answer["rows"][0]) == {"custom.plan", "people", "share", "drill"}


REFUSED: list[tuple[str, dict[str, object], tuple[int, str | None, str | None]]] = [
    ("/reports/nothing", {}, (404, "report-not-found", None)),
    ("/reports/purchases", {"by": "nothing"}, (422, "by-invalid", "by")),
    ("/reports/purchases", {"by": "month,month"}, (422, "by-invalid", "by")),
    ("/reports/cohorts", {"by": "country"}, (422, "by-invalid", "by")),
    ("/reports/rfm", {"by": "segment,cell"}, (422, "by-invalid", "by")),
    ("/reports/purchases", {"days": "5"}, (422, "parameter-not-taken", "days")),
    ("/reports/purchases", {"from": "yesterday"}, (422, "period-invalid", "from")),
    ("/reports/purchases", {"time_zone": "Nowhere/City"}, (422, "time-zone-invalid", "time_zone")),
    ("/reports/purchases", {"filter": "nothing:eq:1"}, (422, "filter-invalid", "filter[0].field")),
    ("/reports/purchases", {"as_of": "2999-01-01"}, (422, "clock-invalid", "as_of")),
    ("/reports/response-rate", {}, (422, "response-invalid", "response")),
    ("/reports/response-rate", {"response": "amount:eq:1"}, (422, "response-invalid", "response")),
    ("/reports/cohorts", {}, (422, "currency-needed", "currency")),
    ("/reports/rfm", {}, (422, "currency-needed", "currency")),
    ("/reports/lifetime-value", {"currency": "EUR"}, (422, "model-unfit", None)),
    ("/reports/purchases/events", {}, (422, "row-invalid", "row")),
    ("/reports/purchases/events", {"row": ["month:2025-01-01"]}, (422, "row-invalid", "row")),
]


async def test_what_cannot_be_asked_is_refused(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    one = await log.person()
    await order(log, one, "2025-01-01", 100, "EUR")
    await order(log, one, "2025-01-01", 100, "USD")
    await written(log, side)
    for path, parameters, refusal in REFUSED:
        assert await queries.refusal(path, **parameters) == refusal
