"""The HTTP services that have a contract.

A new service is one line in each table; a document by itself is compared with its snapshot only. A service that
needs a server asks for its fixture by name, as in `request.getfixturevalue("database_url")`; its document must be
made without.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from msgspec import convert

from campaigns.served import BASE as SEGMENTS
from campaigns.served import Campaigns, campaigns_service
from contacts.served import BASE, Contacts, bearer, contacts_service
from patron_projections import service as projections
from patron_reactions.dead_letters import DeadLetter
from patron_reactions.memory import MemoryOversight
from patron_runtime.identity import Verifier
from patron_runtime.settings import RuntimeSettings
from pipeline.served import BASE as SELLING
from pipeline.served import Selling, pipeline_service


@dataclass(frozen=True, slots=True)
class ServedService:
    """A service ready to be called.

    known: values of path parameters that exist, such as the id of a record.
    """

    app: FastAPI
    headers: dict[str, str]
    known: dict[str, str] = field(default_factory=dict[str, str])


async def _filled(contacts: Contacts, kind: str) -> dict[str, str]:
    async with contacts.client("admin") as client:

        async def post(path: str, body: dict[str, Any]) -> httpx.Response:
            return (await client.post(f"{BASE}{path}", json=body)).raise_for_status()

        company = (await post("/companies", {"name": "Acme"})).json()["id"]
        person = (await post("/people", {"given_name": "Grace", "companies": [{"company_id": company}]})).json()["id"]
        await client.put(f"{BASE}/fields/{kind}/plan", json={"type": "string"})
        record = person if kind == "people" else company
        await post(f"/{kind}/{record}/notes", {"text": "Called."})
        (note,) = (await client.get(f"{BASE}/{kind}/{record}")).json()["notes"]
        return {"record_id": record, "company_id": company, "note_id": note["note_id"], "entity": kind, "name": "plan"}


@cache
def _contacts_app() -> FastAPI:
    return contacts_service()


def _contacts(request: pytest.FixtureRequest, path: str) -> ServedService:
    del request  # the twins of the log and the vault need no server
    contacts = Contacts()
    app = _contacts_app()
    app.state.contacts = contacts.parts()
    app.state.oversight, letter_id = asyncio.run(_overseen("contacts"))
    known = asyncio.run(_filled(contacts, "companies" if path.startswith(f"{BASE}/companies") else "people"))
    return ServedService(app, bearer("admin"), {**known, "letter_id": letter_id})


@cache
def _campaigns_app() -> FastAPI:
    return campaigns_service()


async def _defined(campaigns: Campaigns) -> dict[str, str]:
    async with campaigns.client("admin") as client:
        rule = {"type": "field", "field": "country", "op": "eq", "value": "DE"}
        body = {"kind": "snapshot", "name": "Germans", "rule": rule}
        return {"segment_id": (await client.post(SEGMENTS, json=body)).raise_for_status().json()["id"]}


def _campaigns(request: pytest.FixtureRequest, path: str) -> ServedService:
    del request, path  # as above
    campaigns = Campaigns()
    app = _campaigns_app()
    app.state.campaigns = campaigns.parts()
    return ServedService(app, bearer("admin"), asyncio.run(_defined(campaigns)))


@cache
def _pipeline_app() -> FastAPI:
    return pipeline_service()


async def _sold(selling: Selling) -> dict[str, str]:
    """Make what the path parameters of the context name; each route's owner adds its own."""
    async with selling.client("admin") as client:

        async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            return (await client.post(f"{SELLING}{path}", json=body)).raise_for_status().json()

        deal = await post("/deals", {"name": "GTX Pro for Acme", "amount": 10, "currency": "EUR"})
        lead = await post("/leads", {"email": "grace@example.org", "company_name": "Acme"})
        quote = await post(
            f"/deals/{deal['id']}/quotes", {"lines": [{"name": "A", "unit_price": 1}], "currency": "EUR"}
        )
        product = await post("/products", {"sku": "GTX-PRO", "name": "GTX Pro"})
        rep = await post("/reps", {"subject": "ann"})
        form = {"name": "Contact us", "fields": ["email"], "honeypot": "website"}
        (await client.put(f"{SELLING}/forms/contact-us", json=form)).raise_for_status()
        calendar = await post("/calendars", {})
        meeting = {
            "kind": "meeting",
            "summary": "Demo",
            "due_at": "2026-03-23T09:00:00Z",
            "attendees": ["a@example.org"],
        }
        activity_id = (await post("/activities", meeting))["id"]
        return {
            "activity_id": activity_id,
            "lead_id": lead["id"],
            "form_id": "contact-us",
            "rep_id": rep["id"],
            "period": "2026-Q2",
            "calendar_token": calendar["url"].rsplit("/", 1)[1].removesuffix(".ics"),
            "deal_id": deal["id"],
            "invitation_token": selling.parts().replies.link(activity_id, 0, "a@example.org"),
            "pipeline_id": "default",
            "product_id": product["id"],
            "quote_id": quote["id"],
            "base": "EUR",
            "rules_name": "assignment",
        }


async def _overseen(service: str) -> tuple[MemoryOversight, str]:
    oversight = MemoryOversight(service)
    at = datetime(2026, 3, 1, tzinfo=UTC)
    letter_id = str(UUID(int=7))
    place = {"stream": "PIPELINE", "sequence": 1, "subject": "crm.pipeline.p001.lead.1", "stored_at": at, "died_at": at}
    letter = {"id": letter_id, "service": service, "reaction": "assign-lead", "what": "pipeline.lead-captured"}
    await oversight.letters.leave(
        convert({**letter, **place, "event_id": "1:0", "error": "TimeoutError", "deliveries": 8}, DeadLetter)
    )
    return oversight, letter_id


def _pipeline(request: pytest.FixtureRequest, path: str) -> ServedService:
    del request, path  # as above
    selling = Selling()
    app = _pipeline_app()
    app.state.pipeline = selling.parts()
    app.state.oversight, letter_id = asyncio.run(_overseen("pipeline"))
    return ServedService(app, bearer("admin"), {**asyncio.run(_sold(selling)), "letter_id": letter_id})


def _projections_document() -> dict[str, Any]:
    return projections.build(Verifier([]), RuntimeSettings(), postgres_url="").openapi()


DOCUMENTS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "campaigns": lambda: _campaigns_app().openapi(),
    "contacts": lambda: _contacts_app().openapi(),
    "pipeline": lambda: _pipeline_app().openapi(),
    "projections": _projections_document,
}
# Projections are asked beside their rows, in integration/projections/test_any_request.py.
# Called for every operation; answers a service in which the known things exist, for calls of that path.
SERVICES: Final[dict[str, Callable[[pytest.FixtureRequest, str], ServedService]]] = {
    "campaigns": _campaigns,
    "contacts": _contacts,
    "pipeline": _pipeline,
}
