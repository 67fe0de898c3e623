"""Run nats-server and PostgreSQL from wheels: for one machine, for tests, without a container engine.

Everything listens on loopback only, keeps its data in one folder, and stops when the process that started it ends.
"""

from patron_servers.errors import DataFolderInUse, ProgramNotFound, ServerDidNotStart
from patron_servers.nats import NatsServer
from patron_servers.nats_cluster import NatsCluster
from patron_servers.places import throwaway_folder
from patron_servers.postgres import PostgresServer

__all__ = [
    "DataFolderInUse",
    "NatsCluster",
    "NatsServer",
    "PostgresServer",
    "ProgramNotFound",
    "ServerDidNotStart",
    "throwaway_folder",
]
