"""The reports `deals` and `deal-ageing`: how deals stood at a moment, and how long open ones had stood there."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Numeric, SelectBase, Text, case, cast, func, literal, select

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
    events_of,
    openings_of,
)
from patron_projections.reports.sales.models import OF_DEALS

DEALS: Final = Definition(
    name="deals",
    title="Deals",
    text=(
        "Deals that had been opened, as they stood now or at `as_of`: open, won or lost. `from`, `to` and periods mean "
        f"the time of opening. Weighted is the amount of open deals times the probability of their stage. {MEANT}"
    ),
    by=BY,
    columns=(
        Column("deals", "integer", "Deals.", "deals"),
        Column("share", "number", "Deals of all deals of the answer.", "share"),
        Column("open", "integer", "Those that are open.", "deals"),
        Column("won", "integer", "Those that are won.", "deals"),
        Column("lost", "integer", "Those that are lost.", "deals"),
        Column("amount", "decimal", "Sum of their amounts.", "currency"),
        Column("average", "decimal", "Mean of the amounts that are known.", "currency"),
        Column("weighted", "decimal", "Of open deals: amount times probability.", "currency"),
        Column("expected", "decimal", "Weighted amounts, and those of deals won.", "currency"),
    ),
    default_by=("pipeline_id", "stage"),
    parameters=PARAMETERS,
    models=OF_DEALS,
)
AGEING: Final = Definition(
    name="deal-ageing",
    title="Ageing of open deals",
    text=(
        "Deals that are open, or were at `as_of`, by how long ago they were opened and for how long they have stood in "
        "their stage, in days of 24 hours. Rotten are those in a stage for longer than it allows. `from`, `to` and "
        f"periods mean the time of opening. {MEANT}"
    ),
    by=f"age and stage_age (000-030, 031-060, 061-090, 091-180, 181-365, 366+ days); {BY}",
    columns=(
        Column("deals", "integer", "Open deals.", "deals"),
        Column("share", "number", "Deals of all deals of the answer.", "share"),
        Column("average_age", "number", "Mean time since the opening.", "days"),
        Column("oldest", "number", "Longest time since the opening.", "days"),
        Column("average_stage_age", "number", "Mean time in the present stage.", "days"),
        Column("rotten", "integer", "Those in their stage for longer than it allows.", "deals"),
        Column("overdue", "integer", "Those whose expected close date has passed.", "deals"),
        Column("amount", "decimal", "Sum of their amounts.", "currency"),
    ),
    default_by=("age",),
    parameters=PARAMETERS,
    models=OF_DEALS,
)
_AGES: Final = ((31, "000-030"), (61, "031-060"), (91, "061-090"), (181, "091-180"), (366, "181-365"))


class DealsReport:
    """The report `deals`."""

    definition = DEALS

    def result(self, question: Question) -> Result:
        """Count deals by how they stand."""
        divided = self._divided(question)
        status = divided.base.c.status
        amounts = Amounts(divided, question)
        number = func.count()
        weighted = amounts.sum(status == "open", divided.base.c.worth * divided.base.c.probability)
        query = select(
            *divided.labelled,
            number.label("deals"),
            (cast(number, Numeric) / func.sum(number).over()).label("share"),
            *(number.filter(status == one).label(one) for one in ("open", "won", "lost")),
            amounts.sum().label("amount"),
            amounts.average().label("average"),
            weighted.label("weighted"),
            (weighted + amounts.sum(status == "won")).label("expected"),
            *amounts.told(),
        )
        columns = [*divided.columns, *DEALS.columns, *told_columns(question)]
        return Result(divided.ordered(query), columns, divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of the deals."""
        return currencies_of(self._divided(question), question)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that put the deals of one row where they stand; `hit` tells the deals won."""
        divided = self._divided(question)
        return events_of(divided, row, question.clocks, "won")

    def _divided(self, question: Question) -> Divided:
        deals = Deals(question)
        status = deals.of("status")
        facts = [status, (status == "won").label("won"), deals.probability.label("probability")]
        return deals.divided(deals.of("opened_at"), facts, deals.within(deals.of("opened_at")))


class DealAgeing:
    """The report `deal-ageing`."""

    definition = AGEING

    def result(self, question: Question) -> Result:
        """Measure how long open deals have been so."""
        divided = self._divided(question)
        base = divided.base
        amounts = Amounts(divided, question)
        number = func.count()
        query = select(
            *divided.labelled,
            number.label("deals"),
            (cast(number, Numeric) / func.sum(number).over()).label("share"),
            func.avg(base.c.age).label("average_age"),
            func.max(base.c.age).label("oldest"),
            func.avg(base.c.stage_age).label("average_stage_age"),
            number.filter(base.c.rotten).label("rotten"),
            number.filter(base.c.overdue).label("overdue"),
            amounts.sum().label("amount"),
            *amounts.told(),
        )
        columns = [*divided.columns, *AGEING.columns, *told_columns(question)]
        return Result(divided.ordered(query), columns, divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of the deals."""
        return currencies_of(self._divided(question), question)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the openings of the deals of one row; `hit` tells the rotten ones."""
        divided = self._divided(question)
        return openings_of(divided, row, question.clocks, "rotten")

    def _divided(self, question: Question) -> Divided:
        deals = Deals(question)
        now = literal(question.clocks.as_of or question.now, DateTime(timezone=True))
        age = days_between(deals.of("opened_at"), now)
        stage_age = days_between(deals.of("stage_since"), now)
        deals.own |= {"age": _bucket(age), "stage_age": _bucket(stage_age)}
        rotten = func.coalesce(stage_age > deals.stage.c.rotting_days, literal(value=False))
        today = literal(question.today)
        overdue = func.coalesce(deals.of("expected_close") < today, literal(value=False))
        facts = [
            *(age.label("age"), stage_age.label("stage_age")),
            *(rotten.label("rotten"), overdue.label("overdue")),
        ]
        opened_at = deals.of("opened_at")
        return deals.divided(opened_at, facts, [deals.of("status") == "open", *deals.within(opened_at)])


def _bucket(days: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(case(*((days < end, name) for end, name in _AGES), else_="366+"), Text)
