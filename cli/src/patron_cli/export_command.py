"""`patron export`: any list as a file with all its rows."""

from pathlib import Path
from typing import Annotated, Final

import typer

from patron_cli.console import USAGE, Json, Stopped, print_json, say
from patron_cli.downloads import download, format_of
from patron_cli.installation import Data, Role, Token, Url, find

_ROUTES: Final = {
    "people": "/projections/v1/people",
    "companies": "/projections/v1/companies",
    "audit": "/projections/v1/audit",
    "parked": "/projections/v1/parked",
    "timeline": "/projections/v1/timeline/{id}",
    "segments": "/projections/v1/segments",
    "segment-members": "/projections/v1/segments/{id}/members",
    "segment-history": "/projections/v1/segments/{id}/history",
    "customer-segments": "/projections/v1/customers/{id}/segments",
}


def export(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    kind: Annotated[str, typer.Argument(help=f"What: {', '.join(_ROUTES)}.")],
    out: Annotated[Path, typer.Option(help="File: its suffix .csv, .jsonl or .parquet is its format.")],
    of: Annotated[
        str | None, typer.Option("--id", help="Id of the customer (timeline, customer-segments) or of the segment.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--with", help="Any parameter of the list, such as filter=country:eq:DE or sort=-updated_at."),
    ] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Write all rows of a list into a file; half a file is never left behind."""
    route = _ROUTES.get(kind)
    if route is None:
        raise Stopped(f"{kind!r} cannot be exported; choose one of {', '.join(_ROUTES)}", USAGE)
    if ("{id}" in route) != (of is not None):
        raise Stopped(f"{kind} {'needs' if '{id}' in route else 'takes no'} --id", USAGE)
    format_of(out)
    asked: list[tuple[str, str]] = []
    for one in option or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise Stopped(f"--with {one}: write NAME=VALUE", USAGE)
        asked.append((name, value))
    role = Role.ADMIN if kind == "parked" else Role.READER
    size = download(find(data, url, token), route.format(id=of), asked, out, role)
    if as_json:
        print_json({"file": str(out), "bytes": size})
    else:
        say(f"{out}: {size:,} bytes")
