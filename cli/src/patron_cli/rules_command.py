"""`patron rules`: the rules by which leads are assigned and scored, in versions, tried before they decide."""

import json
import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from patron_cli.console import EXIT_CODES, USAGE, Json, Stopped, print_json, say
from patron_cli.installation import Data, Role, Token, Url, find
from patron_cli.segments_api import Api, Document, Refused, finished, opened, read_document, table

rules: Final = typer.Typer(no_args_is_help=True, help="Rules that assign and score leads.", epilog=EXIT_CODES)
_PATH: Final = "/pipeline/v1/rules"
_LONGEST_S: Final = 1_800.0
_SHOWN: Final = 20


class Name(StrEnum):
    """Which rules."""

    ASSIGNMENT = "assignment"
    SCORE = "score"


Named = Annotated[Name, typer.Argument(help="assignment or score.")]
RulesFile = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="JSON file of the rules; - is standard input.")
]
Version = Annotated[int | None, typer.Option("--version", help="Number of a version.")]


@rules.command("list", epilog=EXIT_CODES)
def list_rules(data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """List all rules: which version decides, and how many there are."""
    found = opened(find(data, url, token), Role.READER).get(_PATH)
    if as_json:
        print_json(found)
        return
    rows = [(one["name"], str(one["in_force"] or "none"), str(len(one["versions"]))) for one in found["items"]]
    table(("rules", "in force", "versions"), rows)


@rules.command(epilog=EXIT_CODES)
def show(
    name: Named,
    version: Version = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Show the versions of rules, and what one says: that of --version, else the one in force, else the newest."""
    found = opened(find(data, url, token), Role.READER).get(f"{_PATH}/{name.value}")
    if as_json:
        print_json(found)
        return
    versions: list[Document] = found["versions"]
    rows = [
        (str(one["version"]), one["drafted_at"], "in force" if one["in_force"] else "", one["note"] or "")
        for one in versions
    ]
    table(("version", "drafted", "", "note"), rows)
    number = version or found["in_force"] or len(versions)
    shown = [one["document"] for one in versions if one["version"] == number]
    if not shown:
        raise Stopped(f"{name.value} has no version {number}" if number else f"{name.value} has no version", USAGE)
    say(json.dumps(shown[0], indent=2, ensure_ascii=False))


@rules.command(epilog=EXIT_CODES)
def draft(  # noqa: PLR0913 - every parameter is an option of the command line
    name: Named,
    file: RulesFile = None,
    note: Annotated[str | None, typer.Option(help="What the version is for.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Write a new version that does nothing yet; every fault of the file is named with its place."""
    if file is None:
        raise Stopped("give a file", USAGE)
    body = {"document": read_document(file, None), **({} if note is None else {"note": note})}
    _command(opened(find(data, url, token), Role.ADMIN), f"{name.value}/drafts", body, as_json=as_json)


@rules.command(epilog=EXIT_CODES)
def publish(
    name: Named,
    version: Version = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Let a version decide from now on: the newest, unless --version names another."""
    body = {} if version is None else {"version": version}
    _command(opened(find(data, url, token), Role.ADMIN), f"{name.value}/publish", body, as_json=as_json)


@rules.command(epilog=EXIT_CODES)
def rollback(name: Named, data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """Let the version decide again that did before the present one."""
    _command(opened(find(data, url, token), Role.ADMIN), f"{name.value}/rollback", None, as_json=as_json)


@rules.command(epilog=EXIT_CODES)
def backtest(  # noqa: PLR0913 - as above
    name: Named,
    file: RulesFile = None,
    *,
    version: Version = None,
    since: Annotated[str, typer.Option("--from", help="First moment of capture: RFC 3339, or a date.")],
    until: Annotated[str | None, typer.Option("--to", help="Moment after the last; now, unless stated.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Try rules on leads of the past: a file, --version, or those in force. Nothing is recorded."""
    api = opened(find(data, url, token), Role.ADMIN)
    api.client.timeout = _LONGEST_S  # the whole log is read
    document = read_document(file, None)
    body: Document = {"document": document, "version": version, "since": _moment(since), "until": _moment(until)}
    asked = {part: value for part, value in body.items() if value is not None}
    found = _sent(api, f"{name.value}/backtest", asked)
    if as_json:
        print_json(found)
    elif name is Name.ASSIGNMENT:
        _show_assignment(found)
    else:
        _show_score(found)


def _moment(text: str | None) -> str | None:
    """Read a date as its beginning in UTC."""
    return f"{text}T00:00:00Z" if text is not None and len(text) == len("2026-01-01") else text


def _command(api: Api, path: str, body: object, *, as_json: bool) -> None:
    finished(_sent(api, path, body, {"Idempotency-Key": str(uuid.uuid4())}), as_json=as_json)


def _sent(api: Api, path: str, body: object, headers: dict[str, str] | None = None) -> Document:
    try:
        return api.send("POST", f"{_PATH}/{path}", body, **(headers or {}))
    except Refused as refused:
        faults: list[dict[str, Any]] = refused.document.get("errors") or []
        for one in faults:
            say(f"{one['field']}  {one['code']}  {one['detail']}")
        raise


def _show_assignment(found: Document) -> None:
    say(f"{found['leads']} leads, {found['changed']} would have gone to somebody else")
    shares = [(one["owner"], str(one["was"]), str(one["would"])) for one in found["shares"]]
    table(("owner", "was", "would"), shares)
    table(("rule", "leads"), [(one["rule"], str(one["leads"])) for one in found["by_rule"]])
    differences = found["differences"]
    rows = [(one["lead_id"], one["was"] or "", one["would"] or "", one["rule"] or "fallback") for one in differences]
    if rows:
        table(("lead", "was", "would", "rule"), rows[:_SHOWN])


def _show_score(found: Document) -> None:
    kinds = ("open", "converted", "dead")
    say(f"{found['leads']} leads")
    rows = [(one["grade"] or "none", *(str(one[kind]) for kind in kinds)) for one in found["grades"]]
    rows.append(("average", *(found["average"][kind] or "" for kind in kinds)))
    table(("grade", *kinds), rows)
    differences = found["differences"]
    shown = [(one["lead_id"], one["outcome"], one["was"] or "", one["would"]) for one in differences]
    if shown:
        table(("lead", "outcome", "was", "would"), shown[:_SHOWN])
