"""Tasks that are told to end have ended, whatever they make of it."""

import asyncio
from contextlib import suppress

from patron_events.ending import ended


async def never() -> None:
    await asyncio.Event().wait()


async def raising() -> None:
    raise LookupError


async def deaf() -> None:
    """Take the first cancellation for something else."""
    with suppress(asyncio.CancelledError):
        await never()
    await never()


async def test_tasks_have_ended_and_tell_what_they_raised() -> None:
    tasks = [asyncio.create_task(one()) for one in (never, raising, deaf)]
    await asyncio.sleep(0)
    cancelled, raised, heard = await asyncio.wait_for(ended(*tasks, again_s=0.01), 5)
    assert all(task.done() for task in tasks)
    assert (cancelled, heard) == (None, None)
    assert isinstance(raised, LookupError)


async def test_there_may_be_nothing_to_end() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    assert list(await ended(done)) == [None]
    assert list(await ended()) == []
