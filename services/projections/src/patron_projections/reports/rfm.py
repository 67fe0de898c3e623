"""The report `rfm`, and the table of scores that rules look at.

Customers are divided into fifths by the time of their last purchase, by the number of their orders and by the sum
of their amounts. Ties are broken by the first external key as text, then by id: those of one value may get two
scores, but always the same ones, and the fifths differ by one customer at most.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from sqlalchemy import Column as SqlColumn
from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    MetaData,
    Numeric,
    SelectBase,
    SmallInteger,
    Table,
    Text,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import UUID, insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.schema import CreateTable

from patron_projections.engine.tables import SCHEMA, compiled
from patron_projections.money import amount_of
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.purchases import purchase_columns, purchase_events
from patron_projections.reports.question import ByInvalid, Question
from patron_projections.reports.sources import facts, first_keys, of_customers
from patron_rules.rfm import SEGMENTS

_LOCK: Final = 0x50A9
_SCORES: Final = ("recency", "frequency", "monetary")
SCORES: Final = Table(
    "rfm_scores",
    MetaData(schema=SCHEMA),
    SqlColumn("customer_id", UUID, primary_key=True),
    *(SqlColumn(name, SmallInteger, nullable=False) for name in _SCORES),
    SqlColumn("segment", Text, nullable=False),
    SqlColumn("currency", Text, nullable=False),
    # When these scores were found: those of an earlier time that did not change keep it.
    SqlColumn("as_of", DateTime(timezone=True), nullable=False),
)
DEFINITION: Final = Definition(
    name="rfm",
    title="Recency, frequency, monetary value",
    text=(
        "Scores 1 to 5 of every customer with a purchase in the period: fifths by the time of the last purchase, the "
        "number of orders and the sum of their amounts; 5 is the latest, most and highest. Scores are relative to all "
        "such customers; `filter` and `segment` choose who is shown. Ties are broken by the first external id as text, "
        "then by id. The eight segments follow from recency and the mean of the two other scores (docs/reports.md)."
    ),
    by="segment, cell (the three scores as text, such as 555), or customer_id.",
    columns=(
        Column("segment", "text", "Name of the segment of the scores; in rows by segment and by customer."),
        Column("cell", "text", "The scores of recency, frequency and monetary value, in rows by cell and by customer."),
        Column("customers", "integer", "Number of customers.", "customers"),
        Column("share", "number", "Customers of all customers of the answer.", "share"),
        Column("orders", "integer", "Their orders in the period.", "orders"),
        Column("revenue", "decimal", "The amounts of these orders.", "currency"),
        Column("currency", "text", "ISO 4217 code."),
        Column("last_purchase", "time", "Time of their last purchase."),
    ),
    default_by=("segment",),
    parameters={"currency": "Only orders in this currency; needed where there are several."},
)
_FIGURES: Final = tuple(column for column in DEFINITION.columns if column.name not in {"segment", "cell"})
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "segment": ("segment",),
    "cell": ("cell", "segment"),
    "customer_id": ("customer_id", "cell", "segment"),
}


def _fifth(value: ColumnElement[Any], *ties: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.ntile(5).over(order_by=[value, *ties])


def segment_case(recency: ColumnElement[Any], frequency: ColumnElement[Any], monetary: ColumnElement[Any]) -> Any:
    """Write the table of `patron_rules.rfm` as an expression."""
    worth = (frequency + monetary + 1) / literal(2, Integer)
    whole = cast(func.floor(worth), Integer)
    return case(*((recency.between(*one.recency) & whole.between(*one.worth), one.name) for one in SEGMENTS))


def scored(question: Question) -> FromClause:
    """Score every customer of the period: id, the three scores, segment, currency, and what they were scored by."""
    everybody = Question(
        now=question.now,
        since=question.since,
        until=question.until,
        clocks=question.clocks,
        currency=question.currency,
    )
    rows, where = facts(everybody, "purchase")
    sums = (
        select(
            rows.c.customer_id,
            func.max(rows.c.occurred_at).label("last"),
            func.count().label("orders"),
            func.sum(rows.c.amount_minor).label("minor"),
            func.min(rows.c.currency).label("currency"),
        )
        .where(*where)
        .group_by(rows.c.customer_id)
        .subquery("sums")
    )
    keys = first_keys()
    ties = (keys.c.key.collate("C").nulls_last(), sums.c.customer_id)
    by = {"recency": sums.c.last, "frequency": sums.c.orders, "monetary": sums.c.minor}
    fifths = (
        select(*sums.c, *(_fifth(value, *ties).label(name) for name, value in by.items()))
        .select_from(sums.outerjoin(keys, keys.c.id == sums.c.customer_id))
        .subquery("fifths")
    )
    scores = [fifths.c[name] for name in _SCORES]
    cell = func.concat(*scores)
    return select(*fifths.c, segment_case(*scores).label("segment"), cast(cell, Text).label("cell")).subquery("scored")


class Rfm:
    """The report `rfm`."""

    definition = DEFINITION

    def result(self, question: Question) -> Result:
        """Sum up customers by segment or cell, or show each of them."""
        names = self._names(question)
        rows = scored(question)
        number = func.count()
        by = [rows.c[name] for name in names]
        query = (
            select(
                *by,
                number.label("customers"),
                (cast(number, Numeric) / func.sum(number).over()).label("share"),
                func.sum(rows.c.orders).label("orders"),
                amount_of(func.sum(rows.c.minor), func.min(rows.c.currency)).label("revenue"),
                func.min(rows.c.currency).label("currency"),
                func.max(rows.c.last).label("last_purchase"),
            )
            .where(*of_customers(rows.c.customer_id, question))
            .group_by(*by)
            .order_by(*by)
        )
        kinds = [Column(name, "id" if name == "customer_id" else "text") for name in names]
        return Result(query, [*kinds, *_FIGURES], names[:1])

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the orders of the customers of one row."""
        names = self._names(question)[:1]
        scores = scored(question)
        rows, where = facts(question, "purchase")
        base = (
            select(*purchase_columns(rows), scores.c[names[0]].label("by_0"))
            .select_from(rows.join(scores, scores.c.customer_id == rows.c.customer_id))
            .where(*where)
            .subquery("facts")
        )
        divided = Divided(base, [Column(names[0], "text")])
        return select(*purchase_events(base)).where(*divided.is_row(row))

    def _names(self, question: Question) -> tuple[str, ...]:
        if len(question.by) != 1 or question.by[0] not in _KINDS:
            raise ByInvalid(field="by")
        return _KINDS[question.by[0]]


