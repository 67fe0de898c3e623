"""`patron segments members`, `verify` and `score`: who belongs to a segment, the proof, and scores made anew."""

import time
from typing import Annotated, Any, Final

import typer

from patron_cli.console import DONE, EXIT_CODES, REFUSED, Json, Stopped, print_json, say, screen
from patron_cli.downloads import refusal_of
from patron_cli.installation import Data, Role, Token, Url, find, reaching
from patron_cli.segment_trials import segments
from patron_cli.segments_api import SHOWN, Api, Document, every, opened, stop
from patron_cli.segments_command import Named

_PAGE: Final = 200
_PAUSE_S: Final = 0.5


@segments.command(epilog=EXIT_CODES)
def members(  # noqa: PLR0913 - every parameter is an option of the command line
    segment: Named,
    *,
    as_of: Annotated[str | None, typer.Option(help="Who were members at this time or date.")] = None,
    known_at: Annotated[str | None, typer.Option(help="As it was known at this time or date.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List the members of a segment, with since when and why."""
    api = opened(find(data, url, token), Role.READER)
    path = f"{SHOWN}/{api.segment(segment)}/members"
    clocks = {name: value for name, value in (("as_of", as_of), ("known_at", known_at)) if value is not None}
    found: list[Document] = []
    query = dict(clocks)
    while len(found) < limit:
        page = api.get(path, **query, limit=str(min(_PAGE, limit - len(found))))
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query = {**clocks, "cursor": page["next_cursor"]}
    if as_json:
        print_json(found)
    else:
        _show_members(found)


@segments.command(epilog=EXIT_CODES)
def verify(
    segment: Annotated[str | None, typer.Argument(metavar="[SEGMENT]", help="Id or name; otherwise all.")] = None,
    *,
    wait_s: Annotated[float, typer.Option(min=0, help="Seconds to wait for changes that are under way.")] = 10.0,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Evaluate segments from the beginning, and compare with the members kept live and with the log.

    Prints the number of customers and the checksum of each of the three; they are equal once nothing is under way.
    """
    api = opened(find(data, url, token), Role.ADMIN)
    wanted = every(api, SHOWN) if segment is None else [api.get(f"{SHOWN}/{api.segment(segment)}")]
    proofs = [_proof(api, one, wait_s) for one in wanted]
    equal = all(one["equal"] for one in proofs)
    if as_json:
        print_json({"equal": equal, "segments": proofs})
    else:
        _show_proofs(proofs)
        say("Equal." if equal else "NOT EQUAL.")
    stop(DONE if equal else REFUSED)


def _proof(api: Api, segment: Document, wait_s: float) -> Document:
    """Compare until the three are equal or the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        found = api.get(f"{SHOWN}/{segment['id']}/equality")
        if found["equal"] or time.monotonic() >= deadline:
            return {"segment": segment["id"], "name": segment["name"], **found}
        time.sleep(_PAUSE_S)


def _show_members(found: list[Document]) -> None:
    from rich.table import Table  # noqa: PLC0415 - rich is for people only

    table = Table("customer", "name", "since", "cause")
    for one in found:
        table.add_row(one["customer_id"], one["display_name"] or "", one["since"], one["cause"])
    screen().print(table)


def _show_proofs(proofs: list[Document]) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table("segment", "evaluated", "kept", "told", "pending", "equal")
    for one in proofs:
        sums = [_sum(one[name]) for name in ("evaluated", "kept", "told")]
        table.add_row(one["name"] or one["segment"], *sums, str(one["pending"]), "yes" if one["equal"] else "NO")
    screen().print(table)


def _sum(found: Any) -> str:
    return "as taken" if found is None else f"{found['customers']:,} {found['checksum']}"


@segments.command(epilog=EXIT_CODES)
def score(data: Data = None, url: Url = None, token: Token = None) -> None:
    """Make the RFM scores anew now, not at the end of the hour; segments that look at them follow."""
    installation = find(data, url, token)
    with installation.client(Role.ADMIN) as client, reaching(installation):
        answer = client.post("/projections/v1/rfm/refresh")
    if not answer.is_success:
        raise Stopped(refusal_of(answer), REFUSED)
    say("Requested. A worker makes them within seconds.")
