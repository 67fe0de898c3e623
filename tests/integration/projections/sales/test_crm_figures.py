"""The figures of `crm_sales_opportunities`, from events that are dated as they happened."""

from collections.abc import AsyncGenerator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crm_sales import commits
from projections_http import Queries, client
from read_side import ReadSide, models_of
from sales_history import SalesHistory

AS_OF = "2017-06-30"


@pytest.fixture
async def queries(
    log: SalesHistory, side: ReadSide, tmp_path: Path, data_set: Callable[[str], Path]
) -> AsyncGenerator[Queries]:
    """Ask about all opportunities."""
    await log.told(*commits(data_set("crm_sales_opportunities")))
    models = models_of("pipeline")
    async with side.worker(models=models):
        await side.caught_up(log.last, models=models)
    async for one in client(side.url, tmp_path):
        yield one


async def rows(queries: Queries, name: str, **parameters: object) -> list[dict[str, Any]]:
    return (await queries.answer(f"/reports/{name}", **parameters))["rows"]


async def one(queries: Queries, name: str, **parameters: object) -> dict[str, Any]:
    (row,) = await rows(queries, name, by="total", **parameters)
    return row


async def test_the_figures_of_the_file(queries: Queries) -> None:
    stages = await rows(queries, "deals", by="stage")
    assert {row["stage"]: row["deals"] for row in stages} == {
        "won": 4_238, "lost": 2_473, "engaging": 1_589, "prospecting": 500
    }  # fmt: skip
    closed = await one(queries, "win-rate")
    assert (closed["closed"], closed["won"], closed["revenue"]) == (6_711, 4_238, "10005534.00")
    assert round(closed["rate"], 4) == 0.6315
    quarters = await rows(queries, "win-rate", by="quarter")
    assert {row["quarter"]: row["revenue"] for row in quarters} == {
        "2017-01-01": "1134672.00",
        "2017-04-01": "3086111.00",
        "2017-07-01": "2982255.00",
        "2017-10-01": "2802496.00",
    }
    cycle = await one(queries, "sales-cycle")
    assert (cycle["deals"], round(cycle["average"], 2)) == (4_238, 51.78)
    cycles = await rows(queries, "sales-cycle", by="product")
    by_product = {row["product"]: round(row["average"], 2) for row in cycles}
    assert (by_product["GTK 500"], by_product["GTXPro"]) == (64.07, 48.33)
    assert sum(row["deals"] for row in cycles) == 4_238
    # As of a day, from the events and not from columns of dates.
    then = await one(queries, "deals", as_of=AS_OF)
    assert (then["deals"], then["open"], then["won"], then["lost"]) == (4_365, 1_686, 1_785, 894)
    before = await one(queries, "win-rate", as_of=AS_OF)
    assert (before["closed"], before["won"]) == (2_679, 1_785)
    assert Decimal(before["revenue"]) == Decimal("1134672.00") + Decimal("3086111.00")
    assert await rows(queries, "deals", as_of=AS_OF, known_at="2020-01-01") == []
