"""What boards tell of limits, of deals in stages that are no more, and of pipelines that were given up."""

from datetime import date
from typing import Any

from msgspec.structs import replace

from patron_events.catalog.pipeline import deals, settings
from patron_projections.sales.models import SALES
from projections_http import Queries
from read_side import ReadSide
from sales_history import SalesHistory
from sales_log import DEFAULT, Told, day


async def columns(queries: Queries, **asked: object) -> dict[str, dict[str, Any]]:
    board = await queries.answer("/pipelines/default/board", **asked)
    return {column["stage"]: column for column in board["columns"]}


async def test_a_filtered_board_does_not_tell_whether_a_limit_is_kept(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    stages = [replace(one, wip_limit=1) if one.id == "offer" else one for one in DEFAULT.stages]
    await log.say("pipeline", "default", replace(DEFAULT, stages=tuple(stages)))
    for owner in ("ann", "bob"):
        await log.deal((deals.DealOwned(owner), log.now), stage="offer")
    await side.folded(log.last, SALES)
    whole = (await columns(queries))["offer"]
    assert (whole["deals"], whole["wip_limit"], whole["over_limit"]) == (2, 1, True)
    part = (await columns(queries, filter="owner:eq:ann"))["offer"]
    assert (part["deals"], part["wip_limit"], part["over_limit"]) == (1, 1, None)


async def test_deals_in_stages_that_are_no_more_stay_on_the_board(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.say("pipeline", "default", DEFAULT)
    for stage in ("offer", "engaging", "engaging"):
        await log.deal((deals.DealValued(1_00, "EUR"), log.now), stage=stage)
    won, lost = [await log.deal((deals.DealValued(1_00, "EUR"), log.now)) for _ in range(2)]
    await log.say("deal", won, deals.DealWon("won", "engaging", 9_00, "EUR"))
    await log.say("deal", lost, deals.DealLost("lost", "engaging", "price"))
    engaging = next(one for one in DEFAULT.stages if one.id == "engaging")
    ends = [settings.Stage("signed", "Signed", kind="won"), settings.Stage("offer", "No", kind="lost")]
    await log.say("pipeline", "default", replace(DEFAULT, definition_version=2, stages=(engaging, *ends)))
    await side.folded(log.last, SALES)
    board = await queries.answer("/pipelines/default/board", closed_days=366, as_of=log.now.isoformat())
    assert board["deals"] == 3
    assert [(one["stage"], one["kind"], one["deals"], len(one["sums"])) for one in board["columns"]] == [
        ("engaging", "open", 2, 1),
        ("signed", "won", 0, 0),
        ("offer", "lost", 0, 0),
        ("offer", "open", 1, 1),
        ("won", "won", 1, 1),
        ("lost", "lost", 1, 1),
    ]
    assert board["columns"][4]["total"]["amount"] == {"amount": "9.00", "currency": "EUR"}


async def test_a_pipeline_is_archived_once_that_had_happened_and_was_known(
    log: SalesHistory, side: ReadSide, queries: Queries
) -> None:
    await log.told(Told("pipeline", "default", [(DEFAULT, day("2024-01-01"))]))
    before = log.now
    await log.told(Told("pipeline", "default", [(settings.PipelineArchived(), day("2024-02-01"))]))
    await side.folded(log.last, SALES)
    for clocks, archived in (
        ({}, True),
        ({"as_of": "2024-01-31"}, False),
        ({"as_of": "2024-02-02"}, True),
        ({"known_at": before.isoformat()}, False),
        ({"known_at": log.now.isoformat()}, True),
        ({"as_of": "2024-02-02", "known_at": before.isoformat()}, False),
    ):
        (pipeline,) = await queries.items("/pipelines", **clocks)
        assert pipeline["archived"] is archived, clocks


async def test_boards_and_reports_convert_alike(log: SalesHistory, side: ReadSide, queries: Queries) -> None:
    await log.say("pipeline", "default", DEFAULT)
    for base, currency, on, rate in (
        ("EUR", "USD", "2024-01-01", "1.10"),
        ("EUR", "GBP", "2024-02-01", "0.85"),
        ("CHF", "GBP", "2024-02-20", "0.9"),
        ("CHF", "USD", "2024-02-20", "1.15"),
        ("USD", "JPY", "2024-02-01", "150"),
        ("JPY", "SEK", "2024-02-01", "0.07"),
    ):
        fact = settings.ExchangeRateSet(base, currency, date.fromisoformat(on), rate)
        await log.told(Told("rates", base.lower(), [(fact, log.now)]))
    for amount, currency in ((10_005, "GBP"), (10_003, "EUR"), (777, "JPY"), (5_555, "SEK"), (1_00, "PLN")):
        await log.deal((deals.DealValued(amount, currency), log.now), stage="offer")
    await side.folded(log.last, SALES)
    for currency in ("USD", "GBP", "SEK", "JPY"):
        total = (await columns(queries, currency=currency))["offer"]["total"]
        (row,) = (await queries.answer("/reports/deals", by="total", currency=currency))["rows"]
        assert total["amount"] == {"amount": row["amount"], "currency": currency}
        assert min(rate["day"] for rate in total["rates"]) == row["oldest_rate"]
        assert "PLN" in total["without_rate"]
        assert row["unpriced"] == len(total["without_rate"])
