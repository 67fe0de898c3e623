"""Logs in real nats-servers for the tests of this folder."""

import secrets
from collections.abc import AsyncGenerator

import pytest

from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.reader import JetStreamReader
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, log_stream
from patron_events.testing import Log
from patron_servers import NatsCluster

GIB = 1 << 30


async def new_log(connection: Connection, replicas: int = 1) -> Log:
    """Make an empty context with a name of its own."""
    context = "t" + secrets.token_hex(6)
    await assert_streams(connection, [log_stream(context, Sizing(replicas, max_bytes=GIB // 4))])
    return Log(JetStreamStore(connection), JetStreamReader(connection), context)


@pytest.fixture
async def connection(nats_url: str) -> AsyncGenerator[Connection]:
    connection = await connect(nats_url)
    yield connection
    await connection.close()


@pytest.fixture
async def log(connection: Connection) -> AsyncGenerator[Log]:
    log = await new_log(connection)
    yield log
    await connection.ask(f"$JS.API.STREAM.DELETE.{log.context.upper()}", timeout_s=10)


@pytest.fixture
async def cluster_connection(nats_cluster: NatsCluster) -> AsyncGenerator[Connection]:
    connection = await connect(nats_cluster.urls)
    yield connection
    await connection.close()


@pytest.fixture
async def cluster_log(cluster_connection: Connection) -> AsyncGenerator[Log]:
    log = await new_log(cluster_connection, replicas=3)
    yield log
    await cluster_connection.ask(f"$JS.API.STREAM.DELETE.{log.context.upper()}", timeout_s=10)
