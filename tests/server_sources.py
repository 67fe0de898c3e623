"""Give tests a nats-server and a PostgreSQL: an address from the environment, a container engine, or embedded ones.

PATRON_TEST_NATS_URL, PATRON_TEST_NATS_MONITOR_URL and PATRON_TEST_POSTGRES_URL (a superuser's, any database) name
running servers. Without them a container engine is used if it answers within two seconds, else the wheels' programs.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import docker
from docker.errors import DockerException

from patron_servers import NatsServer, PostgresServer, throwaway_folder

NATS_IMAGE = "nats:2.15.1-alpine"
POSTGRES_IMAGE = "postgres:18-alpine"
ENGINE_TIMEOUT_S = 2
NATS_CONFIG = b"""
http: 8222
max_payload: 8388608
jetstream { store_dir: "/data", sync_interval: "always" }
"""


@dataclass(frozen=True, slots=True)
class Nats:
    """Where a nats-server is: for clients, and over HTTP for questions about itself."""

    url: str
    monitor_url: str


@lru_cache(maxsize=1)
def engine_answers() -> bool:
    """Tell whether a container engine answers within two seconds."""
    try:
        client = docker.from_env(timeout=ENGINE_TIMEOUT_S)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError):
        return False
    return True


@contextmanager
def a_nats() -> Generator[Nats]:
    """Give a nats-server with JetStream that syncs every write."""
    named = os.environ.get("PATRON_TEST_NATS_URL")
    if named:
        yield Nats(named, os.environ.get("PATRON_TEST_NATS_MONITOR_URL", ""))
    elif engine_answers():
        # Imported here: it takes a second, which tests without an engine need not wait.
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415
        from testcontainers.core.wait_strategies import HttpWaitStrategy  # noqa: PLC0415

        container = (
            DockerContainer(NATS_IMAGE)
            .with_command("-c /etc/nats/patron.conf")
            .with_copy_into_container(NATS_CONFIG, "/etc/nats/patron.conf")
            .with_exposed_ports(4222, 8222)
            .waiting_for(HttpWaitStrategy(8222, "/healthz").for_status_code(200))
        )
        with container:
            host = container.get_container_host_ip()
            monitor = f"http://{host}:{container.get_exposed_port(8222)}"
            yield Nats(f"nats://{host}:{container.get_exposed_port(4222)}", monitor)
    else:
        with throwaway_folder("patron-test-nats-") as folder, NatsServer(folder) as server:
            yield Nats(server.url, server.monitor_url)


@contextmanager
def a_postgres() -> Generator[str]:
    """Give the address of a PostgreSQL server whose user may create databases."""
    named = os.environ.get("PATRON_TEST_POSTGRES_URL")
    if named:
        yield named
    elif engine_answers():
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - as above

        with PostgresContainer(POSTGRES_IMAGE, username="patron", password="patron", driver=None) as container:
            yield container.get_connection_url()
    else:
        with throwaway_folder("patron-test-postgres-") as folder, PostgresServer(folder) as server:
            yield server.url
