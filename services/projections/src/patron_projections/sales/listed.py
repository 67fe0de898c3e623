"""Records of the pipeline context as lists show them: their columns, and what is worked out of others at the moment."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
)

from patron_projections.clocks import Clocks
from patron_projections.money import amount_of
from patron_projections.sales.deals import OPEN
from patron_projections.sales.moments import (
    deals_as_of,
    leads_as_of,
    planned_activities_as_of,
    stages_as_of,
)

# Writing these selections takes longer than answering them; most questions are about now.
_KEPT: Final = 16
OPEN_LEADS: Final = ("new", "assigned", "working", "qualified")
"""States of leads that somebody has to do something about; a recycled one rests."""


def moment_of(clocks: Clocks) -> ColumnElement[Any]:
    """Write the moment that a question is about."""
    return func.now() if clocks.as_of is None else literal(clocks.as_of, DateTime(timezone=True))


@lru_cache(_KEPT)
def deals_listed(clocks: Clocks) -> FromClause:
    """Select deals with what is worked out of them at the moment.

    amount: in major units. stage_name, stage_place, probability (percent; 100 of won and 0 of lost ones): of the stage.
    category: the forecast category that counts. weighted_minor: amount x probability, rounded half up.
    rotting: it has stood in its stage for longer than the pipeline lets it. next_activity_at: when the next planned
    activity is due (also where that has passed); activities: how many are open.
    """
    deals = deals_as_of(clocks)
    # Worked out once: without statistics PostgreSQL would look for the stages again for every deal.
    stages = select(stages_as_of(clocks)).cte("stages").prefix_with("MATERIALIZED", dialect="postgresql")
    of_stage = and_(deals.c.pipeline_id == stages.c.pipeline_id, deals.c.stage == stages.c.stage)
    percent = _probability(deals, stages)
    since = deals.c.stage_since + func.make_interval(0, 0, 0, stages.c.rotting_days)
    rotting = and_(deals.c.status == OPEN, stages.c.rotting_days.is_not(None), since < moment_of(clocks))
    # Whole numbers: amounts are below 10^15 minor units. Exact ones took 6 of the 24 ms that sums of 10,000 deals took.
    half = case((deals.c.amount_minor < 0, -50), else_=50)
    weighted = (deals.c.amount_minor * percent + half) // 100
    planned = planned_activities_as_of(clocks)
    following = _following(deals, planned, planned.c.deal_id, clocks)
    return (
        select(
            *deals.columns,
            amount_of(deals.c.amount_minor, deals.c.currency).label("amount"),
            func.coalesce(stages.c.name, deals.c.stage).label("stage_name"),
            stages.c.place.label("stage_place"),
            percent.label("probability"),
            func.coalesce(deals.c.forecast_category, stages.c.forecast_category).label("category"),
            cast(weighted, BigInteger).label("weighted_minor"),
            func.coalesce(rotting, false()).label("rotting"),
            following.due_at.label("next_activity_at"),
            following.number.label("activities"),
        )
        .select_from(following.joined.outerjoin(stages, of_stage))
        .subquery("deals")
    )


@lru_cache(_KEPT)
def leads_listed(clocks: Clocks) -> FromClause:
    """Select leads with what is worked out of them at the moment.

    open: somebody has to do something about it. amount: in major units. touched_at: when it last moved on, was assigned
    or had an activity completed. activities: how many planned ones are open; next_activity_at: when the next is due.
    """
    leads = leads_as_of(clocks)
    planned = planned_activities_as_of(clocks)
    back = and_(leads.c.status == "recycled", leads.c.until <= moment_of(clocks))
    is_open = or_(leads.c.status.in_(OPEN_LEADS), back)
    following = _following(leads, planned, planned.c.lead_id, clocks)
    touched_at = func.greatest(leads.c.status_since, leads.c.assigned_at, following.completed_at)
    return (
        select(
            *leads.columns,
            amount_of(leads.c.amount_minor, leads.c.currency).label("amount"),
            func.coalesce(is_open, false()).label("open"),
            touched_at.label("touched_at"),
            following.due_at.label("next_activity_at"),
            following.number.label("activities"),
        )
        .select_from(following.joined)
        .subquery("leads")
    )


@lru_cache(_KEPT)
def planned_activities_listed(clocks: Clocks) -> FromClause:
    """Select planned activities; overdue: it is open, and its time, or the whole day that it was for, is over."""
    planned = planned_activities_as_of(clocks)
    over = planned.c.due_at + case((planned.c.all_day, func.make_interval(0, 0, 0, 1)), else_=func.make_interval())
    overdue = and_(planned.c.status == OPEN, over <= moment_of(clocks))
    return select(*planned.columns, func.coalesce(overdue, false()).label("overdue")).subquery("planned_activities")


@lru_cache(_KEPT)
def open_activities(clocks: Clocks) -> FromClause:
    """Select the planned activities that are still to be done."""
    planned = planned_activities_as_of(clocks)
    return select(planned).where(planned.c.status == OPEN, planned.c.erased.is_(False)).subquery("open_activities")


def _probability(deals: FromClause, stages: FromClause) -> ColumnElement[Any]:
    closed = ((deals.c.status == "won", 100), (deals.c.status == "lost", 0))
    return case(*closed, else_=stages.c.probability)


class _Following(NamedTuple):
    """What is planned for records. completed_at: when an activity was last completed. joined: with it, if need be."""

    due_at: ColumnElement[Any]
    number: ColumnElement[Any]
    completed_at: ColumnElement[Any]
    joined: FromClause


def _following(records: FromClause, planned: FromClause, about: ColumnElement[Any], clocks: Clocks) -> _Following:
    """Find what is planned for records: now by the index, row by row; in the past all at once.

    planned: activities as of the moment. about: the column of them that names the record.
    """
    is_open = and_(planned.c.status == OPEN, planned.c.erased.is_(False))
    figures = (
        func.min(planned.c.due_at).filter(is_open),
        func.count().filter(is_open),
        func.max(planned.c.completed_at),
    )
    if clocks.live:
        each = [select(figure).where(about == records.c.id).correlate(records).scalar_subquery() for figure in figures]
        return _Following(each[0], each[1], each[2], records)
    names = ("due_at", "number", "completed_at")
    labelled = [figure.label(name) for name, figure in zip(names, figures, strict=True)]
    found = select(about.label("about"), *labelled).where(about.is_not(None)).group_by(about).subquery("following")
    joined = records.outerjoin(found, found.c.about == records.c.id)
    return _Following(found.c.due_at, func.coalesce(found.c.number, 0), found.c.completed_at, joined)
