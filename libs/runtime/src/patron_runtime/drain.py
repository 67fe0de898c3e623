"""Stop gently: be unready first, so that no new requests are sent here, and only then stop serving."""

import asyncio
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import structlog

from patron_runtime.health import Health

_log = structlog.get_logger("patron.drain")


@contextmanager
def draining_on_sigterm(health: Health, delay_s: float) -> Generator[None]:
    """Delay the server's own handler of SIGTERM by `delay_s`; a second SIGTERM is passed on at once.

    The server (uvicorn) must have installed its handler already, as it has when it starts the lifespan.
    Does nothing outside of the main thread or where nobody handles the signal.
    """
    served_by = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(served_by):
        yield
        return
    loop = asyncio.get_running_loop()

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        first = not health.draining
        health.draining = True
        if first and delay_s > 0:
            loop.call_soon_threadsafe(loop.call_later, delay_s, served_by, number, None)
            loop.call_soon_threadsafe(lambda: _log.info("service.drain.started", delay_s=delay_s))
        else:
            served_by(number, frame)

    signal.signal(signal.SIGTERM, on_sigterm)
    try:
        yield
    finally:
        health.draining = True
        if signal.getsignal(signal.SIGTERM) is on_sigterm:
            signal.signal(signal.SIGTERM, served_by)
