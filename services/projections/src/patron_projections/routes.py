"""All routes of the service."""

from typing import Final

from patron_projections.api import customers, directories, histories, operations, reports, segment_questions

ROUTERS: Final = (
    customers.routes,
    directories.routes,
    histories.routes,
    operations.routes,
    reports.routes,
    segment_questions.routes,
)
