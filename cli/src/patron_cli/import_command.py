"""The command `patron import`: bring the files of other programs into a Patron installation."""

import enum
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import platformdirs
import typer

from patron_cli.installation import Data, Installation, Role, Token, Url, find, issue

if TYPE_CHECKING:
    from patron_cli.importing.importer import Request, Watcher
    from patron_cli.importing.report import Report

_TOKEN_TTL_S = 24 * 3600
EXIT_REJECTED = 1
EXIT_UNUSABLE = 2
EXIT_UNREACHABLE = 3
EXIT_INTERRUPTED = 130


class RecordKind(enum.StrEnum):
    """What the rows of the file are."""

    PEOPLE = "people"
    COMPANIES = "companies"
    ORDERS = "orders"
    INTERACTIONS = "interactions"
    DEALS = "deals"
    LEADS = "leads"
    PRODUCTS = "products"
    SALES_TEAM = "sales-team"


class Preset(enum.StrEnum):
    """Products whose columns are known."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"
    GOOGLE = "google"
    OUTLOOK = "outlook"
    VCARD = "vcard"


def import_file(  # noqa: PLR0913 - every parameter is an option of the command line
    kind: Annotated[RecordKind, typer.Argument(help="What the rows are.")],
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON Lines or vCard; CSV, JSON and vCard also as .gz.")],
    *,
    source: Annotated[str | None, typer.Option(help="Name of the system that the ids belong to.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Pipeline of deals: its id or name.")] = None,
    preset: Annotated[Preset | None, typer.Option(help="Product that wrote the file, if not recognised.")] = None,
    mapping: Annotated[Path | None, typer.Option("--map", help="TOML file: column to field.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide everything, write nothing.")] = False,
    errors: Annotated[Path | None, typer.Option(help="CSV file for rows that do not get in.")] = None,
    custom_fields: Annotated[
        bool, typer.Option("--custom-fields", help="Make custom fields of columns that go nowhere else.")
    ] = False,
    create_people: Annotated[
        bool, typer.Option(help="Make customers that orders or interactions name by an id.")
    ] = True,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait until the rows are visible.")] = False,
    region: Annotated[str | None, typer.Option(help="Country (ISO 3166) of national phone numbers.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency (ISO 4217) of amounts.")] = None,
    dates: Annotated[str | None, typer.Option(help="Order of numeric dates: dmy, mdy or ymd.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark: . or ,")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Zone of times without offset (IANA name).")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the file, if not detected rightly.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Delimiter of the file, if not detected rightly.")] = None,
    header: Annotated[bool | None, typer.Option("--header/--no-header", help="Whether row 1 names columns.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of an XLSX file.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import people, companies, orders, interactions, deals, leads, products or a sales team from a file.

    Safe to repeat: ids of the source are kept, and rows that are in already are "unchanged". An interrupted
    import goes on where it stopped when the same command is given again. Exit codes: 0 all rows are in, 1 some
    were rejected, 2 the file or an option cannot be used, 3 the installation does not answer.
    """
    # Imported here, because reading files needs libraries that other commands should not pay for.
    from patron_cli.importing.importer import Request  # noqa: PLC0415
    from patron_cli.importing.mapping import Stated  # noqa: PLC0415
    from patron_cli.importing.rows import ReadOptions  # noqa: PLC0415

    stated = Stated(source, preset.value if preset else None, region, currency, dates, decimal, time_zone, pipeline)
    if delimiter is not None:
        delimiter = {"tab": "\t", "\\t": "\t", "blank": " ", "blanks": " "}.get(delimiter, delimiter)
        if len(delimiter) != 1:
            _stop("the delimiter is a single character, `tab` or `blanks`", EXIT_UNUSABLE, as_json=as_json)
    installation = find(data, url, token)
    request = Request(
        kind=kind.value,
        path=file,
        state=_journals(installation),
        stated=stated,
        reading=ReadOptions(encoding, delimiter, header, sheet),
        mapping=mapping,
        errors=errors,
        dry_run=dry_run,
        custom_fields=custom_fields,
        create_people=create_people,
        wait=not no_wait,
    )
    report = _bring_in(request, installation, as_json=as_json)
    _print(report, as_json=as_json)
    raise typer.Exit(_exit_code(report))


def _journals(installation: Installation) -> Path:
    """Keep journals with the data of a local installation: a new one at the same URL must not find old ones."""
    if installation.folder is not None:
        return installation.folder.path / "imports"
    return platformdirs.user_state_path("patron") / "imports"


def _token(installation: Installation) -> str:
    """Take the stated token, or make one for this machine's installation that outlives a long import."""
    if installation.token is None and installation.folder is not None:
        return issue(installation.folder, "patron-import", Role.ADMIN, ttl_s=_TOKEN_TTL_S)
    return installation.token_for(Role.ADMIN)


def _bring_in(request: "Request", installation: Installation, *, as_json: bool) -> "Report":
    from patron_cli.importing.importer import bring_in  # noqa: PLC0415 - see import_file
    from patron_cli.importing.journal import JournalBusy  # noqa: PLC0415
    from patron_cli.importing.rows import FileUnusable  # noqa: PLC0415
    from patron_cli.importing.service import RequestRefused, ServiceUnreachable, connect  # noqa: PLC0415

    try:
        with _watched(quiet=as_json) as watcher:
            service = connect(installation.url, _token(installation), local=installation.folder is not None)
            return bring_in(request, service, watcher)
    except (FileUnusable, JournalBusy) as error:
        _stop(str(error), EXIT_UNUSABLE, as_json=as_json)
    except RequestRefused as error:
        _stop(f"{installation.url} refuses: {error}", EXIT_UNUSABLE, as_json=as_json)
    except ServiceUnreachable as error:
        _stop(f"{error}. Give the same command again to go on.", EXIT_UNREACHABLE, as_json=as_json)


@contextmanager
def _watched(*, quiet: bool) -> "Generator[Watcher]":
    """Show what was found, and a progress bar with rate and time left where there is a terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from patron_cli.importing.importer import Watcher  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as progress:
        task = progress.add_task("import", total=1.0, rate="")

        def found(sentence: str) -> None:
            if not quiet:
                console.print(sentence, style="dim", highlight=False, markup=False)

        def read(share: float, rows_per_s: float) -> None:
            progress.update(task, completed=share, rate=f"{rows_per_s:,.0f} rows/s")

        yield Watcher(found=found, read=read)


def _print(report: "Report", *, as_json: bool) -> None:
    if as_json:
        import json  # noqa: PLC0415 - beside its only use

        sys.stdout.write(json.dumps(report.document(), ensure_ascii=False) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415

    report.show(Console())
    if not report.complete:
        sys.stderr.write("Stopped. Give the same command again to go on.\n")


def _exit_code(report: "Report") -> int:
    if not report.complete:
        return EXIT_INTERRUPTED
    if report.visible is False:
        return EXIT_UNREACHABLE
    return EXIT_REJECTED if report.counts["rejected"] else 0


def _stop(reason: str, code: int, *, as_json: bool) -> NoReturn:
    if as_json:
        import json  # noqa: PLC0415 - beside its only use

        sys.stdout.write(json.dumps({"error": reason, "exit_code": code}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"patron import: {reason}\n")
    raise typer.Exit(code)
