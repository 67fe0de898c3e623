"""Rows of sales become bodies of the pipeline's bulk routes: a deal tells its past as events at their own dates."""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from patron_cli.importing.body import BodyMaker, compile_plan
from patron_cli.importing.detection import open_rows
from patron_cli.importing.identity import identify
from patron_cli.importing.mapping import Stated, make_plan
from patron_cli.importing.mapping_file import MappingFile, load_mapping
from patron_cli.importing.rows import FileUnusable
from patron_cli.importing.shapes import Kind
from patron_cli.importing.stages import Pipelines
from patron_cli.importing.values import BadValue

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "sales"
STAGES = (
    ("lead-in", "Lead in", "open"),
    ("offer", "Offer made", "open"),
    ("won", "Won", "won"),
    ("lost", "Lost", "lost"),
)
DEFAULT = {
    "id": "default",
    "name": "Sales",
    "stages": [dict(zip(("id", "name", "kind"), one, strict=True)) for one in STAGES],
}
CRM = {
    "id": "default",
    "name": "Sales",
    "stages": [
        {"id": name, "kind": name if name in {"won", "lost"} else "open"}
        for name in ("prospecting", "engaging", "won", "lost")
    ],
}


def pipelines_of(*documents: Mapping[str, Any]) -> Pipelines:
    return Pipelines({one["id"]: one for one in documents}.get)


PIPELINES = pipelines_of(DEFAULT)
NO_MAPPING = MappingFile()


def maker(
    kind: Kind, columns: list[str], mapping: MappingFile = NO_MAPPING, pipelines: Pipelines = PIPELINES, **stated: Any
) -> BodyMaker:
    plan = make_plan(kind, columns, Stated(**stated), mapping, default_source="file")
    return compile_plan(plan, pipelines)


def body(kind: Kind, row: Mapping[str, Any], mapping: MappingFile = NO_MAPPING, **stated: Any) -> dict[str, Any]:
    return maker(kind, list(row), mapping, **stated).body(list(row.values()))


def deal(**cells: str) -> dict[str, Any]:
    return body(
        "deals", {"Deal name": "Roof"} | {name.replace("_", " "): cell for name, cell in cells.items()}, currency="EUR"
    )


def steps(made: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["at"][:10], one["do"], one["stage"]) for one in made["history"]]


def test_an_open_deal_was_opened_in_its_stage_when_the_file_says() -> None:
    made = deal(stage="OFFER MADE", created="2026-01-05", amount="1200.50", close_date="2026-06-30")
    assert steps(made) == [("2026-01-05", "open", "offer")]
    assert (made["amount"], made["currency"], made["close_date"], made["pipeline_id"]) == (
        "1200.50", "EUR", "2026-06-30", "default"
    )  # fmt: skip


def test_a_deal_without_dates_is_opened_when_it_is_imported() -> None:
    made = deal(stage="lead-in")
    assert "history" not in made
    assert made["stage"] == "lead-in"


def test_a_closed_deal_goes_its_way_from_the_first_stage_to_the_end() -> None:
    made = deal(
        stage="Won",
        created="2026-01-05",
        **{"entered[offer]": "2026-02-01"},
        close_date="2026-03-01",
        close_value="900",
    )
    assert steps(made) == [
        ("2026-01-05", "open", "lead-in"), ("2026-02-01", "move", "offer"), ("2026-03-01", "win", "won")
    ]  # fmt: skip
    assert made["history"][-1]["amount"] == "900"
    assert not {"close_date", "won_amount", "stage"} & made.keys()


def test_a_deal_that_was_recorded_after_it_was_closed_is_opened_on_its_closing_day() -> None:
    made = deal(stage="lost", created="2026-06-15T20:47:07Z", close_date="2025-11-09", lost_reason="price")
    assert steps(made) == [("2025-11-09", "open", "lead-in"), ("2025-11-09", "lose", "lost")]
    assert made["history"][-1]["reason"] == "price"


def test_a_present_stage_whose_day_is_unknown_is_entered_with_the_one_before() -> None:
    made = deal(stage="offer", **{"entered[lead-in]": "2026-01-05"})
    assert steps(made) == [("2026-01-05", "open", "lead-in"), ("2026-01-05", "move", "offer")]
    made = deal(stage="offer", created="2026-01-05", stage_since="2026-02-01")
    assert steps(made) == [("2026-01-05", "open", "lead-in"), ("2026-02-01", "move", "offer")]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"stage": "nowhere"}, "unknown-stage"),
        ({"pipeline": "renewals"}, "unknown-pipeline"),
        ({"stage": "won"}, "closing-date-missing"),
        ({"stage": "won", "close_date": "03/04/2026"}, "ambiguous-date"),
    ],
)
def test_deals_that_nobody_could_understand_are_refused(cells: dict[str, str], code: str) -> None:
    with pytest.raises(BadValue) as refused:
        deal(**cells)
    assert refused.value.code == code


def test_amounts_need_a_currency() -> None:
    files: list[tuple[Kind, list[str]]] = [
        ("deals", ["name", "amount"]),
        ("products", ["sku", "price"]),
        ("leads", ["email", "budget"]),
    ]
    for kind, columns in files:
        with pytest.raises(FileUnusable, match="--currency"):
            maker(kind, columns)


def test_the_amount_of_a_deal_with_one_product_is_the_price_of_its_line() -> None:
    made = deal(product="GTX Pro", amount="4500")
    assert "amount" not in made
    assert made["lines"] == [{"sku": "GTX Pro", "unit_price": "4500"}]


