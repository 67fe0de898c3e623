"""The reports `funnel` and `stage-conversion`: how far deals come, and what happens in each stage."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Numeric,
    SelectBase,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)

from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import Question
from patron_projections.reports.sales.amounts import PARAMETERS, Amounts, told_columns
from patron_projections.reports.sales.dealt import (
    BY,
    MEANT,
    Deals,
    currencies_of,
    days_between,
    event_columns,
    openings_of,
    stay_type,
)
from patron_projections.reports.sales.models import OF_DEALS
from patron_projections.sales.moments import stages_as_of, stays_as_of
from patron_projections.sales.stays import VIEW

FUNNEL: Final = Definition(
    name="funnel",
    title="Funnel",
    text=(
        "Deals by when they were opened, and how many of them came to each stage of the pipeline that they are in. A "
        "deal that stood in a later open stage, or was won, came to all stages before it, also those left out; it "
        f"came no further by being lost. A last row has the deals won. {MEANT}"
    ),
    by=f"pipeline_id always, and the stages in their order; besides {BY}",
    columns=(
        Column("stage", "text", "Stage, in the order of the pipeline."),
        Column("stage_name", "text", "What it is called."),
        Column("reached", "integer", "Deals that came so far.", "deals"),
        Column("share", "number", "Reached, of the deals of the first stage.", "share"),
        Column("conversion", "number", "Reached the next stage, of reached.", "share"),
        Column("open", "integer", "Open deals that stand here.", "deals"),
        Column("lost", "integer", "Deals lost from here.", "deals"),
        Column("amount", "decimal", "Amounts of the deals that came so far.", "currency"),
    ),
    default_by=("pipeline_id",),
    parameters=PARAMETERS,
    models=OF_DEALS,
)
CONVERSION: Final = Definition(
    name="stage-conversion",
    title="Conversion of stages",
    text=(
        "Entries of deals into open stages, by when they entered, and how these stays ended: in a later stage or won "
        "(advanced), lost, or back in an earlier stage or another pipeline. A deal counts for every time it "
        f"entered. Times are in days of 24 hours, of stays that have ended. {MEANT}"
    ),
    by=f"stage and pipeline_id are those that were entered. {BY}",
    columns=(
        Column("entered", "integer", "Entries.", "entries"),
        Column("advanced", "integer", "Those that led to a later stage, or were won.", "entries"),
        Column("won", "integer", "Of these: won.", "entries"),
        Column("lost", "integer", "Those that ended with the loss.", "entries"),
        Column("back", "integer", "Those that ended in an earlier stage or another pipeline.", "entries"),
        Column("still", "integer", "Those that have not ended.", "entries"),
        Column("conversion", "number", "Advanced, of entries that have ended.", "share"),
        Column("average", "number", "Mean time in the stage.", "days"),
        Column("median", "number", "Half of the stays took no longer.", "days"),
    ),
    default_by=("pipeline_id", "stage"),
    models=OF_DEALS,
)


def _visited(question: Question) -> FromClause:
    """Give the open stages that each deal has stood in, by pipeline."""
    stays = VIEW
    return (
        select(stays.c.deal_id, stays.c.pipeline_id, func.array_agg(stays.c.stage.distinct()).label("stages"))
        .where(stays.c.status == "open", *question.clocks.happened(stays))
        .group_by(stays.c.deal_id, stays.c.pipeline_id)
        .subquery("visited")
    )


class Funnel:
    """The report `funnel`."""

    definition = FUNNEL

    def result(self, question: Question) -> Result:
        """Count how many deals came to each stage."""
        divided = self._divided(question)
        base, by = divided.base, divided.by
        amounts = Amounts(divided, question)
        place = func.min(base.c.place)
        reached = func.count()
        order, others = [place], by[:-1]
        first = func.first_value(reached).over(partition_by=others, order_by=order)
        following = func.lead(reached).over(partition_by=others, order_by=order)
        figures: list[ColumnElement[Any]] = [
            func.min(base.c.stage_name).label("stage_name"),
            reached.label("reached"),
            (cast(reached, Numeric) / first).label("share"),
            (cast(following, Numeric) / reached).label("conversion"),
            reached.filter(base.c.stands, base.c.status == "open").label("open"),
            reached.filter(base.c.stands, base.c.status == "lost").label("lost"),
            amounts.sum().label("amount"),
            *amounts.told(),
        ]
        query = select(*divided.labelled, *figures).group_by(*by)
        query = query.order_by(*(one.nulls_last() for one in others), place)
        shown = [column for column in FUNNEL.columns if column.name != "stage"]
        return Result(query, [*divided.columns, *shown, *told_columns(question)], divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of the deals."""
        return currencies_of(self._divided(question), question)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the openings of the deals that came to a stage; `hit` tells the deals won."""
        return openings_of(self._divided(question), row, question.clocks, "won")

    def _divided(self, question: Question) -> Divided:
        deals = Deals(question)
        visited = _visited(question)
        defined = select(stages_as_of(question.clocks)).cte("defined")
        stages, passed = defined.alias("steps"), defined.alias("passed")
        attributes = deals.attributes
        mine = and_(visited.c.deal_id == deals.of("id"), visited.c.pipeline_id == deals.of("pipeline_id"))
        # Not joined: whoever plans a join takes the deals of a stage for few, and compares each with each.
        furthest = (
            select(func.max(passed.c.place))
            .where(passed.c.pipeline_id == visited.c.pipeline_id, passed.c.stage == func.any(visited.c.stages))
            .scalar_subquery()
        )
        status = deals.of("status")
        won = status == "won"
        came = or_(
            and_(stages.c.kind == "open", or_(won, stages.c.place <= furthest)),
            and_(stages.c.kind == "won", won),
        )
        attributes.joined = attributes.joined.outerjoin(visited, mine).join(
            stages, and_(stages.c.pipeline_id == deals.of("pipeline_id"), came)
        )
        # Several stages may be won ones: a deal came to the one that it is in.
        elsewhere = and_(stages.c.kind == "won", stages.c.stage != deals.of("stage"))
        stands = case((status == "open", deals.of("stage") == stages.c.stage), else_=_last_open(deals, stages))
        deals.own["stage"] = stages.c.stage
        facts = [
            status.label("status"),
            won.label("won"),
            stages.c.place.label("place"),
            stages.c.name.label("stage_name"),
            func.coalesce(stands, literal(value=False)).label("stands"),
        ]
        opened_at = deals.of("opened_at")
        return deals.divided(opened_at, facts, [~elsewhere, *deals.within(opened_at)], _with_stage(question.by))


def _last_open(deals: Deals, stages: FromClause) -> ColumnElement[bool]:
    return deals.of("closed_from") == stages.c.stage


def _with_stage(by: Sequence[str]) -> tuple[str, ...]:
    others = [name for name in by if name not in {"pipeline_id", "stage"}]
    return (*others, "pipeline_id", "stage")


class StageConversion:
    """The report `stage-conversion`."""

    definition = CONVERSION

    def result(self, question: Question) -> Result:
        """Count entries by how they ended."""
        divided = self._divided(question)
        end, days = divided.base.c.ended, divided.base.c.days
        number = func.count()
        advanced = number.filter(end.in_(("later", "won")))
        ended = number.filter(end.is_not(None))
        figures: list[ColumnElement[Any]] = [
            number.label("entered"),
            advanced.label("advanced"),
            *(number.filter(end == one).label(one) for one in ("won", "lost", "back")),
            (number - ended).label("still"),
            (cast(advanced, Numeric) / func.nullif(ended, 0)).label("conversion"),
            func.avg(days).label("average"),
            func.percentile_cont(0.5).within_group(days).label("median"),
        ]
        query = divided.ordered(select(*divided.labelled, *figures))
        return Result(query, [*divided.columns, *CONVERSION.columns], divided.names)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the entries of one row; `hit` tells those that advanced."""
        divided = self._divided(question)
        base = divided.base
        names = ("event_id", "occurred_at", "position", "index")
        return select(
            *event_columns(base),
            *(base.c[name] for name in names),
            stay_type(base.c.how).label("type"),
            func.coalesce(base.c.ended.in_(("later", "won")), literal(value=False)).label("hit"),
        ).where(*divided.is_row(row))

    def _divided(self, question: Question) -> Divided:
        deals = Deals(question)
        stays = stays_as_of(question.clocks).alias("stays")
        now, then = (stages_as_of(question.clocks).alias(name) for name in ("stage_now", "stage_then"))
        here = and_(now.c.pipeline_id == stays.c.pipeline_id, now.c.stage == stays.c.stage)
        # Stages of different pipelines may have the same id: only those of one pipeline are before or after another.
        in_pipeline = then.c.pipeline_id == stays.c.pipeline_id
        stayed = stays.c.left_pipeline_id == stays.c.pipeline_id
        there = and_(in_pipeline, stayed, then.c.stage == stays.c.left_to)
        attributes = deals.attributes
        attributes.joined = (
            attributes.joined.join(stays, stays.c.deal_id == deals.of("id")).outerjoin(now, here).outerjoin(then, there)
        )
        deals.own |= {"stage": stays.c.stage, "pipeline_id": stays.c.pipeline_id}
        ended = case(
            (stays.c.left_at.is_(None), null()),
            (stays.c.left_how.in_(("won", "lost")), stays.c.left_how),
            (func.coalesce(then.c.place > now.c.place, literal(value=False)), "later"),
            else_="back",
        )
        facts = [
            *(stays.c[name] for name in ("event_id", "occurred_at", "position", "index", "how")),
            ended.label("ended"),
            days_between(stays.c.occurred_at, stays.c.left_at).label("days"),
        ]
        return deals.divided(stays.c.occurred_at, facts, [stays.c.status == "open", *deals.within(stays.c.occurred_at)])
