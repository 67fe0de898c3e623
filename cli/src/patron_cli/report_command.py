"""`patron report`: figures as a table, a chart or a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from patron_cli.console import REFUSED, USAGE, Json, Stopped, print_json, say, screen
from patron_cli.downloads import FORMATS, download, refusal_of
from patron_cli.installation import Data, Installation, Role, Token, Url, find, reaching
from patron_cli.report_cells import NUMBERS, Document, cell, heading

if TYPE_CHECKING:
    from rich.table import Table

_ROUTE: Final = "/projections/v1/reports"
_PICTURES: Final = frozenset({".png", ".svg"})
_MOST_SHOWN: Final = 200
_WIDTH_OF_FILES: Final = 200
Asked = list[tuple[str, str]]


def report(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    name: Annotated[str | None, typer.Argument(help="Name of the report; --list shows them.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Time or date, inclusive.")] = None,
    to: Annotated[str | None, typer.Option(help="Time or date, exclusive.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="What rows are made by, such as month,country.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name; UTC by default.")] = None,
    filter_: Annotated[
        list[str] | None, typer.Option("--filter", help="Only customers or deals for which field:operator:value holds.")
    ] = None,
    segment: Annotated[str | None, typer.Option(help="Only members of this segment.")] = None,
    as_of: Annotated[str | None, typer.Option(help="What had happened by then.")] = None,
    known_at: Annotated[str | None, typer.Option(help="What had been recorded by then.")] = None,
    currency: Annotated[
        str | None, typer.Option(help="Only orders in this currency; of sales: show amounts in it.")
    ] = None,
    rate_date: Annotated[str | None, typer.Option(help="Of sales: whose exchange rates count.")] = None,
    outcome: Annotated[str | None, typer.Option(help="Of sales-cycle: won, lost or closed.")] = None,
    every: Annotated[str | None, typer.Option(help="Of forecast-history: day, week, month or quarter.")] = None,
    history_from: Annotated[str | None, typer.Option(help="Of forecast-history: the first moment.")] = None,
    response: Annotated[str | None, typer.Option(help="Of response-rate: a condition on interactions.")] = None,
    days: Annotated[int | None, typer.Option(help="Of lifetime-value: the horizon.")] = None,
    discount: Annotated[str | None, typer.Option(help="Of lifetime-value: the yearly rate.")] = None,
    limit: Annotated[int, typer.Option(help="Most rows on the screen; files have all.")] = _MOST_SHOWN,
    out: Annotated[
        Path | None, typer.Option(help="Write a file: .csv, .jsonl, .parquet, or a chart as .png or .svg.")
    ] = None,
    measure: Annotated[str | None, typer.Option(help="Which figure a chart shows.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a chart in the terminal.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the reports and their definitions.")] = False,
    as_json: Json = False,
) -> None:
    """Show figures over customers and sales: a table, a chart, or a file with all rows."""
    installation = find(data, url, token)
    if list_ or name is None:
        _list(installation, as_json=as_json)
        return
    options = {
        "from": since, "to": to, "time_zone": time_zone, "segment": segment, "as_of": as_of, "known_at": known_at,
        "currency": currency, "response": response, "days": days, "discount": discount,
        "rate_date": rate_date, "outcome": outcome, "every": every, "history_from": history_from,
    }  # fmt: skip
    asked = [(key, str(value)) for key, value in options.items() if value is not None]
    asked += [("by", one) for one in by or ()] + [("filter", one) for one in filter_ or ()]
    if out is not None and out.suffix.lower() not in _PICTURES | FORMATS.keys():
        raise Stopped(f"{out.name}: write .csv, .jsonl, .parquet, .png or .svg", USAGE)
    if out is not None and out.suffix.lower() in FORMATS:
        size = download(installation, f"{_ROUTE}/{name}", asked, out)
        _told({"file": str(out), "bytes": size}, f"{out}: {size:,} bytes", as_json=as_json)
        return
    whole = plot or out is not None
    found = _answer(installation, name, [*asked, ("limit", "10000" if whole else str(limit))])
    if out is not None:
        _picture(found, measure, out)
        _told({"file": str(out), "bytes": out.stat().st_size}, f"{out}: drawn", as_json=as_json)
    elif as_json:
        print_json(found)
    elif plot:
        _plot(found, measure)
    else:
        _show(found, asked)


def _told(document: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        say(sentence)


def _answer(installation: Installation, name: str, asked: Asked) -> dict[str, Any]:
    with installation.client(Role.READER) as client, reaching(installation):
        answer = client.get(f"{_ROUTE}/{name}", params=tuple(asked))
    if not answer.is_success:
        raise Stopped(refusal_of(answer), REFUSED)
    return answer.json()


def _list(installation: Installation, *, as_json: bool) -> None:
    with installation.client(Role.READER) as client, reaching(installation):
        answer = client.get(_ROUTE)
    if not answer.is_success:
        raise Stopped(refusal_of(answer), REFUSED)
    document = answer.json()
    if as_json:
        print_json(document)
        return
    console = screen()
    for one in document["reports"]:
        console.print(f"[bold]{one['name']}[/bold]  {one['title']}")
        console.print(f"  {one['text']}", markup=False)
        console.print(f"  --by {','.join(one['default_by'])} by default. {one['by']}", markup=False)
        for parameter, text in one["own_parameters"].items():
            console.print(f"  --{parameter}: {text}", markup=False)
        for column in one["columns"]:
            unit = f" [{column['unit']}]" if column["unit"] else ""
            console.print(f"    {column['name']}{unit}  {column['text']}", markup=False)
        console.print()


def _show(found: Document, asked: Asked) -> None:
    console = screen()
    chosen = ", ".join(f"{name} {value}" for name, value in asked if name != "by")
    console.print(f"{found['title']}{': ' + chosen if chosen else ''}", markup=False, style="bold")
    if not console.is_terminal:
        console.width = _WIDTH_OF_FILES
    console.print(_table(found))
    if not found["complete"]:
        say(f"Only the first {len(found['rows']):,} rows; --limit shows more, --out FILE.csv has all.")


def _table(found: Document) -> "Table":
    from rich import box  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE_HEAD)
    currencies = {str(row["currency"]) for row in found["rows"] if row.get("currency")}
    for column in found["columns"]:
        name, unit = column["name"], column["unit"]
        if unit == "currency" and len(currencies) == 1:
            unit = next(iter(currencies))
        title = heading(name) if unit in {None, name, "share", "currency"} else f"{heading(name)} ({unit})"
        cells = [cell(row[name], column) for row in found["rows"]]
        # Numbers are never cut: half a number is another number.
        number = column["type"] in NUMBERS
        width = max((len(one) for one in cells), default=0) if number else None
        table.add_column(title, justify="right" if number else "left", min_width=width, overflow="fold")
    for row in found["rows"]:
        table.add_row(*(cell(row[column["name"]], column) for column in found["columns"]))
    return table


def _chart(found: Document, measure: str | None) -> Any:
    from patron_cli.plots import chart_of  # noqa: PLC0415 - only for those who look

    try:
        chart = chart_of(found, measure)
    except KeyError:
        raise Stopped("this report has no such figure to draw; --list shows its columns", USAGE) from None
    if chart is None:
        raise Stopped("there are no rows to draw", REFUSED)
    return chart


def _plot(found: Document, measure: str | None) -> None:
    from patron_cli.plots import in_terminal  # noqa: PLC0415 - as in `_chart`

    sys.stdout.write(in_terminal(_chart(found, measure), colours=sys.stdout.isatty()) + "\n")


def _picture(found: Document, measure: str | None, path: Path) -> None:
    from patron_cli.plots import save  # noqa: PLC0415 - as in `_chart`

    try:
        save(_chart(found, measure), path)
    except OSError as error:
        raise Stopped(f"{path} cannot be written: {error.strerror or error}", USAGE) from None
