"""`patron status`: health of the services, size of the log, lag of the read models."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import typer

from patron_cli.console import DONE, REFUSED, Json, print_json, screen
from patron_cli.embedded.readiness import REACTING
from patron_cli.embedded.state import State
from patron_cli.installation import Data, Installation, Role, Token, Url, find, reaching

if TYPE_CHECKING:
    import httpx
    from rich.table import Table

Document = dict[str, Any]
_JSZ: Final = "/jsz?streams=true"
_KIBIBYTE: Final = 1024


def status(data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """Show how an installation is, with the build of each read model that serves; exit code 1 unless all is ready."""
    installation = find(data, url, token)
    with installation.client(Role.READER) as client:
        document = examine(installation, client)
    if as_json:
        print_json(document)
    else:
        _show(document)
    raise typer.Exit(DONE if document["ready"] else REFUSED)


def examine(installation: Installation, client: "httpx.Client") -> Document:
    """Ask everybody; what does not answer is left empty.

    Processes and streams are known only on the machine of the installation.
    """
    with reaching(installation):
        health = _document(client.get("/health/ready"))
    models = _asked(client, "/projections/v1/positions")
    reactions = [_asked(client, f"/{service}/v1/reactions") for service in REACTING]
    state = installation.state
    return {
        "url": installation.url,
        "data": str(installation.folder.path) if installation.folder else None,
        "ready": health.get("status") == "ready",
        "services": health.get("services") or {},
        "detail": health.get("detail"),
        "started_at": state.started_at if state else None,
        "processes": _processes(state) if state else [],
        "streams": _streams(state.nats_monitor_url) if state else [],
        "read_models": models.get("models") or [],
        "workers": models.get("workers") or [],
        "reactions": [one for one in reactions if "consumers" in one],
    }


def _asked(client: "httpx.Client", path: str) -> Document:
    import httpx  # noqa: PLC0415 - loaded by now

    try:
        return _document(client.get(path))
    except httpx.HTTPError:
        return {}


def _document(answer: "httpx.Response") -> Document:
    try:
        document: object = answer.json()
    except ValueError:
        return {}
    return cast("Document", document) if isinstance(document, dict) else {}


def _processes(state: State) -> list[Document]:
    return [
        {
            "name": name,
            "pid": pid or None,
            "memory_bytes": _memory(pid),
            "restarts": state.restarts.get(name, 0),
        }
        for name, pid in state.pids.items()
    ]


def _memory(pid: int) -> int | None:
    """Read the resident memory of a process; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * _KIBIBYTE for line in lines if line.startswith("VmRSS:")), None)


def _streams(monitor_url: str) -> list[Document]:
    import httpx  # noqa: PLC0415 - as in `_asked`

    try:
        answer: Document = httpx.get(monitor_url + _JSZ, timeout=5, trust_env=False).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return []
    accounts: list[Document] = answer.get("account_details") or []
    streams: list[Document] = []
    for account in accounts:
        streams += account.get("stream_detail") or []
    return [
        {
            "name": stream["name"],
            "messages": stream["state"]["messages"],
            "bytes": stream["state"]["bytes"],
            "last_sequence": stream["state"]["last_seq"],
        }
        for stream in sorted(streams, key=lambda stream: str(stream["name"]))
    ]


def _show(document: Document) -> None:
    console = screen()
    console.print(f"{document['url']}  {'ready' if document['ready'] else 'NOT READY'}", markup=False)
    if document["detail"]:
        console.print(document["detail"], markup=False)
    services = [(name, state) for name, state in document["services"].items()]
    tables = (
        _table(("service", "state"), services),
        _table(
            ("process", "pid", "memory", "restarts"),
            [
                (row["name"], row["pid"] or "down", _size(row["memory_bytes"]), row["restarts"])
                for row in document["processes"]
            ],
        ),
        _table(
            ("stream", "messages", "size"),
            [(row["name"], f"{row['messages']:,}", _size(row["bytes"])) for row in document["streams"]],
        ),
        _table(
            ("read model", "build", "position", "lag", "behind", "parked"),
            [
                (
                    row["model"],
                    f"{row['build']} (version {row['version']})",
                    row["position"],
                    f"{row['lag_events']:,}",
                    _behind(row["lag_s"]),
                    row["parked"],
                )
                for row in document["read_models"]
            ],
        ),
        _table(
            ("reactions of", "state", "pending", "timers waiting", "due", "dead letters"),
            [
                (
                    row["service"],
                    "alive" if row["alive"] else "NO PROCESS",
                    f"{sum(consumer['pending'] for consumer in row['consumers']):,}",
                    f"{row['timers']['waiting']:,}",
                    row["timers"]["due"],
                    row["dead_letters"],
                )
                for row in document["reactions"]
            ],
        ),
    )
    for table in tables:
        if table.row_count:
            console.print(table)


def _table(titles: tuple[str, ...], rows: list[tuple[object, ...]]) -> "Table":
    from rich import box  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE_HEAD)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table


def _size(size: int | None) -> str:
    if size is None:
        return "?"
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < _KIBIBYTE:
            return f"{value:.0f} {unit}"
        value /= _KIBIBYTE
    return f"{value:.1f} GiB"


def _behind(lag_s: float | None) -> str:
    return "unknown" if lag_s is None else f"{lag_s:.1f} s"
