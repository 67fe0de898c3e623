"""Build the HTTP service of the context from its routes."""

from typing import Final

from patron_contacts.api.activities import activities
from patron_contacts.api.companies import companies
from patron_contacts.api.consents import consents
from patron_contacts.api.fields import fields
from patron_contacts.api.people import people
from patron_contacts.api.record_commands import commands_on
from patron_reactions.api import operations
from patron_runtime.identity import Verifier
from patron_runtime.service import About, Lifespan, Service, create_service
from patron_runtime.settings import RuntimeSettings

ABOUT: Final = About(
    name="contacts",
    title="Patron contacts",
    version="1.0.0",
    prefix="/contacts/v1",
    description="People and companies: who the customers are, and what they did. Commands, and reads of one record.",
    bulk_paths=frozenset(f"/contacts/v1/{kind}/bulk" for kind in ("people", "companies", "interactions", "orders")),
)


def build(verifier: Verifier, settings: RuntimeSettings, lifespan: Lifespan) -> Service:
    """Build the service; `lifespan` puts the parts of `patron_contacts.composition` on `app.state.contacts`."""
    service = create_service(ABOUT, verifier, settings, lifespan=lifespan)
    service.include_router(people)
    service.include_router(consents)
    service.include_router(companies)
    service.include_router(commands_on("people", lambda parts: parts.real.people))
    service.include_router(commands_on("companies", lambda parts: parts.real.companies))
    service.include_router(activities)
    service.include_router(fields)
    service.include_router(operations("/contacts/v1"))
    return service
