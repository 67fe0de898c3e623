"""The reports `people` and `acquisition`: who the customers are, and where they came from."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Numeric, SelectBase, and_, cast, func, literal, null, select

from patron_projections import timeline
from patron_projections.clocks import activities_as_of, people_as_of
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided, Divider
from patron_projections.reports.question import Question
from patron_projections.reports.sources import of_customers, within

_CREATED: Final = "contacts.person-created"
_COUNTED: Final = (
    "People that are neither archived nor erased; `from` and `to` choose by when their record was created."
)
PEOPLE: Final = Definition(
    name="people",
    title="People",
    text=_COUNTED,
    by=(
        "total; any field of a person, such as country, tags, lifecycle_stage or custom.churn, and day, week, month, "
        "quarter, year of when the record was created. A person with several tags counts in the row of each."
    ),
    columns=(
        Column("people", "integer", "Number of people.", "people"),
        Column("share", "number", "People of all people of the answer.", "share"),
    ),
    default_by=("lifecycle_stage",),
)
ACQUISITION: Final = Definition(
    name="acquisition",
    title="Acquisition",
    text=f"Where people came from, and how many of them became customers. {_COUNTED}",
    by="lead_source, first_touch.source, first_touch.medium, first_touch.campaign, or any other field as in `people`.",
    columns=(
        Column("people", "integer", "Number of people.", "people"),
        Column("share", "number", "People of all people of the answer.", "share"),
        Column("buyers", "integer", "Those with at least one order, whenever it was.", "people"),
        Column("conversion", "number", "Buyers of people.", "share"),
    ),
    default_by=("lead_source",),
)


def _divided(question: Question) -> Divided:
    rows = people_as_of(question.clocks).alias("people")
    present = [rows.c.archived.is_(False), rows.c.erased.is_(False)]
    where = [*present, *within(rows.c.created_at, question), *of_customers(rows.c.id, question)]
    facts = activities_as_of(question.clocks)
    bought = and_(facts.c.customer_id == rows.c.id, facts.c.fact == "purchase")
    hit: ColumnElement[Any] = select(literal(1)).select_from(facts).where(bought).exists()
    return Divider(question, rows, {}, of_people=True).divided(question.by, [rows.c.id, hit.label("hit")], where)


def _events(question: Question, row: Mapping[str, str | None]) -> SelectBase:
    divided = _divided(question)
    base, view = divided.base, timeline.VIEW
    began = and_(view.c.customer_id == base.c.id, view.c.type == _CREATED)
    return (
        select(
            (view.c.commit_id + ":" + cast(view.c.index, timeline.TABLE.c.type.type)).label("event_id"),
            *(view.c[name] for name in ("customer_id", "occurred_at", "position", "index", "type")),
            *(null().label(name) for name in ("amount_minor", "currency", "quantity")),
            base.c.hit,
        )
        .select_from(base.join(view, began))
        .where(*divided.is_row(row))
    )


class People:
    """The report `people`."""

    definition = PEOPLE

    def result(self, question: Question) -> Result:
        """Count people."""
        divided = _divided(question)
        query = divided.ordered(select(*divided.labelled, *_counted()))
        return Result(query, [*divided.columns, *PEOPLE.columns], divided.names)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that made the people of one row."""
        return _events(question, row)


class Acquisition:
    """The report `acquisition`."""

    definition = ACQUISITION

    def result(self, question: Question) -> Result:
        """Count people and those of them who bought."""
        divided = _divided(question)
        hits = func.count().filter(divided.base.c.hit)
        conversion = cast(hits, Numeric) / func.count()
        figures = (*_counted(), hits.label("buyers"), conversion.label("conversion"))
        query = divided.ordered(select(*divided.labelled, *figures))
        return Result(query, [*divided.columns, *ACQUISITION.columns], divided.names)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that made the people of one row; `hit` tells the buyers."""
        return _events(question, row)


def _counted() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    number = func.count()
    return number.label("people"), (cast(number, Numeric) / func.sum(number).over()).label("share")
