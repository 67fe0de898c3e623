"""The rows that reports count: activities and people as the two clocks show them, for the customers that are meant."""

from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, FromClause, SelectBase, Table, Text, func, literal, select

from patron_projections import people
from patron_projections.belonging import members_as_of
from patron_projections.clocks import Clocks, activities_as_of, people_as_of
from patron_projections.fields import Fields
from patron_projections.filters import conditions
from patron_projections.reports.question import Question

Condition = ColumnElement[bool]


def people_at(clocks: Clocks) -> FromClause:
    """Give the people as they are, or were; whoever had no record yet is as in their first version."""
    return people_as_of(clocks, first_known=True).alias("people")


def fields_of(rows: FromClause) -> Fields:
    """Give the fields of the directory over some rows of people."""
    return Fields(cast("Table", rows))


def of_customers(customer: ColumnElement[Any], question: Question) -> list[Condition]:
    """Keep the customers that fulfilled the filters and belonged to the segment; raises FilterInvalid."""
    kept: list[Condition] = []
    if question.filters:
        rows = people_at(question.clocks)
        kept.append(customer.in_(select(rows.c.id).where(*conditions(fields_of(rows), question.filters))))
    if question.segment is not None:
        members = members_as_of(question.clocks)
        kept.append(customer.in_(select(members.c.customer_id).where(members.c.segment_id == str(question.segment))))
    return kept


def within(clock: ColumnElement[Any], question: Question) -> list[Condition]:
    """Keep what happened in the period of the question."""
    since = [] if question.since is None else [clock >= question.since]
    return since + ([] if question.until is None else [clock < question.until])


def facts(
    question: Question, fact: Literal["purchase", "interaction"], *, whole_history: bool = False
) -> tuple[FromClause, list[Condition]]:
    """Give activities of one kind and the conditions under which they count.

    whole_history: whatever the period of the question.
    """
    rows = activities_as_of(question.clocks)
    where = [rows.c.fact == fact, *([] if whole_history else within(rows.c.occurred_at, question))]
    if fact == "purchase" and question.currency is not None:
        where.append(rows.c.currency == question.currency)
    return rows, [*where, *of_customers(rows.c.customer_id, question)]


def currencies(question: Question) -> SelectBase:
    """Ask which currencies there are: the first and the last by name."""
    rows = activities_as_of(question.clocks)
    return select(func.min(rows.c.currency).label("first"), func.max(rows.c.currency).label("last")).where(
        rows.c.fact == "purchase"
    )


def first_keys() -> FromClause:
    """Give the first external key of each person, which breaks ties of scores."""
    rows = people.VIEW
    return select(rows.c.id, rows.c.external_keys[1].label("key")).subquery("keys")


def local_time(clock: ColumnElement[Any], zone: str) -> ColumnElement[Any]:
    """Give a time on the clock of a zone."""
    return func.timezone(literal(zone, Text), clock)
