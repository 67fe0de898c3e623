"""A seeded history of customers in the log, as the benches of the read side need it.

People of seven facts each in one commit, and single orders and calls for the rest.
"""

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

from patron_events.catalog import contacts as events
from patron_events.codec import encode_event
from patron_events.envelope import GENESIS, Actor, Cause, Commit, StreamId, encode_commit
from patron_events.jetstream.log import Log
from patron_events.registry import Fact
from patron_events.sealing import SubjectKey
from patron_events.store import Append

PEOPLE_SHARE = 0.28
FACTS_OF_A_PERSON = 7
GROUP = 500
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
ACTOR = Actor("user", "bench", ("agent",))


class History:
    """Writes the history; remembers ids and where each stream ends."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.random = random.Random(5)  # noqa: S311  (a seeded history)
        self.people: list[str] = []
        self.last = 0
        self._ends: dict[StreamId, tuple[int, int, str]] = {}

    def _append(self, stream: StreamId, facts: list[Fact], key: SubjectKey, at: datetime | None) -> Append:
        version, expected, prev = self._ends.get(stream, (0, 0, GENESIS))
        at = at or BEGIN + timedelta(seconds=self.random.randrange(60_000_000))
        commit_id = str(UUID(int=self.random.getrandbits(128), version=4))
        stored = tuple(encode_event(fact, at, stream.id, key) for fact in facts)
        body, digest = encode_commit(Commit(commit_id, at, ACTOR, Cause(), version + 1, prev, stored))
        self._ends[stream] = (version + 1, expected, digest)
        return Append(stream, expected, commit_id, body)

    async def write(
        self, streams: dict[StreamId, list[Fact]], keys: dict[str, SubjectKey], at: datetime | None = None
    ) -> None:
        """Append one group of commits of different aggregates. at: when they happen; at random in the past if None."""
        group = [self._append(stream, facts, keys[stream.id], at) for stream, facts in streams.items()]
        for append, sequence in zip(group, await self.log.store.append(group), strict=True):
            version, _, digest = self._ends[append.stream]
            self._ends[append.stream] = (version, sequence, digest)
            self.last = max(self.last, sequence)

    async def add_people(self, number: int) -> None:
        """Record new people."""
        ids = [str(UUID(int=self.random.getrandbits(128), version=4)) for _ in range(number)]
        keys = dict(await self.log.vault.create(ids))
        streams = {
            StreamId("contacts", "person", one): person_facts(len(self.people) + place) for place, one in enumerate(ids)
        }
        await self.write(streams, keys)
        self.people += ids

    async def add_activities(self, number: int, *, orders_only: bool = False) -> None:
        """Record one order or call of as many people."""
        ids = self.random.sample(self.people, min(number, len(self.people)))
        keys = dict(await self.log.vault.find(ids))
        await self.write(
            {StreamId("contacts", "activity", one): [self._activity(orders_only=orders_only)] for one in ids}, keys
        )

    async def fill_up(self, one: str, number: int) -> None:
        """Record so many orders and calls of one customer, one commit each."""
        keys = dict(await self.log.vault.find([one]))
        for _ in range(number):
            await self.write({StreamId("contacts", "activity", one): [self._activity(orders_only=False)]}, keys)

    def _activity(self, *, orders_only: bool) -> Fact:
        activity_id = str(self.random.getrandbits(64))
        if orders_only or self.random.getrandbits(1):
            return events.OrderPlaced(activity_id, "USD", self.random.randrange(90_000), source="bench")
        return events.InteractionLogged(activity_id, "call", "inbound", "phone", "A question", "word " * 20)


def person_facts(number: int) -> list[Fact]:
    """State what is known of a new person."""
    address = events.EmailAddress(f"person{number}@example.com", "work", primary=True)
    return [
        events.PersonCreated(),
        events.PersonNamed(given_name=f"Given{number % 997}", family_name=f"Family{number % 9973}"),
        events.EmailsChanged(emails=(address,)),
        events.TagsChanged(tags=("imported",)),
        events.LifecycleStageChanged(to="lead"),
        events.CustomFieldsChanged(fields=(events.Attribute("plan", "gold"),)),
        events.ExternalIdsChanged(external_ids=(events.ExternalId("bench", str(number)),)),
    ]


async def write_history(log: Log, number: int) -> History:
    """Append about `number` events."""
    history = History(log)
    people = int(number * PEOPLE_SHARE / FACTS_OF_A_PERSON)
    for start in range(0, people, GROUP):
        await history.add_people(min(GROUP, people - start))
    rest = number - people * FACTS_OF_A_PERSON
    while rest > 0:
        await history.add_activities(min(GROUP, rest, people))
        rest -= min(GROUP, rest, people)
    return history


async def write_customers(log: Log, customers: int, orders: int) -> History:
    """Append people, and orders of theirs."""
    history = History(log)
    for start in range(0, customers, GROUP):
        await history.add_people(min(GROUP, customers - start))
    for start in range(0, orders, GROUP):
        await history.add_activities(min(GROUP, orders - start), orders_only=True)
    return history


_MOVED = """
SELECT {aggregate}(sequence), count(DISTINCT model) FROM patron.positions JOIN patron.builds USING (model, build)
WHERE state = 'serving' AND stream = 'contacts'
"""


async def moved(url: str, beyond: int, aggregate: str, models: int = 1) -> None:
    """Wait until the lowest (or highest) position of at least so many models is beyond a sequence."""
    while True:
        with suppress(psycopg.Error):
            async with await psycopg.AsyncConnection.connect(url) as connection:
                cursor = await connection.execute(_MOVED.format(aggregate=aggregate).encode())
                ((sequence, present),) = await cursor.fetchall()
                if sequence is not None and sequence > beyond and present >= models:
                    return
        await asyncio.sleep(0.05)
