"""Parking: an aggregate whose commit cannot be applied waits by itself, and everything else goes on.

The reason that is kept names the fault and never its values, because they may be personal.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
import psycopg
from psycopg import AsyncConnection

from patron_events.envelope import Commit, CommitHead, StreamId, decode_commit
from patron_events.opening import Opened, Unreadable
from patron_events.registry import NewerEventVersion, UnknownEventType, type_of
from patron_projections.engine.builds import Build

_PARK: Final = """
INSERT INTO patron.parked (model, build, subject, stream, partition, sequence, reason, envelope, waiting)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, 1)
ON CONFLICT (model, build, subject) DO UPDATE
SET sequence = excluded.sequence, reason = excluded.reason, envelope = excluded.envelope, parked_at = now(),
    retry_requested = false
"""
_COUNT: Final = """
UPDATE patron.parked SET waiting = waiting + %s WHERE model = %s AND build = %s AND subject = %s
"""
_LIST: Final = "SELECT model, build, subject FROM patron.parked WHERE stream = %s"
_ASKED: Final = """
SELECT model, build, subject, sequence FROM patron.parked
WHERE stream = %s AND partition = ANY(%s) AND retry_requested ORDER BY sequence
"""
_COUNTED: Final = """
SELECT model, build, count(*) FROM patron.parked WHERE stream = %s AND partition = ANY(%s) GROUP BY model, build
"""
_FREE: Final = "DELETE FROM patron.parked WHERE model = %s AND build = %s AND subject = %s"

_LONGEST: Final = 200
_MOST_EVENTS: Final = 100

Parked = set[tuple[str, StreamId]]


class Failure(NamedTuple):
    """The commit at which an aggregate was parked. envelope: as `envelope_of` gives it."""

    sequence: int
    reason: str
    envelope: str | None


@dataclass(frozen=True, slots=True)
class Retry:
    """Somebody asked to try a parked aggregate again, from the commit that failed."""

    build: Build
    stream: StreamId
    sequence: int


def reason_of(error: Exception) -> str:
    """Describe a fault without the values that caused it."""
    if isinstance(error, UnknownEventType | NewerEventVersion):
        return str(error)
    if isinstance(error, msgspec.ValidationError):
        # "Expected `str`, got `int` - at `$.name`": the path is safe, an invalid value would be quoted.
        return f"ValidationError{str(error).rpartition(' - at')[2]}"
    if isinstance(error, psycopg.Error):
        return f"PostgreSQL {error.sqlstate}: {type(error).__name__}"
    return type(error).__name__


def envelope_of(item: Opened | Unreadable) -> str | None:
    """Write as JSON who recorded a commit, when, and which kinds of events it holds; never what these say.

    Events have the version that they are stored in, or were read as. None for what is no commit at all.
    """
    if isinstance(item, Opened):
        kinds = [(one.type, type_of(type(one.event)).version) for one in item.events]
        return _envelope(item.head, item.head.commit_id, kinds)
    try:
        commit = decode_commit(item.stored.body)
    except msgspec.DecodeError:
        return None
    return _envelope(commit, commit.id, [(one.type, one.v) for one in commit.events])


def _envelope(commit: CommitHead | Commit, commit_id: str, events: Sequence[tuple[str, int]]) -> str:
    document = {
        "id": _storable(commit_id),
        "recorded_at": commit.recorded_at.isoformat(),
        "actor": {"kind": _storable(commit.actor.kind), "id": _storable(commit.actor.id)},
        "correlation_id": None if commit.cause.correlation_id is None else _storable(commit.cause.correlation_id),
        "version": commit.version,
        "events": [{"type": _storable(name), "v": version} for name, version in events[:_MOST_EVENTS]],
    }
    return msgspec.json.encode(document).decode()


def _storable(text: str) -> str:
    """Leave out what PostgreSQL refuses in JSON: it may be the very reason of the parking."""
    return text[:_LONGEST].encode(errors="replace").decode().replace("\0", "\ufffd")


class Parking:
    """The parked aggregates of one stream, as this worker knows them."""

    def __init__(self, stream: str, builds: Sequence[Build]) -> None:
        self._stream = stream
        self._builds = {(build.name, build.number): build for build in builds}
        self._parked: Parked = set()

    async def reload(self, connection: AsyncConnection) -> None:
        """Read which aggregates are parked."""
        cursor = await connection.execute(_LIST, (self._stream,))
        self._parked = {
            (model, StreamId.parse(subject))
            for model, number, subject in await cursor.fetchall()
            if (model, number) in self._builds
        }

    async def counted(self, connection: AsyncConnection, owned: Collection[int]) -> dict[str, int]:
        """Count the aggregates of these partitions that are parked now, by model."""
        cursor = await connection.execute(_COUNTED, (self._stream, list(owned)))
        counts = {(model, number): count for model, number, count in await cursor.fetchall()}
        return {name: counts.get((name, number), 0) for name, number in self._builds}

    def holds(self, build: Build, stream: StreamId) -> bool:
        """Tell whether commits of this aggregate must wait."""
        return bool(self._parked) and (build.name, stream) in self._parked

    async def park(self, connection: AsyncConnection, build: Build, stream: StreamId, failure: Failure) -> None:
        """Write down in the caller's transaction that an aggregate is parked; call `settle` once it is committed."""
        key = (build.name, build.number, stream.subject)
        await connection.execute(_PARK, (*key, self._stream, stream.partition, *failure))

    async def count(self, connection: AsyncConnection, build: Build, stream: StreamId, commits: int) -> None:
        """Count commits that wait behind a parked one, in the caller's transaction."""
        await connection.execute(_COUNT, (commits, build.name, build.number, stream.subject))

    async def free(self, connection: AsyncConnection, build: Build, stream: StreamId) -> None:
        """Let an aggregate go on, in the caller's transaction; call `settle` once it is committed."""
        await connection.execute(_FREE, (build.name, build.number, stream.subject))

    def settle(self, parked: Collection[tuple[str, StreamId]], freed: Collection[tuple[str, StreamId]] = ()) -> None:
        """Remember what a committed transaction parked and freed."""
        self._parked |= set(parked)
        self._parked -= set(freed)

    async def asked_for(self, connection: AsyncConnection, owned: Collection[int]) -> list[Retry]:
        """List the parked aggregates of these partitions that somebody wants to be tried again."""
        cursor = await connection.execute(_ASKED, (self._stream, list(owned)))
        return [
            Retry(self._builds[model, number], StreamId.parse(subject), sequence)
            for model, number, subject, sequence in await cursor.fetchall()
            if (model, number) in self._builds
        ]
