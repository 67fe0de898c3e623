"""Writing of rows: COPY for tables that grow, COPY to staging and a guarded upsert for rows that change."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import ARRAY, ColumnElement, Table, any_, bindparam, literal, null, or_, update

from patron_projections.engine.builds import Build
from patron_projections.engine.read_model import Blank, Row, line, written_columns
from patron_projections.engine.tables import Statement, compiled, place_of

_CHUNK: Final = 1 << 20
_NOTE: Final = """
INSERT INTO patron.erasures (model, build, subject) SELECT %s, %s, unnest(%s::text[]) ON CONFLICT DO NOTHING
"""
_NOTED: Final = "DELETE FROM patron.erasures WHERE model = %s AND build = %s RETURNING subject"


class RowWriter:
    """Loads and writes the rows of one build through one connection; the caller owns the transaction."""

    def __init__(self, build: Build) -> None:
        self._build = build
        model = build.model
        self._kept = build.kept
        self._copy_added = None if build.added is None else _copy(_place(build.added), written_columns(build.added))
        self._blank: Statement | None = None
        if build.added is not None and model.blanked:
            self._blank = _blanking(build.added, model.subject_column, model.blanked)
        if build.kept is not None:
            columns = written_columns(build.kept)
            self._stage = Identifier(f"stage_{build.kept.name}")
            self._copy_kept = _copy(self._stage, columns)
            self._load = _loading(build.kept, columns)
            self._upsert = _upserting(build.kept, self._stage, columns)

    async def prepare(self, connection: AsyncConnection) -> None:
        """Make the staging table of this session; it empties itself at each commit."""
        if self._kept is not None:
            await connection.execute(
                SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                    self._stage, _place(self._kept)
                )
            )

    async def load(self, connection: AsyncConnection, ids: Collection[str]) -> dict[str, Row]:
        """Read the kept rows of these aggregates, in the text form of PostgreSQL."""
        if not ids or self._kept is None:
            return {}
        cursor = await connection.execute(self._load, (list(ids),))
        return {str(row[0]): list(row) for row in await cursor.fetchall()}

    async def add(self, connection: AsyncConnection, lines: Sequence[str]) -> None:
        """Add lines to the table that grows."""
        if lines and self._copy_added is not None:
            await _copy_lines(connection, self._copy_added, lines)

    async def keep(self, connection: AsyncConnection, rows: Mapping[str, Row], emptied: Collection[str] = ()) -> None:
        """Write whole rows over older ones; a row that is as new already stays, unless it is to be emptied."""
        if rows:
            await _copy_lines(connection, self._copy_kept, [line(row) for row in rows.values()])
            await connection.execute(self._upsert, (list(emptied),))

    async def blank(self, connection: AsyncConnection, ids: Collection[str]) -> None:
        """Empty the personal columns of all added rows of these subjects (GDPR art. 17).

        Without an index each time would read the whole table, so in a bare one this is noted for `blank_noted`.
        """
        if not ids or self._blank is None:
            return
        if self._build.bare:
            key = (self._build.name, self._build.number)
            await connection.execute(_NOTE, (*key, list(dict.fromkeys(ids))))
        else:
            text, values = self._blank
            await connection.execute(text.encode(), values | {"ids": list(ids)})

    async def blank_noted(self, connection: AsyncConnection) -> None:
        """Carry out the erasures that were noted while the table was bare."""
        key = (self._build.name, self._build.number)
        cursor = await connection.execute(_NOTED, key)
        ids = [row[0] for row in await cursor.fetchall()]
        if ids and self._blank is not None:
            text, values = self._blank
            await connection.execute(text.encode(), values | {"ids": ids})


async def forget_rows(connection: AsyncConnection, tables: Mapping[str, Sequence[str]], ids: Collection[str]) -> None:
    """Delete all rows of these subjects. tables: by name, the column of the subject's id and its type."""
    for table, (column, kind) in tables.items():
        among = SQL("uuid[]" if kind == "uuid" else "text[]")
        statement = SQL("DELETE FROM {} WHERE {} = ANY(%s::{})").format(place_of(table), Identifier(column), among)
        await connection.execute(statement, (list(ids),))


async def _copy_lines(connection: AsyncConnection, statement: Composed, lines: Iterable[str]) -> None:
    # A lone surrogate goes through as bytes that PostgreSQL refuses: that commit is parked, nothing else.
    data = "".join(lines).encode(errors="surrogatepass")
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, len(data), _CHUNK):
            await copy.write(data[start : start + _CHUNK])


def _place(table: Table) -> Identifier:
    return place_of(table.name)


def _names(columns: Iterable[str]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def _copy(place: Identifier, columns: Sequence[str]) -> Composed:
    return SQL("COPY {} ({}) FROM STDIN").format(place, _names(columns))


def _loading(table: Table, columns: Sequence[str]) -> Composed:
    texts = SQL(", ").join(SQL("{}::text").format(Identifier(column)) for column in columns)
    kind = SQL("uuid[]" if str(table.columns["id"].type) == "UUID" else "text[]")
    return SQL("SELECT {} FROM {} WHERE id = ANY(%s::{})").format(texts, _place(table), kind)


def _upserting(table: Table, stage: Identifier, columns: Sequence[str]) -> Composed:
    changes = SQL(", ").join(
        SQL("{0} = excluded.{0}").format(Identifier(column)) for column in columns if column != "id"
    )
    return SQL(
        "INSERT INTO {place} AS standing ({names}) SELECT {names} FROM {stage} "
        "ON CONFLICT (id) DO UPDATE SET {changes} WHERE excluded.position > standing.position "
        "OR (excluded.position = standing.position AND standing.id::text = ANY(%s))"
    ).format(place=_place(table), names=_names(columns), stage=stage, changes=changes)


def _blanking(table: Table, subject: str, blanked: Mapping[str, Blank]) -> Statement:
    """Write the statement that empties rows; a row that has nothing to lose stays, so that it equals a fresh fold."""
    values = {name: _blanked(table.columns[name], blank) for name, blank in blanked.items()}
    changing = [
        table.columns[name].is_distinct_from(value)
        for name, value in values.items()
        if blanked[name] is None or callable(blanked[name])
    ]
    column = table.columns[subject]
    among = column == any_(bindparam("ids", None, type_=ARRAY(column.type)))
    return compiled(update(table).where(among, or_(*changing)).values(values))


def _blanked(column: ColumnElement[Any], blank: Blank) -> ColumnElement[Any]:
    if callable(blank):
        return blank(column)
    return null() if blank is None else literal(blank, column.type)
