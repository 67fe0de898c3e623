"""Positions: how far each model has applied each partition, changed only by compare-and-set.

The position moves in the transaction that writes the rows. Zero rows changed means that somebody else moved
it first: the whole transaction is rolled back. That is what makes the effect exactly-once (DESIGN 4).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from psycopg import AsyncConnection

from patron_events.envelope import PARTITIONS
from patron_projections.engine.read_model import ReadModel

_MOVE: Final = """
UPDATE patron.positions AS p SET sequence = u.new
FROM unnest(%(models)s::text[], %(versions)s::int2[], %(partitions)s::int2[], %(olds)s::int8[], %(news)s::int8[])
     AS u(model, version, partition, old, new)
WHERE p.stream = %(stream)s AND p.model = u.model AND p.version = u.version AND p.partition = u.partition
  AND p.sequence = u.old
"""
_READ: Final = """
SELECT partition, sequence FROM patron.positions WHERE model = %s AND version = %s AND stream = %s
"""
_ADD: Final = """
INSERT INTO patron.positions (model, version, stream, partition, sequence)
SELECT %s, %s, %s, partition, 0 FROM generate_series(0, %s) AS partition ON CONFLICT DO NOTHING
"""


class Fenced(Exception):
    """Another worker moved a position first; whatever was about to be written must be rolled back."""


class Move(NamedTuple):
    """One position about to be moved."""

    model: ReadModel
    partition: int
    old: int
    new: int


class Positions:
    """The positions of several models in one stream, as this worker knows them."""

    def __init__(self, stream: str, models: Sequence[ReadModel]) -> None:
        self.stream = stream
        self._models = models
        self._known: dict[str, list[int]] = {model.name: [0] * PARTITIONS for model in models}

    async def reload(self, connection: AsyncConnection) -> None:
        """Read all positions; those of a model seen for the first time begin at 0."""
        for model in self._models:
            key = (model.name, model.version, self.stream)
            await connection.execute(_ADD, (*key, PARTITIONS - 1))
            cursor = await connection.execute(_READ, key)
            for partition, sequence in await cursor.fetchall():
                self._known[model.name][partition] = sequence

    def of(self, model: ReadModel) -> Sequence[int]:
        """Give the sequence of each partition."""
        return self._known[model.name]

    def start(self, owned: Collection[int]) -> int:
        """Find where reading must begin so that no model misses anything."""
        return min((known[partition] for known in self._known.values() for partition in owned), default=0)

    def moves_to(self, reached: Mapping[int, int]) -> list[Move]:
        """List the positions that lie below what was reached in each partition."""
        return [
            Move(model, partition, known[partition], sequence)
            for model in self._models
            for known in (self._known[model.name],)
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
                "models": [move.model.name for move in moves],
                "versions": [move.model.version for move in moves],
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
            self._known[move.model.name][move.partition] = move.new
