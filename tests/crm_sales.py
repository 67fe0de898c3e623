"""The 8,800 opportunities of `crm_sales_opportunities` as facts of the pipeline context, each dated as it happened.

An opportunity was opened on the day on which engaging began and closed on its close date; those that are still
prospected have no day and were opened when they became known. Every third one is told in a single commit.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from patron_events.catalog.pipeline import deals, settings, team
from patron_events.registry import Fact
from sales_log import Dated, Told, day

CURRENCY: Final = "USD"
PIPELINE: Final = "crm"
KNOWN_AT: Final = day("2018-01-15")
DEFINED: Final = settings.PipelineDefined(
    definition_version=1,
    name="CRM",
    stages=(
        settings.Stage("prospecting", "Prospecting", probability=10),
        settings.Stage("engaging", "Engaging", probability=60),
        settings.Stage("won", "Won", kind="won", probability=100),
        settings.Stage("lost", "Lost", kind="lost"),
    ),
)


def _id(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(("crm", *parts))))


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def commits(folder: Path, *, every: int = 1) -> Iterator[Told]:
    """Give the pipeline, the representatives, and every n-th opportunity, in order of the files of the data set."""
    yield Told("pipeline", PIPELINE, [(DEFINED, day("2016-10-01"))])
    for row in _rows(folder / "sales_teams.csv"):
        yield Told("rep", _id("rep", row["sales_agent"]), _rep(row))
    prices = {row["product"]: int(row["sales_price"]) for row in _rows(folder / "products.csv")}
    for number, row in enumerate(_rows(folder / "sales_pipeline.csv")[::every]):
        product = {"GTXPro": "GTX Pro"}.get(row["product"], row["product"])
        told = _deal(row, prices[product])
        deal_id = _id("deal", row["opportunity_id"])
        if number % 3 == 0:
            yield Told("deal", deal_id, told)
            continue
        opened = [one for one in told if not isinstance(one[0], deals.DealWon | deals.DealLost)]
        yield Told("deal", deal_id, opened)
        if len(opened) < len(told):
            yield Told("deal", deal_id, told[len(opened) :])


def _rep(row: dict[str, str]) -> Sequence[Dated]:
    described = team.RepDescribed(subject=row["sales_agent"])
    placed = team.RepPlaced(team=row["manager"], region=row["regional_office"])
    return [(described, KNOWN_AT), (placed, KNOWN_AT)]


def _deal(row: dict[str, str], price: int) -> list[Dated]:
    """Tell one opportunity; the product keeps the spelling of the file."""
    prospected = row["deal_stage"] == "Prospecting"
    opened: datetime = KNOWN_AT if prospected else day(row["engage_date"])
    line = deals.LineItem(name=row["product"], unit_price_minor=price * 100, net_minor=price * 100, sku=row["product"])
    stage = "prospecting" if prospected else "engaging"
    begun: list[Fact] = [
        deals.DealOpened(name=row["opportunity_id"], pipeline_id=PIPELINE, stage=stage),
        deals.DealLinesChanged(currency=CURRENCY, lines=(line,)),
        deals.DealOwned(owner=row["sales_agent"]),
    ]
    if row["account"]:
        begun.append(deals.DealCustomerChanged(company_id=_id("company", row["account"])))
    told: list[Dated] = [(fact, opened) for fact in begun]
    if row["deal_stage"] == "Won":
        minor = int(row["close_value"]) * 100
        won = deals.DealWon(stage="won", was=stage, amount_minor=minor, currency=CURRENCY)
        told.append((won, day(row["close_date"])))
    elif row["deal_stage"] == "Lost":
        told.append((deals.DealLost(stage="lost", was=stage, reason="unknown"), day(row["close_date"])))
    return told
