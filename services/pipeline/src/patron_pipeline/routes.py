"""Build the HTTP service of the context from its routes."""

from typing import Final

from fastapi import APIRouter

from patron_pipeline.api.activities import activities
from patron_pipeline.api.calendars import calendars
from patron_pipeline.api.deals import deals
from patron_pipeline.api.forms import forms
from patron_pipeline.api.leads import leads
from patron_pipeline.api.pipelines import pipelines
from patron_pipeline.api.products import products
from patron_pipeline.api.quotes import quotes
from patron_pipeline.api.rates import rates
from patron_pipeline.api.reps import reps
from patron_pipeline.api.rules import rules
from patron_reactions.api import operations
from patron_runtime.identity import Verifier
from patron_runtime.service import About, Lifespan, Service, create_service
from patron_runtime.settings import RuntimeSettings

ABOUT: Final = About(
    name="pipeline",
    title="Patron pipeline",
    version="1.0.0",
    prefix="/pipeline/v1",
    description=(
        "Selling: leads and how they are handed out, deals in pipelines with stages, quotes, planned activities. "
        "Boards, lists, forecasts and reports are projections."
    ),
    bulk_paths=frozenset(f"/pipeline/v1/{kind}/bulk" for kind in ("deals", "leads", "products", "reps")),
)
ROUTERS: Final[tuple[APIRouter, ...]] = (
    leads,
    pipelines,
    deals,
    products,
    quotes,
    rates,
    reps,
    rules,
    activities,
    calendars,
    operations("/pipeline/v1"),
    forms,
)


def build(verifier: Verifier, settings: RuntimeSettings, lifespan: Lifespan) -> Service:
    """Build the service; `lifespan` puts the parts of `patron_pipeline.composition` on `app.state.pipeline`."""
    service = create_service(ABOUT, verifier, settings, lifespan=lifespan)
    for routes in ROUTERS:
        service.include_router(routes)
    return service
