"""What all reports of deals share: which deals are meant, what they are divided by, and the events behind a number."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Numeric,
    SelectBase,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from patron_projections.belonging import members_as_of
from patron_projections.clocks import Clocks
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import ByInvalid, Question
from patron_projections.reports.sales.amounts import own_currencies, worth_of
from patron_projections.reports.sales.attributes import CUSTOM, Attributes, listed
from patron_projections.reports.sources import within
from patron_projections.sales.moments import deals_as_of, stages_as_of, stays_as_of

BY: Final = (
    "total; day, week, month, quarter, year; of the deal: pipeline_id, stage, status, owner, team, region, manager, "
    "source, medium, campaign, sku, product, product_id, competitor, currency, forecast_category, first_stage, "
    "closed_from, won_reason, lost_reason, lost_to, company_id, person_id, lead_id, external_source, id, "
    "custom.<name>; company.<field> and person.<field>, such as company.industry. A deal with several products, or of "
    "a customer with several tags, counts in the row of each."
)
MEANT: Final = "`filter` takes the same attributes of deals; archived deals count nowhere."
_PLAIN: Final = (
    *("id", "pipeline_id", "stage", "status", "owner", "source", "medium", "campaign", "currency", "first_stage"),
    *("closed_from", "won_reason", "lost_reason", "lost_to", "company_id", "lead_id", "external_source", "external_id"),
    *("opened_at", "stage_since", "closed_at", "expected_close", "amount_minor", "reopenings", "name"),
)
# An omitted deal is no part of any forecast.
OMITTED: Final = "omitted"
_EVENTS: Final = ("id", "company_id", "person_id", "amount_minor", "currency")


def _primary(people: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the primary person of a deal, or the first one."""
    elements = func.jsonb_array_elements(people, type_=JSONB)
    each = elements.table_valued("value", with_ordinality="place", name="people").render_derived()
    person = cast(each.c.value, JSONB)
    primary = func.coalesce(person["primary"].astext, "false") == "true"
    chosen = select(cast(person["person_id"].astext, UUID)).order_by(primary.desc(), each.c.place).limit(1)
    return chosen.scalar_subquery()


