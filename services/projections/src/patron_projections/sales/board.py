"""The board of a pipeline: a column per stage with its sums, its limit, what rots, and its first deals."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Date, DateTime, FromClause, SelectBase, Text, bindparam, func, select, true

from patron_events.rejections import NotFound
from patron_projections.clocks import Clocks
from patron_projections.database import Database, Rows
from patron_projections.directory import Directory, Wanted
from patron_projections.documents import Document, Row
from patron_projections.fields import Fields
from patron_projections.filters import conditions
from patron_projections.money import money
from patron_projections.sales.deals import OPEN
from patron_projections.sales.listed import deals_listed, open_activities
from patron_projections.sales.moments import pipelines_as_of, stages_as_of
from patron_projections.sales.naming import Naming
from patron_projections.sales.rates import Amount, Rates, rates_on
from patron_projections.sales.views import deal_card

_HIDDEN: Final = frozenset({"search", "search_text", "lines", "custom"})
_KEPT: Final = 16
_KINDS: Final = (OPEN, "won", "lost")


class PipelineNotFound(NotFound):
    """There is no such pipeline, or there was none at that moment."""

    code: ClassVar[str] = "pipeline-not-found"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a board is asked for.

    filters: on deals, as lists take them. sort: of the cards. limit: cards per column. currency: of the totals; that of
    the pipeline if None. closed_days: won and lost columns count what was closed within so many days.
    """

    pipeline_id: str
    filters: Sequence[str] = ()
    sort: str = "expected_close"
    limit: int = 20
    currency: str | None = None
    closed_days: int = 30

    def column(self, stage: str) -> Wanted:
        """Say which list the cards of a column are the beginning of."""
        place = (f"pipeline_id:eq:{self.pipeline_id}", f"stage:eq:{stage}", f"status:eq:{OPEN}")
        return Wanted(self.limit, (*place, *self.filters), sort=self.sort)


