"""Workers and evaluators on a test's own database, over a log in memory or a real one, with a clock of their own."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow, dict_row

from customer_log import CustomerLog
from patron_events.catalog import campaigns, segments
from patron_events.codec import decode_event
from patron_events.decisions import Decisions
from patron_events.envelope import decode_commit
from patron_events.journal import Journal
from patron_events.registry import Fact
from patron_events.store import EventStore, LogReader
from patron_events.vault import KeyVault
from patron_projections.activities import Activities
from patron_projections.companies import Companies
from patron_projections.custom_fields import CustomFields
from patron_projections.engine.companions import keep_running
from patron_projections.engine.figures import Figures
from patron_projections.engine.read_model import ReadModel, categories_of
from patron_projections.engine.reading import Source
from patron_projections.engine.tables import compiled
from patron_projections.engine.worker import Pace, Worker, Workplace
from patron_projections.people import People
from patron_projections.segments.definitions import SegmentDefinitions
from patron_projections.segments.equality import comparison, read
from patron_projections.segments.evaluator import Evaluator, EvaluatorPlace
from patron_projections.segments.evaluator_figures import EvaluatorFigures
from patron_projections.segments.memberships import Memberships
from patron_projections.segments.segment import read_segments
from patron_projections.timeline import Timeline
from patron_rules.fields import Definitions
from patron_rules.tree import Rule, rule_document
from patron_runtime.metrics import Metrics
from sales_history import SalesHistory
from waiting import soon

PACE = Pace(beat_s=0.05, dead_after_s=0.6, settle_s=0.02, lag_s=0.2)
MODELS: Sequence[ReadModel] = (
    People(),
    Companies(),
    Activities(),
    CustomFields(),
    SegmentDefinitions(),
    Memberships(),
    Timeline(),
)


class Clock:
    """A clock that a test moves; it runs with the real one in between."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Tell the time."""
        return datetime.now(UTC) + self.ahead

    def forward(self, **parts: float) -> None:
        """Let time pass."""
        self.ahead += timedelta(**parts)


