"""What tests of the HTTP interface of this context say often."""

from typing import Any, Final

import httpx

from contacts.calls import refusal
from pipeline.served import BASE

DEALS: Final = f"{BASE}/deals"
UNKNOWN: Final = "00000000-0000-5000-8000-000000000000"
OPEN: Final[list[dict[str, Any]]] = [
    {"id": "new", "probability": 10},
    {"id": "demo", "probability": 40},
    {"id": "offer", "probability": 70},
]
CLOSED: Final[list[dict[str, Any]]] = [{"id": "won", "kind": "won"}, {"id": "lost", "kind": "lost"}]

__all__ = ["CLOSED", "DEALS", "OPEN", "UNKNOWN", "defined", "done", "move", "moved", "opened", "refusal", "shown"]


async def done(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    """Send a command that must be accepted; answers its result."""
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def opened(client: httpx.AsyncClient, **body: Any) -> str:
    """Open a deal and give the id."""
    return (await done(client, DEALS, **{"name": "GTX Pro for Acme", **body}))["id"]


async def move(client: httpx.AsyncClient, deal: str, to: str, **body: Any) -> httpx.Response:
    """Ask to move a deal from where it is now."""
    seen = (await shown(client, deal))["stage"]
    return await client.post(f"{DEALS}/{deal}/move", json={"to": to, "from": seen, **body})


async def moved(client: httpx.AsyncClient, deal: str, to: str, **body: Any) -> None:
    """Move a deal from where it is now."""
    answer = await move(client, deal, to, **body)
    assert answer.status_code == 200, answer.text


async def shown(client: httpx.AsyncClient, deal: str) -> dict[str, Any]:
    """Read a deal."""
    answer = await client.get(f"{DEALS}/{deal}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def defined(client: httpx.AsyncClient, pipeline: str = "other", **body: Any) -> None:
    """Define a pipeline of the stages new, demo, offer, won, lost, unless the body says otherwise."""
    answer = await client.put(
        f"{BASE}/pipelines/{pipeline}", json={"name": "Other", "stages": [*OPEN, *CLOSED], **body}
    )
    assert answer.status_code == 200, answer.text
