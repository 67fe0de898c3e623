"""The contacts service over the in-memory twins of log and vault, as its callers see it."""

import contextlib
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Contacts:
    """One log with its service; `again` makes a second service over the same log, as after a restart."""

    folder: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    vault: MemoryVault = field(default_factory=MemoryVault)
    index: BlindIndex = field(default_factory=lambda: BlindIndex(b"k" * 32))

    @property
    def issuer(self) -> EmbeddedIssuer:
        """The issuer of the tokens that the service trusts."""
        return EmbeddedIssuer(self.folder)

    def service(self) -> Service:
        """Build the service over this log."""

        @contextlib.asynccontextmanager
        async def lifespan(app: Any) -> AsyncGenerator[None]:
            app.state.contacts = parts(self.store, self.vault, self.index)
            yield

        issuer = self.issuer
        verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
        return build(verifier, RuntimeSettings(access_log=False), lifespan)

    def bearer(self, *roles: str) -> dict[str, str]:
        """Authorise somebody with these roles."""
        return {"Authorization": f"Bearer {self.issuer.issue('ann', roles)}"}

    @contextlib.asynccontextmanager
    async def client(self, *roles: str) -> AsyncGenerator[httpx.AsyncClient]:
        """Call a fresh service over this log, as somebody with these roles."""
        app = self.service()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://contacts", headers=self.bearer(*roles)) as client,
        ):
            yield client

    async def facts(self, decider: Decider[Any, Any, Any], aggregate_id: str) -> list[Fact]:
        """Read all facts of one aggregate from the log."""
        history: list[Fact] = []

        def remember(state: Any, event: Fact, at: Any) -> Any:
            history.append(event)
            return decider.evolve(state, event, at)

        remembering = Decider[Any, Any, Any](decider.category, decider.initial, decider.decide, remember)
        await Journal(self.store, self.vault).load(remembering, aggregate_id)
        return history

    async def size(self) -> int:
        """Count the commits in the log."""
        return await self.store.last_sequence("contacts")


def contacts_for_documents() -> Service:
    """Build a service for nothing but its OpenAPI document."""
    return Contacts(Path(tempfile.mkdtemp(prefix="patron-"))).service()
