"""`patron token` and `patron get`: let programs in, and ask any route."""

import getpass
import json
import re
import sys
from typing import Annotated, Final

import typer

from patron_cli.console import REFUSED, USAGE, Json, Stopped, print_json
from patron_cli.installation import Data, Role, Token, Url, find, folder_of, issue, reaching

_UNITS_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_TTL_S: Final = 10 * 365 * 86_400
_MOST_SHOWN: Final = 300


def token(
    data: Data = None,
    role: Annotated[Role, typer.Option(help="reader: queries; agent: and commands; admin: and definitions.")] = (
        Role.READER
    ),
    subject: Annotated[str | None, typer.Option(help="Who the holder is, for the audit; you by default.")] = None,
    team: Annotated[list[str] | None, typer.Option(help="Team of the holder; may be repeated.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is good, such as 3600, 90m, 12h or 30d.")] = "12h",
    *,
    as_json: Json = False,
) -> None:
    """Print a new token for the installation on the data folder, and nothing else."""
    ttl_s = read_ttl(ttl)
    holder = subject or _own_name()
    signed = issue(folder_of(data), holder, role, team or (), ttl_s=ttl_s)
    if as_json:
        print_json({"token": signed, "subject": holder, "role": role.value, "teams": team or [], "ttl_s": ttl_s})
    else:
        sys.stdout.write(signed + "\n")


def read_ttl(text: str) -> int:
    """Read a period: seconds, or a number with one of the units s, m, h and d.

    Raises:
        Stopped: it is none, or longer than ten years.
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST_TTL_S:
        raise Stopped(f"{text!r} is no period; write 3600, 90m, 12h or 30d", USAGE)
    return seconds


def get(
    path: Annotated[str, typer.Argument(help="Path with query, such as /projections/v1/people?limit=5.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
    role: Annotated[Role, typer.Option(help="Role of the token, on this machine.")] = Role.READER,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="On one line.")] = False,
) -> None:
    """Print what a route answers; a refusal is printed too, and makes the exit code 1."""
    installation = find(data, url, token)
    with installation.client(role) as client, reaching(installation):
        answer = client.get("/" + path.lstrip("/"))
    try:
        document: object = answer.json()
    except ValueError:
        sys.stdout.write(answer.text if answer.text.endswith("\n") else answer.text + "\n")
    else:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=None if as_json else 2) + "\n")
    if not answer.is_success:
        sys.stderr.write(f"patron: HTTP {answer.status_code} {answer.reason_phrase}\n"[:_MOST_SHOWN])
        raise typer.Exit(REFUSED)


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "cli"
