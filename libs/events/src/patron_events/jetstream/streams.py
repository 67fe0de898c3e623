"""Declarations of the streams of the log, created and asserted at start-up (DESIGN 2).

Settings of a stream drift silently: turning message schedules on clears `deny_purge`. A stream that differs from
its declaration therefore stops the start, with the difference. Requests are raw because nats-py 2.16 lacks fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import ApiError, LogFault

KEYS_BUCKET: Final = "PATRON_KEYS"
KEYS_STREAM: Final = f"KV_{KEYS_BUCKET}"
_TIMEOUT_S: Final = 10.0
_NOT_FOUND: Final = 10059
_MINUTE_NS: Final = 60 * 10**9
_GIB: Final = 1 << 30

StreamConfig = dict[str, Any]


class StreamDiffers(Exception):
    """A stream exists with other settings than declared; the text names each field with both values."""

    def __init__(self, stream: str, differences: Mapping[str, tuple[Any, Any]]) -> None:
        self.stream, self.differences = stream, differences
        lines = [f"  {name}: declared {declared!r}, found {found!r}" for name, (declared, found) in differences.items()]
        super().__init__("\n".join([f"stream {stream} differs from its declaration:", *lines]))


@dataclass(frozen=True, slots=True)
class Sizing:
    """What differs between installations. `max_bytes`: per stream, below the size of the volume."""

    replicas: int = 1
    max_bytes: int = 16 * _GIB


def stream_name(context: str) -> str:
    """Name the JetStream stream of a context: `contacts` is kept in CONTACTS."""
    return context.upper()


def log_stream(context: str, sizing: Sizing) -> StreamConfig:
    """Declare the stream of a context."""
    return {
        "name": stream_name(context),
        "subjects": [f"crm.{context}.>"],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_bytes": sizing.max_bytes,
        "max_age": 0,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "num_replicas": sizing.replicas,
        "duplicate_window": 10 * _MINUTE_NS,
        "compression": "s2",
        "deny_delete": True,
        "deny_purge": True,
        "allow_direct": True,
        "allow_atomic": True,
    }


def keys_stream(sizing: Sizing) -> StreamConfig:
    """Declare the bucket of personal keys: one value each, really deleted when it is overwritten (DESIGN 3)."""
    return {
        "name": KEYS_STREAM,
        "subjects": [f"$KV.{KEYS_BUCKET}.>"],
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_bytes": sizing.max_bytes,
        "max_age": 0,
        "max_msgs": -1,
        "max_msgs_per_subject": 1,
        "num_replicas": sizing.replicas,
        "duplicate_window": 2 * _MINUTE_NS,
        "compression": "none",
        "deny_delete": False,
        "deny_purge": False,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "allow_atomic": True,
    }


class StreamInfo(msgspec.Struct, frozen=True):
    """What the server says about a stream."""

    config: StreamConfig = {}
    error: ApiError | None = None


_decode_info: Final = msgspec.json.Decoder(StreamInfo).decode


async def stream_config(connection: Connection, name: str) -> StreamConfig | None:
    """Read the present settings of a stream; None where it does not exist. Raises LogFault for other refusals."""
    info = _decode_info((await connection.ask(f"$JS.API.STREAM.INFO.{name}", timeout_s=_TIMEOUT_S)).body)
    if info.error is None:
        return info.config
    if info.error.err_code == _NOT_FOUND:
        return None
    raise LogFault(info.error)


async def assert_streams(connection: Connection, declared: Sequence[StreamConfig]) -> None:
    """Create the streams that are missing and compare the others; repeating is harmless.

    Raises:
        StreamDiffers: a stream exists with other settings.
        LogFault: the server refuses to create one.
    """
    for config in declared:
        name = config["name"]
        found = await stream_config(connection, name)
        if found is None:
            created = await connection.ask(
                f"$JS.API.STREAM.CREATE.{name}", msgspec.json.encode(config), timeout_s=_TIMEOUT_S
            )
            info = _decode_info(created.body)
            if info.error is not None:
                raise LogFault(info.error)
            found = info.config
        _compare(config, found)


def _compare(declared: StreamConfig, found: StreamConfig) -> None:
    missing = {"allow_rollup_hdrs": False, "allow_msg_schedules": False, "allow_msg_ttl": False, "sealed": False}
    wanted = {**missing, **declared}
    differences = {
        name: (value, found.get(name, missing.get(name)))
        for name, value in wanted.items()
        if found.get(name, missing.get(name)) != value
    }
    if differences:
        raise StreamDiffers(declared["name"], differences)
