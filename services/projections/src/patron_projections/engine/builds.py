"""Builds: each build of a read model has tables of its own, and one of them serves (ADR 0009).

A model whose version is newer than its serving build is built again beside it; one that was changed without a new
version is refused, because rows of two kinds would stand in one table.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from psycopg import AsyncConnection
from sqlalchemy import Table

from patron_events.envelope import PARTITIONS
from patron_projections.engine.fingerprint import fingerprint_of
from patron_projections.engine.read_model import ReadModel
from patron_projections.engine.tables import create_own_tables, create_table, exists, table_of_build, turn_view

BUILDING: Final = "building"
SERVING: Final = "serving"
RETIRED: Final = "retired"
_ADOPTED_VERSION: Final = 1
_ADD: Final = """
INSERT INTO patron.builds (model, build, version, fingerprint, state, tables, served_at)
VALUES (%s, %s, %s, %s, %s, %s::jsonb, CASE WHEN %s = 'serving' THEN now() END)
"""
_ADD_POSITIONS: Final = """
INSERT INTO patron.positions (model, build, stream, partition, sequence)
SELECT %s, %s, %s, partition, 0 FROM generate_series(0, %s) AS partition ON CONFLICT DO NOTHING
"""
_SERVING: Final = "SELECT model, build, version, fingerprint FROM patron.builds WHERE state = 'serving'"
_ADOPT: Final = "UPDATE patron.builds SET fingerprint = %s WHERE model = %s AND build = %s AND fingerprint IS NULL"
_RETIRED: Final = "SELECT model, tables FROM patron.builds WHERE state = 'retired'"


class ModelChanged(Exception):
    """The tables or the fold of a read model are not those of its serving build, and its version is the same."""

    def __init__(self, model: str, version: int) -> None:
        self.model = model
        super().__init__(
            f"read model {model}: its tables or its fold changed but it still says version {version}; raise its version"
        )


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a model with its physical tables. bare: these have no indexes yet."""

    model: ReadModel
    number: int
    kept: Table | None
    added: Table | None
    bare: bool = False

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def tables(self) -> list[Table]:
        """The physical tables."""
        return [table for table in (self.kept, self.added) if table is not None]

    @property
    def subjects(self) -> dict[str, tuple[str, str]]:
        """Name for each physical table the column with the id of its rows' subjects, and the type of that."""
        columns = [] if self.kept is None else [self.kept.columns["id"]]
        if self.added is not None:
            columns.append(self.added.columns[self.model.subject_column])
        return {column.table.name: (column.name, str(column.type).lower()) for column in columns}


class Standing(NamedTuple):
    """The build of a model that serves. fingerprint: None for one that was adopted and not compared yet."""

    build: int
    version: int
    fingerprint: str | None


class Present(NamedTuple):
    """What serves as this code knows it, and what does not.

    outdated: their serving builds come from older code; unknown: from newer code, so leave them alone.
    """

    serving: list[Build]
    outdated: list[ReadModel]
    unknown: list[ReadModel]


def build_of(model: ReadModel, number: int, *, bare: bool = False) -> Build:
    """Describe a build of a model."""
    kept, added = (None if table is None else table_of_build(table, number) for table in (model.kept, model.added))
    return Build(model, number, kept, added, bare)


async def standings(connection: AsyncConnection) -> dict[str, Standing]:
    """Read which builds serve, by model."""
    return {
        model: Standing(build, version, fingerprint)
        for model, build, version, fingerprint in await (await connection.execute(_SERVING)).fetchall()
    }


async def add_build(connection: AsyncConnection, build: Build, made_by: Standing, state: str) -> None:
    """Write a build down with positions that begin at 0, in the caller's transaction."""
    tables = json.dumps(build.subjects)
    await connection.execute(
        _ADD, (build.name, build.number, made_by.version, made_by.fingerprint, state, tables, state)
    )
    await add_positions(connection, build)


async def add_positions(connection: AsyncConnection, build: Build) -> None:
    """Let a build begin at 0 in every partition where it has no position yet."""
    await connection.execute(_ADD_POSITIONS, (build.name, build.number, build.model.context, PARTITIONS - 1))


async def present_builds(connection: AsyncConnection, models: Sequence[ReadModel]) -> Present:
    """Create what is missing, adopt what older releases made, and tell what serves. Repeating is harmless.

    A model without any build gets its first one with empty tables; it serves at once.

    Raises:
        ModelChanged: a model was changed without a new version; nothing was done.
    """
    async with connection.transaction():
        await create_own_tables(connection)
        found = await standings(connection)
        for model in models:
            if model.name not in found:
                found[model.name] = await _first(connection, model)
        present = Present([], [], [])
        for model in models:
            standing = found[model.name]
            if standing.version != model.version:
                (present.outdated if standing.version < model.version else present.unknown).append(model)
                continue
            fingerprint = fingerprint_of(model)
            if standing.fingerprint is None:
                await connection.execute(_ADOPT, (fingerprint, model.name, standing.build))
            elif standing.fingerprint != fingerprint:
                raise ModelChanged(model.name, model.version)
            present.serving.append(build_of(model, standing.build))
        return present


async def _first(connection: AsyncConnection, model: ReadModel) -> Standing:
    build = build_of(model, 1)
    there = [await exists(connection, table.name) for table in build.tables]
    if any(there):
        # Tables of a release without builds. They are the first version, with every table of it or not.
        standing = Standing(1, _ADOPTED_VERSION if all(there) else 0, None)
        await add_build(connection, build, standing, SERVING)
        return standing
    for table in build.tables:
        await create_table(connection, table)
        await turn_view(connection, table)
    standing = Standing(1, model.version, fingerprint_of(model))
    await add_build(connection, build, standing, SERVING)
    return standing


async def retired_tables(connection: AsyncConnection, models: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """Name the tables of retired builds with the columns and types of their subjects' ids, by model."""
    found: dict[str, dict[str, list[str]]] = {}
    for model, tables in await (await connection.execute(_RETIRED)).fetchall():
        if model in models:
            found.setdefault(model, {}).update(tables)
    return found