async def refresh_rfm(connection: AsyncConnection, now: datetime, currency: str | None = None) -> set[str]:
    """Bring the table of scores up to date in one transaction; answers the ids of customers whose scores changed.

    currency: whose orders count; by default the one with most orders, by name among equals. Safe to repeat, and for
    several processes to try at once. Customers that have lost all purchases in the currency lose their row.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await create_scores(connection)
        currency = currency or await _usual_currency(connection)
        if currency is None:
            return set()
        text, values = compiled(_refreshing(now, currency))
        cursor = await connection.execute(text.encode(), values)
        return {str(row[0]) for row in await cursor.fetchall()}


async def create_scores(connection: AsyncConnection) -> None:
    """Create the table of scores where it is missing."""
    creation = CreateTable(SCORES, if_not_exists=True).compile(dialect=PGDialect_psycopg())
    await connection.execute(str(creation).encode())


async def _usual_currency(connection: AsyncConnection) -> str | None:
    rows, where = facts(Question(now=datetime.min), "purchase")  # noqa: DTZ901  (not looked at: no period is asked)
    query = select(rows.c.currency).where(*where).group_by(rows.c.currency)
    text, values = compiled(query.order_by(func.count().desc(), rows.c.currency).limit(1))
    row = await (await connection.execute(text.encode(), values)).fetchone()
    return None if row is None else str(row[0])


def _refreshing(now: datetime, currency: str) -> SelectBase:
    """Replace what differs, remove who is gone, and tell of whom."""
    rows = scored(Question(now=now, currency=currency))
    names = ("customer_id", *_SCORES, "segment", "currency")
    fresh = select(*(rows.c[name] for name in names)).cte("fresh")
    gone = (
        SCORES.delete().where(SCORES.c.customer_id.not_in(select(fresh.c.customer_id))).returning(SCORES.c.customer_id)
    )
    put = insert(SCORES).from_select([*names, "as_of"], select(*fresh.c, literal(now, DateTime(timezone=True))))
    changed = tuple(SCORES.c[name].is_distinct_from(put.excluded[name]) for name in names[1:])
    replaced = put.on_conflict_do_update(
        index_elements=[SCORES.c.customer_id],
        set_={name: put.excluded[name] for name in (*names[1:], "as_of")},
        where=or_(*changed),
    ).returning(SCORES.c.customer_id)
    first, second = replaced.cte("replaced"), gone.cte("gone")
    return select(first.c.customer_id).union_all(select(second.c.customer_id))
