"""The pipeline service over the in-memory twins of log and vault, as its callers see it."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from contacts.served import Contacts, bearer, issuer
from patron_events.decider import Dated, Decider
from patron_events.journal import Journal
from patron_events.memory import MemoryStore
from patron_events.registry import Fact
from patron_events.vault import BlindIndex, MemoryVault
from patron_pipeline.composition import Around, parts
from patron_pipeline.routes import build
from patron_runtime.identity import TrustedIssuer, Verifier
from patron_runtime.service import Service
from patron_runtime.settings import RuntimeSettings

BASE: Final = "/pipeline/v1"
_idle: Final[list[Service]] = []


def pipeline_service() -> Service:
    """Build the service without its parts: enough for its OpenAPI document."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None]:
        app.state.pipeline = Selling().parts()
        yield

    trusted = TrustedIssuer(issuer().name, public_key_file=issuer().public_key_file)
    return build(Verifier([trusted]), RuntimeSettings(access_log=False), lifespan)


@dataclass(slots=True)
class Selling:
    """One log, and as many services over it as a test wants; `contacts` writes to the same log."""

    store: MemoryStore = field(default_factory=MemoryStore)
    vault: MemoryVault = field(default_factory=MemoryVault)
    index: BlindIndex = field(default_factory=lambda: BlindIndex(b"k" * 32))

    def parts(self) -> Any:
        """Build the use cases over this log, with caches of their own as in a process just started."""
        return parts(self.store, self.vault, self.index, Around(reader=self.store))

    @property
    def contacts(self) -> Contacts:
        """The contacts service over the same log, for the people and companies that tests need."""
        return Contacts(self.store, self.vault, self.index)

    @contextlib.asynccontextmanager
    async def client(
        self, *roles: str, subject: str = "ann", teams: tuple[str, ...] = ()
    ) -> AsyncGenerator[httpx.AsyncClient]:
        """Call a service over this log, one that was just started, as somebody with these roles and teams."""
        app = _idle.pop() if _idle else pipeline_service()
        app.state.pipeline = self.parts()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = bearer(*roles, subject=subject)
        if teams:
            headers = {"Authorization": f"Bearer {issuer().issue(subject, roles, teams)}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            yield client
        _idle.append(app)

    async def history(self, decider: Decider[Any, Any, Any], aggregate_id: str) -> list[Dated]:
        """Read all facts of one aggregate from the log, each with the time when it happened."""
        found: list[Dated] = []

        def remember(state: Any, event: Fact, at: Any) -> Any:
            found.append(Dated(event, at))
            return decider.evolve(state, event, at)

        remembering: Decider[Any, Any, Any] = Decider(decider.category, decider.initial, decider.decide, remember)
        await Journal(self.store, self.vault).load(remembering, aggregate_id)
        return found

    async def facts(self, decider: Decider[Any, Any, Any], aggregate_id: str) -> list[Fact]:
        """Read all facts of one aggregate from the log."""
        return [one.fact for one in await self.history(decider, aggregate_id)]

    async def size(self) -> int:
        """Count the commits in the log of this context."""
        return await self.store.last_sequence("pipeline")
