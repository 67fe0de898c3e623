"""Logs in real nats-servers for the tests of this folder."""

from collections.abc import AsyncGenerator

import pytest

from event_logs import new_log
from patron_events.jetstream.connection import Connection, connect
from patron_events.testing import Log
from patron_servers import NatsCluster


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
