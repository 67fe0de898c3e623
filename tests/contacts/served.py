"""The contacts service over the in-memory twins of log and vault, as its callers see it."""

import contextlib
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx

from patron_contacts.composition import parts
from patron_contacts.routes import build
from patron_events.decider import Decider
from patron_events.journal import Journal
from patron_events.memory import MemoryStore
from patron_events.registry import Fact
from patron_events.vault import BlindIndex, MemoryVault
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.service import Service
from patron_runtime.settings import RuntimeSettings

BASE: Final = "/contacts/v1"

# A service takes half a second to build and holds nothing but its parts, so services are used again.
_idle: Final[list[Service]] = []


@cache
def issuer() -> EmbeddedIssuer:
    """Issue the tokens that the services of these tests trust."""
    return EmbeddedIssuer(Path(tempfile.mkdtemp(prefix="patron-issuer-")))


def contacts_service() -> Service:
    """Build the service without its parts: enough for its OpenAPI document."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None]:
        app.state.contacts = Contacts().parts()
        yield

    trusted = TrustedIssuer(issuer().name, public_key_file=issuer().public_key_file)
    return build(Verifier([trusted]), RuntimeSettings(access_log=False), lifespan)


def bearer(*roles: str, subject: str = "ann") -> dict[str, str]:
    """Authorise somebody with these roles."""
    return {"Authorization": f"Bearer {issuer().issue(subject, roles)}"}


@dataclass(slots=True)
class Contacts:
    """One log, and as many services over it as a test wants."""

    store: MemoryStore = field(default_factory=MemoryStore)
    vault: MemoryVault = field(default_factory=MemoryVault)
    index: BlindIndex = field(default_factory=lambda: BlindIndex(b"k" * 32))

    def parts(self) -> Any:
        """Build the use cases over this log, with caches of their own as in a process just started."""
        return parts(self.store, self.vault, self.index)

    @contextlib.asynccontextmanager
    async def client(self, *roles: str) -> AsyncGenerator[httpx.AsyncClient]:
        """Call a service over this log, one that was just started, as somebody with these roles."""
        app = _idle.pop() if _idle else contacts_service()
        app.state.contacts = self.parts()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://contacts", headers=bearer(*roles)) as client:
            yield client
        _idle.append(app)

    async def facts(self, decider: Decider[Any, Any, Any], aggregate_id: str) -> list[Fact]:
        """Read all facts of one aggregate from the log."""
        history: list[Fact] = []

        def remember(state: Any, event: Fact, at: Any) -> Any:
            history.append(event)
            return decider.evolve(state, event, at)

        remembering: Decider[Any, Any, Any] = Decider(decider.category, decider.initial, decider.decide, remember)
        await Journal(self.store, self.vault).load(remembering, aggregate_id)
        return history

    async def size(self) -> int:
        """Count the commits in the log."""
        return await self.store.last_sequence("contacts")
