"""Waiting until the read models that rules look at have applied what the evaluator has read."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from psycopg import AsyncConnection

from patron_projections.activities import Activities
from patron_projections.companies import Companies
from patron_projections.engine.read_model import ReadModel
from patron_projections.people import People
from patron_projections.segments.definitions import SegmentDefinitions
from patron_projections.segments.memberships import Memberships

_BEHIND: Final = """
SELECT count(*) FROM unnest(%(models)s::text[], %(versions)s::int2[]) AS m(name, version)
CROSS JOIN unnest(%(partitions)s::int2[], %(sequences)s::int8[]) AS need(partition, sequence)
LEFT JOIN patron.builds AS b ON b.model = m.name AND b.version = m.version AND b.state = 'serving'
LEFT JOIN patron.positions AS p
       ON p.model = b.model AND p.build = b.build AND p.stream = %(stream)s AND p.partition = need.partition
WHERE p.sequence IS NULL OR p.sequence < need.sequence
"""
OF_CONTACTS: Final[Sequence[ReadModel]] = (People(), Companies(), Activities())
OF_CAMPAIGNS: Final[Sequence[ReadModel]] = (SegmentDefinitions(),)
OF_SEGMENTS: Final[Sequence[ReadModel]] = (Memberships(),)
_FIRST_PAUSE_S: Final = 0.003
_MOST_PAUSE_S: Final = 0.05


async def arrived(connection: AsyncConnection, models: Sequence[ReadModel], reached: Mapping[int, int]) -> None:
    """Wait until all models stand at or beyond a sequence in each of some partitions; as long as it takes."""
    pause = _FIRST_PAUSE_S
    while reached and await _behind(connection, models, reached):
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _MOST_PAUSE_S)


async def _behind(connection: AsyncConnection, models: Sequence[ReadModel], reached: Mapping[int, int]) -> bool:
    values = {
        "models": [model.name for model in models],
        "versions": [model.version for model in models],
        "stream": models[0].context,
        "partitions": list(reached),
        "sequences": list(reached.values()),
    }
    row = await (await connection.execute(_BEHIND, values)).fetchone()
    return row is None or row[0] > 0
