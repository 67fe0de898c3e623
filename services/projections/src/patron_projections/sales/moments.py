"""The pipeline context as of any moment: selections over versions, with the columns of what is asked about now.

Facts of this context may be told later than they happened, so a version counts when its facts had happened by `as_of`
and were recorded by `known_at`: a deal that was imported with its history is as of an earlier day where it stood then.
Settings (stages, quotas, who sells) are mostly told once for years that have passed: where none had been told by
`as_of`, the first one counts. Exchange rates have a day of their own, so for them only `known_at` counts.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    Select,
    SelectBase,
    Table,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from patron_events.catalog.pipeline.defaults import DEFAULT_ID, DEFAULT_PIPELINE
from patron_projections.clocks import Clocks
from patron_projections.sales import deals, definitions, leads, planned_activities, quotes, stays, team

# Writing these selections takes longer than answering them; most questions are about now.
_KEPT: Final = 16
_OF_STAGE: Final = ("name", "kind", "probability", "forecast_category", "wip_limit", "rotting_days")
_BUILT_IN: Final = msgspec.json.encode([
    {
        "pipeline_id": DEFAULT_ID,
        "position": 0,
        "place": place,
        "index": 0,
        "occurred_at": datetime.min.replace(tzinfo=UTC),
        "recorded_at": datetime.min.replace(tzinfo=UTC),
        "definition_version": DEFAULT_PIPELINE.definition_version,
        "pipeline_name": DEFAULT_PIPELINE.name,
        "pipeline_currency": DEFAULT_PIPELINE.currency,
        "stage": stage.id,
        "activity_days": DEFAULT_PIPELINE.activity_days,
        **{name: getattr(stage, name) for name in _OF_STAGE},
    }
    for place, stage in enumerate(DEFAULT_PIPELINE.stages)
]).decode()  # fmt: skip


def deals_as_of(clocks: Clocks, among: SelectBase | None = None) -> FromClause:
    """Select deals as they were, archived ones too; columns as the view `deals`."""
    return _as_of(deals.VIEW, deals.VERSIONS_VIEW, clocks, "stage_since", among)


def leads_as_of(clocks: Clocks, among: SelectBase | None = None) -> FromClause:
    """Select leads as they were; columns as the view `leads`."""
    return _as_of(leads.VIEW, leads.VERSIONS_VIEW, clocks, "status_since", among)


def planned_activities_as_of(clocks: Clocks, among: SelectBase | None = None) -> FromClause:
    """Select planned activities as they were; columns as the view `planned_activities`."""
    return _as_of(planned_activities.VIEW, planned_activities.VERSIONS_VIEW, clocks, "status_since", among)


def quotes_as_of(clocks: Clocks, among: SelectBase | None = None) -> FromClause:
    """Select quotes as they were; columns as the view `quotes`."""
    return _as_of(quotes.VIEW, quotes.VERSIONS_VIEW, clocks, "status_since", among)


def products_as_of(clocks: Clocks) -> FromClause:
    """Select products as they were; columns as the view `products`."""
    return _as_of(definitions.PRODUCTS_VIEW, definitions.PRODUCT_VERSIONS_VIEW, clocks, "created_at")


def sales_team_as_of(clocks: Clocks) -> FromClause:
    """Select representatives as they were, or as they were first told; columns as the view `sales_team`."""
    if clocks.live:
        return team.VIEW
    versions = team.VERSIONS_VIEW
    columns = [versions.c[one.name].label(one.name) for one in team.VIEW.columns]
    turn = [versions.c.version, versions.c.index]
    return _first_known(columns, versions, [versions.c.id], turn, clocks).subquery("sales_team")


def quotas_as_of(clocks: Clocks) -> FromClause:
    """Select the quota of each representative and period that held, or the first one; columns as the view `quotas`.

    A quota that was taken back has no amount.
    """
    view = team.QUOTAS_VIEW
    turn = [view.c.position, view.c.index]
    return _first_known(list(view.columns), view, [view.c.rep_id, view.c.period], turn, clocks).subquery("quotas")


@lru_cache(_KEPT)
def stages_as_of(clocks: Clocks) -> FromClause:
    """Select the stages of the definition of each pipeline that held, or of its first; as `pipeline_stages`."""
    view = definitions.STAGES_VIEW
    key = [view.c.pipeline_id, view.c.position, view.c.index]
    held = _first_known(key, view, [view.c.pipeline_id], [view.c.position, view.c.index], clocks).subquery("held")
    same = tuple_(*key) == tuple_(*(held.c[one.name] for one in key))
    told = select(*view.columns).select_from(view.join(held, same))
    return told.union_all(built_in_stages(clocks)).subquery("pipeline_stages")


def built_in_stages(clocks: Clocks) -> Select[Any]:
    """Select the stages of the pipeline that is there without being told, unless it was told."""
    view = definitions.STAGES_VIEW
    known = [] if clocks.known_at is None else [view.c.recorded_at <= clocks.known_at]
    told = select(view.c.pipeline_id).where(view.c.pipeline_id == DEFAULT_ID, *known)
    columns = [Column(one.name, one.type) for one in view.columns]
    # A document: rows of VALUES cannot be kept in written form, and are written out for every question.
    rows = func.jsonb_to_recordset(cast(literal(_BUILT_IN), JSONB))
    built_in = rows.table_valued(*columns, name="built_in").render_derived(name="built_in", with_types=True)
    return select(*(built_in.c[one.name] for one in columns)).where(~told.exists())


@lru_cache(_KEPT)
def pipelines_as_of(clocks: Clocks) -> FromClause:
    """Select pipelines: id, name, definition_version, currency and archived."""
    stages, now = stages_as_of(clocks), definitions.PIPELINES_VIEW
    happened = [] if clocks.as_of is None else [now.c.archived_at <= clocks.as_of]
    # A pipeline that is archived has that as its last fact: when it was recorded, this was.
    known = [] if clocks.known_at is None else [now.c.updated_at <= clocks.known_at]
    gone = func.coalesce(and_(now.c.archived, *happened, *known), false())
    columns = [stages.c.pipeline_name.label("name"), stages.c.definition_version]
    columns += [stages.c.pipeline_currency.label("currency"), gone.label("archived")]
    return (
        select(stages.c.pipeline_id.label("id"), *columns)
        .distinct()
        .select_from(stages.outerjoin(now, now.c.id == stages.c.pipeline_id))
        .subquery("pipelines")
    )


def rates_as_of(clocks: Clocks, day: date | None = None) -> FromClause:
    """Select exchange rates: one per base, currency and day; with `day` only the newest of that day or before.

    Columns: base, currency, day, rate, event_id. One unit of `base` costs `rate` of `currency`.
    """
    view = definitions.RATES_VIEW
    known = [] if clocks.known_at is None else [view.c.recorded_at <= clocks.known_at]
    columns = [view.c.base, view.c.currency, view.c.day, view.c.rate, view.c.event_id]
    last = [view.c.position.desc(), view.c.index.desc()]
    if day is None:
        query = select(*columns).ext(distinct_on(view.c.base, view.c.currency, view.c.day))
        order = [view.c.base, view.c.currency, view.c.day, *last]
        return query.where(*known).order_by(*order).subquery("exchange_rates")
    query = select(*columns).ext(distinct_on(view.c.base, view.c.currency)).where(view.c.day <= day, *known)
    return query.order_by(view.c.base, view.c.currency, view.c.day.desc(), *last).subquery("exchange_rates")


def stays_as_of(clocks: Clocks) -> FromClause:
    """Select the stays of deals in stages that had begun; columns as the view `deal_stays`, and four more.

    left_at: when the next stage was entered; empty while the deal stands there. left_to, left_how: where to and how;
    left_pipeline_id: in which pipeline that is.
    """
    view = stays.VIEW
    order = (view.c.position, view.c.index)

    def following(column: Column[Any], name: str) -> ColumnElement[Any]:
        return func.lead(column).over(partition_by=view.c.deal_id, order_by=order).label(name)

    after = [
        following(view.c.occurred_at, "left_at"),
        following(view.c.stage, "left_to"),
        following(view.c.how, "left_how"),
        following(view.c.pipeline_id, "left_pipeline_id"),
    ]
    begun = select(*view.columns, *after).where(*clocks.happened(view)).subquery("begun")
    return select(*begun.columns).where(begun.c.stage.is_not(None)).subquery("deal_stays")


def _as_of(view: Table, versions: Table, clocks: Clocks, since: str, among: SelectBase | None = None) -> FromClause:
    """Select the newest versions.

    since: column of the time at which the present stage or status began. Another fact may be told after it for a time
    before it: such a version is of the later time as well, or a deal would be won before it was.
    among: ids of the records that are looked for; it spares a look at all the others.
    """
    happened = clocks.happened(versions)
    if clocks.as_of is not None:
        happened.append(versions.c[since] <= clocks.as_of)
    if not happened:
        return view
    if among is not None:
        happened.append(versions.c.id.in_(among))
    query = select(*_columns(view, versions)).ext(distinct_on(versions.c.id)).where(*happened)
    return query.order_by(versions.c.id, versions.c.version.desc(), versions.c.index.desc()).subquery(view.name)


def _columns(view: Table, versions: Table) -> Sequence[ColumnElement[Any]]:
    text = func.concat_ws(" ", versions.c.search_personal, versions.c.search_open)
    made: dict[str, ColumnElement[Any]] = {
        "search_text": text,
        "search": func.to_tsvector(literal_column("'simple'::regconfig"), text),
    }
    return [made[one.name].label(one.name) if one.name in made else versions.c[one.name] for one in view.columns]


def _first_known(
    columns: Sequence[ColumnElement[Any]],
    view: Table,
    key: Sequence[ColumnElement[Any]],
    turn: Sequence[ColumnElement[Any]],
    clocks: Clocks,
) -> Select[Any]:
    """Select per key what held at a moment, or what was told first. turn: what orders the rows of a key."""
    known = [] if clocks.known_at is None else [view.c.recorded_at <= clocks.known_at]
    chosen = select(*columns).ext(distinct_on(*key)).where(*known)
    if clocks.as_of is None:
        return chosen.order_by(*key, *(one.desc() for one in turn))
    happened = view.c.occurred_at <= clocks.as_of
    # What had happened comes first, and of that the newest; of what had not, the oldest.
    newest = [case((happened, -one), else_=one) for one in turn]
    return chosen.order_by(*key, happened.desc(), *newest)
