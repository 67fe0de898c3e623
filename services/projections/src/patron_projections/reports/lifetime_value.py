"""The report `lifetime-value`: what customers will probably buy, by BG/NBD and Gamma-Gamma (ADR 10).

PostgreSQL condenses the purchases of each customer, `reports.forecast` does the rest in a process of its own.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Date, DateTime, Numeric, SelectBase, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, INTERVAL, aggregate_order_by

from patron_events.rejections import Invalid
from patron_projections.database import Rows
from patron_projections.money import amount_of
from patron_projections.reports.definition import Column, Definition
from patron_projections.reports.purchases import purchase_columns, purchase_events
from patron_projections.reports.question import ByInvalid, Question
from patron_projections.reports.sources import facts, local_time

_PROGRAM: Final = "patron_projections.reports.forecast"
_UNFIT: Final = 3
_BATCH: Final = 1_000
PARAMETERS: Final[Mapping[str, tuple[str, str | None]]] = {
    "r": ("Shape of the purchase rates of customers (BG/NBD).", None),
    "alpha": ("Scale of these rates (BG/NBD).", "weeks"),
    "a": ("First parameter of the chance of leaving after a purchase (BG/NBD).", None),
    "b": ("Second parameter of this chance (BG/NBD).", None),
    "p": ("Shape of the values of one customer's purchases (Gamma-Gamma).", None),
    "q": ("Shape of the differences between customers (Gamma-Gamma).", None),
    "v": ("Scale of these differences (Gamma-Gamma).", "currency"),
}
DEFINITION: Final = Definition(
    name="lifetime-value",
    title="Lifetime value",
    text=(
        "Forecast for every customer with a purchase in the period, which ends with `to`, `as_of` or now. The models "
        "are BG/NBD for the number of purchases and Gamma-Gamma for their value, fitted to these customers; days "
        "with a purchase count, not orders. Highest value first."
    ),
    by="customer_id, or parameter: the parameters of the models.",
    columns=(
        Column("first_purchase", "date", "Day of the first purchase of the period, in `time_zone`."),
        Column("last_purchase", "date", "Day of the last one."),
        Column("orders", "integer", "Orders in the period.", "orders"),
        Column("revenue", "decimal", "Their amounts.", "currency"),
        Column("currency", "text", "ISO 4217 code."),
        Column("alive", "number", "Probability of still being a customer.", "probability"),
        Column("expected_purchases", "number", "Expected days with a purchase in the next `days`.", "purchases"),
        Column("expected_value", "number", "Expected value of such a day.", "currency"),
        Column("lifetime_value", "number", "Expected value of the next `days`, discounted to today.", "currency"),
    ),
    default_by=("customer_id",),
    parameters={
        "currency": "Only orders in this currency; needed where there are several.",
        "days": "Horizon of the forecast in days, 1 to 3,650; 90 by default.",
        "discount": "Yearly discount rate, 0 to 1; 0.1 by default.",
    },
)
OF_PARAMETERS: Final = (
    Column("parameter", "text"),
    Column("value", "number"),
    Column("unit", "text"),
    Column("text", "text"),
)
_SHOWN: Final = ("customer_id", "first_purchase", "last_purchase", "orders", "revenue", "currency")
_FORECAST: Final = ("alive", "expected_purchases", "expected_value", "lifetime_value")


class ModelUnfit(Invalid):
    """The purchases do not determine the models: there are too few customers who bought again."""

    code: ClassVar[str] = "model-unfit"


class LifetimeValue:
    """The report `lifetime-value`."""

    definition = DEFINITION

    def columns(self, question: Question) -> tuple[Column, ...]:
        """Describe the columns of an answer; raises ByInvalid."""
        match question.by:
            case ("customer_id",):
                return (Column("customer_id", "id"), *DEFINITION.columns)
            case ("parameter",):
                return OF_PARAMETERS
            case _:
                raise ByInvalid(field="by")

    def condensed(self, question: Question) -> SelectBase:
        """Ask for one row per customer: what is shown, and what the models look at (times in days)."""
        rows, where = facts(question, "purchase")
        day = cast(local_time(rows.c.occurred_at, question.zone), Date).label("day")
        bought = select(*purchase_columns(rows), day).where(*where).subquery("bought")
        days = (
            select(
                bought.c.customer_id,
                bought.c.day,
                func.count().label("orders"),
                func.sum(bought.c.amount_minor).label("minor"),
                func.min(bought.c.currency).label("currency"),
            )
            .group_by(bought.c.customer_id, bought.c.day)
            .subquery("days")
        )
        first, last, repeats = func.min(days.c.day), func.max(days.c.day), func.count() - 1
        currency = func.min(days.c.currency)
        minor = func.sum(days.c.minor)
        earliest = func.array_agg(aggregate_order_by(days.c.minor, days.c.day), type_=ARRAY(Numeric))[1]
        later = amount_of((minor - earliest) / func.nullif(repeats, 0), currency)
        return select(
            days.c.customer_id,
            first.label("first_purchase"),
            last.label("last_purchase"),
            cast(func.sum(days.c.orders), BigInteger).label("orders"),
            amount_of(minor, currency).label("revenue"),
            currency.label("currency"),
            repeats.label("x"),
            (last - first).label("t_x"),
            (_last_day(question) - first).label("t"),
            func.coalesce(later, 0).label("m"),
        ).group_by(days.c.customer_id)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the orders of one customer in the period."""
        rows, where = facts(question, "purchase")
        mine = cast(rows.c.customer_id, Text) == literal(row["customer_id"], Text)
        return select(*purchase_events(rows)).where(mine, *where)

    async def forecast(
        self, customers: AsyncIterator[Rows], question: Question
    ) -> AsyncGenerator[list[dict[str, Any]]]:
        """Let the program forecast; raises ModelUnfit. Close the generator.

        customers: rows of `condensed`.
        """
        program = await asyncio.create_subprocess_exec(sys.executable, "-m", _PROGRAM, stdin=PIPE, stdout=PIPE)
        try:
            await _told(program, customers, question)
            parameters = msgspec.json.decode(await _line(program))
            if question.by == ("parameter",):
                yield [_parameter(name, parameters.get(name)) for name in PARAMETERS]
                return
            batch: list[dict[str, Any]] = []
            while line := await _stdout(program).readline():
                batch.append(_customer(line))
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
            if await program.wait():
                raise RuntimeError  # an answer that breaks off must not look complete
            if batch:
                yield batch
        finally:
            with suppress(ProcessLookupError):
                program.kill()
            await program.wait()


