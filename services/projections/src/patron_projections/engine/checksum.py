"""Checksums of builds: rows and a sum of their hashes for each partition, so that builds can be compared.

A row belongs to the partition of the subject whose id it carries. The hash is PostgreSQL's own over the whole row as
text (64 bits); sums do not depend on the order of rows.
"""

from dataclasses import dataclass, field
from typing import Final

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from patron_events.envelope import PARTITIONS, partition_of
from patron_projections.engine.builds import Build
from patron_projections.engine.tables import place_of

_MODULUS: Final = 2**64
_AT_ONCE: Final = 5_000


def _zeros() -> list[int]:
    return [0] * PARTITIONS


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows and sums of hashes by partition, over all tables of a build."""

    rows: list[int] = field(default_factory=_zeros)
    hashes: list[int] = field(default_factory=_zeros)

    @property
    def total(self) -> int:
        """Rows of all partitions."""
        return sum(self.rows)

    @property
    def whole(self) -> str:
        """Checksum of everything, 16 hex digits."""
        return f"{sum(self.hashes) % _MODULUS:016x}"

    def of(self, partition: int) -> str:
        """Checksum of a partition, 16 hex digits."""
        return f"{self.hashes[partition]:016x}"

    def differing(self, other: "Sums") -> list[int]:
        """List the partitions in which the two are not equal."""
        return [
            partition
            for partition in range(PARTITIONS)
            if (self.rows[partition], self.hashes[partition]) != (other.rows[partition], other.hashes[partition])
        ]


async def sums_of(connection: AsyncConnection, build: Build) -> Sums:
    """Add up the rows of a build, as one transaction sees them."""
    sums = Sums()
    query = SQL("SELECT {0}::text, count(*), sum(hashtextextended(t::text, 0)) FROM {1} AS t GROUP BY {0}")
    async with connection.transaction():
        for table, (subject, _) in build.subjects.items():
            async with connection.cursor(name=f"sums_{table}") as cursor:
                await cursor.execute(query.format(Identifier(subject), place_of(table)))
                while found := await cursor.fetchmany(_AT_ONCE):
                    for subject_id, rows, hashes in found:
                        partition = partition_of(subject_id)
                        sums.rows[partition] += rows
                        sums.hashes[partition] = (sums.hashes[partition] + int(hashes)) % _MODULUS
    return sums
