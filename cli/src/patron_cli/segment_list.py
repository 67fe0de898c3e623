"""`patron segments list`: all live segments, with what the projections know of them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from patron_cli.console import EXIT_CODES, Json, Stopped, print_json, say
from patron_cli.installation import Data, Role, Token, Url, find
from patron_cli.segment_members import segments
from patron_cli.segments_api import SEGMENTS, SHOWN, Api, Document, every, opened, table


@segments.command("list", epilog=EXIT_CODES)
def list_all(data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """List all live segments: kind, size, last change of the definition, and which uses which.

    Names and uses are those of the log; kind, size and time are empty where the projections do not know them yet.
    """
    api = opened(find(data, url, token), Role.READER)
    items, silent = _found(api)
    if as_json:
        print_json({"items": items})
        return
    _show(items)
    if silent is not None:
        say(f"Not everything is known: {silent}")


def _found(api: Api) -> tuple[list[Document], Stopped | None]:
    """Ask the log, and the projections for the rest; either may be silent, which is answered too.

    Raises:
        Stopped: both are.
    """
    silent: Stopped | None = None
    defined: list[Document] | None = None
    shown: list[Document] = []
    try:
        defined = api.get(SEGMENTS)["items"]
    except Stopped as stopped:
        silent = stopped
    try:
        shown = every(api, SHOWN)
    except Stopped as stopped:
        if silent is not None:
            raise
        silent = stopped
    if defined is None:
        return shown, silent
    known = {one["id"]: one for one in shown}
    return [{**known.get(one["id"], {}), **one} for one in defined], silent


def _show(items: Sequence[Document]) -> None:
    named = {one["id"]: one["name"] for one in items}

    def names(ids: Sequence[str]) -> str:
        return ", ".join(named.get(one) or one for one in ids)

    rows = [
        (
            *(one["name"] or "", one["id"], one.get("kind") or "", f"{one['size']:,}" if "size" in one else ""),
            *(_minute(one.get("updated_at")), names(one["uses"]), names(one["used_by"])),
        )
        for one in items
    ]
    table(("name", "id", "kind", "size", "updated", "uses", "used by"), rows)


def _minute(text: str | None) -> str:
    """Write a moment for people, in UTC."""
    return "" if text is None else f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}"
