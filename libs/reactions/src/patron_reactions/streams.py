"""Declarations of the streams beside the log: TIMERS and DEAD_LETTERS."""

from typing import Final

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.streams import Sizing, StreamConfig, assert_streams

TIMERS: Final = "TIMERS"
DEAD_LETTERS: Final = "DEAD_LETTERS"
_MINUTE_NS: Final = 60 * 10**9


def timers_stream(sizing: Sizing) -> StreamConfig:
    """Declare the stream of timers: schedules wait in it, and what fired stays until somebody has reacted to it.

    The server refuses message schedules together with `discard: new`, and lets rollups and so purges through. With
    `discard: old` any limit would drop timers in silence, so there is none. The work queue deletes what is
    acknowledged, and nothing before.
    """
    return {
        "name": TIMERS,
        "subjects": ["timers.>"],
        "retention": "workqueue",
        "storage": "file",
        "discard": "old",
        "max_bytes": -1,
        "max_age": 0,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "num_replicas": sizing.replicas,
        "duplicate_window": 2 * _MINUTE_NS,
        "compression": "s2",
        "deny_delete": True,
        "deny_purge": False,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "allow_msg_schedules": True,
    }


def dead_letters_stream(sizing: Sizing) -> StreamConfig:
    """Declare the stream of dead letters: the newest state of each, removed when a repetition succeeds."""
    return {
        "name": DEAD_LETTERS,
        "subjects": ["dead.>"],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_bytes": sizing.max_bytes // 16,
        "max_age": 0,
        "max_msgs": -1,
        "max_msgs_per_subject": 1,
        "num_replicas": sizing.replicas,
        "duplicate_window": 2 * _MINUTE_NS,
        "compression": "s2",
        "deny_delete": False,
        "deny_purge": False,
        "allow_rollup_hdrs": False,
        "allow_direct": True,
    }


async def assert_side_streams(connection: Connection, sizing: Sizing) -> None:
    """Create TIMERS and DEAD_LETTERS where they are missing, and compare them; raises StreamDiffers, LogFault."""
    await assert_streams(connection, [timers_stream(sizing), dead_letters_stream(sizing)])
