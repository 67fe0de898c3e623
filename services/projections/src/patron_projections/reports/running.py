"""Run reports: rows for a page or a stream, and the events behind a row."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import BigInteger, DateTime, Select, SmallInteger, literal, null, select, tuple_

from patron_projections.cursors import CursorInvalid, question, read_cursor, write_cursor
from patron_projections.database import Budget, Database, Rows
from patron_projections.directory import Page
from patron_projections.money import money
from patron_projections.reports.catalogue import LIFETIME_VALUE, REPORTS
from patron_projections.reports.definition import EVENT_COLUMNS, Column, Converting, Definition, Report, Result
from patron_projections.reports.question import CurrencyNeeded, Question, ReportNotFound, RowInvalid
from patron_projections.reports.sources import currencies

Document = dict[str, Any]
_BATCH: Final = 1_000
_INT8: Final = 2**63
_INT2: Final = 2**15
_ONE_CURRENCY: Final = frozenset({"cohorts", "rfm"})
EVENTS: Final = (
    Column("id", "text", "Id of the event: commit and index."),
    Column("customer_id", "id"),
    Column("occurred_at", "time"),
    Column("type", "text", "Stored name."),
    Column("amount", "decimal", "Amount of an order.", "currency"),
    Column("currency", "text"),
    Column("quantity", "decimal", "Units of an order.", "units"),
    Column("hit", "boolean", "Whether it counts as a response, a buyer or a success, where these are told apart."),
    Column("record_id", "id", "The deal, lead or planned activity that it happened to; none for customers."),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a report as they come. key: the columns that tell rows apart; none where rows have no events."""

    definition: Definition
    columns: Sequence[Column]
    key: tuple[str, ...]
    batches: AsyncGenerator[list[Document]]


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page of a list of events is wanted, newest first."""

    limit: int
    cursor: str | None = None


def definition_of(name: str) -> Definition:
    """Find a definition; raises ReportNotFound."""
    if name == LIFETIME_VALUE.definition.name:
        return LIFETIME_VALUE.definition
    if name not in REPORTS:
        raise ReportNotFound
    return REPORTS[name].definition


def shown(value: Any, column: Column) -> Any:
    """Give a figure of PostgreSQL the type of its column."""
    if value is None:
        return None
    match column.kind:
        case "integer":
            return int(value)
        case "number":
            return float(value)
        case "id":
            return str(value)
        case _:
            return value


def key_text(value: Any) -> str | None:
    """Write the value of a key as PostgreSQL does when it compares it."""
    return None if value is None else str(value)


def drill(path: str, asked: Sequence[tuple[str, str]], row: Mapping[str, Any], key: Sequence[str]) -> str:
    """Write the address of the events behind a row."""
    parts = [name if row[name] is None else f"{name}:{key_text(row[name])}" for name in key]
    return f"{path}?{urlencode([*asked, *(('row', part) for part in parts)])}"


class Reports:
    """Asks PostgreSQL for reports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answer(self, name: str, asked: Question, budget: Budget = "exports") -> Answer:
        """Begin to answer; close the batches. budget: as `Database.batches`.

        Raises:
            ReportNotFound, CurrencyNeeded, ByInvalid, FilterInvalid, ResponseInvalid: it cannot be asked so.
        """
        definition = definition_of(name)
        if name == LIFETIME_VALUE.definition.name:
            columns = LIFETIME_VALUE.columns(asked)
            await self._check_currency(asked)
            key = ("customer_id",) if asked.by == ("customer_id",) else ()
            return Answer(definition, columns, key, self._forecast(asked, budget))
        asked = await self._in_one_currency(REPORTS[name], asked)
        result = REPORTS[name].result(asked)
        if name in _ONE_CURRENCY:
            await self._check_currency(asked)
        return Answer(definition, result.columns, result.key, self._typed(result, budget))

    async def _check_currency(self, asked: Question) -> None:
        if asked.currency is None:
            (found,) = await self._database.rows(currencies(asked))
            if found["first"] != found["last"]:
                raise CurrencyNeeded(field="currency")

    async def _in_one_currency(self, report: Report, asked: Question) -> Question:
        """Let amounts that are all in one currency be shown in it; raises CurrencyNeeded for several."""
        if asked.currency is not None or not isinstance(report, Converting):
            return asked
        query = report.currencies(asked)
        if query is None:
            return asked
        (found,) = await self._database.rows(query)
        if found["first"] != found["last"]:
            raise CurrencyNeeded(field="currency")
        return replace(asked, currency=found["first"])

    async def _typed(self, result: Result, budget: Budget) -> AsyncGenerator[list[Document]]:
        async with aclosing(self._database.batches(result.query, _BATCH, budget)) as batches:
            async for rows in batches:
                yield [{column.name: shown(row[column.name], column) for column in result.columns} for row in rows]

    async def _forecast(self, asked: Question, budget: Budget) -> AsyncGenerator[list[Document]]:
        customers = self._database.batches(LIFETIME_VALUE.condensed(asked), _BATCH, budget)
        async with aclosing(customers), aclosing(LIFETIME_VALUE.forecast(customers, asked)) as batches:
            async for rows in batches:
                yield rows

    def _events(self, name: str, asked: Question, row: Mapping[str, str | None]) -> Select[Any]:
        report = LIFETIME_VALUE if name == LIFETIME_VALUE.definition.name else REPORTS[name]
        events = report.events(asked, row).subquery("events")
        record = events.c.record_id if "record_id" in events.c else null().label("record_id")
        return select(*(events.c[column] for column in EVENT_COLUMNS), record).order_by(
            events.c.occurred_at.desc(), events.c.position.desc(), events.c.index.desc()
        )

    async def keys(self, name: str, asked: Question) -> tuple[str, ...]:
        """Name the columns that tell the rows of an answer apart; raises what `answer` does."""
        if name == LIFETIME_VALUE.definition.name:
            LIFETIME_VALUE.columns(asked)
            return ("customer_id",) if asked.by == ("customer_id",) else ()
        return REPORTS[name].result(asked).key

    async def page(self, name: str, asked: Question, row: Mapping[str, str | None], turn: Turn) -> Page:
        """Give one page of the events behind a row, newest first; raises CursorInvalid."""
        if not row:
            raise RowInvalid(field="row")
        key = question(name, asked.by, asked.filters, sorted(row.items(), key=str))
        query = self._events(name, asked, row)
        if turn.cursor is not None:
            columns = [query.selected_columns[name] for name in ("occurred_at", "position", "index")]
            at, position, index = _place(key, turn.cursor)
            there = tuple_(
                literal(at, DateTime(timezone=True)), literal(position, BigInteger), literal(index, SmallInteger)
            )
            query = query.where(tuple_(*columns) < there)
        rows = await self._database.rows(query.limit(turn.limit + 1))
        if len(rows) <= turn.limit:
            return Page(rows, None)
        last = rows[turn.limit - 1]
        place = [last["occurred_at"].isoformat(), last["position"], last["index"]]
        return Page(rows[: turn.limit], write_cursor(key, place))

    async def events(self, name: str, asked: Question, row: Mapping[str, str | None]) -> AsyncGenerator[list[Document]]:
        """Give all events behind a row; close the generator."""
        async with aclosing(self._database.batches(self._events(name, asked, row), _BATCH)) as batches:
            async for rows in batches:
                yield event_documents(rows)


def event_documents(rows: Rows) -> list[Document]:
    """Show events; amounts are in major units."""
    documents: list[Document] = []
    for row in rows:
        amount = money(row["amount_minor"], row["currency"])
        documents.append(
            {
                "id": row["event_id"],
                "customer_id": None if row["customer_id"] is None else str(row["customer_id"]),
                "occurred_at": row["occurred_at"],
                "type": row["type"],
                "amount": None if amount is None else Decimal(amount["amount"]),
                "currency": row["currency"],
                "quantity": row["quantity"],
                "hit": row["hit"],
                "record_id": None if row["record_id"] is None else str(row["record_id"]),
            }
        )
    return documents


def _place(key: str, cursor: str) -> tuple[datetime, int, int]:
    at, position, index = read_cursor(key, cursor, 3)
    if not isinstance(at, str) or not isinstance(position, int) or not isinstance(index, int):
        raise CursorInvalid
    if not (0 <= position < _INT8 and 0 <= index < _INT2):
        raise CursorInvalid
    try:
        moment = datetime.fromisoformat(at)
        if moment.utcoffset() is None:
            raise CursorInvalid
    except ValueError:
        raise CursorInvalid from None
    return moment, position, index
