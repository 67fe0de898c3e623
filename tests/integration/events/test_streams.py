"""Streams are created as declared, and one that drifted stops the start with the difference."""

import logging
import secrets
from pathlib import Path

import pytest

from event_logs import ConfiguredServer, api, new_log, update
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.server import ServerUnfit, assert_server
from patron_events.jetstream.streams import Sizing, StreamDiffers, assert_streams, keys_stream, log_stream
from patron_events.testing import Log
from patron_servers import NatsServer


async def test_creating_is_repeatable(own_nats: NatsServer) -> None:
    connection = await connect(own_nats.url)
    declared = [log_stream("contacts", Sizing(max_bytes=1 << 30)), keys_stream(Sizing(max_bytes=1 << 30))]
    for _ in range(2):
        await assert_streams(connection, declared)
    names = (await api(connection, "STREAM.NAMES"))["streams"]
    assert names == ["CONTACTS", "KV_PATRON_KEYS"]
    await connection.close()


async def test_every_difference_is_named(connection: Connection, log: Log) -> None:
    await update(connection, log, max_msgs=1000, allow_msg_ttl=True, duplicate_window=1_000_000_000)
    with pytest.raises(StreamDiffers) as stopped:
        await assert_streams(connection, [log_stream(log.context, Sizing(max_bytes=1 << 28))])
    assert stopped.value.differences == {
        "max_msgs": (-1, 1000),
        "allow_msg_ttl": (False, True),
        "duplicate_window": (600_000_000_000, 1_000_000_000),
    }
    assert "max_msgs: declared -1, found 1000" in str(stopped.value)


async def test_the_log_can_neither_be_purged_nor_cut(connection: Connection) -> None:
    log = await new_log(connection)
    await log.store.append([log.write(log.stream())])
    name = log.context.upper()
    assert "error" in await api(connection, f"STREAM.PURGE.{name}")
    assert "error" in await api(connection, f"STREAM.MSG.DELETE.{name}", {"seq": 1})
    assert await log.reader.last_sequence(log.context) == 1


async def test_a_server_that_syncs_is_fit(own_nats: NatsServer) -> None:
    connection = await connect(own_nats.url)
    await assert_server(connection, [own_nats.monitor_url], unseen_stops=True)
    await connection.close()


async def test_a_server_that_does_not_sync_is_unfit(tmp_path: Path) -> None:
    class Lazy(ConfiguredServer):
        def _config(self) -> str:
            return super()._config().replace('sync_interval: "always"', 'sync_interval: "2m"')

    with Lazy(tmp_path, "") as server:
        connection = await connect(server.url)
        with pytest.raises(ServerUnfit, match="sync_interval: always"):
            await assert_server(connection, [server.monitor_url], unseen_stops=False)
        await connection.close()


async def test_what_cannot_be_seen_stops_or_warns(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)  # services that other tests of the process start may have raised it
    nobody = f"http://127.0.0.1:1/{secrets.token_hex(2)}"
    for monitors in ([], [nobody]):
        with pytest.raises(ServerUnfit):
            await assert_server(connection, monitors, unseen_stops=True)
        caplog.clear()
        await assert_server(connection, monitors, unseen_stops=False)
        assert [record.message for record in caplog.records if record.name.startswith("patron")] == ["log.sync-unseen"]


async def test_one_server_that_tells_is_enough(connection: Connection, own_nats: NatsServer) -> None:
    nobody = f"http://127.0.0.1:1/{secrets.token_hex(2)}"

    await assert_server(connection, [nobody, own_nats.monitor_url], unseen_stops=True)
