"""Deals and stages over time: every state with the time for which it held, to look at many moments at once.

`held_from` is inclusive and `held_until` exclusive.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, FromClause, Text, case, cast, func, literal, select, union_all

from patron_projections.clocks import Clocks
from patron_projections.sales import deals, definitions
from patron_projections.sales.moments import built_in_stages

_EVER: Final = cast(literal("infinity", Text), DateTime(timezone=True))
_ALWAYS: Final = cast(literal("-infinity", Text), DateTime(timezone=True))


def deals_over_time(clocks: Clocks) -> FromClause:
    """Give every version of every deal; columns as the view `deals`, less what is only searched.

    A version holds from the time of its facts on, but not before an older version or the beginning of its stage.
    """
    view, versions = deals.VIEW, deals.VERSIONS_VIEW
    names = [column.name for column in view.columns if column.name in versions.c]
    began = func.greatest(versions.c.occurred_at, versions.c.stage_since)
    order = (versions.c.version, versions.c.index)
    held_from = func.max(began).over(partition_by=versions.c.id, order_by=order)
    columns = [*(versions.c[name] for name in names), versions.c.index, held_from.label("held_from")]
    told = select(*columns).where(*clocks.happened(versions)).subquery("told")
    return _until_next(told, told.c.id, [told.c.version, told.c.index])


def stages_over_time(clocks: Clocks) -> FromClause:
    """Give the stages of every definition; columns as the view `pipeline_stages`.

    The first definition of a pipeline holds for all time before it as well.
    """
    view = definitions.STAGES_VIEW
    known = [] if clocks.known_at is None else [view.c.recorded_at <= clocks.known_at]
    key = [view.c.pipeline_id, view.c.position, view.c.index]
    turn = func.row_number().over(partition_by=view.c.pipeline_id, order_by=[view.c.position, view.c.index])
    held_from = case((turn == 1, _ALWAYS), else_=func.min(view.c.occurred_at))
    definition = select(*key, held_from.label("held_from")).where(*known).group_by(*key).subquery("definition")
    spans = _until_next(definition, definition.c.pipeline_id, [definition.c.position, definition.c.index])
    same = [view.c[one.name] == spans.c[one.name] for one in key]
    joined = view.join(spans, same[0] & same[1] & same[2])
    defined = select(*view.columns, spans.c.held_from, spans.c.held_until).select_from(joined)
    return union_all(defined, built_in_stages(clocks).add_columns(_ALWAYS, _EVER)).subquery("stages")


def _until_next(rows: FromClause, of: ColumnElement[Any], order: Sequence[ColumnElement[Any]]) -> FromClause:
    """Let each row hold until the next one of the same record."""
    following = func.lead(rows.c.held_from).over(partition_by=of, order_by=order)
    return select(*rows.columns, func.coalesce(following, _EVER).label("held_until")).subquery("over_time")
