"""Charts of reports whose rows are made by more than was asked for."""

from typing import Any

from patron_cli.plots import chart_of


def column(name: str, kind: str, unit: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "unit": unit, "text": ""}


def test_a_funnel_is_drawn_along_its_stages() -> None:
    chart = chart_of(
        {
            "report": "funnel",
            "title": "Funnel",
            "by": ["pipeline_id"],
            "columns": [column("pipeline_id", "text"), column("stage", "text"), column("reached", "integer", "deals")],
            "rows": [
                {"pipeline_id": "default", "stage": "engaging", "reached": 9},
                {"pipeline_id": "default", "stage": "won", "reached": 4},
            ],
        }
    )
    assert chart is not None
    assert (list(chart.labels), chart.dated) == (["engaging", "won"], False)
    assert chart.series == [("default", [9.0, 4.0])]


def test_a_history_of_forecasts_is_drawn_along_its_moments() -> None:
    amounts = (("2026-04-01", "ann", "10.00"), ("2026-04-01", "bob", "5.00"), ("2026-05-01", "ann", "30.00"))
    chart = chart_of(
        {
            "report": "forecast-history",
            "title": "History of the forecast",
            "by": ["owner"],
            "columns": [column("snapshot", "date"), column("owner", "text"), column("forecast", "decimal", "currency")],
            "rows": [{"snapshot": at, "owner": owner, "forecast": amount} for at, owner, amount in amounts],
        }
    )
    assert chart is not None
    assert (list(chart.labels), chart.dated) == (["2026-04-01", "2026-05-01"], True)
    assert chart.series == [("ann", [10.0, 30.0]), ("bob", [5.0, None])]