def test_a_pipeline_may_be_stated_for_the_whole_file() -> None:
    pipelines = pipelines_of(DEFAULT, {**CRM, "id": "big-hardware"})
    made = maker("deals", ["name", "stage"], pipelines=pipelines, pipeline="Big Hardware").body(["Roof", "Engaging"])
    assert (made["pipeline_id"], made["stage"]) == ("big-hardware", "engaging")


def read(
    kind: Kind, path: Path, mapping: Path | None, pipelines: Pipelines = PIPELINES, **stated: Any
) -> list[dict[str, Any]]:
    """Make the bodies of a real file, with their ids."""
    file = open_rows(path)
    made = maker(kind, list(file.columns), load_mapping(mapping) if mapping else NO_MAPPING, pipelines, **stated)
    bodies: list[dict[str, Any]] = []
    keys: set[int] = set()
    for row in file.rows():
        one = made.body(row.values)
        keys.update(identify(made.plan, row.values, one, None, lambda _: 1))
        bodies.append(one)
    assert len(keys) == len(bodies)
    return bodies


def total(bodies: list[dict[str, Any]], do: str) -> Decimal:
    return sum(
        (Decimal(event["amount"]) for one in bodies for event in one.get("history", ()) if event["do"] == do),
        Decimal(0),
    )


def test_opportunities_of_a_real_file_are_told_as_they_happened(data_set: Callable[[str], Path]) -> None:
    folder = data_set("crm_sales_opportunities")
    bodies = read("deals", folder / "sales_pipeline.csv", EXAMPLES / "opportunities.toml", pipelines_of(CRM))
    ends = Counter(one["history"][-1]["do"] if "history" in one else one["stage"] for one in bodies)
    assert ends == {"win": 4_238, "lose": 2_473, "open": 1_589, "prospecting": 500}
    assert total(bodies, "win") == 10_005_534
    assert Counter(one["lines"][0]["sku"] for one in bodies)["GTX Pro"] == 1_480
    assert sum("company_external_id" not in one for one in bodies) == 1_425
    assert bodies[0] == {
        "external_id": {"source": "crm", "id": "1C1I7A6R"},
        "name": "GTX Plus Basic for Cancity",
        "pipeline_id": "default",
        "owner": "Moses Frase",
        "company_external_id": {"source": "crm", "id": "Cancity"},
        "lines": [{"sku": "GTX Plus Basic"}],
        "currency": "USD",
        "history": [
            {"at": "2016-10-20T00:00:00Z", "do": "open", "stage": "engaging"},
            {"at": "2017-03-01T00:00:00Z", "do": "win", "stage": "won", "amount": "1054"},
        ],
    }


def test_products_and_sales_teams_of_real_files(data_set: Callable[[str], Path]) -> None:
    folder = data_set("crm_sales_opportunities")
    products = read("products", folder / "products.csv", None, currency="USD")
    assert products[1] == {
        "sku": "GTX Pro",
        "name": "GTX Pro",
        "family": "GTX",
        "unit_price": "4821",
        "currency": "USD",
    }
    team = read("sales-team", folder / "sales_teams.csv", EXAMPLES / "sales-team.toml")
    assert (len(products), len(team)) == (7, 35)
    assert {name: team[0][name] for name in ("subject", "name", "manager", "team", "region")} == {
        "subject": "Anna Snelling",
        "name": "Anna Snelling",
        "manager": "Dustin Brinkmann",
        "team": "Dustin Brinkmann",
        "region": "Central",
    }


def test_opportunities_of_salesforce(data_set: Callable[[str], Path]) -> None:
    definition: dict[str, Any] = msgspec.json.decode((EXAMPLES / "salesforce-pipeline.json").read_bytes())
    pipelines = pipelines_of({"id": "salesforce", **definition})
    path = data_set("exports_salesforce") / "data" / "opportunityData.csv"
    bodies = read("deals", path, None, pipelines, pipeline="salesforce")
    assert len(bodies) == 38
    assert sum(Decimal(one.get("amount", 0)) for one in bodies) == 6_270_000
    won = [one for one in bodies if one["history"][-1]["do"] == "win"]
    assert (len(won), sum(Decimal(one["amount"]) for one in won)) == (8, 2_200_000)
    chances = {
        one["id"]: one.get("probability", 100 if one.get("kind") == "won" else 0) for one in definition["stages"]
    }
    expected = [Decimal(one.get("amount", 0)) * chances[one["history"][-1]["stage"]] / 100 for one in bodies]
    assert sum(expected) == 4_858_000
    assert {one["company_external_id"]["source"] for one in bodies} == {"salesforce"}


def test_clients_of_a_bank_are_leads_with_outcomes(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    columns = "row;at;contact;job;marital;education;poutcome;duration;campaign;y"
    rows = (
        "1;2008-05-01;telephone;services;single;unknown;nonexistent;61;1;no",
        "2;2008-06-01;cellular;unknown;unknown;unknown;unknown;;;yes",
    )
    path.write_text("\n".join((columns, *rows, "")))
    first, second = read("leads", path, EXAMPLES / "bank-leads.toml")
    assert first["attributes"] == {
        "job": "services", "marital": "single", "poutcome": "nonexistent", "duration_s": 61, "calls": 1
    }  # fmt: skip
    assert (first["status"], first["reason"], first["closed_at"]) == ("dead", "declined", "2008-05-01T00:00:00Z")
    assert (second["status"], second["medium"]) == ("qualified", "cellular")
    assert "reason" not in second
    assert "attributes" not in second
