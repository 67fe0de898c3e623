"""Commands of many callers at once over a real log: nobody starves, nothing is stored twice, the chain holds."""

import asyncio
import os
import signal

import psutil
import pytest
from nats.errors import FlushTimeoutError

from patron_contacts.composition import parts
from patron_events.decisions import Asked
from patron_events.envelope import Actor, StreamId
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.store import Append
from patron_events.vault import BlindIndex, MemoryVault
from patron_events.verify import verify
from patron_servers import NatsServer
from waiting import soon

ACTOR = Actor("user", "tester")
INDEX = BlindIndex(b"k" * 32)


@pytest.fixture
async def contacts_log(own_nats: NatsServer) -> Connection:
    connection = await connect(own_nats.url)
    await assert_streams(connection, [log_stream("contacts", Sizing(max_bytes=1 << 28))])
    return connection


async def test_one_command_sent_many_times_at_once_is_stored_once_and_leaves_the_chain_whole(
    contacts_log: Connection,
) -> None:
    store, vault = JetStreamStore(contacts_log), MemoryVault()
    replicas = [parts(store, vault, INDEX).real.people for _ in range(3)]
    for number in range(10):
        asked = Asked(ACTOR, command_id=f"command-{number}")
        body = {"given_name": f"Ada {number}", "emails": [{"value": f"ada{number}@example.org"}]}

        answers = await asyncio.gather(*(replicas[n % 3].create(body, asked) for n in range(12)))

        assert {(answer.stream.id, answer.version) for answer in answers} == {(answers[0].stream.id, 1)}
        for people in replicas:
            await people.change(answers[0].stream.id, {"job_title": f"of {id(people)}"}, Asked(ACTOR))
    report = await verify(JetStreamReader(contacts_log), "contacts")
    assert report.bad is None
    assert report.commits == 10 * (2 + 3)
    await contacts_log.close()


async def test_two_hundred_changes_of_one_record_at_once_all_get_in(contacts_log: Connection) -> None:
    people = parts(JetStreamStore(contacts_log), MemoryVault(), INDEX).real.people
    person = (await people.create({"given_name": "Ada"}, Asked(ACTOR))).stream.id

    await asyncio.gather(*(people.change(person, {"tags": [f"t{n}"]}, Asked(ACTOR)) for n in range(200)))

    assert (await people.read(person)).version == 201
    await contacts_log.close()


async def test_a_connection_survives_an_answer_that_nobody_waits_for_any_more(
    contacts_log: Connection, own_nats: NatsServer
) -> None:
    pid = own_nats.pid

    async def stopped() -> bool:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED

    os.kill(pid, signal.SIGSTOP)
    try:
        await soon(stopped)
        with pytest.raises(FlushTimeoutError):
            await contacts_log.flush(timeout=1)
    finally:
        os.kill(pid, signal.SIGCONT)

    async with asyncio.timeout(10):
        append = Append(StreamId("contacts", "person", "1"), 0, "1", b"{}")
        assert await JetStreamStore(contacts_log).append([append]) == [1]
        await contacts_log.flush(timeout=5)
    await contacts_log.close()
