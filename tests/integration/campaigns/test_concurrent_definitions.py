"""Definitions by several processes at once over a real log: the rules between segments hold whoever is quicker."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Mapping
from functools import partial
from typing import Any

import pytest

from patron_campaigns.composition import parts
from patron_campaigns.domain.errors import SegmentCycle, SegmentInUse, SegmentNameTaken, UnknownSegment
from patron_campaigns.domain.segment import PutByHand
from patron_campaigns.domain.segment_catalogue import Catalogue
from patron_campaigns.handlers.segments import SegmentHandlers
from patron_contacts.composition import parts as contacts_parts
from patron_events.decisions import Asked, Committed
from patron_events.envelope import Actor
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.rejections import Rejection
from patron_events.vault import BlindIndex, MemoryVault
from patron_events.verify import verify
from patron_servers import NatsServer

ACTOR = Actor("user", "tester")
INDEX = BlindIndex(b"k" * 32)
RULE = {"type": "field", "field": "country", "op": "eq", "value": "DE"}


@pytest.fixture
async def log(own_nats: NatsServer) -> AsyncGenerator[Connection]:
    connection = await connect(own_nats.url)
    sizing = Sizing(max_bytes=1 << 28)
    await assert_streams(connection, [log_stream("campaigns", sizing), log_stream("contacts", sizing)])
    yield connection
    await connection.close()


def process(log: Connection) -> SegmentHandlers:
    """Give the use cases with caches of their own, as in a process just started."""
    return parts(JetStreamStore(log), MemoryVault(), INDEX).segments


def using(*segments: str) -> dict[str, Any]:
    return {"rule": {"type": "any", "rules": [{"type": "segment", "segment": one} for one in segments]}}


async def created(handlers: SegmentHandlers, name: str, rule: Mapping[str, Any] = RULE) -> str:
    body = {"kind": "dynamic", "name": name, "rule": rule}
    return (await handlers.create(body, Asked(ACTOR))).stream.id


async def outcomes(*commands: Awaitable[Committed]) -> list[Committed | type[Rejection]]:
    """Run commands at once; answers what became of each."""

    async def outcome(command: Awaitable[Committed]) -> Committed | type[Rejection]:
        try:
            return await command
        except Rejection as refusal:
            return type(refusal)

    return await asyncio.gather(*map(outcome, commands))


def refusals(answers: list[Committed | type[Rejection]]) -> list[type[Rejection]]:
    return [one for one in answers if not isinstance(one, Committed)]


async def test_of_two_changes_that_together_make_a_cycle_exactly_one_wins(log: Connection) -> None:
    here, there = process(log), process(log)
    for number in range(15):
        one, two = await created(here, f"One {number}"), await created(there, f"Two {number}")
        answers = await outcomes(
            here.change(one, using(two), Asked(ACTOR)), there.change(two, using(one), Asked(ACTOR))
        )
        assert refusals(answers) == [SegmentCycle]


async def test_of_many_segments_of_one_name_exactly_one_is_made(log: Connection) -> None:
    processes = [process(log) for _ in range(4)]
    bodies = [{"kind": "static", "name": name} for name in ("friends", "Friends", "FRIENDS")]
    answers = await outcomes(*(processes[number % 4].create(bodies[number % 3], Asked(ACTOR)) for number in range(12)))
    assert refusals(answers) == [SegmentNameTaken] * 11
    assert len((await processes[0].catalogue()).state) == 1


async def test_a_segment_is_archived_or_used_but_not_both(log: Connection) -> None:
    here, there = process(log), process(log)
    for number in range(10):
        used, user = await created(here, f"Used {number}"), await created(there, f"User {number}")
        answers = await outcomes(here.archive(used, Asked(ACTOR)), there.change(user, using(used), Asked(ACTOR)))
        assert refusals(answers) in ([SegmentInUse], [UnknownSegment])


async def test_whatever_is_done_at_once_the_catalogue_stays_sound(log: Connection) -> None:
    processes = [process(log) for _ in range(3)]
    segments = [await created(processes[0], f"Segment {number}") for number in range(6)]

    async def work(handlers: SegmentHandlers, chance: random.Random) -> None:
        for _ in range(12):
            segment, other, third = (chance.choice(segments) for _ in range(3))
            commands = [
                partial(handlers.change, segment, using(other, third)),
                partial(handlers.change, segment, {"name": f"Segment {chance.randrange(9)}"}),
                partial(handlers.change, segment, {"rule": RULE}),
                partial(handlers.archive, segment),
            ]
            (command,) = chance.choices(commands, (10, 5, 5, 1))
            await outcomes(command(Asked(ACTOR)))

    await asyncio.gather(*(work(processes[number % 3], random.Random(number)) for number in range(6)))

    catalogue = (await process(log).catalogue()).state
    names = [one.name.casefold() for one in catalogue.values()]
    assert len(set(names)) == len(names)
    assert all(used in catalogue for one in catalogue.values() for used in one.uses)
    assert all(known not in reached(catalogue, known) for known in catalogue)
    for segment in segments:
        state = (await processes[0].read(segment)).state
        listed = catalogue.get(segment)
        assert (listed is not None) == (state.status == "live")
        assert listed is None or listed.name == state.name
    assert (await verify(JetStreamReader(log), "campaigns")).bad is None


def reached(catalogue: Catalogue, start: str) -> set[str]:
    """Find everything that a segment depends on."""
    found: set[str] = set()
    waiting = list(catalogue[start].uses)
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += catalogue[here].uses
    return found


async def test_ten_thousand_customers_fit_into_one_commit(log: Connection) -> None:
    handlers = process(log)
    segment = (await handlers.create({"kind": "static", "name": "Many"}, Asked(ACTOR))).stream.id
    ids = frozenset(f"{number:08x}-57b5-4d2e-9b49-3c3f40d7ad63" for number in range(10_000))
    await handlers.put(segment, PutByHand("include", ids, "fair"), Asked(ACTOR))
    assert (await process(log).read(segment)).state.included == ids


async def test_fields_that_the_contacts_define_are_known(log: Connection) -> None:
    contacts = contacts_parts(JetStreamStore(log), MemoryVault(), INDEX).real.fields
    handlers = process(log)
    assert (await handlers.fields.current()).people == {}
    await contacts.define("people", {"name": "plan", "type": "enum", "options": ["basic", "pro"]}, Asked(ACTOR))
    rule = {"type": "field", "field": "custom.plan", "op": "eq", "value": "pro"}
    await created(handlers, "Pro", rule)
