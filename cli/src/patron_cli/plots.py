"""Charts of reports: in the terminal by plotext, as PNG or SVG by matplotlib; both are loaded when they are asked."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10
from pathlib import Path
from typing import Any, Final

from patron_cli.report_cells import MISSING, Document, cell, heading

# What people look at first, by report.
_MEASURES: Final[Mapping[str, str]] = {
    "purchases": "revenue",
    "cohorts": "share",
    "rfm": "customers",
    "interactions": "interactions",
    "response-rate": "rate",
    "acquisition": "people",
    "people": "people",
    "lifetime-value": "lifetime_value",
    "deals": "deals",
    "win-rate": "rate",
    "sales-cycle": "average",
    "deal-ageing": "deals",
    "funnel": "reached",
    "stage-conversion": "conversion",
    "velocity": "velocity",
    "forecast": "forecast",
    "forecast-history": "forecast",
    "quota-attainment": "attainment",
    "lead-sources": "conversion",
    "follow-ups": "activities",
}
# What rows are made by whether it is asked for or not; charts are drawn along it.
_ALWAYS_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "funnel": ("stage", "pipeline_id"),
    "forecast-history": ("snapshot",),
}
_MOST_BARS: Final = 25
_MOST_SERIES: Final = 6
_MOST_TICKS: Final = 7
_MOST_STEPS: Final = 5
_SMALL: Final = 1_000
_WIDTH, _HEIGHT = 100, 24
_SHARES: Final = frozenset({"share", "probability"})


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn: series of values over common labels; a value may be missing. dated: labels are in time."""

    title: str
    label_title: str
    value_title: str
    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[float | None]]]
    dated: bool
    percent: bool


def chart_of(report: Document, measure: str | None = None) -> Chart | None:
    """Arrange the rows of a report: over time by its periods, otherwise the highest bars; None without rows.

    measure: name of a figure; otherwise the usual one of the report. Raises KeyError for one that it does not have.
    """
    name = report["report"]
    columns = {column["name"]: column for column in report["columns"]}
    chosen = measure or _MEASURES[name]
    if columns[chosen]["type"] not in {"integer", "decimal", "number"}:
        raise KeyError(chosen)
    if name == "cohorts":
        label, others = "period", ["cohort"]
    else:
        keys = [one for one in columns if one in {*report["by"], *_ALWAYS_BY.get(name, ())}] or [next(iter(columns))]
        usual = _ALWAYS_BY.get(name, (keys[0],))[0]
        label = next((one for one in keys if columns[one]["type"] == "date"), usual)
        others = [one for one in columns if one != label and (one in keys or one == "currency")]
    if not report["rows"]:
        return None
    table = _table(report["rows"], label, others, chosen)
    dated = columns[label]["type"] == "date" or name == "cohorts"
    labels = _in_order(report["rows"], label) if dated else _highest(report["rows"], label, table)
    currencies = sorted({str(row["currency"]) for row in report["rows"] if row.get("currency")})
    unit = ", ".join(currencies) if columns[chosen]["unit"] == "currency" else columns[chosen]["unit"]
    shown = {one: cell(one, columns[label]) if one != "" else MISSING for one in labels}
    return Chart(
        title=report["title"],
        label_title=heading(label),
        value_title=f"{heading(chosen)} ({'%' if unit in _SHARES else unit})"
        if unit not in {None, chosen}
        else heading(chosen),
        labels=[shown[one] for one in labels],
        series=[(title, [values.get(one) for one in labels]) for title, values in _first(table)],
        dated=dated,
        percent=unit in _SHARES,
    )


def _table(
    rows: Sequence[Document], label: str, others: Sequence[str], measure: str
) -> dict[str, dict[str, float | None]]:
    series: dict[str, dict[str, float | None]] = {}
    for row in rows:
        title = ", ".join(MISSING if row[one] is None else str(row[one]) for one in others)
        value = row[measure]
        series.setdefault(title, {})[_text(row[label])] = None if value is None else float(Decimal(str(value)))
    return series


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _in_order(rows: Sequence[Document], label: str) -> list[str]:
    return list(dict.fromkeys(_text(one) for one in sorted((row[label] for row in rows), key=_place)))


def _place(value: Any) -> tuple[bool, float, str]:
    return (value is None, float(value) if isinstance(value, int) else 0.0, str(value))


