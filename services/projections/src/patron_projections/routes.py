"""All routes of the service."""

from typing import Final

from patron_projections.api import (
    customers,
    directories,
    histories,
    operations,
    reports,
    sales,
    segment_questions,
    segments,
    selling,
)

ROUTERS: Final = (
    directories.routes,
    customers.routes,
    histories.routes,
    operations.routes,
    reports.routes,
    selling.routes,
    sales.routes,
    segment_questions.routes,
    segments.routes,
)
