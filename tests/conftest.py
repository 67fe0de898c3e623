"""What tests of every part may ask for: servers, fresh databases, real data sets.

Servers start when the first test asks, once per worker. Tests that ask for one are marked `integration`.
"""

import logging
import os
import secrets
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from patron_servers import NatsCluster, NatsServer, PostgresServer, throwaway_folder
from server_sources import Nats, a_nats, a_postgres

SERVERS = frozenset(
    {"nats_server", "nats_url", "postgres_url", "database_url", "nats_cluster", "own_nats", "own_postgres"}
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to real servers."""
    for item in items:
        if SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(autouse=True)
def _own_logging() -> Generator[None]:
    """Take back what a test, or a service that it starts, sets for the whole process."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers = [handler for handler in root.handlers if handler in handlers]


@pytest.fixture(scope="session")
def nats_server() -> Generator[Nats]:
    """One nats-server for the session; streams of other tests are in it, so names must be a test's own."""
    with a_nats() as server:
        yield server


@pytest.fixture(scope="session")
def nats_url(nats_server: Nats) -> str:
    """Address of the session's nats-server."""
    return nats_server.url


@pytest.fixture(scope="session")
def postgres_url() -> Generator[str]:
    """Address of the session's PostgreSQL, for a user that may create databases; tests use `database_url`."""
    with a_postgres() as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Generator[str]:
    """Address of an empty database that only this test uses."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    yield _with_database(postgres_url, name)
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def own_nats() -> Generator[NatsServer]:
    """Give an embedded nats-server with no stream in it, which the test may kill and start again."""
    with throwaway_folder("patron-test-nats-") as folder, NatsServer(folder) as server:
        yield server


@pytest.fixture
def own_postgres() -> Generator[PostgresServer]:
    """Give an embedded PostgreSQL, which the test may kill and start again."""
    with throwaway_folder("patron-test-postgres-") as folder, PostgresServer(folder) as server:
        yield server


@pytest.fixture(scope="session")
def _session_cluster() -> Generator[NatsCluster]:
    with throwaway_folder("patron-test-cluster-") as folder, NatsCluster(folder) as cluster:
        yield cluster


@pytest.fixture
def nats_cluster(_session_cluster: NatsCluster) -> NatsCluster:
    """Give three embedded nodes, all up: whatever an earlier test killed is started again first."""
    return _session_cluster.start()


@pytest.fixture(scope="session")
def data_sets() -> Path:
    """Folder of the real data sets (PATRON_DATA_SETS, set by `make test`); skips where there is none."""
    named = os.environ.get("PATRON_DATA_SETS")
    if not named or not Path(named).is_dir():
        pytest.skip("no real data sets here: PATRON_DATA_SETS names no folder")
    return Path(named)


@pytest.fixture(scope="session")
def data_set(data_sets: Path) -> Callable[[str], Path]:
    """Give the folder of one data set by its name; skips the test where it is absent."""

    def folder_of(name: str) -> Path:
        folder = data_sets / name
        if not folder.is_dir():
            pytest.skip(f"no data set {name} in PATRON_DATA_SETS")
        return folder

    return folder_of


def _with_database(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    known = conninfo_to_dict(url)
    host, port = known.get("host", "127.0.0.1"), known.get("port", 5432)
    return f"postgresql://{known.get('user')}:{known.get('password', '')}@{host}:{port}/{name}"
