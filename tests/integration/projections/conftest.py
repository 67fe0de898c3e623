"""A log in memory or in JetStream and a database of one's own, for tests of the read side."""

import base64
import secrets
from collections.abc import AsyncGenerator, Generator

import psycopg
import pytest
from psycopg import sql

from customer_log import CustomerLog
from patron_events.jetstream.log import Log, open_log
from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from patron_projections.settings import ProjectionsSettings
from patron_servers import NatsServer
from read_side import ReadSide


@pytest.fixture
def log() -> CustomerLog:
    return CustomerLog(MemoryStore(), MemoryVault())


@pytest.fixture
def side(log: CustomerLog, database_url: str) -> ReadSide:
    """Give the database in which the test's workers live."""
    return _side(log, database_url)


@pytest.fixture
def fresh(log: CustomerLog, postgres_url: str, database_url: str) -> Generator[ReadSide]:
    """Give a second, empty database for a fold from the beginning."""
    name = f"fresh_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    yield _side(log, database_url.rpartition("/")[0] + "/" + name)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def fresh_url(postgres_url: str) -> Generator[str]:
    """Give an empty database for the fold from the beginning."""
    name = sql.Identifier(f"fresh_{secrets.token_hex(8)}")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        info = admin.info
        address = f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}"
    yield f"{address}/{name.as_string()[1:-1]}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _side(log: CustomerLog, url: str) -> ReadSide:
    assert isinstance(log.store, MemoryStore)
    return ReadSide(url, log.store, log.store, log.vault)


@pytest.fixture
def settings(own_nats: NatsServer, database_url: str) -> ProjectionsSettings:
    """Say where processes find a log of their own and the test's database."""
    return ProjectionsSettings(
        nats_url=(own_nats.url,),
        master_keys={"one": base64.b64encode(b"k" * 32).decode()},
        postgres_url=database_url,
        stream_max_bytes=1 << 28,
        worker_beat_s=0.1,
        worker_dead_after_s=0.6,
    )


@pytest.fixture
async def jetstream(settings: ProjectionsSettings) -> AsyncGenerator[Log]:
    """Open the log of the settings."""
    async with open_log(settings.log()) as log:
        yield log
