"""Requests to JetStream that are repeated until the server takes them, or says that it never will."""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from patron_events.jetstream.connection import Answer
from patron_events.jetstream.errors import ApiError, LogFault, NoResponders, Verdict, judge
from patron_events.jetstream.patience import patiently

ATTEMPT_S: Final = 5.0


class _Answered(msgspec.Struct, frozen=True):
    error: ApiError | None = None


_decode: Final = msgspec.json.Decoder(_Answered).decode


async def accepted(ask: Callable[[], Awaitable[Answer]], budget_s: float) -> None:
    """Repeat a request, which must be safe to repeat, until it is accepted.

    Raises:
        Unavailable: not within the budget. LogFault: refused for good.
    """

    async def attempt() -> None:
        error = _decode((await ask()).body).error
        if error is None:
            return
        if judge(error) is Verdict.NOT_NOW:
            raise NoResponders(error.description)
        raise LogFault(error)

    await patiently(attempt, budget_s)
