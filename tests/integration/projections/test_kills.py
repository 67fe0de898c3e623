"""Worker processes killed at random moments, on a real log: in the end it is as if nothing had happened."""

import asyncio
import random

import pytest

from patron_servers import NatsServer
from under_fault import (
    assert_as_if_nothing_had_happened,
    beginning,
    happening,
    settings_of,
    started,
    worker_processes,
)

WORKERS = 3


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kills", [15, pytest.param(200, marks=pytest.mark.slow)])
async def test_all_models_equal_a_fresh_fold_after_many_kills(
    own_nats: NatsServer, database_url: str, fresh_url: str, kills: int
) -> None:
    dice = random.Random(7)
    said = settings_of([own_nats.url], database_url)
    async with beginning(said) as (side, ids):
        with worker_processes(said, WORKERS) as processes:
            async with happening(side, ids):
                for _ in range(kills):
                    # The moment of the kill is what is tried here, so it is left to chance.
                    await asyncio.sleep(dice.uniform(0.05, 0.7))
                    victim = dice.randrange(WORKERS)
                    processes[victim].kill()
                    await asyncio.to_thread(processes[victim].join)
                    processes[victim] = started(said)
            await assert_as_if_nothing_had_happened(side, ids, fresh_url)
