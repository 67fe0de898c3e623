"""The whole log of a context in order, for projections, verification and export (DESIGN 4)."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from patron_events.envelope import StreamId
from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import ApiError, NoResponders
from patron_events.jetstream.patience import BUDGET_S, patiently
from patron_events.jetstream.puller import Pulled, Puller
from patron_events.jetstream.streams import stream_name
from patron_events.store import Batch, Stored

_IDLE_S: Final = 1.0
_MOST: Final = 1000
_ATTEMPT_S: Final = 4.0
_US: Final = 10**6


class _State(msgspec.Struct, frozen=True):
    last_seq: int


class _Told(msgspec.Struct, frozen=True):
    state: _State | None = None
    error: ApiError | None = None


_decode_told: Final = msgspec.json.Decoder(_Told).decode


class JetStreamReader:
    """The adapter of `LogReader`."""

    def __init__(self, connection: Connection, *, budget_s: float = BUDGET_S) -> None:
        self._connection = connection
        self._budget_s = budget_s

    async def follow(
        self, context: str, *, after: int = 0, partitions: frozenset[int] | None = None
    ) -> AsyncGenerator[Batch]:
        """Read everything above `after`, then wait for more; survives lost consumers, leaders and servers."""
        puller = Puller(self._connection, stream_name(context), after)
        tokens = None if partitions is None else frozenset(b"%03d" % number for number in partitions)
        first = len(f"crm.{context}.p")
        through = after
        try:
            while True:
                await puller.wait(_IDLE_S)
                pulled = puller.take(_MOST)
                if pulled:
                    through = pulled[-1].sequence
                if tokens is not None:
                    pulled = [one for one in pulled if one.subject[first : first + 3] in tokens]
                yield Batch(_stored(pulled), through, puller.pending, puller.hears)
        finally:
            puller.close()

    async def last_sequence(self, context: str) -> int:
        """Tell the sequence of the newest commit of a context, as its leader knows it; also where that was deleted."""

        async def ask() -> int:
            subject = f"$JS.API.STREAM.INFO.{stream_name(context)}"
            told = _decode_told((await self._connection.ask(subject, timeout_s=_ATTEMPT_S)).body)
            if told.state is None:
                raise NoResponders(told.error.description if told.error else "")
            return told.state.last_seq

        return await patiently(ask, self._budget_s)


def _stored(pulled: Sequence[Pulled]) -> Sequence[Stored]:
    parse, at = StreamId.parse, datetime.fromtimestamp
    return [
        Stored(parse(one.subject.decode()), one.sequence, at(one.stored_ns // 1000 / _US, UTC), one.body)
        for one in pulled
    ]