class SegmentSide:
    """One database, its logs, and what works on it."""

    def __init__(self, url: str, store: EventStore, reader: LogReader, vault: KeyVault) -> None:
        self.url = url
        self.store = store
        self.reader = reader
        self.vault = vault
        self.clock = Clock()
        self.contacts = CustomerLog(store, vault)
        self.campaigns = CustomerLog(store, vault, seed=2, context="campaigns")
        self.sales = SalesHistory(3, store, vault)
        self.metrics = Metrics()
        self.figures = EvaluatorFigures(self.metrics)
        self._worker_figures = Figures(self.metrics)

    async def connect(self) -> AsyncConnection:
        """Open a connection as workers do."""
        return await AsyncConnection.connect(self.url, autocommit=True)

    async def rows(self, query: str, *values: object) -> list[TupleRow]:
        """Ask the database."""
        async with await self.connect() as connection:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall()

    # -- what works on it -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def workers(
        self, of_models: Sequence[ReadModel] = MODELS, share: frozenset[int] | None = None
    ) -> AsyncGenerator[None]:
        """Run a worker per context while the block runs. share: partitions to own whatever the others do."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as running:
            for context in dict.fromkeys(model.context for model in of_models):
                models = [model for model in of_models if model.context == context]
                source = Source(self.reader, self.vault, context, categories_of(models))
                place = Workplace(self.connect, source, self.store, self._worker_figures, PACE)
                running.create_task(Worker(place, models, share=share).run(stop))
            try:
                yield
            finally:
                stop.set()

    def evaluator(self, dead_after_s: float = PACE.dead_after_s) -> Evaluator:
        """Make an evaluator."""
        decisions = Decisions(Journal(self.store, self.vault))
        pace = replace(PACE, dead_after_s=dead_after_s)
        place = EvaluatorPlace(self.connect, self.reader, decisions, self.figures, pace, self.clock.now)
        return Evaluator(place)

    @asynccontextmanager
    async def evaluating(self, dead_after_s: float = PACE.dead_after_s) -> AsyncGenerator[Evaluator]:
        """Run an evaluator while the block runs."""
        evaluator, stop = self.evaluator(dead_after_s), asyncio.Event()
        task = asyncio.create_task(keep_running(evaluator.companion, stop, self._worker_figures))
        try:
            yield evaluator
        finally:
            stop.set()
            await task

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[Evaluator]:
        """Run everything while the block runs."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.workers())
            yield await stack.enter_async_context(self.evaluating())

    def share(self, other: "SegmentSide") -> None:
        """Take over the logs of another, over this one's own database."""
        self.store, self.reader, self.vault = other.store, other.reader, other.vault
        self.contacts, self.campaigns, self.sales = other.contacts, other.campaigns, other.sales

    def has_fenced(self) -> bool:
        """Tell whether a worker was kept from writing what another one had written."""
        return bool(self.metrics.registry.get_sample_value("projection_fenced_total"))

    # -- segments -------------------------------------------------------------------------------------------------

    async def segment(self, rule: Rule | None, *more: Fact, kind: str = "dynamic", name: str = "Some") -> str:
        """Record a new segment; answers the id."""
        segment_id = self.campaigns.new_id()
        facts: list[Fact] = [campaigns.SegmentCreated(kind=kind), campaigns.SegmentDescribed(name=name)]
        if rule is not None:
            facts.append(campaigns.SegmentRuleChanged(rule_version=1, rule=rule_document(rule)))
        await self.campaigns.record("segment", segment_id, *facts, *more)
        return segment_id

    async def say(self, segment_id: str, *facts: Fact) -> int:
        """Record more about a segment."""
        return await self.campaigns.record("segment", segment_id, *facts)

    # -- what came of it ------------------------------------------------------------------------------------------

    async def quiet(self, *, within_s: float = 20.0) -> None:
        """Wait until everything recorded is evaluated, due times have passed, and all changes are told and folded."""

        async def reached() -> bool:
            try:
                rows = await self.rows(
                    "SELECT contacts, campaigns, (SELECT count(*) FROM patron.membership_outbox)"
                    " + (SELECT count(*) FROM patron.segment_due WHERE due_at <= %s)"
                    " + (SELECT count(*) FROM patron.segment_states WHERE boundary_at <= %s)"
                    " + (SELECT count(*) FROM patron.segment_nudges)"
                    " + (SELECT count(*) FROM patron.segment_definitions WHERE id NOT IN"
                    " (SELECT segment_id FROM patron.segment_states)),"
                    " (SELECT min(sequence) FROM patron.positions JOIN patron.builds USING (model, build)"
                    " WHERE model = 'memberships' AND state = 'serving') FROM patron.evaluator"
                    " WHERE seeded_at IS NOT NULL",
                    self.clock.now(),
                    self.clock.now(),
                )
            except (errors.UndefinedTable, errors.InvalidSchemaName, errors.OperationalError):
                return False
            if not rows:
                return False
            contacts, defined, left, folded = rows[0]
            told = await self.reader.last_sequence("segments")
            return contacts >= self.contacts.last and defined >= self.campaigns.last and not left and folded >= told

        await soon(reached, within_s=within_s)

    async def members(self, segment_id: str) -> set[str]:
        """Name the present members."""
        found = await self.rows("SELECT customer_id::text FROM patron.members WHERE segment_id = %s", segment_id)
        return {row[0] for row in found}

    async def story(self, segment_id: str) -> list[tuple[Any, ...]]:
        """Tell (customer, entered, cause, cause_id) of all changes in order, as the log has them."""
        return await self.rows(
            "SELECT customer_id::text, entered, cause, cause_id FROM patron.memberships WHERE segment_id = %s"
            " ORDER BY position",
            segment_id,
        )


async def told_by(side: SegmentSide) -> dict[str, set[str]]:
    """Fold the SEGMENTS log from its beginning; no customer enters twice or leaves without being in."""
    members: dict[str, set[str]] = {}
    last = await side.reader.last_sequence("segments")
    async with aclosing(side.reader.follow("segments")) as batches:
        async for batch in batches:
            for stored in batch.commits:
                for event in decode_commit(stored.body).events:
                    fact = decode_event(event, stored.stream.id, None)
                    assert isinstance(fact, segments.MemberEvent)
                    inside = members.setdefault(fact.segment_id, set())
                    entered = isinstance(fact, segments.MemberEntered)
                    assert entered != (stored.stream.id in inside), f"{event.type} twice at {stored.sequence}"
                    (inside.add if entered else inside.remove)(stored.stream.id)
            if batch.through >= last:
                return members
    return members


async def assert_equal(side: SegmentSide, ids: Sequence[str]) -> None:
    """Hold a full evaluation, the members kept live and the log together; the memberships of the read model too."""
    told = await told_by(side)
    async with await side.connect() as connection:
        found, faults = await read_segments(connection, ids)
        assert faults == {}
        assert {one.id for one in found} == set(ids)
        for segment in found:
            text, values = compiled(comparison(segment, Definitions(), side.clock.now()))
            async with connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(text.encode(), values)
                (row,) = await cursor.fetchall()
            equality = read(row, taken=segment.kind == "snapshot" and not segment.archived)
            assert equality.holds, equality
            assert await side.members(segment.id) == told.get(segment.id, set())
    assert await side.rows("SELECT segment_id, fault FROM patron.segment_states WHERE fault IS NOT NULL") == []
    states = await side.rows(
        "SELECT s.segment_id, s.size, (SELECT count(*) FROM patron.members AS m WHERE m.segment_id = s.segment_id)"
        " FROM patron.segment_states AS s"
    )
    assert [row[0] for row in states if row[1] != row[2]] == []
