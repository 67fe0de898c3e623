"""Events of the pipeline context that belong to a customer, a deal or a lead, as rows of the timeline."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, FromClause, SelectBase, Uuid, literal, or_, select, union_all

from patron_projections.clocks import Clocks
from patron_projections.sales import deals, leads, planned_activities, timeline
from patron_projections.sales.moments import deals_as_of, leads_as_of, planned_activities_as_of, quotes_as_of

HAS_TIMELINE: Final = """
SELECT to_regclass('patron.sales_timeline') IS NOT NULL AND to_regclass('patron.quotes') IS NOT NULL
   AND to_regclass('patron.deals') IS NOT NULL AND to_regclass('patron.leads') IS NOT NULL
   AND to_regclass('patron.planned_activities') IS NOT NULL AS has
"""


def events_of_customer(customer: UUID, clocks: Clocks) -> FromClause:
    """Select what happened with the deals and leads of a person or company, and with what belongs to those.

    A record belongs to whom it speaks of at the moment, with its whole history. Columns: those of the timeline.
    """
    of_deals = _ids(deals_as_of(clocks, _ever(deals.VERSIONS_VIEW, _buys, customer)), _buys, customer)
    of_leads = _ids(leads_as_of(clocks, _ever(leads.VERSIONS_VIEW, _is_of, customer)), _is_of, customer)
    return _events(customer, of_deals, of_leads, clocks, customer=True)


def events_of_record(kind: str, record: UUID, clocks: Clocks) -> FromClause:
    """Select what happened with a deal or lead, its planned activities and its quotes. kind: deal or lead.

    Columns: those of the timeline, with the record in the place of the customer.
    """
    of_deals = select(deals.VIEW.c.id).where(deals.VIEW.c.id == record, literal(value=kind == "deal"))
    of_leads = select(leads.VIEW.c.id).where(leads.VIEW.c.id == record, literal(value=kind == "lead"))
    return _events(record, of_deals, of_leads, clocks, customer=False)


def _events(subject: UUID, of_deals: SelectBase, of_leads: SelectBase, clocks: Clocks, *, customer: bool) -> FromClause:
    def about(view: FromClause) -> ColumnElement[bool]:
        linked = or_(view.c.deal_id.in_(of_deals), view.c.lead_id.in_(of_leads))
        return or_(_is_of(view, subject), linked) if customer else linked

    versions = planned_activities.VERSIONS_VIEW
    planned = planned_activities_as_of(clocks, select(versions.c.id).where(about(versions)))
    quotes = quotes_as_of(clocks)
    view = timeline.VIEW
    records = union_all(
        of_deals,
        of_leads,
        select(planned.c.id).where(about(planned)),
        select(quotes.c.id).where(quotes.c.deal_id.in_(of_deals)),
    )
    columns = [column for column in view.columns if column.name != "deal_id"]
    chosen = select(literal(subject, Uuid).label("customer_id"), *columns).where(view.c.record_id.in_(records))
    return chosen.subquery("sales_events")


def _buys(view: FromClause, customer: UUID) -> ColumnElement[bool]:
    person = view.c.person_ids.op("@>", is_comparison=True)(literal([customer], ARRAY(Uuid)))
    return or_(view.c.company_id == customer, person)


def _is_of(view: FromClause, customer: UUID) -> ColumnElement[bool]:
    return or_(view.c.company_id == customer, view.c.person_id == customer)


def _ever(versions: FromClause, about: Any, customer: UUID) -> SelectBase:
    return select(versions.c.id).where(about(versions, customer))


def _ids(records: FromClause, about: Any, customer: UUID) -> SelectBase:
    return select(records.c.id).where(about(records, customer))
