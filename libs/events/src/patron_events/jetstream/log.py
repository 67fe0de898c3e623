"""Open the log: connect, check server and streams, and give out its store, reader and keys."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.patience import patiently
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.server import assert_server
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, keys_stream, log_stream
from patron_events.jetstream.vault import JetStreamVault, MasterKeys


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to reach the log.

    contexts: whose streams this process needs; they are created where they are missing.
    monitor_urls: where the servers tell their settings; None there means `sync_interval` is not checked but warned of.
    master_keys: 32 bytes each by id, the current one last.
    """

    servers: tuple[str, ...]
    master_keys: Mapping[str, bytes]
    contexts: tuple[str, ...]
    monitor_urls: tuple[str, ...] = ()
    sizing: Sizing = field(default_factory=Sizing)


@dataclass(frozen=True, slots=True)
class Log:
    """The open log."""

    connection: Connection
    store: JetStreamStore
    reader: JetStreamReader
    vault: JetStreamVault

    async def answers(self) -> None:
        """Check that JetStream answers, for readiness; raises ConnectionLost, NoResponders or NoAnswer."""
        await self.connection.ask("$JS.API.INFO", timeout_s=2)


@asynccontextmanager
async def open_log(options: LogOptions) -> AsyncGenerator[Log]:
    """Open the log for as long as the block runs.

    Raises:
        ServerUnfit, StreamDiffers: the server or a stream is not what the design needs; the text says how.
        Unavailable: there is a connection, but the log did not answer for 15 s.
    """
    connection = await connect(options.servers, patient=True)
    try:
        await assert_server(connection, options.monitor_urls, unseen_stops=bool(options.monitor_urls))
        declared = [log_stream(context, options.sizing) for context in options.contexts]
        await patiently(lambda: assert_streams(connection, [*declared, keys_stream(options.sizing)]))
        masters = MasterKeys(options.master_keys, list(options.master_keys)[-1])
        vault = JetStreamVault(connection, masters)
        try:
            yield Log(connection, JetStreamStore(connection), JetStreamReader(connection), vault)
        finally:
            await vault.close()
    finally:
        await connection.close()