def _highest(rows: Sequence[Document], label: str, table: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    labels = list(dict.fromkeys(_text(row[label]) for row in rows))
    sums = {one: sum(values.get(one) or 0.0 for values in table.values()) for one in labels}
    return sorted(labels, key=lambda one: -sums[one])[:_MOST_BARS]


def _first(table: Mapping[str, Mapping[str, float | None]]) -> list[tuple[str, Mapping[str, float | None]]]:
    largest = sorted(table, key=lambda title: -sum(value or 0.0 for value in table[title].values()))[:_MOST_SERIES]
    return [(title, values) for title, values in table.items() if title in largest]


def in_terminal(chart: Chart, *, colours: bool) -> str:
    """Draw a chart with characters, as wide as the terminal."""
    import plotext  # noqa: PLC0415 - only for those who look

    plot: Any = plotext
    figure = plot.figure
    figure.clear()
    width = min(shutil.get_terminal_size((_WIDTH, _HEIGHT)).columns, 160)
    figure.theme("default" if colours else "colorless")
    factor = 100 if chart.percent else 1
    if chart.dated and len(chart.labels) > 1:
        figure.plot_size(width, _HEIGHT)
        _lines(figure, chart, factor)
    else:
        figure.plot_size(width, max(10, 2 * len(chart.labels) * len(chart.series) + 6))
        _bars(figure, chart, factor)
    figure.title(chart.title)
    drawn = str(figure.build())
    return drawn if colours else str(plot.uncolorize(drawn))


def _lines(figure: Any, chart: Chart, factor: int) -> None:
    for title, values in chart.series:
        known = [(place, value * factor) for place, value in enumerate(values) if value is not None]
        signal = figure.signal([one for one, _ in known], [one for _, one in known], marker="braille")
        signal.lines()
        if title:
            signal.label(title)
        figure.draw(signal)
    last = len(chart.labels) - 1
    places = sorted({round(last * part / (_MOST_TICKS - 1)) for part in range(_MOST_TICKS)})
    figure.ruler("x").ticks(places, [chart.labels[place] for place in places])
    _ticks(figure, "y", [value * factor for _, values in chart.series for value in values if value is not None])
    figure.label(chart.label_title, "x")
    figure.label(chart.value_title, "y")


def _bars(figure: Any, chart: Chart, factor: int) -> None:
    labels: list[str] = []
    values: list[float] = []
    for place in reversed(range(len(chart.labels))):
        for title, series in reversed(chart.series):
            value = series[place]
            if value is not None:
                several = len(chart.series) > 1 and title
                labels.append(f"{chart.labels[place]} {title}" if several else chart.labels[place])
                values.append(value * factor)
    figure.draw(figure.bar(labels, values, orientation="horizontal", width=0.5))
    _ticks(figure, "x", values)
    figure.label(chart.value_title, "x")


def _ticks(figure: Any, axis: str, values: Sequence[float]) -> None:
    """Put four or five round numbers on an axis that begins at 0; the library would write 3.9e5."""
    most = max([*values, 0.0])
    if most <= 0 or min(values) < 0:
        return
    step = 10 ** floor(log10(most / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if most / (step * factor) <= _MOST_STEPS)
    places = [step * number for number in range(int(most / step) + 1)]
    figure.ruler(axis).lim(0, most)
    figure.ruler(axis).ticks(places, [f"{place:,.6g}" if place < _SMALL else f"{place:,.0f}" for place in places])


def save(chart: Chart, path: Path) -> None:
    """Draw a chart into a PNG or SVG file, without a display; the suffix says which."""
    import matplotlib as mpl  # noqa: PLC0415 - a second that other commands should not pay

    library: Any = mpl
    library.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - as above
    from matplotlib import ticker  # noqa: PLC0415 - as above

    plot: Any = plt
    ticks: Any = ticker
    with library.rc_context({"svg.fonttype": "none", "font.size": 10, "axes.axisbelow": True}):
        bars = not chart.dated or len(chart.labels) == 1
        height = max(3.2, 0.34 * len(chart.labels) * max(1, len(chart.series) / 2) + 1.4) if bars else 5.0
        figure, axes = plot.subplots(figsize=(10, height), layout="constrained")
        (_draw_bars if bars else _draw_lines)(axes, chart)
        values = axes.xaxis if bars else axes.yaxis
        if chart.percent:
            values.set_major_formatter(ticks.PercentFormatter(1.0))
        else:
            values.set_major_formatter(ticks.StrMethodFormatter("{x:,.0f}" if _large(chart) else "{x:,.2f}"))
        axes.set_title(chart.title, loc="left", fontweight="bold")
        axes.grid(axis="x" if bars else "y", color="#dddddd", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
        if len(chart.series) > 1:
            axes.legend(frameon=False)
        try:
            figure.savefig(path, dpi=150)
        finally:
            plot.close(figure)


def _large(chart: Chart) -> bool:
    return max((abs(value) for _, values in chart.series for value in values if value is not None), default=0) >= 10  # noqa: PLR2004 - below it, whole numbers would repeat


def _draw_lines(axes: Any, chart: Chart) -> None:
    places = range(len(chart.labels))
    for title, values in chart.series:
        shown = [float("nan") if value is None else value for value in values]
        axes.plot(places, shown, label=title, linewidth=2, marker="o", markersize=3.5)
    step = max(1, -(-len(chart.labels) // 12))
    axes.set_xticks(list(places)[::step], list(chart.labels)[::step], rotation=30, ha="right")
    axes.set_xlabel(chart.label_title)
    axes.set_ylabel(chart.value_title)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))


def _draw_bars(axes: Any, chart: Chart) -> None:
    thick = 0.8 / len(chart.series)
    for number, (title, values) in enumerate(chart.series):
        places = [place + (number - (len(chart.series) - 1) / 2) * thick for place in range(len(chart.labels))]
        drawn = axes.barh(places, [value or 0.0 for value in values], height=thick * 0.92, label=title)
        form = "{:.1%}" if chart.percent else "{:,.0f}" if _large(chart) else "{:,.2f}"
        axes.bar_label(drawn, fmt=form.format, padding=3, fontsize=8)
    axes.set_yticks(range(len(chart.labels)), list(chart.labels))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlabel(chart.value_title)
    axes.set_ylabel(chart.label_title)
