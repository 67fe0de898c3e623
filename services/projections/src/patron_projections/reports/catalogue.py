"""All reports by name; the forecast stands apart, because PostgreSQL alone cannot answer it."""

from collections.abc import Mapping
from typing import Final

from patron_projections.reports.cohorts import Cohorts
from patron_projections.reports.definition import Report
from patron_projections.reports.interactions import Interactions, ResponseRate
from patron_projections.reports.lifetime_value import LifetimeValue
from patron_projections.reports.people import Acquisition, People
from patron_projections.reports.purchases import Purchases
from patron_projections.reports.rfm import Rfm
from patron_projections.reports.sales.attainment import QuotaAttainment
from patron_projections.reports.sales.closed import SalesCycle, WinRate
from patron_projections.reports.sales.follow_ups import FollowUps
from patron_projections.reports.sales.forecasts import Forecast, ForecastHistory
from patron_projections.reports.sales.funnel import Funnel, StageConversion
from patron_projections.reports.sales.lead_sources import LeadSources
from patron_projections.reports.sales.stock import DealAgeing, DealsReport
from patron_projections.reports.sales.velocity import Velocity

_ALL: Final[tuple[Report, ...]] = (
    Purchases(), Cohorts(), Rfm(), Interactions(), ResponseRate(), Acquisition(), People(),
    DealsReport(), WinRate(), SalesCycle(), DealAgeing(), Forecast(), ForecastHistory(), QuotaAttainment(),
    Funnel(), StageConversion(), Velocity(), LeadSources(), FollowUps(),
)  # fmt: skip
LIFETIME_VALUE: Final = LifetimeValue()
REPORTS: Final[Mapping[str, Report]] = {report.definition.name: report for report in _ALL}
