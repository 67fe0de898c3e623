"""The runner: load, decide, append, and again when somebody was quicker; at most a bounded number of times."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from patron_events.decider import Decider
from patron_events.envelope import StreamId
from patron_events.journal import AnyDecider, Journal, Loaded
from patron_events.rejections import Rejection, Unavailable
from patron_events.sealing import SubjectKey
from patron_events.store import CommitTooLarge, StaleExpectation
from patron_events.unit import AlreadyRecorded, Asked, Committed, IdempotencyKeyReused, Prepared, Unit, Work

__all__ = ["Asked", "Committed", "Contended", "Decisions", "IdempotencyKeyReused", "Unit", "Work"]

S = TypeVar("S")
C = TypeVar("C")
ATTEMPTS: Final = 12
_MOST_CHAINED: Final = 400
"""Commits of one chain; a server takes up to 1,000 in one batch."""


class Contended(Unavailable):
    """So many changes of the same record are under way that this one never came first."""

    code = "record-contended"


@asynccontextmanager
async def _held(lock: asyncio.Lock) -> AsyncGenerator[asyncio.Lock]:
    async with lock:
        yield lock


class Decisions:
    """Runs commands against the log."""

    def __init__(self, journal: Journal, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.journal = journal
        self._now = now
        # Those who met a conflict wait for each other: without a line, 200 changes of one record at once starved 86.
        self._lines: WeakValueDictionary[StreamId, asyncio.Lock] = WeakValueDictionary()

    async def run(self, decider: Decider[S, C, Any], aggregate_id: str, command: C, asked: Asked) -> Committed:
        """Decide one command on one aggregate and store what it creates. See `transact` for errors."""

        async def work(unit: Unit) -> None:
            await unit.decide(decider, aggregate_id, command)

        return await self.transact(work, asked)

    async def transact(self, work: Work, asked: Asked) -> Committed:
        """Run a unit of work and store all it decided, or nothing; `work` may be run several times.

        A refusal that rests on cached state is decided again on fresh state before it is told.

        Raises:
            Rejection: as decided. Contended: after 12 attempts. Unavailable: the log cannot answer.
        """
        fresh = False
        async with AsyncExitStack() as line:
            lock: asyncio.Lock | None = None
            for attempt in range(ATTEMPTS):
                unit = Unit(self.journal, asked, self._now(), fresh=fresh)
                done, changed = await self._decided(unit, work)
                if done is not None:
                    return done
                fresh = True
                if changed is None:
                    continue
                if lock is None and (busy := self._lines.get(changed)) is not None and busy.locked():
                    lock = await line.enter_async_context(_held(busy))
                    continue
                prepared = Prepared(unit, await self._keys(unit.subjects()))
                try:
                    return prepared.settle(self.journal, await self.journal.store.append(prepared.appends))
                except StaleExpectation:
                    if lock is None:
                        mine = self._lines.setdefault(changed, asyncio.Lock())
                        lock = await line.enter_async_context(_held(mine))
                    else:  # another process was quicker
                        await asyncio.sleep(random.random() * 0.002 * 2 ** min(attempt, 6))  # noqa: S311 - jitter
        raise Contended

    async def _decided(self, unit: Unit, work: Work) -> tuple[Committed | None, StreamId | None]:
        """Run a unit: answers what is final, or the stream to be changed; neither where fresh state is needed."""
        try:
            await work(unit)
        except AlreadyRecorded as done:
            return done.committed, None
        except Rejection:
            if not unit.trusted_cache:
                raise
            return None, None
        if unit.changed:
            return None, unit.changed[0].loaded.stream
        return (None if unit.trusted_cache else unit.unchanged()), None

    async def _keys(self, subjects: Mapping[str, bool]) -> dict[str, SubjectKey]:
        new = {subject for subject, is_new in subjects.items() if is_new}
        return dict(await self.journal.vault.create(tuple(subjects), new=new)) if subjects else {}

    async def transact_each(
        self, works: Sequence[tuple[Work, Asked]], reads: Sequence[tuple[AnyDecider, str]]
    ) -> Sequence[Committed | Rejection]:
        """Run many independent units of one context; each answers for itself, in order.

        reads: what the units are going to read, fetched together; a refusal that rests on it is final.
        Units that touch the same aggregate are stored in the order given, in later rounds. A refusal that rests
        on anything else in the cache is decided again, once that has been read anew.
        """
        proved = set(await self.journal.load_each(reads))
        answers: dict[int, Committed | Rejection] = {}
        waiting = list(range(len(works)))
        while waiting:
            doubts: dict[StreamId, tuple[AnyDecider, str]] = {}
            waiting = await self._round([(number, *works[number]) for number in waiting], answers, (proved, doubts))
            if doubts:
                proved.update(await self.journal.load_each(list(doubts.values())))
        return [answers[number] for number in range(len(works))]

    async def transact_chained(self, works: Sequence[tuple[Work, Asked]]) -> Sequence[Committed | Exception]:
        """Run units one upon the other and store them in one atomic group; each answers for itself, in order.

        For units that all end in the same aggregate, and would wait for each other's appends. Where another process was
        quicker they are decided once more, on what the log has now. What is refused on the way, does not fit into the
        group, or meets another process twice runs by itself afterwards, as `transact` does. Units read aggregates
        through the unit only: what those before them decided is not in the log yet.
        """
        answers: dict[int, Committed | Exception] = {}
        for fresh in (False, True):
            chain = await self._chain(works, fresh=fresh)
            try:
                answers = await self._store_chain(chain)
                break
            except StaleExpectation:
                continue
        for number, (work, asked) in enumerate(works):
            if number not in answers:
                try:
                    answers[number] = await self.transact(work, asked)
                except Exception as error:  # noqa: BLE001  # of one unit; the others have answers of their own
                    answers[number] = error
        return [answers[number] for number in range(len(works))]

    async def _chain(self, works: Sequence[tuple[Work, Asked]], *, fresh: bool) -> Mapping[int, Prepared]:
        """Decide units one upon the other, as many as go into one group; by their places."""
        ends: dict[StreamId, Loaded[Any]] = {}
        chain: dict[int, Prepared] = {}
        first: StreamId | None = None  # by its first stream the store knows a group that it has
        appends = 0
        for number, (work, asked) in enumerate(works):
            unit = Unit(self.journal, asked, self._now(), fresh=fresh, ends=ends)
            with suppress(Exception):  # what it was is found out when it runs by itself
                if await self._tried(unit, work) is None and all(one.loaded.stream != first for one in unit.changed):
                    prepared = Prepared(unit, await self._keys(unit.subjects()))
                    appends += len(prepared.appends)
                    if chain and appends > _MOST_CHAINED:
                        break
                    chain[number] = prepared
                    ends.update(prepared.ends())
                    first = first or prepared.appends[0].stream
        return chain

    async def _store_chain(self, chain: Mapping[int, Prepared]) -> dict[int, Committed | Exception]:
        """Append a chain; answers nothing where its units may only be stored one by one. Raises StaleExpectation."""
        if not chain:
            return {}
        try:
            sequences = iter(await self.journal.store.append([one for link in chain.values() for one in link.appends]))
        except StaleExpectation:
            raise
        except CommitTooLarge:
            return {}
        except Exception as error:  # noqa: BLE001  # whether it was stored is not known, of none of them
            return dict.fromkeys(chain, error)
        settled: dict[StreamId, Loaded[Any]] = {}
        return {
            number: link.settle(self.journal, [next(sequences) for _ in link.appends], settled)
            for number, link in chain.items()
        }

    async def _round(
        self,
        works: Sequence[tuple[int, Work, Asked]],
        answers: dict[int, Committed | Rejection],
        known: tuple[Collection[StreamId], dict[StreamId, tuple[AnyDecider, str]]],
    ) -> list[int]:
        """Decide what can be decided side by side; answers the numbers of the rest.

        known: what the log was asked for in this call, and the doubts to be filled: what it has to be asked for.
        """
        proved, doubts = known
        taken: set[StreamId] = set()
        units: list[tuple[int, Unit]] = []
        deferred: list[int] = []
        for number, work, asked in works:
            unit = Unit(self.journal, asked, self._now(), fresh=False)
            answer = await self._tried(unit, work)
            if not taken.isdisjoint(unit.touched):
                deferred.append(number)
            elif answer is None:
                taken.update(draft.loaded.stream for draft in unit.changed)
                units.append((number, unit))
            elif doubtful := unit.doubtful(proved):
                doubts.update((decider.stream(one), (decider, one)) for decider, one in doubtful)
                taken.update(unit.touched)
                deferred.append(number)
            else:
                answers[number] = answer
        alone = {number: (work, asked) for number, work, asked in works}
        for number in await self._store(units, answers):
            answers[number] = await self._alone(*alone[number])
        return deferred

    async def _tried(self, unit: Unit, work: Work) -> Committed | Rejection | None:
        """Run a unit; None when it has something to store."""
        try:
            await work(unit)
        except AlreadyRecorded as done:
            return done.committed
        except Rejection as refusal:
            return refusal
        return None if unit.changed else unit.unchanged()

    async def _store(self, units: Sequence[tuple[int, Unit]], answers: dict[int, Committed | Rejection]) -> list[int]:
        """Append the units of one round; answers the numbers of those that must be decided again."""
        if not units:
            return []
        subjects = {subject: new for _, unit in units for subject, new in unit.subjects().items()}
        try:
            keys = await self._keys(subjects)
        except Rejection:
            return [number for number, _ in units]  # one erased subject must not spoil the others
        prepared = [(number, Prepared(unit, keys)) for number, unit in units]
        results = await self.journal.store.append_each([one.appends for _, one in prepared])
        again: list[int] = []
        for (number, one), result in zip(prepared, results, strict=True):
            if isinstance(result, StaleExpectation):
                again.append(number)
            else:
                answers[number] = one.settle(self.journal, result)
        return again

    async def _alone(self, work: Work, asked: Asked) -> Committed | Rejection:
        try:
            return await self.transact(work, asked)
        except Rejection as refusal:
            return refusal
