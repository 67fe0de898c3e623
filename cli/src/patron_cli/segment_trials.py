"""`patron segments preview` and `backtest`: try a rule on the customers of now, and over history."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from patron_cli.console import EXIT_CODES, USAGE, Json, Stopped, print_json, say, screen
from patron_cli.installation import Data, Role, Token, Url, find
from patron_cli.segments_api import SEGMENTS, Api, Document, Refused, opened, read_document, show_faults
from patron_cli.segments_command import RuleFile, RuleText, segments

_TRIALS: Final = "/projections/v1/segments"
_LONGEST_S: Final = 900.0
_AS_OF = Annotated[str | None, typer.Option("--as-of", help="What had happened by then: a time or date.")]
_KNOWN_AT = Annotated[str | None, typer.Option("--known-at", help="What had been recorded by then: a time or date.")]


class Every(StrEnum):
    """How far apart the moments of a backtest are."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@segments.command(epilog=EXIT_CODES)
def preview(  # noqa: PLR0913 - every parameter is an option of the command line
    file: RuleFile = None,
    *,
    rule: RuleText = None,
    limit: Annotated[int, typer.Option(min=0, max=50, help="How many customers to show.")] = 10,
    as_of: _AS_OF = None,
    known_at: _KNOWN_AT = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Try a rule without saving it: how many customers it holds for, and some of them."""
    api = opened(find(data, url, token), Role.READER)
    clocks = {name: value for name, value in (("as_of", as_of), ("known_at", known_at)) if value is not None}
    found = _asked(api, "preview", {"rule": _rule(file, rule), "limit": limit, **clocks})
    if as_json:
        print_json(found)
        return
    say(f"{found['count']} of {found['total']} customers as of {found['at']} ({found['took_ms']:.0f} ms)")
    for one in found["sample"]:
        say(f"{one['id']}  {one['display_name'] or ''}")


@segments.command(epilog=EXIT_CODES)
def backtest(  # noqa: PLR0913 - as above
    file: RuleFile = None,
    *,
    since: Annotated[str, typer.Option("--from", help="First moment: a time, or a date (midnight UTC).")],
    to: Annotated[str, typer.Option("--to", help="Last moment, likewise.")],
    rule: RuleText = None,
    every: Annotated[Every, typer.Option(help="Distance of the moments.")] = Every.DAY,
    against: Annotated[str | None, typer.Option(help="Segment, by id or name, whose rule to compare with.")] = None,
    known_at: _KNOWN_AT = None,
    customers: Annotated[bool, typer.Option("--customers", help="Also name who entered and left.")] = False,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Try a rule over history: size from day to day, who entered and left, and the difference to a saved segment."""
    api = opened(find(data, url, token), Role.READER)
    api.client.timeout = _LONGEST_S  # hundreds of days may take minutes
    body: Document = {"rule": _rule(file, rule), "from": since, "to": to, "every": every, "customers": customers}
    if known_at is not None:
        body["known_at"] = known_at
    if against is not None:
        # From the log, not from the read model: a rule that was saved a moment ago counts.
        saved = api.get(f"{SEGMENTS}/{api.segment(against)}")["rule"]
        if saved is None:
            raise Stopped(f"{against} is a static segment: it has no rule to compare with", USAGE)
        body["against_rule"] = saved
    found = _asked(api, "backtest", body)
    if as_json:
        print_json(found)
        return
    _show(found["points"], compared=against is not None)
    total = found["summary"]
    say(
        f"size {total['first_size']} to {total['last_size']}, least {total['least_size']}, "
        f"greatest {total['greatest_size']}, average {total['average_size']}; "
        f"{total['entered']} entered, {total['left']} left"
    )
    if customers:
        _show_customers(found["points"])


def _rule(file: Path | None, text: str | None) -> Any:
    given = read_document(file, text)
    if given is None:
        raise Stopped("give a file or --rule", USAGE)
    # A file may hold the whole definition of a segment: its rule is meant.
    return cast("Document", given).get("rule", given) if isinstance(given, dict) else given


def _asked(api: Api, trial: str, body: Document) -> Document:
    try:
        return api.send("POST", f"{_TRIALS}/{trial}", body)
    except Refused as refused:
        show_faults(body["rule"], refused)
        raise


def _show(points: list[Document], *, compared: bool) -> None:
    from rich import box  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE_HEAD)
    titles = ["at", "size", "entered", "left", *(["saved", "both", "only new", "only saved"] if compared else [])]
    for title in titles:
        table.add_column(title, justify="left" if title == "at" else "right")
    for point in points:
        cells = [point[name] for name in ("size", "entered", "left")]
        if compared:
            cells += [point["against"][name] for name in ("size", "both", "added", "removed")]
        table.add_row(point["at"].removesuffix("T00:00:00Z"), *(str(cell) for cell in cells))
    screen().print(table)


def _show_customers(points: list[Document]) -> None:
    for point in points:
        for sign, name in (("+", "entered_ids"), ("-", "left_ids")):
            for one in point[name]:
                say(f"{point['at']} {sign} {one}")
