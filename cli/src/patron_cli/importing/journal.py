"""Remember how far an import came, so that it resumes after any interruption with exact counts."""

import contextlib
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

STATUSES = ("created", "updated", "unchanged", "duplicate", "rejected")
_TABLES = """
create table if not exists progress (name text primary key, value text not null) without rowid;
create table if not exists seen (key integer primary key, created integer not null);
create table if not exists occurrences (hash integer primary key, count integer not null);
create table if not exists failures (place integer primary key, record blob not null);
create table if not exists deferred (place integer primary key, number integer not null, cells blob not null);
"""
_QUERY_SIZE = 500


class JournalBusy(Exception):
    """Another process imports the same file with the same options."""


@dataclass(slots=True)
class Progress:
    """How far a run is. rows: rows of the file that are settled or deferred, counted from its beginning.

    batches: how many requests were answered; seconds: time spent before this process.
    """

    run_id: str
    rows: int = 0
    batches: int = 0
    seconds: float = 0.0
    position: str | None = None
    read_all: bool = False
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """A rejected or duplicate row for the errors file. cells: as in the original file."""

    number: int
    column: str
    code: str
    message: str
    source: str
    key: str
    cells: list[str]


@dataclass(slots=True)
class Settled:
    """Everything that one batch decided; it is stored in one transaction."""

    rows: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    seen: dict[int, bool] = field(default_factory=dict[int, bool])
    occurrences: dict[int, int] = field(default_factory=dict[int, int])
    failures: dict[int, Failure] = field(default_factory=dict[int, Failure])
    deferred: dict[int, tuple[int, list[Any]]] = field(default_factory=dict[int, tuple[int, list[Any]]])
    undeferred: list[int] = field(default_factory=list[int])
    position: str | None = None


class Journal:
    """The record of one run in an SQLite file; a dry run keeps it in a private temporary file."""

    def __init__(self, path: Path | None) -> None:
        """Open or begin a run.

        Raises:
            JournalBusy: another process holds it.
        """
        self._path = path
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(str(path) if path else "", isolation_level=None, timeout=1.0)
        try:
            self._db.execute("pragma locking_mode = exclusive")
            self._db.execute("pragma journal_mode = wal" if path else "pragma journal_mode = off")
            self._db.execute("pragma synchronous = normal")
            self._db.executescript(_TABLES)
            self._db.execute("begin exclusive")
            self._db.execute("commit")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise JournalBusy(f"another import of the same file is running ({error})") from error
        self.progress = self._load()
        self.resumed = self.progress.rows > 0 or self.progress.read_all

    def _load(self) -> Progress:
        row = self._db.execute("select value from progress where name = 'run'").fetchone()
        if row is None:
            return Progress(run_id=secrets.token_hex(8))
        return Progress(**json.loads(row[0]))

    def _save(self) -> None:
        value = msgspec.json.encode(self.progress).decode()
        self._db.execute(
            "insert into progress values ('run', ?) on conflict do update set value = excluded.value", (value,)
        )

    def begin(self) -> None:
        """Store the id of the run before the first request, so that a repeated request is recognised as one."""
        self._save()

    def settle(self, settled: Settled, seconds: float) -> None:
        """Store a batch whole; seconds: time spent on the run so far."""
        run = self.progress
        run.rows += settled.rows
        run.batches += 1
        run.seconds = seconds
        run.position = latest(run.position, settled.position)
        for status, count in settled.counts.items():
            run.counts[status] += count
        self._db.execute("begin")
        self._db.executemany("insert or ignore into seen values (?, ?)", settled.seen.items())
        self._db.executemany(
            "insert into occurrences values (?, ?) on conflict do update set count = excluded.count",
            settled.occurrences.items(),
        )
        self._db.executemany(
            "insert or replace into failures values (?, ?)",
            ((place, msgspec.msgpack.encode(failure)) for place, failure in settled.failures.items()),
        )
        self._db.executemany(
            "insert or replace into deferred values (?, ?, ?)",
            ((place, number, msgspec.json.encode(cells)) for place, (number, cells) in settled.deferred.items()),
        )
        self._db.executemany("delete from deferred where place = ?", ((place,) for place in settled.undeferred))
        self._save()
        self._db.execute("commit")

    def all_read(self) -> None:
        """Note that the file has no further row, so that only deferred rows are left."""
        self.progress.read_all = True
        self._save()

    def seen(self, keys: Sequence[int]) -> dict[int, bool]:
        """Give those of the keys that belong to settled rows, and whether those rows were created."""
        found: dict[int, bool] = {}
        for query, part in self._in("select key, created from seen where key in", keys):
            found.update((key, bool(created)) for key, created in self._db.execute(query, part))
        return found

    def occurrences(self, hashes: Sequence[int]) -> Mapping[int, int]:
        """Give how many settled rows had each content hash."""
        found: dict[int, int] = {}
        for query, part in self._in("select hash, count from occurrences where hash in", hashes):
            found.update(self._db.execute(query, part))
        return found

    @staticmethod
    def _in(query: str, values: Sequence[int]) -> Iterator[tuple[str, Sequence[int]]]:
        for start in range(0, len(values), _QUERY_SIZE):
            part = values[start : start + _QUERY_SIZE]
            yield f"{query} ({','.join('?' * len(part))})", part

    def deferred(self, after: int, limit: int) -> list[tuple[int, int, list[Any]]]:
        """Give deferred rows behind a place: place, row number, cells."""
        query = "select place, number, cells from deferred where place > ? order by place limit ?"
        return [
            (place, number, msgspec.json.decode(cells))
            for place, number, cells in self._db.execute(query, (after, limit))
        ]

    def failures(self) -> Iterable[Failure]:
        """Give every row of the errors file in the order of the original."""
        decoder = msgspec.msgpack.Decoder(Failure)
        for (record,) in self._db.execute("select record from failures order by place"):
            yield decoder.decode(record)

    def close(self, *, finished: bool) -> None:
        """Close it; a finished run is forgotten, so that the next import of the file begins anew."""
        self._db.close()
        if finished and self._path:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self._path}{suffix}").unlink()


def journal_path(folder: Path, parts: Sequence[str]) -> Path:
    """Name the journal of a file and the options that decide what it becomes."""
    return folder / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}.sqlite"


def latest(one: str | None, other: str | None) -> str | None:
    """Give the later of two positions; their last part is the sequence."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda position: int(position.rpartition(".")[2]))
