"""Somebody looks at figures, takes lists away as files, and asks where a value comes from."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from installations import Installation, eventually
from patron_cli.main import app

ORDERS = "customer,date,amount,currency\nf-1,2026-01-05,10.00,EUR\nf-1,2026-02-05,20.00,EUR\nf-2,2026-02-06,5.00,EUR\n"
PEOPLE = "id,first name,last name,email,job title\nf-1,Ida,Rhodes,ida@figures.example,Analyst\nf-2,Mary,Keller,,\n"
Patron = Callable[..., str]


@pytest.fixture
def patron(installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Patron:
    """Run the command in this process from a distance."""
    token = installation.patron.ok("token", "--role", "admin").strip()
    for name, value in {"PATRON_URL": installation.url, "PATRON_TOKEN": token, "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["patron", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app()
        out, err = capsys.readouterr()
        assert int(ended.value.code or 0) == code, err
        return out

    return run


@pytest.fixture
def people(patron: Patron, tmp_path: Path) -> list[dict[str, Any]]:
    """Ida and Mary with their orders, as the directory lists them; importing again changes nothing."""
    for kind, text in (("people", PEOPLE), ("orders", ORDERS)):
        (tmp_path / f"{kind}.csv").write_text(text)
        report = json.loads(patron("import", kind, tmp_path / f"{kind}.csv", "--source", "figures", "--json"))
        assert report["rejected"] == 0, report
    found = [
        json.loads(patron("get", f"/projections/v1/people?filter=external_ids:eq:figures:{one}"))
        for one in ("f-1", "f-2")
    ]
    return [page["items"][0] for page in found]


def test_an_imported_value_names_its_file_and_row(patron: Patron, people: list[dict[str, Any]]) -> None:
    found = json.loads(patron("get", f"/projections/v1/customers/{people[0]['id']}"))
    behind = found["events"][found["provenance"]["job_title"]]
    assert found["profile"]["job_title"] == "Analyst"
    assert behind["import"]["row"] == 2
    other = json.loads(patron("get", f"/projections/v1/customers/{people[1]['id']}"))
    second = other["events"][other["provenance"]["given_name"]]["import"]
    assert second == {"file": behind["import"]["file"], "row": 3}
    assert [one["orders"] for one in found["purchases"]] == [2]


def test_reports_are_tables_charts_and_files(patron: Patron, people: list[dict[str, Any]], tmp_path: Path) -> None:
    ida = people[0]["id"]
    asked = ("report", "purchases", "--by", "month", "--filter", f"id:eq:{ida}")
    shown = json.loads(patron(*asked, "--json"))
    assert [(row["month"], row["revenue"]) for row in shown["rows"]] == [
        ("2026-01-01", "10.00"),
        ("2026-02-01", "20.00"),
    ]
    table = patron(*asked)
    assert "2026-02" in table
    assert "20.00" in table
    assert "Revenue (EUR)" in patron(*asked, "--plot")
    beginnings = {"png": b"\x89PNG", "svg": b"<?xml", "parquet": b"PAR1", "jsonl": b"{", "csv": b"month"}
    for suffix, beginning in beginnings.items():
        patron(*asked, "--out", tmp_path / f"chart.{suffix}")
        assert (tmp_path / f"chart.{suffix}").read_bytes().lstrip(b"\xef\xbb\xbf").startswith(beginning), suffix
    assert "2026-01" in (tmp_path / "chart.svg").read_text()
    rows = list(csv.DictReader((tmp_path / "chart.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["revenue"] for row in rows] == ["10.00", "20.00"]
    patron(
        "report", "interactions", "--by", "channel", "--out", tmp_path / "bars.png", "--filter", f"id:eq:{ida}", code=1
    )
    patron(*asked, "--out", tmp_path / "chart.xls", code=2)
    patron(*asked, "--plot", "--measure", "colour", code=2)
    patron("report", "nonsense", code=1)
    assert "purchases" in patron("report", "--list")


SALES = (
    *("deals", "win-rate", "sales-cycle", "deal-ageing", "funnel", "stage-conversion", "velocity", "forecast"),
    *("quota-attainment", "lead-sources", "follow-ups"),
)


def test_reports_of_sales_are_asked_like_all_others(patron: Patron, tmp_path: Path) -> None:
    for name in SALES:
        asked = (
            ("report", name, "--as-of", "2026-01-01", "--filter", "id:exists") if name == "deals" else ("report", name)
        )
        assert json.loads(patron(*asked, "--json"))["report"] == name
        patron(*asked, "--out", tmp_path / f"{name}.parquet")
        assert (tmp_path / f"{name}.parquet").read_bytes().startswith(b"PAR1")
    history = ("report", "forecast-history", "--from", "2026-01-01", "--to", "2026-04-01")
    patron(
        *history, "--every", "month", "--history-from", "2025-12-01", "--currency", "EUR", "--rate-date", "2026-01-01"
    )
    patron("report", "forecast-history", code=1)
    patron("report", "sales-cycle", "--outcome", "closed")
    listed = patron("report", "--list")
    assert all(name in listed for name in (*SALES, "forecast-history"))


def test_lists_are_taken_away_as_files(patron: Patron, people: list[dict[str, Any]], tmp_path: Path) -> None:
    ida = people[0]["id"]
    made = json.loads(patron("segments", "create", "--name", f"Ida {uuid4()}", "--kind", "static", "--json"))
    segment = made["id"]
    patron("segments", "include", segment, ida)

    def members() -> bool:
        patron("export", "segment-members", "--id", segment, "--out", tmp_path / "members.jsonl")
        return ida in (tmp_path / "members.jsonl").read_text()

    eventually(members)
    for kind, of in (
        ("people", ()),
        ("companies", ()),
        ("audit", ()),
        ("segments", ()),
        ("parked", ()),
        ("timeline", ("--id", ida)),
        ("customer-segments", ("--id", ida)),
        ("segment-history", ("--id", segment)),
    ):
        out = tmp_path / f"{kind}.csv"
        told = json.loads(patron("export", kind, *of, "--out", out, "--json"))
        assert told == {"file": str(out), "bytes": out.stat().st_size}
        rows = list(csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines()))
        assert rows or kind in {"companies", "parked"}
    patron("export", "people", "--with", f"segment={segment}", "--out", tmp_path / "one.jsonl")
    assert [json.loads(line)["id"] for line in (tmp_path / "one.jsonl").read_text().splitlines()] == [ida]
    patron("export", "people", "--id", ida, "--out", tmp_path / "p.csv", code=2)
    patron("export", "nothing", "--out", tmp_path / "p.csv", code=2)
    patron("export", "segment-members", "--id", ida, "--out", tmp_path / "p.csv", code=1)
    assert not list(tmp_path.glob("p.csv*"))


def test_scores_are_made_when_somebody_asks(
    patron: Patron, people: list[dict[str, Any]], installation: Installation, tmp_path: Path
) -> None:
    rule = {"type": "all", "rules": [
        {"type": "field", "field": "rfm.recency", "op": "gte", "value": 1},
        {"type": "field", "field": "external_ids", "op": "has", "value": "figures:f-1"},
    ]}  # fmt: skip
    with installation.client("agent") as client:

        def scored() -> bool:
            # The currency with most orders is scored; records of other tests are here too.
            totals = json.loads(patron("report", "purchases", "--by", "total", "--json"))["rows"]
            usual = max(totals, key=lambda row: row["orders"])["currency"]
            (tmp_path / "more.csv").write_text(f"customer,date,amount,currency\nf-1,2026-03-01,10.00,{usual}\n")
            patron("import", "orders", tmp_path / "more.csv", "--source", "figures")
            patron("segments", "score")  # again: the first time may come before the purchases are there
            answer = client.post("/projections/v1/segments/preview", json={"rule": rule})
            assert answer.status_code == 200, answer.text
            return answer.json()["count"] == 1

        eventually(scored)
