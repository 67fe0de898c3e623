"""Workers on a test's own database, and what their tables hold."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from patron_events.store import EventStore, LogReader
from patron_events.vault import KeyVault
from patron_projections import service
from patron_projections.engine.figures import Figures
from patron_projections.engine.filling import FillHere
from patron_projections.engine.read_model import ReadModel, categories_of
from patron_projections.engine.reading import Source
from patron_projections.engine.rebuild import Rebuild, Rebuilt, Watch, Workshop
from patron_projections.engine.tables import SCHEMA
from patron_projections.engine.worker import Pace, Worker, Workplace
from patron_projections.rebuilding import rebuild
from patron_projections.settings import ProjectionsSettings
from patron_runtime.metrics import Metrics
from waiting import soon

PACE = Pace(beat_s=0.1, dead_after_s=1.0, settle_s=0.02, lag_s=0.2)
TABLES = (
    *("rm_timeline_v1", "rm_people_v1", "rm_people_versions_v1", "rm_companies_v1", "rm_companies_versions_v1"),
    *("rm_audit_v1", "rm_audit_facets_v1"),
)
MODELS = tuple(model for model in service.MODELS if model.context == "contacts")
VIEWS = tuple(str(table.info["view"]) for model in MODELS for table in (model.kept, model.added) if table is not None)

_REACHED = """
SELECT min(p.sequence), count(*) FROM patron.positions AS p JOIN patron.builds AS b USING (model, build)
WHERE b.state = 'serving' AND p.stream = %s
"""


def models_of(context: str) -> tuple[ReadModel, ...]:
    """Give the read models of a context."""
    return tuple(model for model in service.MODELS if model.context == context)


class Unwatched:
    """Hears nothing of a rebuild."""

    def begins(self, step: str, total: int) -> None:
        """Hear nothing."""

    def advanced(self, messages: int, events: int) -> None:
        """Hear nothing."""


class ReadSide:
    """One database and the workers on it."""

    def __init__(
        self, url: str, store: EventStore, reader: LogReader, vault: KeyVault, context: str = "contacts"
    ) -> None:
        self.url = url
        self.context = context
        self.metrics = Metrics()
        source = Source(reader, vault, context, categories_of(models_of(context)))
        self.place = Workplace(self.connect, source, store, Figures(self.metrics), PACE)

    async def connect(self) -> AsyncConnection:
        """Open a connection as workers do."""
        return await AsyncConnection.connect(self.url, autocommit=True)

    @asynccontextmanager
    async def worker(
        self, share: frozenset[int] | None = None, models: Sequence[ReadModel] = MODELS
    ) -> AsyncGenerator[Worker]:
        """Run a worker while the block runs."""
        worker = Worker(self.place, models, share=share)
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(stop))
        try:
            yield worker
        finally:
            stop.set()
            await task

    def shop(self, model: ReadModel) -> Workshop:
        """Give what a rebuild of a model in this process works with."""
        source = Source(self.place.source.reader, self.place.source.vault, self.context, model.categories, checked=True)
        return Workshop(self.connect, source, source.reader.last_sequence, FillHere(self.connect, source))

    async def rebuilt(self, model: ReadModel, watch: Watch | None = None) -> Rebuilt:
        """Rebuild a model in this process."""
        return await Rebuild(self.shop(model), model, watch or Unwatched()).run()

    async def rows(self, query: str, *values: object) -> list[TupleRow]:
        """Ask the database."""
        async with await self.connect() as connection:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall()

    async def caught_up(self, sequence: int, *, within_s: float = 60.0, models: Sequence[ReadModel] = MODELS) -> None:
        """Wait until all models of this context have applied everything up to a sequence."""

        async def reached() -> bool:
            with suppress(psycopg.Error):
                ((lowest, number),) = await self.rows(_REACHED, self.context)
                return number == len(models) * 256 and lowest >= sequence
            return False

        await soon(reached, within_s=within_s)

    async def folded(self, sequence: int, models: Sequence[ReadModel]) -> None:
        """Let a worker apply everything up to a sequence, and end."""
        async with self.worker(models=models):
            await self.caught_up(sequence, models=models)

    async def checksums(self, tables: Sequence[str] = TABLES) -> Mapping[str, tuple[int, str]]:
        """Count and condense the rows of each table; equal tables have equal checksums."""
        sums: dict[str, tuple[int, str]] = {}
        for table in tables:
            rows = sorted(row[0] for row in await self.rows(f"SELECT t::text FROM {SCHEMA}.{table} AS t"))  # noqa: S608
            sums[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
        return sums


def rebuild_here(settings: ProjectionsSettings, model: str, workers: int) -> None:
    """Be a process that rebuilds; here, because a process that pytest did not start cannot import its test files."""
    found = next(one for one in MODELS if one.name == model)
    asyncio.run(rebuild(settings, found, Unwatched(), workers, share_from=1))
