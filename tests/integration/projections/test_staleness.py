"""Answers while the log is gone or frozen: they go on, and say that newer facts may be missing."""

import base64
import os
import signal
from collections.abc import AsyncGenerator

import pytest

from customer_log import CustomerLog
from patron_events.jetstream.log import Log, open_log
from patron_projections.database import Database
from patron_projections.freshness import Freshness, Freshnesses
from patron_projections.settings import ProjectionsSettings
from patron_servers import NatsServer
from read_side import MODELS, ReadSide
from waiting import soon


@pytest.fixture
async def jetstream(own_nats: NatsServer, database_url: str) -> AsyncGenerator[Log]:
    settings = ProjectionsSettings(
        nats_url=(own_nats.url,),
        master_keys={"one": base64.b64encode(b"k" * 32).decode()},
        postgres_url=database_url,
        stream_max_bytes=1 << 28,
    )
    async with open_log(settings.log()) as log:
        yield log


@pytest.mark.parametrize("fate", [signal.SIGSTOP, signal.SIGKILL])
async def test_answers_say_that_they_are_stale_while_the_log_is_silent(
    jetstream: Log, own_nats: NatsServer, database_url: str, fate: signal.Signals
) -> None:
    log = CustomerLog(jetstream.store, jetstream.vault)
    side = ReadSide(database_url, jetstream.store, jetstream.reader, jetstream.vault)
    database = Database(database_url)
    await database.open()
    freshnesses = Freshnesses(database)

    async def now() -> Freshness:
        return await freshnesses.of(MODELS[0])

    async def current() -> bool:
        return not (await now()).stale

    async def stale() -> bool:
        found = await now()
        return found.stale and found.behind_s is not None

    async with side.worker():
        await log.person()
        await side.caught_up(log.last)
        await soon(current)
        if fate is signal.SIGSTOP:
            os.kill(own_nats.pid, signal.SIGSTOP)
        else:
            own_nats.kill()
        try:
            await soon(stale)
        finally:
            if fate is signal.SIGSTOP:
                os.kill(own_nats.pid, signal.SIGCONT)
            else:
                own_nats.start()
        await soon(current)
        await log.person()
        await side.caught_up(log.last)
    await database.close()
