"""The report `lead-sources`: what became of leads, and what they brought."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Numeric, SelectBase, cast, func, literal, or_, select

from patron_projections.belonging import members_as_of
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import ByInvalid, Question
from patron_projections.reports.sales.amounts import PARAMETERS, Amounts, told_columns, worth_of
from patron_projections.reports.sales.attributes import CUSTOM, Attributes
from patron_projections.reports.sales.dealt import currencies_of, days_between
from patron_projections.reports.sales.models import OF_LEADS
from patron_projections.reports.sales.told import beginnings_of
from patron_projections.reports.sources import within
from patron_projections.sales.moments import deals_as_of, leads_as_of

DEFINITION: Final = Definition(
    name="lead-sources",
    title="Return of leads",
    text=(
        "Leads by when they were captured, how they stand now or at `as_of`, and the deals that they became. "
        "Qualified are those that are qualified or converted. Erased leads count. `filter` takes attributes of leads."
    ),
    by=(
        "total; day, week, month, quarter, year; of the lead: source, medium, campaign, channel, form_id, status, "
        "status_reason, owner, team, queue, rule, strategy, grade, country, region, industry, language, "
        "product_interest, external_source, company_id, person_id, custom.<name>; company.<field> and person.<field> "
        "of whom it is taken to be."
    ),
    columns=(
        Column("leads", "integer", "Leads.", "leads"),
        Column("share", "number", "Leads of all leads of the answer.", "share"),
        Column("assigned", "integer", "Those that somebody was made responsible for.", "leads"),
        Column("worked", "integer", "Those that somebody worked on.", "leads"),
        Column("qualified", "integer", "Those that are qualified or converted.", "leads"),
        Column("converted", "integer", "Those that are converted.", "leads"),
        Column("recycled", "integer", "Those that are recycled.", "leads"),
        Column("dead", "integer", "Those that are dead.", "leads"),
        Column("conversion", "number", "Converted of leads.", "share"),
        Column("average", "number", "Mean time from capture to conversion.", "days"),
        Column("deals", "integer", "Deals that they became.", "deals"),
        Column("won", "integer", "Of these: won.", "deals"),
        Column("revenue", "decimal", "Amounts of the deals won.", "currency"),
        Column("return", "decimal", "Revenue divided by leads.", "currency"),
    ),
    default_by=("source",),
    parameters=PARAMETERS,
    models=OF_LEADS,
)
_PLAIN: Final = (
    *("id", "source", "medium", "campaign", "channel", "form_id", "status", "status_reason", "owner", "team", "queue"),
    *("rule", "strategy", "grade", "score", "country", "region", "industry", "language", "product_interest"),
    *("external_source", "external_id", "company_id", "person_id", "deal_id", "captured_at", "converted_at"),
)


class LeadSources:
    """The report `lead-sources`."""

    definition = DEFINITION

    def result(self, question: Question) -> Result:
        """Count leads by what became of them."""
        divided = self._divided(question)
        base = divided.base
        amounts = Amounts(divided, question)
        number = func.count()
        status = base.c.status
        revenue = amounts.sum(base.c.won)
        figures: list[ColumnElement[Any]] = [
            number.label("leads"),
            (cast(number, Numeric) / func.sum(number).over()).label("share"),
            number.filter(base.c.first_assigned_at.is_not(None)).label("assigned"),
            number.filter(base.c.worked_at.is_not(None)).label("worked"),
            number.filter(status.in_(("qualified", "converted"))).label("qualified"),
            *(number.filter(status == one).label(one) for one in ("converted", "recycled", "dead")),
            (cast(number.filter(base.c.hit), Numeric) / number).label("conversion"),
            func.avg(base.c.days).label("average"),
            func.count(base.c.deal_id.distinct()).label("deals"),
            number.filter(base.c.won).label("won"),
            revenue.label("revenue"),
            amounts.rounded(revenue / number).label("return"),
            *amounts.told(base.c.won),
        ]
        query = divided.ordered(select(*divided.labelled, *figures))
        return Result(query, [*divided.columns, *DEFINITION.columns, *told_columns(question)], divided.names)

    def currencies(self, question: Question) -> SelectBase | None:
        """Ask for the currencies of deals won."""
        divided = self._divided(question)
        return currencies_of(divided, question, divided.base.c.won)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the captures of the leads of one row; `hit` tells the converted ones."""
        return beginnings_of(self._divided(question), row, "pipeline.lead-captured")

    def _divided(self, question: Question) -> Divided:
        if "currency" in question.by:
            raise ByInvalid(field="by")
        rows = leads_as_of(question.clocks).alias("leads")
        deals = deals_as_of(question.clocks).alias("deals")
        own: dict[str, ColumnElement[Any]] = {CUSTOM: rows.c.custom}
        own |= {name: rows.c[name] for name in _PLAIN}
        attributes = Attributes(rows, question, own)
        made = (deals.c.id == rows.c.deal_id) & deals.c.archived.is_(False)
        attributes.joined = rows.outerjoin(deals, made)
        where = [*attributes.conditions(), *within(rows.c.captured_at, question)]
        if question.segment is not None:
            members = members_as_of(question.clocks)
            mine = select(members.c.customer_id).where(members.c.segment_id == str(question.segment))
            where.append(or_(rows.c.company_id.in_(mine), rows.c.person_id.in_(mine)))
        priced = worth_of(attributes.joined, deals.c.amount_minor, deals.c.currency, question)
        attributes.joined = priced.joined
        facts = [
            rows.c.id,
            func.coalesce(rows.c.person_id, rows.c.company_id).label("customer_id"),
            *(rows.c.status, rows.c.first_assigned_at, rows.c.worked_at),
            deals.c.currency.label("currency"),
            deals.c.id.label("deal_id"),
            func.coalesce(deals.c.status == "won", literal(value=False)).label("won"),
            (rows.c.status == "converted").label("hit"),
            days_between(rows.c.captured_at, rows.c.converted_at).label("days"),
            *priced.columns,
        ]
        return attributes.divided(rows.c.captured_at, facts, where)
