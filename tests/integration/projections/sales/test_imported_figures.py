"""Opportunities of `exports_salesforce`, and calls of `bank_marketing` as leads with outcomes, told as events."""

import csv
import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from patron_events.catalog.pipeline import deals, leads, settings
from patron_projections.sales.models import SALES
from projections_http import Queries
from read_side import ReadSide
from sales_history import SalesHistory
from sales_log import Dated, Told, day

DataSet = Callable[[str], Path]


def _slug(stage: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in stage.lower())


async def test_opportunities_keep_their_expected_revenue(
    log: SalesHistory, side: ReadSide, queries: Queries, data_set: DataSet
) -> None:
    file = data_set("exports_salesforce") / "data" / "opportunityData.csv"
    with file.open(encoding="latin-1", newline="") as lines:
        found = list(csv.DictReader(lines))
    stages = {row["STAGENAME"]: round(float(row["PROBABILITY"])) for row in found}
    defined = settings.PipelineDefined(
        definition_version=1,
        name="Salesforce",
        stages=tuple(
            settings.Stage(_slug(name), name, "won" if chance == 100 else "open", chance)
            for name, chance in sorted(stages.items(), key=lambda one: one[1])
        ),
    )
    await log.told(Told("pipeline", "salesforce", [(defined, day("2010-01-01"))]))
    for row in found:
        amount = round(float(row["AMOUNT"]) * 100) if row["AMOUNT"] else None
        at = day("2010-01-02")
        facts: list[Dated] = [(deals.DealValued(amount, None if amount is None else "USD"), at)]
        if row["ISWON"].lower() == "true":
            won = deals.DealWon(_slug(row["STAGENAME"]), "prospecting", amount or 0, "USD")
            facts.append((won, day("2010-02-01")))
        stage = "prospecting" if row["ISWON"].lower() == "true" else _slug(row["STAGENAME"])
        await log.deal(*facts, pipeline="salesforce", stage=stage)
    await side.folded(log.last, SALES)
    (total,) = (await queries.answer("/reports/deals", by="total"))["rows"]
    assert (total["deals"], total["won"], total["amount"], total["expected"]) == (38, 8, "6270000.00", "4858000.00")
    assert total["unpriced"] == 5
    (won_ones,) = (await queries.answer("/reports/win-rate", by="total"))["rows"]
    assert won_ones["revenue"] == "2200000.00"


async def test_calls_of_a_bank_are_leads_with_outcomes(
    log: SalesHistory, side: ReadSide, queries: Queries, data_set: DataSet
) -> None:
    file = data_set("bank_marketing") / "bank-additional-full.csv.gz"
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines, delimiter=";"))[::20]
    told: list[Told] = []
    expected: Counter[tuple[str, str]] = Counter()
    for row in found:
        at = day("2010-05-01")
        facts: list[Dated] = [(leads.LeadCaptured(channel="file", source=row["contact"]), at)]
        if row["y"] == "yes":
            facts.append((leads.LeadConverted(was="new", person_id=log.new_id()), day("2010-05-11")))
        else:
            facts.append((leads.LeadStatusChanged(to="dead", was="new", reason="declined"), day("2010-05-11")))
        expected[row["contact"], row["y"]] += 1
        told.append(Told("lead", log.new_id(), facts))
    await log.told(*told)
    await side.folded(log.last, SALES)
    rows = (await queries.answer("/reports/lead-sources"))["rows"]
    counted = {(row["source"], "yes"): row["converted"] for row in rows}
    counted |= {(row["source"], "no"): row["dead"] for row in rows}
    assert counted == dict(expected)
    assert sum(row["leads"] for row in rows) == len(found)
    assert all(row["average"] == 10.0 for row in rows)
    (before,) = (await queries.answer("/reports/lead-sources", by="total", as_of="2010-05-10"))["rows"]
    assert (before["leads"], before["converted"], before["dead"]) == (len(found), 0, 0)
