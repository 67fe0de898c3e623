"""All routes of the service."""

from typing import Final

from patron_projections.api import directories, histories, operations, reports

ROUTERS: Final = (directories.routes, histories.routes, operations.routes, reports.routes)