class _Questions(NamedTuple):
    """What PostgreSQL is asked for a board; `pipeline`, `today`, `since` and `stages` are their parameters."""

    sums: SelectBase
    closed: SelectBase
    cards: SelectBase


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found of a board. sums, closed: per stage, status and currency, of open and of closed deals."""

    pipeline: Row
    stages: Rows
    sums: Rows
    closed: Rows
    cards: Rows
    rates: Rates


class Boards:
    """Answers what stands where in a pipeline."""

    def __init__(self, database: Database, deals: Directory, naming: Naming) -> None:
        self._database = database
        self._deals = deals
        self._naming = naming
        # Writing them takes longer than answering them, and most boards are asked for in the same way.
        self._questions = lru_cache(_KEPT)(self._written)

    async def board(self, asked: Asked, clocks: Clocks) -> Document:
        """Show a board at a moment.

        Raises:
            PipelineNotFound, FilterInvalid, SortInvalid: the question is wrong.
        """
        moment = clocks.as_of or datetime.now(UTC)
        # Before anything is asked: filters and order may be refused.
        questions = self._questions(clocks, tuple(asked.filters), asked.sort, asked.limit + 1)
        values = {
            "pipeline": asked.pipeline_id,
            "today": moment.date(),
            "since": moment - timedelta(days=asked.closed_days),
        }
        sums, closed, (pipeline, stages, cards, rates) = await asyncio.gather(
            self._database.rows(questions.sums, values),
            self._database.rows(questions.closed, values),
            self._shown(asked, clocks, moment.date(), questions.cards),
        )
        found = _Found(pipeline, stages, sums, closed, cards, rates)
        names = await self._naming.of_deals(found.cards, clocks)
        columns = [self._column(asked, found, stage, clocks) for stage in _with_strangers(found)]
        for column in columns:
            column["cards"] = [deal_card(row, names, moment) for row in column["cards"]]
        return {
            "pipeline": {name: pipeline[name] for name in ("id", "name", "definition_version", "currency", "archived")},
            "moment": moment,
            "currency": _currency(asked, pipeline),
            "deals": sum(column["deals"] for column in columns if column["kind"] == OPEN),
            "columns": columns,
        }

    def _written(self, clocks: Clocks, filters: Sequence[str], sort: str, limit: int) -> _Questions:
        view = deals_listed(clocks)
        where = [view.c.pipeline_id == bindparam("pipeline", type_=Text), view.c.archived.is_(False)]
        where += conditions(Fields(view, clocks.as_of), filters)
        is_open = [*where, view.c.status == OPEN]
        closed = [*where, view.c.status != OPEN, view.c.closed_at >= bindparam("since", type_=DateTime(timezone=True))]
        snapshot = self._deals.at(clocks)
        cards = _Cards(view, lambda of: snapshot.turns(sort, of), limit)
        return _Questions(_sums(view, is_open, clocks), _closed(view, closed), cards.of(is_open))

    async def _shown(
        self, asked: Asked, clocks: Clocks, today: date, cards: SelectBase
    ) -> tuple[Row, Rows, Rows, Rates]:
        """Find what the board is made of, the first cards of its open stages, and rates for its totals."""
        pipeline, stages = await self._defined(asked.pipeline_id, clocks)
        ids = [row["stage"] for row in stages if row["kind"] == OPEN]
        shown, rates = await asyncio.gather(
            self._database.rows(cards, {"pipeline": asked.pipeline_id, "stages": ids}),
            rates_on(self._database, clocks, today, _currency(asked, pipeline)),
        )
        return pipeline, stages, shown, rates

    async def _defined(self, pipeline_id: str, clocks: Clocks) -> tuple[Row, Rows]:
        pipelines, stages = pipelines_as_of(clocks), stages_as_of(clocks)
        of_pipeline = select(stages).where(stages.c.pipeline_id == pipeline_id).order_by(stages.c.place)
        found, of_them = await asyncio.gather(
            self._database.rows(select(pipelines).where(pipelines.c.id == pipeline_id)),
            self._database.rows(of_pipeline),
        )
        if not found:
            raise PipelineNotFound
        return found[0], of_them

    def _column(self, asked: Asked, found: _Found, stage: Row, clocks: Clocks) -> Document:
        is_open = stage["kind"] == OPEN
        here = stage["kind"], stage["stage"]
        sums = [row for row in (found.sums if is_open else found.closed) if (row["status"], row["stage"]) == here]
        cards = [row for row in found.cards if (row["status"], row["stage"]) == here]
        more = len(cards) > asked.limit
        cards = cards[: asked.limit]
        wanted = asked.column(stage["stage"])
        cursor = self._deals.at(clocks).cursor_behind(wanted, cards[-1]) if more else None
        deals = sum(row["deals"] for row in sums)
        limit = stage["wip_limit"]
        return {
            **{name: stage[name] for name in ("stage", "name", "kind", "place", "probability", "forecast_category")},
            "wip_limit": limit,
            # Of some of its deals nobody can tell.
            "over_limit": None if asked.filters else limit is not None and deals > limit,
            "rotting_days": stage["rotting_days"],
            "deals": deals,
            **{name: sum(row[name] for row in sums) for name in ("rotting", "without_activity", "overdue") if is_open},
            "sums": [_sum(row) for row in sums if row["currency"] is not None],
            "total": _total(sums, "amount_minor", found.rates, _currency(asked, found.pipeline)),
            "weighted": _total(sums, "weighted_minor", found.rates, _currency(asked, found.pipeline)),
            "cards": cards,
            "next": None if cursor is None else {"filter": wanted.filters, "sort": wanted.sort, "cursor": cursor},
        }


def _with_strangers(found: _Found) -> Rows:
    """Give the stages, and behind them those that deals stand in although the definition has them no more.

    A stage that the definition has as another kind is such a stage as well.
    """
    known = {(row["kind"], row["stage"]) for row in found.stages}
    standing = {(row["status"], row["stage"]) for row in (*found.sums, *found.closed)}
    strangers = sorted(standing - known, key=lambda one: (_KINDS.index(one[0]), one[1]))
    absent = dict.fromkeys(("wip_limit", "rotting_days", "probability", "forecast_category", "place"))
    return [*found.stages, *({**absent, "stage": stage, "name": stage, "kind": kind} for kind, stage in strangers)]


def _currency(asked: Asked, pipeline: Row) -> str | None:
    return asked.currency or pipeline["currency"]


def _sum(row: Row) -> Document:
    return {**(money(int(row["amount_minor"] or 0), row["currency"]) or {}), "deals": row["deals"]}


def _total(rows: Rows, column: str, rates: Rates, currency: str | None) -> Document | None:
    """Add up in one currency: the one that was asked for, or the only one that there is."""
    amounts = [Amount(int(row[column] or 0), row["currency"]) for row in rows if row["currency"] is not None]
    present = {amount.currency for amount in amounts}
    single = next(iter(present)) if len(present) == 1 else None
    chosen = currency or single
    return None if chosen is None else rates.total(amounts, chosen)


def _sums(view: FromClause, where: Sequence[ColumnElement[bool]], clocks: Clocks) -> SelectBase:
    planned = open_activities(clocks)
    with_activity = select(planned.c.deal_id).where(planned.c.deal_id.is_not(None))
    return (
        select(
            view.c.stage,
            view.c.status,
            view.c.currency,
            func.count().label("deals"),
            func.sum(view.c.amount_minor).label("amount_minor"),
            func.sum(view.c.weighted_minor).label("weighted_minor"),
            func.count().filter(view.c.rotting).label("rotting"),
            func.count().filter(view.c.id.not_in(with_activity)).label("without_activity"),
            func.count().filter(view.c.expected_close < bindparam("today", type_=Date)).label("overdue"),
        )
        .where(*where)
        .group_by(view.c.stage, view.c.status, view.c.currency)
        .order_by(view.c.stage, view.c.currency)
    )


def _closed(view: FromClause, where: Sequence[ColumnElement[bool]]) -> SelectBase:
    return (
        select(
            view.c.stage,
            view.c.status,
            view.c.currency,
            func.count().label("deals"),
            func.sum(view.c.amount_minor).label("amount_minor"),
            func.sum(view.c.weighted_minor).label("weighted_minor"),
        )
        .where(*where)
        .group_by(view.c.stage, view.c.status, view.c.currency)
        .order_by(view.c.stage, view.c.currency)
    )


@dataclass(frozen=True, slots=True)
class _Cards:
    """Selects the first deals of each stage. turns: writes the order over something with the columns of deals."""

    view: FromClause
    turns: Callable[[FromClause], Sequence[ColumnElement[Any]]]
    limit: int

    def of(self, where: Sequence[ColumnElement[bool]]) -> SelectBase:
        """Select them in order, with one look at the index per stage."""
        view = self.view
        named = select(func.unnest(bindparam("stages", type_=ARRAY(Text))).label("column_stage")).subquery("named")
        first = (
            select(*(column for column in view.columns if column.name not in _HIDDEN))
            .where(*where, view.c.stage == named.c.column_stage)
            .order_by(*self.turns(view))
            .limit(self.limit)
            .lateral("first")
        )
        ordered = select(first).select_from(named.join(first, true()))
        return ordered.order_by(first.c.stage, *self.turns(first))
