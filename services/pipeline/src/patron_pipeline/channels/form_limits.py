"""Count submissions of web forms for all replicas together: one message each, in a stream that forgets in a minute.

The address stands in the subject as a keyed hash. The server counts the messages of a subject, so that nobody has to
keep a figure; the stream is in memory, because a limit may forget when the server starts again.
"""

from typing import Final

import msgspec

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import NoResponders
from patron_events.jetstream.patience import BUDGET_S, patiently
from patron_events.jetstream.streams import Sizing, StreamConfig, assert_streams

STREAM: Final = "FORM_VISITS"
_MINUTE_NS: Final = 60 * 10**9
_MOST_BYTES: Final = 64 << 20
_ATTEMPT_S: Final = 4.0


class _State(msgspec.Struct, frozen=True):
    subjects: dict[str, int] = {}


class _Info(msgspec.Struct, frozen=True):
    state: _State | None = None


_decode: Final = msgspec.json.Decoder(_Info).decode
_encode: Final = msgspec.json.Encoder().encode


def visits_stream(sizing: Sizing) -> StreamConfig:
    """Declare the stream: a message lives for a minute, and the oldest makes room."""
    return {
        "name": STREAM,
        "subjects": ["visits.>"],
        "retention": "limits",
        "storage": "memory",
        "discard": "old",
        "max_bytes": _MOST_BYTES,
        "max_age": _MINUTE_NS,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "num_replicas": sizing.replicas,
        "duplicate_window": _MINUTE_NS,
        "compression": "none",
        "deny_delete": False,
        "deny_purge": False,
        "allow_rollup_hdrs": False,
        "allow_direct": True,
    }


async def assert_visits_stream(connection: Connection, sizing: Sizing) -> None:
    """Create the stream where it is missing, and compare it; raises StreamDiffers, LogFault."""
    await assert_streams(connection, [visits_stream(sizing)])


class JetStreamLimits:
    """Counts submissions in the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, form_id: str, who: str) -> int:
        """Count one more submission; raises Unavailable."""
        subject = f"visits.{form_id}.{who}"
        await patiently(lambda: self._told(subject), BUDGET_S)
        return await patiently(lambda: self._counted(subject), BUDGET_S)

    async def _told(self, subject: str) -> None:
        await self._connection.ask(subject, timeout_s=_ATTEMPT_S)

    async def _counted(self, subject: str) -> int:
        request = _encode({"subjects_filter": subject})
        answer = await self._connection.ask(f"$JS.API.STREAM.INFO.{STREAM}", request, timeout_s=_ATTEMPT_S)
        info = _decode(answer.body)
        if info.state is None:
            raise NoResponders
        return info.state.subjects.get(subject, 0)
