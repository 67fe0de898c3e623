"""Ask an embedded installation whether everything in it works."""

import http.client
import json
from typing import Any, Final

from patron_cli.embedded.folder import DataFolder
from patron_cli.embedded.state import State
from patron_runtime.issuer import EmbeddedIssuer

REACTING: Final = ("contacts", "pipeline")
"""Services that have reactions."""
_TIMEOUT_S: Final = 2.0
_MOST_BYTES: Final = 1 << 20


def not_ready(state: State, folder: DataFolder) -> str | None:
    """Say what is missing: services, then a living worker on every read model, then reactions; None if nothing is."""
    try:
        status, answer = _ask(state, "/health/ready", {})
        if status != http.client.OK:
            return str(answer.get("detail", "the services are not ready"))
        token = EmbeddedIssuer(folder.keys).issue("patron-supervisor", ["reader"], ttl_s=60)
        bearer = {"Authorization": f"Bearer {token}"}
        status, answer = _ask(state, "/projections/v1/positions", bearer)
        reacting = [service for service in REACTING if not _reacts(state, service, bearer)]
    except (OSError, ValueError, http.client.HTTPException):
        return "nothing answers on the port yet"
    if status != http.client.OK or not answer.get("models"):
        return "the read models are not there yet"
    if not answer.get("workers"):
        return "no worker of the read models lives"
    if reacting:
        return f"nothing reacts yet for {', '.join(reacting)}"
    return None


def _reacts(state: State, service: str, bearer: dict[str, str]) -> bool:
    status, answer = _ask(state, f"/{service}/v1/reactions", bearer)
    return status == http.client.OK and bool(answer.get("alive"))


def _ask(state: State, path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(state.url.removeprefix("http://"), timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        document: dict[str, Any] = json.loads(response.read(_MOST_BYTES))
    finally:
        connection.close()
    return response.status, document
