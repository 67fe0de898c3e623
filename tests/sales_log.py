"""A log of the pipeline context for tests of read models: commits whose facts happened at times of their own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from customer_log import CustomerLog
from patron_events.catalog.pipeline import deals, settings
from patron_events.codec import encode_event
from patron_events.envelope import GENESIS, Actor, Cause, Commit, StreamId, encode_commit
from patron_events.memory import MemoryStore
from patron_events.registry import Fact
from patron_events.store import Append, EventStore
from patron_events.vault import KeyVault, MemoryVault

DEFAULT: Final = settings.PipelineDefined(
    definition_version=1,
    name="Sales",
    stages=(
        settings.Stage("prospecting", "Prospecting", probability=10),
        settings.Stage("engaging", "Engaging", probability=50, rotting_days=60, forecast_category="best-case"),
        settings.Stage("offer", "Offer", probability=80, forecast_category="commit"),
        settings.Stage("won", "Won", kind="won", probability=100),
        settings.Stage("lost", "Lost", kind="lost"),
    ),
)
Dated = tuple[Fact, datetime]


class Told(NamedTuple):
    """One commit: facts of one aggregate, each with the time at which it happened."""

    category: str
    id: str
    facts: Sequence[Dated]


def day(text: str) -> datetime:
    """Read a date as its beginning in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class SalesLog(CustomerLog):
    """Appends commits of the pipeline context; they are recorded one after the other, from 1 March 2024 on."""

    def __init__(self, seed: int = 1, store: EventStore | None = None, vault: KeyVault | None = None) -> None:
        self.memory = MemoryStore()
        super().__init__(store or self.memory, vault or MemoryVault(), seed, context="pipeline")
        self._next: dict[StreamId, tuple[int, int, str]] = {}
        self._now = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)

    @property
    def now(self) -> datetime:
        """When the last commit was recorded."""
        return self._now

    async def told(self, *commits: Told) -> None:
        """Append commits in their order, as many at once as their aggregates differ."""
        group: dict[StreamId, Append] = {}
        for one in commits:
            stream = StreamId(self.context, one.category, one.id)
            if stream in group:
                await self._store(group)
                group = {}
            group[stream] = await self._commit(stream, one.facts)
            if len(group) == 500:
                await self._store(group)
                group = {}
        await self._store(group)

    async def _store(self, group: dict[StreamId, Append]) -> None:
        if not group:
            return
        for stream, sequence in zip(group, await self.store.append(list(group.values())), strict=True):
            version, _, digest = self._next[stream]
            self._next[stream] = (version, sequence, digest)
            self.last = max(self.last, sequence)

    async def _commit(self, stream: StreamId, facts: Sequence[Dated]) -> Append:
        self._now += timedelta(seconds=1)
        version, sequence, prev = self._next.get(stream, (0, 0, GENESIS))
        key = (await self.vault.find([stream.id])).get(stream.id)
        stored = tuple(encode_event(fact, at, stream.id, key) for fact, at in facts)
        commit_id = self.new_id()
        actor = Actor("user", "importer", ("agent",))
        commit = Commit(commit_id, self._now, actor, Cause(correlation_id="c"), version + 1, prev, stored)
        body, digest = encode_commit(commit)
        self._next[stream] = (version + 1, sequence, digest)
        return Append(stream, sequence, commit_id, body)

    async def deal(self, *facts: Dated, pipeline: str = "default", stage: str = "engaging") -> str:
        """Record a deal that was opened at the time of its first fact; answers its id."""
        deal_id = self.new_id()
        await self.vault.create([deal_id])
        opened = deals.DealOpened(name="A deal", pipeline_id=pipeline, stage=stage)
        await self.told(Told("deal", deal_id, [(opened, facts[0][1]), *facts]))
        return deal_id
