"""All routes of the service."""

from typing import Final

from patron_projections.api import customers, directories, histories, operations, reports, segment_questions, segments

ROUTERS: Final = (
    directories.routes,
    customers.routes,
    histories.routes,
    operations.routes,
    reports.routes,
    segment_questions.routes,
    segments.routes,
)
