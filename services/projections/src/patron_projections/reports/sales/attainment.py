"""The report `quota-attainment`: what was won against what was to be won."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, SelectBase, func, select

from patron_projections.filters import FilterInvalid
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import TOTAL, Divided
from patron_projections.reports.question import ByInvalid, Question
from patron_projections.reports.sales.amounts import PARAMETERS, Amounts, told_columns
from patron_projections.reports.sales.dealt import currencies_of, events_of
from patron_projections.reports.sales.models import OF_DEALS
from patron_projections.reports.sales.outlook import CREDIT, OWNED, QUOTA, QUOTA_PERIODS, deals_due, has_quotas, outlook

ATTAINMENT: Final = Definition(
    name="quota-attainment",
    title="Quota attainment",
    text=(
        "What was won in the period, by when it was won, against quotas. Team, region and manager are those of the "
        f"owner now, or at `as_of`. {CREDIT} {QUOTA} `filter` takes owner, team, region and manager."
    ),
    by="total, owner, team, region, manager, month, quarter, year.",
    columns=(
        Column("quota", "decimal", "What was to be won.", "currency"),
        Column("won_amount", "decimal", "What was won.", "currency"),
        Column("attainment", "number", "Won of quota.", "share"),
        Column("gap", "decimal", "Quota less won.", "currency"),
        Column("deals", "integer", "Deals won.", "deals"),
    ),
    default_by=("owner",),
    parameters=PARAMETERS,
    models=OF_DEALS,
)


class QuotaAttainment:
    """The report `quota-attainment`."""

    definition = ATTAINMENT

    def result(self, question: Question) -> Result:
        """Compare what was won with what was to be won."""
        divided = self._divided(question)
        base = divided.base
        amounts = Amounts(divided, question)
        quota, won = amounts.total(base.c.quota), amounts.sum(base.c.won)
        figures: list[ColumnElement[Any]] = [
            quota.label("quota"),
            won.label("won_amount"),
            (won / func.nullif(quota, 0)).label("attainment"),
            (quota - won).label("gap"),
            func.count(base.c.id.distinct()).label("deals"),
        ]
        query = select(*divided.labelled, *figures, *amounts.told(unpriced=base.c.id.is_not(None)))
        columns = [*divided.columns, *ATTAINMENT.columns, *told_columns(question)]
        return Result(divided.ordered(query), columns, divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of deals and quotas."""
        return currencies_of(self._divided(question), question)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the closings of the deals of one row."""
        self._divided(question)
        return events_of(deals_due(question, question.by, None, ("won",)), row, question.clocks, "won")

    def _divided(self, question: Question) -> Divided:
        if not set(question.by) <= OWNED | QUOTA_PERIODS | {TOTAL}:
            raise ByInvalid(field="by")
        if not has_quotas(question, question.by):
            raise FilterInvalid("Quotas know owner, team, region and manager only.", field="filter")
        return outlook(question, question.by, ("won",))
