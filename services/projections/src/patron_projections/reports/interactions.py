"""The reports `interactions` and `response-rate`: contacts with customers, and what came of them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, Numeric, SelectBase, cast, func, literal, null, select

from patron_events.rejections import Invalid
from patron_projections.fields import INTEGER, TEXT, VALUE, Field
from patron_projections.filters import FilterInvalid, condition_on
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided, Divider
from patron_projections.reports.question import Question
from patron_projections.reports.sources import facts

_BY: Final = (
    "total; day, week, month, quarter, year; of the interaction: kind, channel, direction, source, company_id, "
    "properties.<name>; any field of the customer, such as country, tags or custom.plan."
)
INTERACTIONS: Final = Definition(
    name="interactions",
    title="Interactions",
    text=(
        "Interactions by the time at which they happened. Properties of an interaction are personal: once its customer "
        "is erased it counts without them."
    ),
    by=_BY,
    columns=(
        Column("interactions", "integer", "Number of interactions.", "interactions"),
        Column("customers", "integer", "Different customers.", "customers"),
        Column("share", "number", "Interactions of all interactions of the answer.", "share"),
        Column("duration", "integer", "Sum of the durations that are known.", "seconds"),
        Column("average_duration", "number", "Mean of the durations that are known.", "seconds"),
    ),
    default_by=("channel",),
)
RESPONSE_RATE: Final = Definition(
    name="response-rate",
    title="Response rate",
    text="Of the interactions, those that fulfil the condition `response`, such as properties.y:eq:yes.",
    by=_BY,
    columns=(
        Column("contacts", "integer", "Number of interactions.", "interactions"),
        Column("responses", "integer", "Those that fulfil the condition.", "interactions"),
        Column("rate", "number", "Responses of contacts.", "share"),
    ),
    default_by=("channel",),
    parameters={
        "response": (
            "Needed. A condition on an interaction, field:operator:value: kind, channel, direction, source, duration_s "
            "or properties.<name>, with the operators of filters."
        )
    },
)


class ResponseInvalid(Invalid):
    """`response` takes field:operator:value, where the field is one of an interaction."""

    code: ClassVar[str] = "response-invalid"


def _own(rows: Any) -> dict[str, ColumnElement[Any]]:
    names = ("kind", "channel", "direction", "source", "company_id")
    return {name: rows.c[name] for name in names} | {"properties.": rows.c.personal}


def _divided(question: Question) -> Divided:
    rows, where = facts(question, "interaction")
    names = ("customer_id", "event_id", "occurred_at", "position", "index", "duration_s")
    hit = null() if question.response is None else _responded(question.response, rows)
    columns = [*(rows.c[name] for name in names), hit.label("hit")]
    return Divider(question, rows, _own(rows)).divided(question.by, columns, where)


def _responded(response: str, rows: Any) -> ColumnElement[Any]:
    name = response.partition(":")[0]
    group, dot, key = name.partition(".")
    if dot and group == "properties" and key and "\0" not in key:
        field = Field(VALUE, rows.c.personal[key].astext)
    elif name in {"kind", "channel", "direction", "source"}:
        field = Field(TEXT, rows.c[name])
    elif name == "duration_s":
        field = Field(INTEGER, rows.c[name])
    else:
        raise ResponseInvalid(field="response")
    try:
        return func.coalesce(condition_on(field, response, "response"), literal(value=False))
    except FilterInvalid as error:
        raise ResponseInvalid(error.detail, field="response") from None


def _events(question: Question, row: Mapping[str, str | None]) -> SelectBase:
    divided = _divided(question)
    base = divided.base
    names = ("event_id", "customer_id", "occurred_at", "position", "index", "hit")
    nothing = ("amount_minor", "currency", "quantity")
    return select(
        *(base.c[name] for name in names),
        literal("contacts.interaction-logged").label("type"),
        *(null().label(name) for name in nothing),
    ).where(*divided.is_row(row))


def _result(divided: Divided, figures: Sequence[ColumnElement[Any]], columns: Sequence[Column]) -> Result:
    query = divided.ordered(select(*divided.labelled, *figures))
    return Result(query, [*divided.columns, *columns], divided.names)


class Interactions:
    """The report `interactions`."""

    definition = INTERACTIONS

    def result(self, question: Question) -> Result:
        """Count interactions, their customers and their durations."""
        divided = _divided(question)
        base = divided.base
        number = func.count()
        figures = (
            number.label("interactions"),
            func.count(base.c.customer_id.distinct()).label("customers"),
            (cast(number, Numeric) / func.sum(number).over()).label("share"),
            func.sum(base.c.duration_s).label("duration"),
            func.avg(base.c.duration_s).label("average_duration"),
        )
        return _result(divided, figures, INTERACTIONS.columns)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the interactions of one row."""
        return _events(question, row)


class ResponseRate:
    """The report `response-rate`."""

    definition = RESPONSE_RATE

    def result(self, question: Question) -> Result:
        """Count interactions and those with a response."""
        if question.response is None:
            raise ResponseInvalid(field="response")
        divided = _divided(question)
        number, hits = func.count(), func.count().filter(divided.base.c.hit)
        figures = (
            number.label("contacts"),
            hits.label("responses"),
            (cast(hits, Numeric) / number).label("rate"),
        )
        return _result(divided, figures, RESPONSE_RATE.columns)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the interactions of one row; `hit` tells the responses."""
        if question.response is None:
            raise ResponseInvalid(field="response")
        return _events(question, row)
