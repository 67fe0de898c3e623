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
from sqlalchemy.dialects.postgresql import JSONB, UUID, distinct_on

from patron_projections.belonging import members_as_of
from patron_projections.clocks import Clocks
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import ByInvalid, Question
from patron_projections.reports.sales.amounts import own_currencies, worth_of
from patron_projections.reports.sales.attributes import CUSTOM, Attributes, listed
from patron_projections.reports.sales.past import stages_over_time
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

    rows: one per deal; as of the clocks of the question where nothing else is given. stages: with their conditions.
    probability: of winning, 0 to 1. credited: each deal counts for every one of its owners with their `share`.
    """

    def __init__(self, question: Question, rows: FromClause | None = None, *, credited: bool = False) -> None:
        self.question = question
        self.rows = rows = deals_as_of(question.clocks).alias("deals") if rows is None else rows
        self.stage, there = _stages(question, rows)
        category = func.coalesce(rows.c.forecast_category, self.stage.c.forecast_category, "pipeline")
        self.category = category
        self.probability = case(
            (category == OMITTED, 0), else_=cast(func.coalesce(self.stage.c.probability, 0), Numeric) / 100
        )
        self.own: dict[str, ColumnElement[Any]] = {name: rows.c[name] for name in _PLAIN} | {
            "sku": rows.c.skus,
            "product_id": rows.c.product_ids,
            "product": listed(rows.c.lines, "name"),
            "competitor": rows.c.competitors,
            "owners": rows.c.owners,
            "forecast_category": category,
            "person_id": _primary(rows.c.people),
            CUSTOM: rows.c.custom,
        }
        self.attributes = Attributes(rows, question, self.own)
        self.attributes.joined = rows.outerjoin(self.stage, there)
        self.share: ColumnElement[Any] | None = None
        if credited:
            self._credit()
        if _asks(question, "team"):
            self.own["team"] = self.attributes.team(rows.c.team, stated_first=not credited)

    def _credit(self) -> None:
        """Let a deal count for each of its owners."""
        rows = self.rows
        whole = func.jsonb_build_array(func.jsonb_build_object("owner", rows.c.owner, "percent", "100"))
        parts = func.jsonb_array_elements(func.coalesce(rows.c.splits, whole), type_=JSONB)
        each = parts.table_valued("value", name="credits").render_derived().lateral()
        self.attributes.joined = self.attributes.joined.join(each, literal(value=True))
        credit = cast(each.c.value, JSONB)
        self.own["owner"] = credit["owner"].astext
        self.share = cast(credit["percent"].astext, Numeric) / 100

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
        worth, rated_on = priced.columns
        if self.share is not None:
            worth = (worth * self.share).label("worth")
        columns += [worth, rated_on]
        return self.attributes.divided(clock, [*columns, *facts], meant, names)

    def _of_segment(self) -> list[ColumnElement[bool]]:
        if self.question.segment is None:
            return []
        members = members_as_of(self.question.clocks)
        mine = select(members.c.customer_id).where(members.c.segment_id == str(self.question.segment))
        return [or_(self.rows.c.company_id.in_(mine), self.own["person_id"].in_(mine))]

    def within(self, clock: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Keep the deals whose clock is in the period of the question."""
        return within(clock, self.question)


def _stages(question: Question, rows: FromClause) -> tuple[FromClause, ColumnElement[bool]]:
    """Give the definitions of stages, and which of them each deal stands in; as of the moments of a history."""
    if "moment" in rows.c:
        stages = stages_over_time(question.clocks).alias("stages")
        held = [stages.c.held_from <= rows.c.moment, stages.c.held_until > rows.c.moment]
    else:
        stages = stages_as_of(question.clocks).alias("stages")
        held = []
    return stages, and_(stages.c.pipeline_id == rows.c.pipeline_id, stages.c.stage == rows.c.stage, *held)


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


def events_of(divided: Divided, row: Mapping[str, str | None], clocks: Clocks, hit: str | None = None) -> SelectBase:
    """Give for each deal of a row the event that put it where it stands: the last one of its stages.

    hit: name of the column that tells successes.
    """
    stays = stays_as_of(clocks)
    return _events(divided, row, stays, [], hit)


def openings_of(divided: Divided, row: Mapping[str, str | None], clocks: Clocks, hit: str | None = None) -> SelectBase:
    """Give for each deal of a row the event that opened it."""
    stays = stays_as_of(clocks)
    return _events(divided, row, stays, [stays.c.how == "opened"], hit)


def _events(
    divided: Divided,
    row: Mapping[str, str | None],
    stays: FromClause,
    wanted: Sequence[ColumnElement[bool]],
    hit: str | None,
) -> SelectBase:
    base = divided.base
    # A deal of several owners is in a row once, whoever of them it counts for.
    once = select(base).ext(distinct_on(base.c.id)).where(*divided.is_row(row)).order_by(base.c.id).subquery("once")
    by_then: list[ColumnElement[bool]] = []
    if "moment" in once.c:
        by_then.append(or_(once.c.moment.is_(None), stays.c.occurred_at <= once.c.moment))
    last = (
        select(stays.c.event_id, stays.c.occurred_at, stays.c.position, stays.c.index, stays.c.how)
        .where(stays.c.deal_id == once.c.id, *wanted, *by_then)
        .order_by(stays.c.position.desc(), stays.c.index.desc())
        .limit(1)
        .lateral("last")
    )
    return select(
        *event_columns(once),
        *(last.c[name] for name in ("event_id", "occurred_at", "position", "index")),
        stay_type(last.c.how).label("type"),
        (null() if hit is None else once.c[hit]).label("hit"),
    ).select_from(once.join(last, literal(value=True)))


def stay_type(how: ColumnElement[Any]) -> ColumnElement[Any]:
    """Write the stored name of the event that began a stay."""
    return literal("pipeline.deal-", Text) + how


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
