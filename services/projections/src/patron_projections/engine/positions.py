"""Positions: how far each model has applied each partition, changed only by compare-and-set.

The position moves in the transaction that writes the rows. Zero rows changed means that somebody else moved
it first: the whole transaction is rolled back. That is what makes the effect exactly-once (DESIGN 4).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from psycopg import AsyncConnection

from patron_events.envelope import PARTITIONS
from patron_projections.engine.builds import Build

_MOVE: Final = """
UPDATE patron.positions AS p SET sequence = u.new
FROM unnest(%(models)s::text[], %(builds)s::int2[], %(partitions)s::int2[], %(olds)s::int8[], %(news)s::int8[])
     AS u(model, build, partition, old, new)
WHERE p.stream = %(stream)s AND p.model = u.model AND p.build = u.build AND p.partition = u.partition
  AND p.sequence = u.old
"""
_READ: Final = """
SELECT partition, sequence FROM patron.positions WHERE model = %s AND build = %s AND stream = %s
"""


class Fenced(Exception):
    """Another worker moved a position first; whatever was about to be written must be rolled back."""


class Move(NamedTuple):
    """One position about to be moved."""

    build: Build
    partition: int
    old: int
    new: int


class Positions:
    """The positions of several builds in one stream, as this worker knows them."""

    def __init__(self, stream: str, builds: Sequence[Build]) -> None:
        self.stream = stream
        self._builds = builds
        self._known: dict[str, list[int]] = {build.name: [0] * PARTITIONS for build in builds}

    async def reload(self, connection: AsyncConnection) -> None:
        """Read all positions; a build that was retired has none, and every move of it is fenced."""
        for build in self._builds:
            key = (build.name, build.number, self.stream)
            cursor = await connection.execute(_READ, key)
            for partition, sequence in await cursor.fetchall():
                self._known[build.name][partition] = sequence

    def of(self, build: Build) -> Sequence[int]:
        """Give the sequence of each partition."""
        return self._known[build.name]

    def start(self, owned: Collection[int]) -> int:
        """Find where reading must begin so that no model misses anything."""
        return min((known[partition] for known in self._known.values() for partition in owned), default=0)

    def lags(self, newest: int, owned: Collection[int]) -> dict[str, int]:
        """Count by model the messages of the log up to `newest` that lie beyond the least of these positions."""
        return {
            name: max(0, newest - min((known[partition] for partition in owned), default=newest))
            for name, known in self._known.items()
        }

    def moves_to(self, reached: Mapping[int, int]) -> list[Move]:
        """List the positions that lie below what was reached in each partition."""
        return [
            Move(build, partition, known[partition], sequence)
            for build in self._builds
            for known in (self._known[build.name],)
            for partition, sequence in reached.items()
            if known[partition] < sequence
        ]

    async def move(self, connection: AsyncConnection, moves: Sequence[Move]) -> None:
        """Move positions within the caller's transaction.

        Raises:
            Fenced: at least one of them is not where this worker left it.
        """
        if not moves:
            return
        cursor = await connection.execute(
            _MOVE,
            {
                "stream": self.stream,
                "models": [move.build.name for move in moves],
                "builds": [move.build.number for move in moves],
                "partitions": [move.partition for move in moves],
                "olds": [move.old for move in moves],
                "news": [move.new for move in moves],
            },
        )
        if cursor.rowcount != len(moves):
            raise Fenced

    def settle(self, moves: Sequence[Move]) -> None:
        """Remember moves whose transaction was committed."""
        for move in moves:
            self._known[move.build.name][move.partition] = move.new
