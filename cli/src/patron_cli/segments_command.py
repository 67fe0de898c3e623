"""`patron segments`: define segments, and put customers in or leave them out by hand.

Other modules add their verbs to `segments`, the group of these commands, and are imported by `main`.
"""

import uuid
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from patron_cli.console import DONE, EXIT_CODES, REFUSED, USAGE, Json, Stopped, print_json, say
from patron_cli.installation import Data, Role, Token, Url, find
from patron_cli.segments_api import (
    SEGMENTS,
    Api,
    Document,
    Refused,
    finished,
    opened,
    read_document,
    show_faults,
    show_rule,
    table,
)

segments = typer.Typer(no_args_is_help=True, help="Segments of customers.", epilog=EXIT_CODES)
_AT_ONCE: Final = 10_000

Named = Annotated[str, typer.Argument(metavar="SEGMENT", help="Id or name of the segment.")]
RuleFile = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="JSON file of the rule; - is standard input.")]
RuleText = Annotated[str | None, typer.Option("--rule", help="The rule as JSON.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[CUSTOMER]...", help="Ids of customers.")]
IdFile = Annotated[Path | None, typer.Option("--from", help="File with one id a line; - is standard input.")]
Why = Annotated[str | None, typer.Option("--reason", help="Why, for the audit.")]


class Kind(StrEnum):
    """How a segment gets its members."""

    STATIC = "static"
    DYNAMIC = "dynamic"
    SNAPSHOT = "snapshot"