async def _told(program: Process, customers: AsyncIterator[Rows], question: Question) -> None:
    """Write the question and the customers; the program answers when it has all of them."""
    into = program.stdin
    if into is None:
        raise RuntimeError
    into.write(msgspec.json.encode({"days": question.days, "discount": float(question.discount)}) + b"\n")
    async for rows in customers:
        into.writelines(_written(row) for row in rows)
        await into.drain()
    into.close()


def _stdout(program: Process) -> asyncio.StreamReader:
    if program.stdout is None:
        raise RuntimeError
    return program.stdout


async def _line(program: Process) -> bytes:
    line = await _stdout(program).readline()
    if line:
        return line
    if await program.wait() == _UNFIT:
        raise ModelUnfit
    raise RuntimeError


def _written(row: Mapping[str, Any]) -> bytes:
    shown = msgspec.json.encode({name: row[name] for name in _SHOWN})
    return b"%s\t%d\t%d\t%d\t%s\n" % (shown, row["x"], row["t_x"], row["t"], str(row["m"]).encode())


def _customer(line: bytes) -> dict[str, Any]:
    shown, *figures = line.rstrip(b"\n").split(b"\t")
    known = [None if one == b"-" else float(one) for one in figures]
    return msgspec.json.decode(shown) | dict(zip(_FORECAST, known, strict=True))


def _parameter(name: str, value: float | None) -> dict[str, Any]:
    told, unit = PARAMETERS[name]
    return {"parameter": name, "value": value, "unit": unit, "text": told}


def _last_day(question: Question) -> ColumnElement[Any]:
    """Give the last day of the period on the clock of the zone."""
    end = literal(question.end, DateTime(timezone=True)) - literal("1 microsecond", INTERVAL)
    return cast(local_time(end, question.zone), Date)
