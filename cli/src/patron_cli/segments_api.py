"""What the commands about segments share: find an installation, ask its routes, tell refusals on one line."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from patron_cli.console import REFUSED, USAGE, Stopped, print_json, say, screen
from patron_cli.installation import Installation, Role, reaching

if TYPE_CHECKING:
    import httpx

Document = dict[str, Any]
SEGMENTS = "/campaigns/v1/segments"
SHOWN = "/projections/v1/segments"
_PAGE = 200
_ID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class Api:
    """The routes of an installation, asked with one role."""

    client: "httpx.Client"
    installation: Installation

    def get(self, path: str, **query: str | list[str]) -> Document:
        """Ask; raises Stopped with what the route refused."""
        with reaching(self.installation):
            return _told(self.client.get(path, params=query))

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Document:
        """Send a command or a question with a body; raises Refused or Stopped."""
        with reaching(self.installation):
            return _told(self.client.request(method, path, json=body, headers=headers))

    def segment(self, named: str) -> str:
        """Give the id of a segment that is named by its id or its name, upper and lower case alike.

        Raises:
            Stopped: no live segment has this name.
        """
        if len(named) == _ID_LENGTH and named.count("-") == 4:  # noqa: PLR2004 - the hyphens of a UUID
            return named
        for one in self.get(SEGMENTS)["items"]:
            if one["name"].casefold() == named.casefold():
                return one["id"]
        raise Stopped(f"no live segment is called {named!r}", REFUSED)


class Refused(Stopped):
    """A route refused; `document` is the problem."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        where = f" ({document['field']})" if document.get("field") else ""
        super().__init__(f"{document.get('code')}{where}: {document.get('detail')}", REFUSED)


def _told(answer: "httpx.Response") -> Document:
    try:
        document: object = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Stopped(f"HTTP {answer.status_code} {answer.reason_phrase}, and no document", REFUSED)
    if not answer.is_success:
        raise Refused(cast("Document", document))
    return cast("Document", document)


def opened(installation: Installation, role: Role) -> Api:
    """Ask an installation with a role; the client lives as long as the command."""
    return Api(installation.client(role), installation)


def every(api: Api, path: str) -> list[Document]:
    """Collect the items of all pages of a list."""
    found: list[Document] = []
    query: dict[str, str] = {}
    while True:
        page = api.get(path, **query, limit=str(_PAGE))
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query = {"cursor": page["next_cursor"]}


def read_document(file: Path | None, text: str | None) -> Any:
    """Read the JSON document of a file (`-` is standard input) or of an option; None without both.

    Raises:
        Stopped: both are given, or what is there cannot be read or is no JSON.
    """
    if file is not None and text is not None:
        raise Stopped("give a file or --rule, not both", USAGE)
    if file is None and text is None:
        return None
    try:
        written = text if file is None else sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return json.loads(written or "")
    except OSError as error:
        raise Stopped(f"cannot read {file}: {error.strerror}", USAGE) from None
    except RecursionError:
        raise Stopped("the document is nested too deeply", USAGE) from None
    except ValueError as error:
        raise Stopped(f"{file or '--rule'} is no JSON: {error}", USAGE) from None


def show_rule(rule: object, problems: Sequence[Mapping[str, Any]] = (), names: Mapping[str, str] | None = None) -> None:
    """Print a rule as a tree, with its problems at their places. names: of segments by id."""
    from patron_cli.rule_tree import rule_tree  # noqa: PLC0415 - rich is for people only

    screen().print(rule_tree(rule, problems, names), soft_wrap=False)


def show_faults(rule: object, refused: Refused) -> None:
    """Print the tree of a rule that a route refused with the faults at their places; nothing for other refusals."""
    faults = [
        {"path": f"${one['field'].removeprefix('rule')}", "code": one["code"], "message": one["detail"]}
        for one in refused.document.get("errors") or ()
        if str(one["field"]).startswith("rule")
    ]
    if faults and rule is not None:
        show_rule(rule, faults)


def finished(answer: Document, *, as_json: bool) -> None:
    """Print what became of a command."""
    if as_json:
        print_json(answer)
    else:
        say(f"{answer['status']}: {answer['id']} (version {answer['version']}, position {answer['position']})")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts below their titles; ids are not broken, and sizes stand to the right."""
    from rich import box  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    shown = Table(box=box.SIMPLE_HEAD)
    for title in titles:
        shown.add_column(
            title, overflow="fold", no_wrap=title in {"id", "updated"}, justify="right" if title == "size" else "left"
        )
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    screen().print(shown)


def stop(code: int) -> None:
    """End the command with an exit code."""
    raise typer.Exit(code)
