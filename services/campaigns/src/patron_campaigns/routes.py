"""Build the HTTP service of the context from its routes."""

from typing import Final

from patron_campaigns.api.segments import segments
from patron_runtime.identity import Verifier
from patron_runtime.service import About, Lifespan, Service, create_service
from patron_runtime.settings import RuntimeSettings

ABOUT: Final = About(
    name="campaigns",
    title="Patron campaigns",
    version="1.0.0",
    prefix="/campaigns/v1",
    description="Segments of customers: their rules, and who is put in or left out by hand. Members are projections.",
)


def build(verifier: Verifier, settings: RuntimeSettings, lifespan: Lifespan) -> Service:
    """Build the service; `lifespan` puts the parts of `patron_campaigns.composition` on `app.state.campaigns`."""
    service = create_service(ABOUT, verifier, settings, lifespan=lifespan)
    service.include_router(segments)
    return service