@segments.command(epilog=EXIT_CODES)
def create(  # noqa: PLR0913 - every parameter is an option of the command line
    file: RuleFile = None,
    *,
    rule: RuleText = None,
    template: Annotated[
        str | None, typer.Option(help="Id of a ready-made segment: `patron segments templates`.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name; needed, unless the file or the template has one.")] = None,
    description: Annotated[str | None, typer.Option(help="What the segment is for.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="dynamic with a rule, static without, unless stated.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Define a segment: by a rule, by a whole definition (kind, name, description, rule), from a template, or by hand.

    A rule that is wrong is shown as a tree with every fault at its place.
    """
    api = opened(find(data, url, token), Role.AGENT)
    given = read_document(file, rule)
    body = _template(api, template) if template is not None else _definition(given)
    if template is not None and given is not None:
        raise Stopped("give a rule or --template, not both", USAGE)
    stated = {"name": name, "description": description, "kind": None if kind is None else kind.value}
    body |= {part: value for part, value in stated.items() if value is not None}
    body.setdefault("kind", Kind.DYNAMIC.value if body.get("rule") is not None else Kind.STATIC.value)
    if "name" not in body:
        raise Stopped("a segment needs a name: --name", USAGE)
    # A key of its own, so that a connection that breaks at the wrong moment makes no second segment.
    finished(_defining(api, "POST", SEGMENTS, body, {"Idempotency-Key": str(uuid.uuid4())}), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def change(  # noqa: PLR0913 - as above
    segment: Named,
    file: RuleFile = None,
    *,
    rule: RuleText = None,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    description: Annotated[str | None, typer.Option(help="New description; an empty one clears it.")] = None,
    version: Annotated[int | None, typer.Option(help="Version that you saw; refused if there is another.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Change name, description or rule; a new rule counts from now on."""
    api = opened(find(data, url, token), Role.AGENT)
    body = _definition(read_document(file, rule))
    body.pop("kind", None)
    if name is not None:
        body["name"] = name
    if description is not None:
        body["description"] = description or None
    if not body:
        raise Stopped("nothing to change: give a rule, --name or --description", USAGE)
    seen = {} if version is None else {"If-Match": f'"{version}"'}
    finished(_defining(api, "PATCH", f"{SEGMENTS}/{api.segment(segment)}", body, seen), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def show(segment: Named, data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """Show a segment as the log has it now, archived or not (archived ones by id)."""
    api = opened(find(data, url, token), Role.READER)
    document = api.get(f"{SEGMENTS}/{api.segment(segment)}")
    if as_json:
        print_json(document)
        return
    shown: dict[str, Any] = {name: value for name, value in document.items() if value not in (None, [])}
    for name, value in shown.items():
        if name != "rule":
            say(f"{name:21} {', '.join(value) if name in {'uses', 'used_by'} else value}")
    if document["rule"] is not None:
        say("rule")
        show_rule(document["rule"])


@segments.command(epilog=EXIT_CODES)
def archive(segment: Named, data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """Take a segment out of use for good; refused while rules of others look at it."""
    api = opened(find(data, url, token), Role.AGENT)
    finished(api.send("POST", f"{SEGMENTS}/{api.segment(segment)}/archive"), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def snapshot(segment: Named, data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """Take the members of a snapshot segment anew."""
    api = opened(find(data, url, token), Role.AGENT)
    finished(api.send("POST", f"{SEGMENTS}/{api.segment(segment)}/snapshot"), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def include(  # noqa: PLR0913 - as above
    segment: Named,
    customers: Ids = None,
    *,
    file: IdFile = None,
    reason: Why = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Put customers in by hand, whatever the rule says."""
    api = opened(find(data, url, token), Role.AGENT)
    finished(_put(api, (segment, "include"), _ids(customers, file), {"reason": reason}), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def exclude(  # noqa: PLR0913 - as above
    segment: Named,
    customers: Ids = None,
    *,
    file: IdFile = None,
    reason: Why = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Leave customers out by hand, whatever the rule says."""
    api = opened(find(data, url, token), Role.AGENT)
    finished(_put(api, (segment, "exclude"), _ids(customers, file), {"reason": reason}), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def release(  # noqa: PLR0913 - as above
    segment: Named,
    customers: Ids = None,
    *,
    file: IdFile = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Let the rule alone decide about customers again."""
    api = opened(find(data, url, token), Role.AGENT)
    finished(_put(api, (segment, "release"), _ids(customers, file), {}), as_json=as_json)


@segments.command(epilog=EXIT_CODES)
def check(
    file: RuleFile = None,
    *,
    rule: RuleText = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Check a rule without saving it: print its tree with every fault at its place, or what it looks at."""
    given = read_document(file, rule)
    if file is None and rule is None:
        raise Stopped("give a file or --rule", USAGE)
    document = _definition(given).get("rule", given)
    answer = opened(find(data, url, token), Role.READER).send("POST", f"{SEGMENTS}/check", {"rule": document})
    if as_json:
        print_json(answer)
    else:
        show_rule(document, answer["problems"], {one["id"]: one["name"] for one in answer["uses"]})
        say(_findings(answer))
    raise typer.Exit(DONE if answer["ok"] else REFUSED)


@segments.command(epilog=EXIT_CODES)
def templates(
    template: Annotated[str | None, typer.Argument(help="Id of one, to print its rule as JSON.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """List ready-made segments, or print the rule of one."""
    api = opened(find(data, url, token), Role.READER)
    if template is not None:
        print_json(_template(api, template)["rule"])
        return
    document = api.get(f"{SEGMENTS}/templates")
    if as_json:
        print_json(document)
    else:
        table(("id", "name", "what it is"), [(one["id"], one["name"], one["description"]) for one in document["items"]])


def _definition(given: Any) -> Document:
    """Take a document as a whole definition where it names no type of a rule, else as its rule."""
    if isinstance(given, dict) and "type" not in given:
        return dict(cast("Document", given))
    return {} if given is None else {"rule": given}


def _template(api: Api, wanted: str) -> Document:
    for one in api.get(f"{SEGMENTS}/templates")["items"]:
        if one["id"] == wanted:
            return {name: one[name] for name in ("name", "description", "rule")}
    raise Stopped(f"there is no template {wanted!r}; `patron segments templates` lists them", USAGE)


def _defining(api: Api, method: str, path: str, body: Document, headers: dict[str, str]) -> Document:
    try:
        return api.send(method, path, body, **headers)
    except Refused as refused:
        show_faults(body.get("rule"), refused)
        raise


def _ids(stated: Sequence[str] | None, file: Path | None) -> list[str]:
    ids = list(stated or ())
    if file is not None:
        try:
            ids += (typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()).split()
        except (OSError, UnicodeError) as error:
            raise Stopped(f"cannot read {file}: {error}", USAGE) from None
    if not ids:
        raise Stopped("name customers by their ids, or --from a file", USAGE)
    return ids


def _put(api: Api, to: tuple[str, str], ids: Sequence[str], more: Document) -> Document:
    """Send ids, ten thousand at a time; answers for the last request, `updated` if any changed something."""
    segment, how = to
    path = f"{SEGMENTS}/{api.segment(segment)}/{how}"
    stated = {name: value for name, value in more.items() if value is not None}
    answers = [
        api.send("POST", path, {"customer_ids": ids[start : start + _AT_ONCE], **stated})
        for start in range(0, len(ids), _AT_ONCE)
    ]
    changed = any(one["status"] == "updated" for one in answers)
    return {**answers[-1], "status": "updated" if changed else "unchanged"}


def _findings(answer: Document) -> str:
    if not answer["ok"]:
        return f"{len(answer['problems'])} problems"
    looks = answer["looks_at"]
    parts = [*looks["profile"], *(f"company.{name}" for name in looks["company"]), *looks["facts"]]
    parts += [name for name in ("rfm", "clock") if looks[name]]
    parts += [f"segment {one['name']}" for one in answer["uses"]]
    return f"In order; looks at {', '.join(parts) or 'nothing'}."
