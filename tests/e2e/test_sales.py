"""A sales team moves in with accounts, products and years of deals, and the figures are those of the files."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from bank_contacts import contacts_of_the_bank
from installations import Installation, Program

DataSet = Callable[[str], Path]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "sales"
SAMPLE = 1_100  # every eighth opportunity
CRM = ("--filter", "pipeline_id:eq:default")


@dataclass(frozen=True, slots=True)
class Sales:
    """The installation as a sales team sees it: the command line, and questions over HTTP."""

    patron: Program
    client: httpx.Client

    def brought_in(self, kind: str, file: Path, *options: str) -> dict[str, int]:
        """Import a file in which every row is right; answers how many rows were created, updated and unchanged."""
        ended = self.patron("import", kind, str(file), *options, "--json")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        report = json.loads(ended.stdout)
        assert (report["visible"], report["complete"]) == (True, True)
        return {status: report[status] for status in ("created", "updated", "unchanged") if report[status]}

    def report(self, name: str, *options: str) -> list[dict[str, Any]]:
        """Give the rows of a report."""
        return self.patron.json("report", name, *options)["rows"]

    def asked(self, path: str, **query: Any) -> Any:
        """Give the answer to one question."""
        answer = self.client.get(f"/projections/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def sales(data_sets: Path, installation: Installation) -> Generator[Sales]:
    """Only where there are real data sets: without them, nothing is started."""
    del data_sets
    with installation.client("reader") as client:
        yield Sales(installation.patron, client)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def move_in(sales: Sales, folder: Path) -> None:
    """Bring in what deals refer to: accounts, products and the team; each again changes nothing."""
    steps = (
        ("companies", "accounts.csv", 85, ("--source", "crm", "--currency", "USD")),
        ("products", "products.csv", 7, ("--currency", "USD")),
        ("sales-team", "sales_teams.csv", 35, ("--map", str(EXAMPLES / "sales-team.toml"))),
    )
    for kind, file, rows, options in steps:
        first = sales.brought_in(kind, folder / file, *options)
        assert first in ({"created": rows}, {"updated": rows}, {"unchanged": rows})
        assert sales.brought_in(kind, folder / file, *options) == {"unchanged": rows}


@pytest.mark.timeout(300)
def test_a_sample_of_opportunities_tells_what_happened(sales: Sales, data_set: DataSet, tmp_path: Path) -> None:
    folder = data_set("crm_sales_opportunities")
    move_in(sales, folder)
    rows = rows_of(folder / "sales_pipeline.csv")[:: 8_800 // SAMPLE]
    path = tmp_path / "opportunities.csv"
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    mapped = ("--map", str(EXAMPLES / "opportunities.toml"))
    assert sales.brought_in("deals", path, *mapped) == {"created": SAMPLE}
    assert sales.brought_in("deals", path, *mapped) == {"unchanged": SAMPLE}
    assert_figures(sales, rows)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_opportunities_give_the_figures_of_the_file(sales: Sales, data_set: DataSet) -> None:
    folder = data_set("crm_sales_opportunities")
    move_in(sales, folder)
    path = folder / "sales_pipeline.csv"
    report = sales.brought_in("deals", path, "--map", str(EXAMPLES / "opportunities.toml"))
    assert sum(report.values()) == 8_800
    assert_figures(sales, rows_of(path))
    (won,) = sales.report("win-rate", "--by", "total", *CRM)
    assert (won["closed"], won["won"], Decimal(won["revenue"]), round(won["rate"], 4)) == (
        6_711,
        4_238,
        10_005_534,
        0.6315,
    )
    quarters = [Decimal(row["revenue"]) for row in sales.report("win-rate", "--by", "quarter", *CRM)]
    assert quarters == [1_134_672, 3_086_111, 2_982_255, 2_802_496]
    (cycle,) = sales.report("sales-cycle", "--by", "total", *CRM)
    cycles = {row["product"]: round(row["average"], 2) for row in sales.report("sales-cycle", "--by", "product", *CRM)}
    assert (round(cycle["average"], 2), cycles["GTK 500"], cycles["GTX Pro"]) == (51.78, 64.07, 48.33)
    (then,) = sales.report("deals", "--by", "total", "--as-of", "2017-06-30", *CRM)
    assert (then["deals"], then["won"] + then["lost"], then["won"], then["open"]) == (4_365, 2_679, 1_785, 1_686)


def assert_figures(sales: Sales, rows: list[dict[str, str]]) -> None:
    """Compare what the installation says with what the rows say, now and as of a day in the middle."""
    stages = Counter(row["deal_stage"].lower() for row in rows)
    assert {row["stage"]: row["deals"] for row in sales.report("deals", "--by", "stage", *CRM)} == stages
    won = [row for row in rows if row["deal_stage"] == "Won"]
    (found,) = sales.report("win-rate", "--by", "total", *CRM)
    assert (found["won"], found["closed"]) == (len(won), len(won) + stages["lost"])
    assert Decimal(found["revenue"]) == sum(int(row["close_value"]) for row in won)
    day = "2017-06-30"
    engaged = [row for row in rows if row["engage_date"] and row["engage_date"] <= day]
    closed = [row for row in engaged if row["close_date"] and row["close_date"] <= day]
    (then,) = sales.report("deals", "--by", "total", "--as-of", day, *CRM)
    assert (then["deals"], then["open"]) == (len(engaged), len(engaged) - len(closed))
    board = sales.asked("/pipelines/default/board", limit=1, closed_days=0)
    assert board["deals"] == stages["engaging"] + stages["prospecting"]
    columns = {column["stage"]: column for column in board["columns"]}
    assert {stage: columns[stage]["deals"] for stage in ("prospecting", "engaging")} == {
        stage: stages[stage] for stage in ("prospecting", "engaging")
    }
    assert sales.patron.ok("pipeline", "board").splitlines()[0].startswith(f"Sales: {board['deals']:,} open deals")


def test_opportunities_of_salesforce_keep_their_expected_revenue(sales: Sales, data_set: DataSet) -> None:
    folder = data_set("exports_salesforce") / "data"
    sales.patron.ok("pipeline", "define", "salesforce", str(EXAMPLES / "salesforce-pipeline.json"))
    sales.brought_in("companies", folder / "accountData.csv")
    found = sales.brought_in("deals", folder / "opportunityData.csv", "--pipeline", "salesforce")
    assert sum(found.values()) == 38
    filters = ("--filter", "pipeline_id:eq:salesforce")
    (won,) = sales.report("win-rate", "--by", "total", *filters)
    assert (won["won"], Decimal(won["revenue"])) == (8, 2_200_000)
    deals = sales.asked("/deals", filter=["pipeline_id:eq:salesforce"], limit=100)["items"]
    assert len(deals) == 38
    assert sum(Decimal(one["amount"]["amount"]) for one in deals if one["amount"]) == 6_270_000
    assert sum(Decimal(one["weighted"]["amount"]) for one in deals if one["weighted"]) == 4_858_000
    assert {one["company"]["name"] for one in deals if one["company"]["name"]}


def assert_outcomes(sales: Sales, rows: list[dict[str, str]]) -> dict[str, tuple[int, int]]:
    """Compare the leads that subscribed and all leads of each medium with the rows; answers both."""
    found = sales.report("lead-sources", "--by", "medium", "--filter", "external_source:eq:bank")
    leads = Counter(row["contact"] for row in rows)
    subscribed = Counter(row["contact"] for row in rows if row["y"] == "yes")
    outcomes = {row["medium"]: (row["qualified"], row["leads"]) for row in found}
    assert outcomes == {medium: (subscribed[medium], number) for medium, number in leads.items()}
    assert {row["medium"]: row["dead"] for row in found} == leads - subscribed
    return outcomes


def test_clients_of_a_bank_are_leads_with_outcomes(sales: Sales, data_set: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    rows = contacts_of_the_bank(data_set("bank_marketing"), path, 1_500)
    mapped = ("--map", str(EXAMPLES / "bank-leads.toml"))
    assert sales.brought_in("leads", path, *mapped) in ({"created": 1_500}, {"unchanged": 1_500})
    assert sales.brought_in("leads", path, *mapped) == {"unchanged": 1_500}
    assert_outcomes(sales, rows)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_clients_of_a_bank_are_leads_with_outcomes(sales: Sales, data_set: DataSet, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    rows = contacts_of_the_bank(data_set("bank_marketing"), path, None)
    sales.brought_in("leads", path, "--map", str(EXAMPLES / "bank-leads.toml"))
    assert assert_outcomes(sales, rows) == {"cellular": (3_853, 26_144), "telephone": (787, 15_044)}
