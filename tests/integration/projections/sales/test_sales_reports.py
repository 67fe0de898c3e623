"""Reports of the pipeline context over HTTP: every number equals its list, and small worlds add up by hand."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from patron_events.catalog.pipeline import activities, deals, leads, settings, team
from patron_projections.sales.models import SALES
from projections_http import Queries
from read_side import ReadSide
from sales_history import SalesHistory
from sales_log import DEFAULT, Dated, Told, day

SALES_REPORTS: Final = (
    *("deals", "win-rate", "sales-cycle", "deal-ageing", "funnel", "stage-conversion", "velocity", "forecast"),
    *("forecast-history", "quota-attainment", "lead-sources", "follow-ups"),
)
# By what the rows of a report are checked against their lists.
CASES: Final[tuple[tuple[str, dict[str, object], str], ...]] = (
    ("deals", {"currency": "USD"}, "deals"),
    ("deals", {"by": "owner,status", "as_of": "2024-03-01T09:40:00Z", "currency": "USD"}, "deals"),
    ("deals", {"by": "currency,week", "filter": "stage:ne:lost"}, "deals"),
    ("win-rate", {"by": "product,competitor", "currency": "USD"}, "closed"),
    ("win-rate", {"by": "team,region,manager", "currency": "USD"}, "closed"),
    ("sales-cycle", {"by": "lost_reason", "outcome": "closed"}, "deals"),
    ("deal-ageing", {"by": "age,stage_age", "currency": "USD"}, "deals"),
    ("deal-ageing", {"by": "custom.plan", "currency": "USD"}, "deals"),
    ("funnel", {"currency": "USD"}, "reached"),
    ("funnel", {"by": "owner", "currency": "EUR"}, "reached"),
    ("stage-conversion", {"by": "stage,owner"}, "entered"),
    ("velocity", {"by": "forecast_category", "currency": "USD"}, "deals"),
    ("forecast", {"by": "forecast_category", "currency": "USD"}, "deals"),
    ("forecast", {"by": "team,quarter", "currency": "USD"}, "deals"),
    ("forecast", {"by": "currency"}, "deals"),
    ("forecast-history", {"from": "2024-02-28", "to": "2030-01-01", "every": "month", "currency": "USD"}, "deals"),
    ("quota-attainment", {"by": "region", "currency": "USD"}, "deals"),
    ("quota-attainment", {"by": "owner,month", "from": "2024-01-01", "to": "2024-07-01", "currency": "USD"}, "deals"),
    ("lead-sources", {"by": "source,status", "currency": "USD"}, "leads"),
    ("lead-sources", {"by": "campaign", "filter": "channel:eq:form", "currency": "USD"}, "leads"),
    ("follow-ups", {}, "activities"),
    ("follow-ups", {"by": "assignee,status,team"}, "activities"),
)


async def rows(queries: Queries, name: str, **parameters: object) -> list[dict[str, Any]]:
    """Give the rows of a report without their addresses."""
    found = (await queries.answer(f"/reports/{name}", **parameters))["rows"]
    return [{key: value for key, value in row.items() if key != "drill"} for row in found]


async def one(queries: Queries, name: str, **parameters: object) -> dict[str, Any]:
    (row,) = await rows(queries, name, by="total", **parameters)
    return row


async def events_of(queries: Queries, drill: str) -> list[dict[str, Any]]:
    """Follow the address of a row through all of its pages."""
    found: list[dict[str, Any]] = []
    address = f"{drill}&limit=7"
    while True:
        answer = await queries.http.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        address = f"{drill}&limit=7&cursor={page['next_cursor']}"


async def test_every_number_equals_the_events_behind_it(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await log.settings()
    for _ in range(220):
        await log.anything()
    await side.folded(log.last, SALES)
    for name, parameters, number in CASES:
        found = (await queries.answer(f"/reports/{name}", **parameters))["rows"]
        assert found, (name, parameters)
        for row in found:
            behind = await events_of(queries, row["drill"])
            assert len(behind) == row[number] == len({one["id"] for one in behind}), (name, parameters, row)
            assert all(one["occurred_at"] >= other["occurred_at"] for one, other in pairwise(behind))
            hits = sum(bool(one["hit"]) for one in behind)
            for figure in {"win-rate": ("won",), "lead-sources": ("converted",), "follow-ups": ("done",)}.get(name, ()):
                assert row[figure] == hits, (name, parameters, row)


async def test_reports_of_sales_say_what_they_are(side: ReadSide, log: SalesHistory, queries: Queries) -> None:
    await log.settings()
    await side.folded(log.last, SALES)
    listed = {one["name"]: one for one in (await queries.answer("/reports"))["reports"]}
    for name in SALES_REPORTS:
        asked: dict[str, object] = {"from": "2024-01-01"} if name == "forecast-history" else {}
        answer = await queries.answer(f"/reports/{name}", **asked)
        told = [column["name"] for column in answer["columns"]]
        assert set(told) >= {column["name"] for column in listed[name]["columns"]} - set(answer["by"])
        assert all(set(row) - {"drill"} == set(told) for row in answer["rows"])


def won(at: str, amount: int, currency: str = "EUR") -> Dated:
    return deals.DealWon(stage="won", was="offer", amount_minor=amount, currency=currency), day(at)


def opened(at: str, amount: int | None = None, close: str | None = None, owner: str = "ann") -> list[Dated]:
    facts: list[Dated] = [(deals.DealOwned(owner=owner), day(at))]
    if amount is not None:
        facts.append((deals.DealValued(amount_minor=amount, currency="EUR"), day(at)))
    if close is not None:
        facts.append((deals.DealExpected(close_date=date.fromisoformat(close)), day(at)))
    return facts


async def sellers(log: SalesHistory, *quotas: tuple[str, str, int]) -> None:
    """Record the pipeline, and representatives with their quotas (who, period, minor units)."""
    await log.told(Told("pipeline", "default", [(DEFAULT, day("2024-01-01"))]))
    for owner, region in (("ann", "West"), ("bob", "East")):
        facts: list[Any] = [team.RepDescribed(subject=owner), team.RepPlaced(team=f"{owner}s", region=region)]
        facts += [team.QuotaSet(period, amount, "EUR") for who, period, amount in quotas if who == owner]
        await log.told(Told("rep", log.new_id(), [(fact, log.now) for fact in facts]))


async def test_a_forecast_is_as_it_was_at_every_earlier_moment(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await sellers(log, ("ann", "2023-Q1", 60_000), ("bob", "2023", 120_000), ("bob", "2023-02", 50_000))
    first = await log.deal(*opened("2023-01-02", 10_000, "2023-03-31"))
    moved = deals.DealMoved(to="offer", was="engaging"), day("2023-01-10")
    valued = deals.DealValued(amount_minor=20_000, currency="EUR"), day("2023-01-12")
    postponed = deals.DealExpected(close_date=date(2023, 4, 15)), day("2023-02-20")
    await log.told(Told("deal", first, [moved, valued, postponed]))
    await log.deal(*opened("2023-01-05", 30_000, "2023-02-15", "bob"), won("2023-02-01", 25_000))
    omitted = deals.DealExpected(close_date=date(2023, 3, 1), forecast_category="omitted"), day("2023-01-03")
    await log.deal(*opened("2023-01-03", 70_000), omitted)
    await side.folded(log.last, SALES)
    asked = {"from": "2023-01-01", "to": "2023-04-01", "every": "month"}
    keys = ("snapshot", "deals", "won_amount", "weighted", "best_case", "commit", "omitted", "forecast", "quota", "gap")
    history = [tuple(row[key] for key in keys) for row in await rows(queries, "forecast-history", **asked)]
    # Quotas: 600.00 of Ann; of Bob 100.00 for January and March, and the 500.00 that were set for February.
    assert history == [
        ("2023-01-01", 0, "0.00", "0.00", "0.00", "0.00", "0.00", "0.00", "1300.00", "1300.00"),
        ("2023-02-01", 3, "250.00", "160.00", "0.00", "200.00", "700.00", "410.00", "1300.00", "890.00"),
        ("2023-03-01", 2, "250.00", "0.00", "0.00", "0.00", "700.00", "250.00", "1300.00", "1050.00"),
        ("2023-04-01", 2, "250.00", "0.00", "0.00", "0.00", "700.00", "250.00", "1300.00", "1050.00"),
    ]
    early = await rows(queries, "forecast-history", **asked, history_from="2023-01-06", by="owner")
    assert [tuple(row[key] for key in ("snapshot", "owner", "best_case", "quota")) for row in early][:2] == [
        ("2023-01-06", "ann", "100.00", "600.00"),
        ("2023-01-06", "bob", "300.00", "700.00"),
    ]
    then = await rows(queries, "forecast", as_of="2023-02-10", **{"from": "2023-01-01", "to": "2023-04-01"})
    assert [(row["month"], row["forecast"], row["quota"]) for row in then] == [
        ("2023-01-01", "0.00", "300.00"),
        ("2023-02-01", "250.00", "700.00"),
        ("2023-03-01", "160.00", "300.00"),
    ]
    now = await rows(queries, "forecast")
    assert [(row["month"], row["forecast"]) for row in now if row["deals"]] == [
        ("2023-02-01", "250.00"),
        ("2023-03-01", "0.00"),
        ("2023-04-01", "160.00"),
    ]


async def test_quotas_are_met_by_each_owner_with_their_share(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await sellers(log, ("ann", "2023-Q1", 100_000), ("bob", "2023", 100_000))
    shared = deals.DealOwned("ann", splits=(deals.Split("ann", "75"), deals.Split("bob", "25"))), day("2023-01-02")
    await log.deal(shared, won("2023-02-01", 40_000))
    await log.deal(*opened("2023-01-02", owner="bob"), won("2023-03-31", 15_000))
    await log.deal(*opened("2023-01-02", owner="bob"), won("2023-04-01", 99_000))
    await side.folded(log.last, SALES)
    quarter = {"from": "2023-01-01", "to": "2023-04-01"}
    keys = ("quota", "won_amount", "attainment", "gap", "deals")
    found = {row["owner"]: [row[key] for key in keys] for row in await rows(queries, "quota-attainment", **quarter)}
    assert found == {
        "ann": ["1000.00", "300.00", 0.3, "700.00", 1],
        "bob": ["250.00", "250.00", 1.0, "0.00", 2],
    }
    total = await one(queries, "quota-attainment", **quarter)
    assert [total[key] for key in keys] == ["1250.00", "550.00", 0.44, "700.00", 2]
    regions = await rows(queries, "quota-attainment", by="region", filter="owner:eq:bob", **quarter)
    assert [(row["region"], row["won_amount"]) for row in regions] == [("East", "250.00")]
    assert await queries.refusal("/reports/quota-attainment", by="product") == (422, "by-invalid", "by")
    assert await queries.refusal("/reports/quota-attainment", filter="stage:eq:won") == (
        422,
        "filter-invalid",
        "filter",
    )


async def test_a_total_of_several_currencies_says_whose_rates_it_used(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.told(Told("pipeline", "default", [(DEFAULT, log.now)]))
    for base, currency, on, rate in (
        ("EUR", "USD", "2023-01-01", "1.10"), ("EUR", "USD", "2023-03-01", "1.25"), ("GBP", "USD", "2023-02-01", "1.5"),
        ("EUR", "JPY", "2023-01-15", "150"),
    ):  # fmt: skip
        fact = settings.ExchangeRateSet(base, currency, date.fromisoformat(on), rate)
        await log.told(Told("rates", base.lower(), [(fact, log.now)]))
    for amount, currency in ((10_000, "EUR"), (10_000, "USD"), (10_000, "GBP"), (15_000, "JPY"), (10_000, "CHF")):
        await log.deal((deals.DealOwned(owner="ann"), day("2023-02-01")), won("2023-02-10", amount, currency))
    await side.folded(log.last, SALES)
    assert await queries.refusal("/reports/win-rate") == (422, "currency-needed", "currency")
    keys = ("revenue", "currency", "rate_date", "oldest_rate", "unpriced")

    async def total(**asked: object) -> list[Any]:
        row = await one(queries, "win-rate", **asked)
        assert row["won"] == 5
        return [row[key] for key in keys]

    # 100 USD, 110 for 100 EUR, 150 for 100 GBP, and 15,000 JPY by EUR; nothing is known of CHF, and
    # of GBP in JPY only by way of two others.
    assert await total(currency="USD", rate_date="2023-02-28") == ["470.00", "USD", "2023-02-28", "2023-01-01", 1]
    assert await total(currency="USD", to="2023-03-02") == ["500.00", "USD", "2023-03-01", "2023-01-15", 1]
    assert await total(currency="JPY", rate_date="2023-02-28") == ["43636", "JPY", "2023-02-28", "2023-01-01", 2]
    each = await rows(queries, "win-rate", by="currency")
    assert [(row["currency"], row["revenue"], row["rate_date"]) for row in each] == [
        ("CHF", "100.00", None), ("EUR", "100.00", None), ("GBP", "100.00", None), ("JPY", "15000", None),
        ("USD", "100.00", None),
    ]  # fmt: skip
    assert await queries.refusal("/reports/win-rate", by="currency", currency="USD") == (422, "by-invalid", "by")


async def test_a_funnel_counts_stages_that_were_left_out_and_losses_where_they_happened(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await sellers(log)
    began = [(deals.DealOwned(owner="ann"), day("2023-01-02"))]
    to_offer = deals.DealMoved(to="offer", was="prospecting"), day("2023-01-05")
    back = deals.DealMoved(to="engaging", was="offer"), day("2023-01-07")
    lost = deals.DealLost(stage="lost", was="engaging", reason="price"), day("2023-01-11")
    again = deals.DealReopened(to="engaging", was="lost"), day("2023-01-20")
    await log.deal(*began, stage="prospecting")
    await log.deal(*began, to_offer, back, lost, stage="prospecting")
    await log.deal(*began, to_offer, won("2023-01-09", 100), stage="prospecting")
    await log.deal(*began, to_offer, back, lost, again, stage="prospecting")
    archived = await log.deal(*began, stage="prospecting")
    await log.told(Told("deal", archived, [(deals.DealArchived(), day("2023-02-01"))]))
    await side.folded(log.last, SALES)
    keys = ("stage", "reached", "conversion", "open", "lost")
    assert [tuple(row[key] for key in keys) for row in await rows(queries, "funnel")] == [
        ("prospecting", 4, 0.75, 1, 0),
        ("engaging", 3, 1.0, 1, 1),
        ("offer", 3, pytest.approx(1 / 3), 0, 0),
        ("won", 1, None, 0, 0),
    ]
    before = await rows(queries, "funnel", as_of="2023-01-06")
    assert [(row["stage"], row["reached"], row["open"]) for row in before] == [
        ("prospecting", 5, 2), ("engaging", 3, 0), ("offer", 3, 3)
    ]  # fmt: skip
    keys = ("stage", "entered", "advanced", "won", "lost", "back", "still", "average")
    assert [tuple(row[key] for key in keys) for row in await rows(queries, "stage-conversion", by="stage")] == [
        ("engaging", 3, 0, 0, 2, 0, 1, 4.0),
        ("offer", 3, 1, 1, 0, 2, 0, pytest.approx(8 / 3)),
        ("prospecting", 4, 3, 0, 0, 0, 1, 3.0),
    ]
    assert (await one(queries, "deal-ageing", as_of="2023-03-06"))["average_age"] == 63.0
    speed = await one(queries, "velocity", as_of="2023-01-10")
    assert [speed[key] for key in ("open", "won", "rate", "average_won", "cycle", "velocity")] == [
        4, 1, 1.0, "1.00", 7.0, "0.57"
    ]  # fmt: skip


async def test_a_move_to_another_pipeline_is_no_advance(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await sellers(log)
    await log.told(Told("pipeline", "partners", [(DEFAULT, day("2024-01-01"))]))
    went = deals.DealMoved(to="offer", was="engaging", pipeline_id="partners"), day("2023-01-05")
    await log.deal(*opened("2023-01-02"), went)
    await log.deal(*opened("2023-01-02"), (deals.DealMoved(to="offer", was="engaging"), day("2023-01-05")))
    await side.folded(log.last, SALES)
    keys = ("pipeline_id", "stage", "entered", "advanced", "back", "still")
    assert [tuple(row[key] for key in keys) for row in await rows(queries, "stage-conversion")] == [
        ("default", "engaging", 2, 1, 1, 0),
        ("default", "offer", 1, 0, 0, 1),
        ("partners", "offer", 1, 0, 0, 1),
    ]


async def test_the_built_in_pipeline_weighs_and_has_a_funnel(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.deal(*opened("2023-01-02", 10_000, "2023-03-31"), stage="proposal")
    await side.folded(log.last, SALES)
    (forecast,) = await rows(queries, "forecast")
    assert (forecast["month"], forecast["weighted"], forecast["best_case"]) == ("2023-03-01", "60.00", "100.00")
    asked = {"from": "2023-01-01", "to": "2023-04-01", "history_from": "2023-04-01"}
    (seen,) = await rows(queries, "forecast-history", **asked)
    assert (seen["snapshot"], seen["weighted"]) == ("2023-04-01", "60.00")
    reached = [(row["stage"], row["reached"]) for row in await rows(queries, "funnel")]
    assert reached == [("prospecting", 1), ("engaging", 1), ("proposal", 1)]


async def test_a_fact_that_is_told_late_moves_no_deal_back(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await sellers(log)
    deal = await log.deal(*opened("2023-01-02", 100), won("2023-01-10", 500))
    await log.told(Told("deal", deal, [(deals.DealOwned(owner="bob"), day("2023-01-05"))]))
    await side.folded(log.last, SALES)
    between = await rows(queries, "deals", by="status,owner", as_of="2023-01-07")
    assert [(row["status"], row["amount"]) for row in between] == [("open", "1.00")]
    after = await rows(queries, "deals", by="status,owner", as_of="2023-01-10")
    assert [(row["status"], row["owner"], row["amount"]) for row in after] == [("won", "bob", "5.00")]
    assert await rows(queries, "deals", as_of="2023-01-10", known_at="2023-12-31") == []


async def test_leads_return_what_their_deals_brought(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await sellers(log)
    deal = await log.deal((deals.DealOwned(owner="ann"), day("2023-01-05")), won("2023-01-20", 90_000))
    for source, to in (("web", "converted"), ("web", "dead"), ("web", "qualified"), ("fair", "new")):
        facts: list[Dated] = [(leads.LeadCaptured(channel="api", source=source), day("2023-01-01"))]
        if to == "converted":
            converted = leads.LeadConverted(was="qualified", person_id=log.new_id(), deal_id=deal)
            facts += [(leads.LeadAssigned(owner="ann"), day("2023-01-02")), (converted, day("2023-01-05"))]
        elif to != "new":
            facts.append((leads.LeadStatusChanged(to=to, was="new"), day("2023-01-03")))
        await log.told(Told("lead", log.new_id(), facts))
    await side.folded(log.last, SALES)
    keys = ("source", "leads", "assigned", "qualified", "converted", "dead", "average", "won", "revenue", "return")
    assert [tuple(row[key] for key in keys) for row in await rows(queries, "lead-sources")] == [
        ("fair", 1, 0, 0, 0, 0, None, 0, "0.00", "0.00"),
        ("web", 3, 1, 2, 1, 1, 4.0, 1, "900.00", "300.00"),
    ]
    earlier = await one(queries, "lead-sources", as_of="2023-01-10")
    assert (earlier["converted"], earlier["won"]) == (1, 0)


async def test_follow_ups_are_counted_by_when_they_are_due(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await sellers(log)
    begin = day("2023-01-01")
    done, cancelled = activities.ActivityCompleted(outcome="reached"), activities.ActivityCancelled()
    for due, end in ((3, (done, 4)), (3, (done, 2)), (5, (cancelled, 5)), (5, None), (20, None)):
        facts: list[Dated] = [
            (activities.ActivityPlanned(kind="call"), begin),
            (activities.ActivityScheduled(due_at=begin + timedelta(days=due)), begin),
            (activities.ActivityAssigned(assignee="ann"), begin),
        ]
        if end is not None:
            facts.append((end[0], begin + timedelta(days=end[1])))
        await log.told(Told("activity", log.new_id(), facts))
    await side.folded(log.last, SALES)
    keys = ("activities", "done", "open", "overdue", "cancelled", "completion", "late", "completions")
    row = await one(queries, "follow-ups", as_of="2023-01-10")
    assert [row[key] for key in keys] == [5, 2, 2, 1, 1, 0.5, 1, 2]
    weekly = await rows(queries, "follow-ups", by="week,region", as_of="2023-01-10")
    assert [(row["week"], row["region"], row["activities"]) for row in weekly] == [
        ("2023-01-02", "West", 4), ("2023-01-16", "West", 1)
    ]  # fmt: skip


async def test_what_cannot_be_asked_of_sales_is_refused(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await log.settings()
    await side.folded(log.last, SALES)
    for path, parameters, refusal in (
        ("forecast-history", {}, (422, "period-needed", "from")),
        ("forecast-history", {"from": "1950-01-01", "every": "day"}, (422, "history-too-long", "history_from")),
        ("velocity", {"by": "month"}, (422, "by-invalid", "by")),
        ("deals", {"by": "nothing"}, (422, "by-invalid", "by")),
        ("deals", {"by": "company.nothing"}, (422, "by-invalid", "by")),
        ("deals", {"filter": "stage:near:won"}, (422, "filter-invalid", "filter[0].operator")),
        ("deals", {"every": "day"}, (422, "parameter-not-taken", "every")),
        ("deals", {"after": "contacts.1.1"}, (422, "after-invalid", "after")),
        ("lead-sources", {"by": "currency"}, (422, "by-invalid", "by")),
    ):
        assert await queries.refusal(f"/reports/{path}", **parameters) == refusal
    edges: dict[str, object] = {"time_zone": "America/New_York", "to": "0001-01-01T00:00:00Z", "as_of": "0001-01-01"}
    for name in ("deal-ageing", "forecast", "quota-attainment"):
        assert (await queries.answer(f"/reports/{name}", currency="USD", **edges))["rows"] == []
    after = datetime.now(UTC).isoformat()
    assert (await queries.answer("/reports/deals", after=f"pipeline.0.{log.last}", as_of=after))["complete"]