class Deals:
    """The deals that a question means, with their attributes.

    rows: one per deal. probability: of winning, 0 to 1, by the stage. clocks: other ones than those of the question.
    """

    def __init__(self, question: Question, rows: FromClause | None = None) -> None:
        self.question = question
        self.rows = deals_as_of(question.clocks).alias("deals") if rows is None else rows
        stages = stages_as_of(question.clocks).alias("stages")
        self.stage = stages
        rows = self.rows
        category = func.coalesce(rows.c.forecast_category, stages.c.forecast_category, "pipeline")
        own: dict[str, ColumnElement[Any]] = {name: rows.c[name] for name in _PLAIN}
        own |= {
            "sku": rows.c.skus,
            "product_id": rows.c.product_ids,
            "product": listed(rows.c.lines, "name"),
            "competitor": rows.c.competitors,
            "owners": rows.c.owners,
            "forecast_category": category,
            "person_id": _primary(rows.c.people),
            CUSTOM: rows.c.custom,
        }
        self.own = own
        self.attributes = Attributes(rows, question, own)
        there = and_(stages.c.pipeline_id == rows.c.pipeline_id, stages.c.stage == rows.c.stage)
        self.attributes.joined = rows.outerjoin(stages, there)
        if _asks(question, "team"):
            own["team"] = self.attributes.team(rows.c.team)
        self.category = category
        self.probability = cast(func.coalesce(stages.c.probability, 0), Numeric) / 100

    def of(self, name: str) -> ColumnElement[Any]:
        """Give a column of the deals."""
        return self.rows.c[name]

    def divided(
        self,
        clock: ColumnElement[Any] | None,
        facts: Sequence[ColumnElement[Any]],
        where: Sequence[ColumnElement[bool]],
        names: Sequence[str] | None = None,
    ) -> Divided:
        """Divide the deals that are meant and fulfil conditions; raises ByInvalid, FilterInvalid.

        The columns are those of events, `worth` and `rated_on`, and the facts.
        """
        if self.question.currency is not None and "currency" in self.question.by:
            raise ByInvalid("Rows by currency keep their currency; leave `currency` out.", field="by")
        meant = [self.rows.c.archived.is_(False), *self.attributes.conditions(), *self._of_segment(), *where]
        # What is divided by may join more; the rates come last.
        priced = worth_of(self.attributes.joined, self.rows.c.amount_minor, self.rows.c.currency, self.question)
        self.attributes.joined = priced.joined
        columns = [self.own[name].label(name) for name in _EVENTS]
        return self.attributes.divided(clock, [*columns, *priced.columns, *facts], meant, names)

    def _of_segment(self) -> list[ColumnElement[bool]]:
        if self.question.segment is None:
            return []
        members = members_as_of(self.question.clocks)
        mine = select(members.c.customer_id).where(members.c.segment_id == str(self.question.segment))
        return [or_(self.rows.c.company_id.in_(mine), self.own["person_id"].in_(mine))]

    def within(self, clock: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Keep the deals whose clock is in the period of the question."""
        return within(clock, self.question)


def _asks(question: Question, name: str) -> bool:
    """Tell whether a question looks at an attribute."""
    return name in question.by or any(text.startswith(f"{name}:") for text in question.filters)


def currencies_of(
    divided: Divided, question: Question, counted: ColumnElement[bool] | None = None
) -> SelectBase | None:
    """Ask which currencies the amounts of some rows are in; None where rows keep theirs. counted: which rows."""
    if own_currencies(question):
        return None
    currency = divided.base.c.currency
    where = [] if counted is None else [counted]
    return select(func.min(currency).label("first"), func.max(currency).label("last")).where(*where)


def events_of(
    divided: Divided, row: Mapping[str, str | None], clocks: Clocks, hit: ColumnElement[Any] | None = None
) -> SelectBase:
    """Give for each deal of a row the event that put it where it stands: the last one of its stages."""
    return _events(divided, row, clocks, hit, opened=False)


def openings_of(
    divided: Divided, row: Mapping[str, str | None], clocks: Clocks, hit: ColumnElement[Any] | None = None
) -> SelectBase:
    """Give for each deal of a row the event that opened it."""
    return _events(divided, row, clocks, hit, opened=True)


def _events(
    divided: Divided,
    row: Mapping[str, str | None],
    clocks: Clocks,
    hit: ColumnElement[Any] | None,
    *,
    opened: bool,
) -> SelectBase:
    base = divided.base
    stays = stays_as_of(clocks)
    wanted = stays.c.how == "opened" if opened else literal(value=True)
    last = (
        select(stays.c.event_id, stays.c.occurred_at, stays.c.position, stays.c.index, stays.c.how)
        .where(stays.c.deal_id == base.c.id, wanted)
        .order_by(stays.c.position.desc(), stays.c.index.desc())
        .limit(1)
        .lateral("last")
    )
    return (
        select(
            *event_columns(base),
            *(last.c[name] for name in ("event_id", "occurred_at", "position", "index")),
            (literal("pipeline.deal-", Text) + last.c.how).label("type"),
            (null() if hit is None else hit).label("hit"),
        )
        .select_from(base.join(last, literal(value=True)))
        .where(*divided.is_row(row))
    )


def event_columns(base: Any) -> list[ColumnElement[Any]]:
    """Write what an event says of its deal."""
    return [
        base.c.id.label("record_id"),
        func.coalesce(base.c.company_id, base.c.person_id).label("customer_id"),
        base.c.amount_minor,
        base.c.currency,
        null().label("quantity"),
    ]


def days_between(begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the time between two times in days of 24 hours, with fractions."""
    return func.extract("epoch", end - begin) / 86_400


def when(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a value where a condition holds."""
    return case((condition, value))
