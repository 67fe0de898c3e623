"""Build the HTTP service from its routes, over any PostgreSQL that holds the read models."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from patron_projections.activities import Activities
from patron_projections.api.parts import Parts, attach
from patron_projections.audit import Audit
from patron_projections.clocks import companies_as_of, people_as_of
from patron_projections.companies import Companies
from patron_projections.custom_fields import CustomFields
from patron_projections.customers.queries import Customers
from patron_projections.database import Database
from patron_projections.directory import Directory
from patron_projections.engine.read_model import ReadModel
from patron_projections.freshness import DEAD_AFTER_S, Freshnesses
from patron_projections.histories import AuditQueries, TimelineQueries
from patron_projections.links import Links
from patron_projections.operations import Operations
from patron_projections.people import People
from patron_projections.reports.running import Reports
from patron_projections.routes import ROUTERS
from patron_projections.sales.models import SALES
from patron_projections.sales.queries import sales_over
from patron_projections.segments.backtest_report import Backtests
from patron_projections.segments.definitions import SegmentDefinitions
from patron_projections.segments.evaluated import Evaluated
from patron_projections.segments.memberships import Memberships
from patron_projections.segments.queries import SegmentQueries
from patron_projections.timeline import Timeline
from patron_runtime.identity import Verifier
from patron_runtime.service import About, Service, create_service
from patron_runtime.settings import RuntimeSettings
from patron_runtime.state import runtime_of_app

MODELS: Final[tuple[ReadModel, ...]] = (
    Timeline(),
    People(),
    Companies(),
    Audit(),
    Activities(),
    CustomFields(),
    SegmentDefinitions(),
    Memberships(),
    *SALES,
)
ABOUT: Final = About(
    name="projections",
    title="Patron projections",
    version="1.0.0",
    prefix="/projections/v1",
    description=(
        "Answers about people, companies and what they did. Give `after=<position of a command>` to see its effect. "
        "`Patron-Position` says what an answer holds; `Patron-Stale: <seconds>` that newer facts may be missing."
    ),
)


def parts_over(database: Database, dead_after_s: float = DEAD_AFTER_S) -> Parts:
    """Put together what the routes ask. dead_after_s: see `ProjectionsSettings.worker_dead_after_s`."""
    return Parts(
        database=database,
        freshnesses=Freshnesses(database, dead_after_s),
        people=Directory(database, people_as_of, companies_as_of),
        companies=Directory(database, companies_as_of),
        customers=Customers(database),
        names=Links(database),
        timeline=TimelineQueries(database),
        audit=AuditQueries(database),
        operations=Operations(database, dead_after_s),
        segments=SegmentQueries(database),
        evaluated=Evaluated(database, dead_after_s),
        backtests=Backtests(database),
        reports=Reports(database),
        sales=sales_over(database, Links(database)),
        models={model.name: model for model in MODELS},
    )


def build(
    verifier: Verifier, settings: RuntimeSettings, postgres_url: str, dead_after_s: float = DEAD_AFTER_S
) -> Service:
    """Build the service; it starts whether PostgreSQL is there or not."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        database = Database(postgres_url)
        await database.open()
        attach(app, parts_over(database, dead_after_s))
        runtime_of_app(app).health.add("postgres", database.check)
        try:
            yield
        finally:
            await database.close()

    service = create_service(ABOUT, verifier, settings, lifespan=lifespan)
    for routes in ROUTERS:
        service.include_router(routes)
    return service
