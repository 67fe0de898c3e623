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
from patron_projections.reports.sales.closed import SalesCycle, WinRate
from patron_projections.reports.sales.stock import DealAgeing, DealsReport

_ALL: Final[tuple[Report, ...]] = (
    Purchases(), Cohorts(), Rfm(), Interactions(), ResponseRate(), Acquisition(), People(),
    DealsReport(), WinRate(), SalesCycle(), DealAgeing(),
)  # fmt: skip
LIFETIME_VALUE: Final = LifetimeValue()
REPORTS: Final[Mapping[str, Report]] = {report.definition.name: report for report in _ALL}
