"""The bulk reader loses nothing and gives nothing twice, whatever breaks below it."""

import asyncio
from contextlib import aclosing

from event_logs import Observed, api, new_log
from patron_events.jetstream.connection import Connection
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.wire import Listener
from patron_events.store import Batch
from patron_events.testing import Log
from patron_events.verify import BadCommit, verify
from patron_servers import NatsServer
from waiting import soon

COMMITS = 5000


async def filled(log: Log) -> int:
    await log.store.append_each([[log.write(log.stream(), body=b"x" * 500)] for _ in range(COMMITS)])
    return await log.reader.last_sequence(log.context)


async def consumers(connection: Connection, log: Log) -> list[str]:
    return (await api(connection, f"CONSUMER.NAMES.{log.context.upper()}"))["consumers"] or []


async def test_lost_messages_are_read_again(nats_url: str) -> None:
    connection = Lossy()
    await connection.open([nats_url])
    log = await new_log(connection)
    end = await filled(log)
    connection.lose_every = 997
    sequences: list[int] = []
    async with asyncio.timeout(60), aclosing(log.reader.follow(log.context)) as batches:
        async for batch in batches:
            sequences += [one.sequence for one in batch.commits]
            if batch.through == end:
                break
    assert sequences == list(range(1, end + 1))
    assert connection.lost > 3
    await connection.close()


async def test_a_deleted_consumer_is_made_again(connection: Connection, log: Log) -> None:
    end = await filled(log)
    sequences: list[int] = []
    deleted = 0
    async with asyncio.timeout(60), aclosing(log.reader.follow(log.context)) as batches:
        async for batch in batches:
            sequences += [one.sequence for one in batch.commits]
            if deleted < 3:
                for name in await consumers(connection, log):
                    await api(connection, f"CONSUMER.DELETE.{log.context.upper()}.{name}")
                    deleted += 1
            if batch.through == end:
                break
    assert sequences == list(range(1, end + 1))
    assert deleted >= 1


async def test_silence_of_a_lost_log_is_not_taken_for_its_end(own_nats: NatsServer) -> None:
    connection = Observed()
    await connection.open([own_nats.url])
    log = await new_log(connection)
    async with asyncio.timeout(60), aclosing(log.reader.follow(log.context)) as batches:
        while not (await anext(batches)).heard:
            pass
        own_nats.kill()
        while (await anext(batches)).heard:
            pass
        await asyncio.to_thread(own_nats.start)
        while not (await anext(batches)).heard:
            pass
    await connection.close()


async def test_a_restarted_server_and_a_broken_connection(own_nats: NatsServer) -> None:
    connection = Observed()
    await connection.open([own_nats.url])
    log = await new_log(connection)
    end = await filled(log)
    sequences: list[int] = []
    number = 0
    async with asyncio.timeout(90), aclosing(log.reader.follow(log.context)) as batches:
        async for batch in batches:
            sequences += [one.sequence for one in batch.commits]
            number += 1
            if number == 1:
                own_nats.kill()
                await asyncio.to_thread(own_nats.start)
            if number == 3:
                await connection.force_reconnect()
            if batch.through == end:
                break
    assert sequences == list(range(1, end + 1))
    await connection.close()


async def test_what_is_missing_in_the_stream_is_passed_by_and_a_fault_to_the_proof(connection: Connection) -> None:
    log = await new_log(connection)
    name = log.context.upper() + "H"
    config = {"name": name, "subjects": [f"crm.{log.context}h.>"], "allow_direct": True, "allow_atomic": True}
    await api(connection, f"STREAM.CREATE.{name}", config)
    holed = Log(log.store, log.reader, log.context + "h")
    await holed.store.append_each([[holed.write(holed.stream())] for _ in range(50)])
    for sequence in (1, 7, 8, 50):
        await api(connection, f"STREAM.MSG.DELETE.{name}", {"seq": sequence})
    async with asyncio.timeout(30), aclosing(log.reader.follow(holed.context)) as batches:
        taken = [await anext(batches)]
        while taken[-1].pending:  # a batch is what has come by now
            taken.append(await anext(batches))
    read = [one.sequence for batch in taken for one in batch.commits]
    assert read == [n for n in range(1, 51) if n not in {1, 7, 8, 50}]
    assert await holed.reader.last_sequence(holed.context) == 50
    assert (await verify(holed.reader, holed.context)).bad == BadCommit(None, 1, "sequence-missing")


async def test_a_slow_caller_is_not_flooded(connection: Connection, log: Log) -> None:
    end = await filled(log)
    async with asyncio.timeout(60), aclosing(log.reader.follow(log.context)) as batches:
        taken: list[Batch] = [await anext(batches)]
        name = (await consumers(connection, log))[0]
        info = await api(connection, f"CONSUMER.INFO.{log.context.upper()}.{name}")
        await asyncio.sleep(0)
        assert info["num_pending"] > 0, "everything was sent although the caller has taken one batch"
        while taken[-1].through < end:
            taken.append(await anext(batches))
    pending = [batch.pending for batch in taken]
    assert pending == sorted(pending, reverse=True)
    assert pending[-1] == 0
    assert [batch.through + batch.pending for batch in taken if batch.commits] == [end] * len(taken)


async def test_closing_deletes_the_consumer(connection: Connection, log: Log) -> None:
    batches = log.reader.follow(log.context)
    await anext(batches)
    assert len(await consumers(connection, log)) == 1
    await batches.aclose()

    async def none_is_left() -> bool:
        return not await consumers(connection, log)

    await soon(none_is_left)


async def test_a_log_that_is_created_later(connection: Connection) -> None:
    reader = JetStreamReader(connection)
    log = await new_log(connection)
    await api(connection, f"STREAM.DELETE.{log.context.upper()}")
    async with asyncio.timeout(60), aclosing(reader.follow(log.context)) as batches:
        assert await anext(batches) == Batch([], 0, 0, heard=False)
        name = log.context.upper()
        await api(connection, f"STREAM.CREATE.{name}", {"name": name, "subjects": [f"crm.{log.context}.>"]})
        await log.store.append([log.write(log.stream())])
        async for batch in batches:
            if batch.commits:
                assert batch.through == 1
                break


class Lossy(Observed):
    """Loses each so-many-th message of a consumer on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.lose_every = 0
        self.lost = 0
        self._count = 0

    async def listen(self, subject: str, listener: Listener) -> int:
        def lossy(message_subject: bytes, reply: bytes, headers: bytes, body: bytes) -> None:
            if self.lose_every and reply.startswith(b"$JS.ACK"):
                self._count += 1
                if self._count % self.lose_every == 0:
                    self.lost += 1
                    return
            listener(message_subject, reply, headers, body)

        return await super().listen(subject, lossy)
