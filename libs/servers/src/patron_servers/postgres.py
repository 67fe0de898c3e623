"""One PostgreSQL server for the read models, on loopback, with a password of its own."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

import psycopg
from psycopg import sql

from patron_servers.errors import ServerDidNotStart
from patron_servers.places import home_for, postgres_account, reachable_postgres
from patron_servers.ports import LOOPBACK, free_port
from patron_servers.process import Launch, ServerProcess

START_TIMEOUT_S = 120.0  # recovery after a crash replays up to max_wal_size
USER = DATABASE = "patron"
# For a machine shared with everything else: a quarter of a gigabyte of cache, few and large checkpoints, no JIT (the
# queries are short, compiling them costs more than it saves), statistics soon after an import. Durability (fsync,
# synchronous_commit) stays as shipped.
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "max_connections": "100",
        "shared_buffers": "256MB",
        "effective_cache_size": "1GB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "autovacuum_naptime": "10s",
        "jit": "off",
        "log_min_messages": "warning",
        "timezone": "UTC",
    }
)


class PostgresServer:
    """A PostgreSQL server that keeps its databases in `data_dir`.

    Started by root it runs as `nobody`; `home` is a folder under /var/lib/patron if nobody cannot reach `data_dir`.
    A second server on the same folder raises DataFolderInUse. Usable as a context manager, which starts and stops it.

    port: 0 chooses a free one, and keeps it over restarts. settings: postgresql.conf values over SETTINGS.
    bin_dir: folder of PostgreSQL's programs; None looks at PATRON_PG_BIN, the wheel and the system (15 or newer).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        bin_dir: Path | None = None,
    ) -> None:
        self.port = port or free_port()
        self._account = postgres_account()
        self.home = home_for(data_dir.absolute(), self._account)  # the server runs in another folder
        self._settings = {**SETTINGS, **(settings or {})}
        self._bin_dir = bin_dir
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """Where clients connect, with user, password and the database `patron`; only after the first start."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Where clients connect to another database of this server."""
        return f"postgresql://{USER}:{self._password_file.read_text()}@{LOOPBACK}:{self.port}/{database}"

    @property
    def running(self) -> bool:
        """Tell whether the server runs."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """Process id of the postmaster.

        Raises:
            RuntimeError: it was not started.
        """
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    def start(self) -> Self:
        """Start the server, made from nothing the first time, and return when it answers; nothing when it runs.

        Raises:
            ProgramNotFound, DataFolderInUse, ServerDidNotStart: each with what to do or the log's last lines.
        """
        if self.running:
            return self
        programs = reachable_postgres(self._account, self._bin_dir)
        if not self._cluster.exists():
            self._create(programs)
        process = ServerProcess(
            Launch(
                command=[str(programs / "postgres"), "-D", str(self._cluster), *self._options()],
                log=self._log,
                lock=self.home / "postgres.lock",
                stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint, needs no recovery
                user=None if self._account is None else (self._account.uid, self._account.gid),
                before=self._forget_dead_server,
            )
        )
        try:
            process.wait_until(self.is_ready, START_TIMEOUT_S)
        except BaseException:
            process.kill()
            raise
        self._process = process
        self._ensure_database()
        return self

    def is_ready(self) -> bool:
        """Tell whether the server takes connections."""
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Shut down cleanly; the data stays. Safe to repeat."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the server as a power cut would; `start` recovers what was committed."""
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def _password_file(self) -> Path:
        return self.home / "postgres.password"

    @property
    def _log(self) -> Path:
        return self.home / "postgres.log"

    def _options(self) -> Sequence[str]:
        listen = {"listen_addresses": LOOPBACK, "port": str(self.port), "unix_socket_directories": ""}
        return [f"--{name}={value}" for name, value in {**self._settings, **listen}.items()]

    def _create(self, programs: Path) -> None:
        """Make the database cluster under another name and rename it, so that a crash leaves none or a whole one."""
        unfinished = self._cluster.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        self._own(unfinished)
        self._own(self._password_file)
        command = [
            *(str(programs / "initdb"), "--pgdata", str(unfinished), "--username", USER),
            *("--auth", "scram-sha-256", "--pwfile", str(self._password_file)),
            # Bytewise order that is the same on every machine, with letters known beyond ASCII (pg_trgm needs them).
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions"),
        ]
        made = self._as_account(command)
        if made.returncode != 0:
            self._log.write_text(made.stdout + made.stderr)
            raise ServerDidNotStart("initdb failed", self._log)
        unfinished.rename(self._cluster)

    def _as_account(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        account = self._account
        return subprocess.run(  # noqa: S603 - the command is our own
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )

    def _own(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a killed server.

        The lock proves that none of ours is left. PostgreSQL itself only sees that some process has the number now, and
        would refuse to start after a reboot or in a container, where numbers come back soon.
        """
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _ensure_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
