"""`patron demo`: fill an empty installation with an invented organisation."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from patron_cli.console import REFUSED, USAGE, Json, Stopped, print_json, say
from patron_cli.installation import Data, Installation, Role, Token, Url, find, reaching

if TYPE_CHECKING:
    from patron_cli.demo.filling import Made
    from patron_cli.importing.service import Service

_FULL: Final = ("/projections/v1/people?limit=1", "/projections/v1/companies?limit=1")


def demo(  # noqa: PLR0913 - every parameter is an option of the command line
    *,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many people.")] = 2000,
    companies: Annotated[int, typer.Option(min=0, max=100_000, help="How many companies.")] = 300,
    months: Annotated[int, typer.Option(min=1, max=120, help="How far the history goes back.")] = 12,
    seed: Annotated[int, typer.Option(help="Another seed gives another organisation.")] = 1,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day on which the history ends; today by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also when there are records already.")] = False,
    as_json: Json = False,
) -> None:
    """Fill an empty installation with companies, people, interactions and purchases.

    Everybody in it is invented, and the same options give the same data. Nobody is written to or called: addresses
    end in `.example`, and numbers are from ranges that are kept free for fiction.
    """
    from patron_cli.demo.filling import fill  # noqa: PLC0415 - the generators take half a second to load
    from patron_cli.demo.plan import Plan  # noqa: PLC0415 - as above
    from patron_cli.importing.service import connect  # noqa: PLC0415 - as above

    began = time.monotonic()
    end = (until or datetime.now(UTC)).date()
    if end.year - months // 12 < 1000:  # noqa: PLR2004 - birthdays lie further back
        raise Stopped(f"a history of {months} months cannot end on {end}", USAGE)
    installation = find(data, url, token)
    service = connect(installation.url, installation.token_for(Role.AGENT))
    if not force:
        _refuse_unless_empty(installation)
    with _shown(quiet=as_json) as progress:
        made = fill(service, Plan(people, companies, seed, months, end), progress)
    example = _example(service)
    if as_json:
        counts = {kind: made.of(kind) for kind in made.counts}
        extra = {"seconds": round(time.monotonic() - began, 2), "position": made.position, "example": example}
        print_json({**counts, **extra, "counts": made.counts})
    else:
        _tell(installation, made, example, time.monotonic() - began)


def _refuse_unless_empty(installation: Installation) -> None:
    with installation.client(Role.READER) as client, reaching(installation):
        answers = [client.get(path) for path in _FULL]
    for answer in answers:
        if not answer.is_success:
            raise Stopped(f"{answer.request.url} answers HTTP {answer.status_code}", REFUSED)
        if answer.json()["items"]:
            raise Stopped("there are records already; --force adds the invented ones to them", REFUSED)


def _example(service: "Service") -> str | None:
    """Give the id of somebody who has bought something, to look at."""
    for query in ("?filter=lifecycle_stage:eq:customer&limit=1", "?limit=1"):
        answer = service.client.get(f"/projections/v1/people{query}")
        items: list[dict[str, Any]] = answer.json().get("items", []) if answer.is_success else []
        if items:
            return str(items[0]["id"])
    return None


@contextmanager
def _shown(*, quiet: bool) -> Generator[Callable[[str, int, int | None], None]]:
    """Show a bar for each kind where there is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(kind: str, done: int, total: int | None) -> None:
            if kind not in tasks:
                tasks[kind] = bars.add_task(kind, total=total)
            bars.update(tasks[kind], completed=done, total=total)

        yield progress


def _tell(installation: Installation, made: "Made", example: str | None, seconds: float) -> None:
    said = ", ".join(f"{made.of(kind):,} {kind}" for kind in ("companies", "people", "interactions", "orders"))
    at = f" --data {installation.folder.path}" if installation.folder else f" --url {installation.url}"
    at = "" if installation.is_default else at
    say(f"""\
Made {said} in {seconds:.0f} s.

Look at it:
  patron get{at} '/projections/v1/people?filter=lifecycle_stage:eq:customer&limit=5'
  patron get{at} '/projections/v1/companies?sort=-employees&limit=5'
  patron get{at} '/projections/v1/timeline/{example}'""")
