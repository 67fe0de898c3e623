"""The campaigns service over the in-memory twins of log and vault, as its callers see it."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from contacts.served import bearer, issuer
from patron_campaigns.composition import parts
from patron_campaigns.routes import build
from patron_events.catalog.contacts import FieldDefined, FieldRetired
from patron_events.decider import Decider
from patron_events.decisions import Asked, Decisions
from patron_events.envelope import Actor
from patron_events.journal import Journal
from patron_events.memory import MemoryStore
from patron_events.registry import Fact
from patron_events.vault import BlindIndex, MemoryVault
from patron_runtime.identity import TrustedIssuer, Verifier
from patron_runtime.service import Service
from patron_runtime.settings import RuntimeSettings

BASE: Final = "/campaigns/v1/segments"
_idle: Final[list[Service]] = []


def campaigns_service() -> Service:
    """Build the service without its parts: enough for its OpenAPI document."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncGenerator[None]:
        app.state.campaigns = Campaigns().parts()
        yield

    trusted = TrustedIssuer(issuer().name, public_key_file=issuer().public_key_file)
    return build(Verifier([trusted]), RuntimeSettings(access_log=False), lifespan)


@dataclass(slots=True)
class Campaigns:
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
        app = _idle.pop() if _idle else campaigns_service()
        app.state.campaigns = self.parts()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=bearer(*roles)) as client:
            yield client
        _idle.append(app)

    async def defined(self, entity: str, fact: FieldDefined | FieldRetired) -> None:
        """Record a fact about custom fields as the contacts service would."""
        stating: Decider[None, Fact, Fact] = Decider(
            "contacts.field-catalogue", None, lambda _, fact: (fact,), lambda _state, _event, _at: None
        )
        asked = Asked(Actor("user", "ann"))
        await Decisions(Journal(self.store, self.vault)).run(stating, entity, fact, asked)

    async def facts(self, decider: Decider[Any, Any, Any], aggregate_id: str) -> list[Fact]:
        """Read all facts of one aggregate from the log."""
        history: list[Fact] = []

        def remember(state: Any, event: Fact, at: Any) -> Any:
            history.append(event)
            return decider.evolve(state, event, at)

        remembering: Decider[Any, Any, Any] = Decider(decider.category, decider.initial, decider.decide, remember)
        await Journal(self.store, self.vault).load(remembering, aggregate_id)
        return history
