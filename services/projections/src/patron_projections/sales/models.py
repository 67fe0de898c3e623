"""All read models of the pipeline context."""

from typing import Final

from patron_projections.engine.read_model import ReadModel
from patron_projections.sales.deals import Deals
from patron_projections.sales.definitions import ExchangeRates, Pipelines, Products
from patron_projections.sales.leads import Leads
from patron_projections.sales.planned_activities import PlannedActivities
from patron_projections.sales.quotes import Quotes
from patron_projections.sales.stays import DealStays
from patron_projections.sales.team import Quotas, SalesTeam
from patron_projections.sales.timeline import SalesTimeline

SALES: Final[tuple[ReadModel, ...]] = (
    Deals(),
    DealStays(),
    Leads(),
    PlannedActivities(),
    Quotes(),
    SalesTeam(),
    Quotas(),
    Pipelines(),
    Products(),
    ExchangeRates(),
    SalesTimeline(),
)
