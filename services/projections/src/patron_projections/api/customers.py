"""Routes of customers: everything that is known of one, as of any moment, and what changed since a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from patron_events.rejections import Invalid
from patron_projections.api.parts import (
    AS_OF_PROBLEMS,
    READERS,
    Asked,
    Asking,
    Parts,
    RecordNotFound,
    answered,
    wait_for,
)
from patron_projections.customers.queries import Moment
from patron_projections.fields import read_time
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["customers"], dependencies=READERS)

_BEHIND: Final = ("timeline", "people", "companies", "activities")
_SOLD: Final = ("deals", "leads", "planned_activities")
_SINCE_TEXT: Final = "Also what was recorded after this RFC 3339 time or date: fields before and after, new activities."
_EXAMPLE: Final[Mapping[str, Any]] = {
    "id": "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11",
    "kind": "person",
    "moment": "2026-03-31T23:59:59Z",
    "profile": {"display_name": "Grace Hopper", "lifecycle_stage": "customer", "tags": ["vip"]},
    "provenance": {"lifecycle_stage": "019d2b70-5a00-7000-8000-000000000001:0"},
    "events": {
        "019d2b70-5a00-7000-8000-000000000001:0": {
            "type": "contacts.lifecycle-stage-changed",
            "occurred_at": "2026-03-02T10:15:00Z",
            "recorded_at": "2026-03-02T10:15:00Z",
            "version": 4,
            "actor": {"kind": "user", "id": "importer", "authority": ["agent"]},
            "correlation_id": "import:3f2a91bc70d4:17",
            "causation_id": None,
            "import": {"file": "3f2a91bc70d4", "row": 17},
        }
    },
    "identities": [{"kind": "email", "value": "grace@example.org", "type": "work", "primary": True}],
    "tags": ["vip"],
    "interactions": {
        "total": 2,
        "by_kind": {"call": 2},
        "by_channel": {"phone": 2},
        "last_by_channel": {"phone": {"at": "2026-03-20T08:00:00Z", "kind": "call", "event_id": "019d…:0"}},
        "first_at": "2026-01-05T09:00:00Z",
        "last_at": "2026-03-20T08:00:00Z",
    },
    "purchases": [
        {
            "currency": "USD",
            "orders": 3,
            "amount": {"amount": "88.50", "currency": "USD"},
            "average": {"amount": "29.50", "currency": "USD"},
            "quantity": "7",
            "first_at": "2026-01-10T00:00:00Z",
            "last_at": "2026-03-11T00:00:00Z",
            "average_gap_days": 30.0,
        }
    ],
    "open_work": {
        "planned_interactions": 0,
        "next": [],
        "deals": {
            "number": 1,
            "first": [
                {
                    "id": "0b9c8f5e-7a51-5c66-8b0e-3f6a1c1a5211",
                    "name": "Anvils for 2026",
                    "pipeline_id": "default",
                    "stage": "proposal",
                    "stage_since": "2026-03-20T08:00:00Z",
                    "owner": "idp|grace",
                    "expected_close": "2026-04-30",
                    "opened_at": "2026-03-02T10:15:00Z",
                    "amount": {"amount": "1200.00", "currency": "USD"},
                }
            ],
        },
        "leads": {"number": 0, "first": []},
        "activities": {"number": 0, "first": []},
    },
    "companies": [],
    "consents": [{"purpose": "newsletter", "state": "given", "basis": "consent", "given_at": "2026-01-05T09:00:00Z"}],
    "segments": [],
}


class SinceInvalid(Invalid):
    """A time since when changes are told is an RFC 3339 time or date."""

    code: ClassVar[str] = "since-invalid"


class CustomerQuery(Asking):
    """Parameters of everything about a customer."""

    changed_since: str | None = Field(None, max_length=40, description=_SINCE_TEXT, examples=["2026-03-01"])

    def moment(self) -> Moment:
        """Put the parameters together."""
        return Moment(self.clocks(), _since(self.changed_since, "changed_since"))


class ChangesQuery(Asking):
    """Parameters of what changed of a customer."""

    since: str = Field(max_length=40, description="RFC 3339 time or date, exclusive.", examples=["2026-03-01"])

    def moment(self) -> Moment:
        """Put the parameters together."""
        return Moment(self.clocks(), _since(self.since, "since"))


class ChangesAnswer(BaseModel):
    """What was recorded after a time: fields before and after, and the numbers of new activities."""

    since: datetime
    fields: list[dict[str, Any]]
    interactions: int
    purchases: list[dict[str, Any]]
    segments_entered: list[str]
    segments_left: list[str]


class CustomerAnswer(BaseModel):
    """Who a customer is.

    profile: as in the directory; null where something happened before anything was known of the customer.
    provenance: by field, the id of the event that gave it its value; `events` tells each of them once.
    open_work: interactions that are planned at the moment, and open deals, leads and planned activities: how many, and
    the first of them. Tickets join when their context exists.
    people: of a company; companies, consents and segments: of a person.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [dict(_EXAMPLE)]})

    id: UUID
    kind: Literal["person", "company"]
    moment: datetime
    profile: dict[str, Any] | None
    provenance: dict[str, str]
    events: dict[str, dict[str, Any]]
    identities: list[dict[str, Any]]
    tags: list[str]
    interactions: dict[str, Any]
    purchases: list[dict[str, Any]]
    open_work: dict[str, Any]
    people: dict[str, Any] | None = None
    companies: list[dict[str, Any]] | None = None
    consents: list[dict[str, Any]] | None = None
    segments: list[dict[str, Any]] | None = None
    changes: ChangesAnswer | None = None


def _since(text: str | None, name: str) -> datetime | None:
    try:
        return None if text is None else read_time(text)
    except (ValueError, OverflowError):
        raise SinceInvalid(field=name) from None


_PROBLEMS: Final = AS_OF_PROBLEMS | problems(RecordNotFound, SinceInvalid)


@routes.get("/customers/{customer_id}", response_model=CustomerAnswer, responses=_PROBLEMS)
async def customer(parts: Asked, customer_id: UUID, query: Annotated[CustomerQuery, Query()]) -> Response:
    """Tell who a customer is: a person, or a company, now or as of any moment."""
    moment = query.moment()
    await _wait(parts, query)
    freshness = await parts.freshnesses.of(parts.models["people"])
    found = await parts.customers.one(customer_id, moment)
    if found is None:
        raise RecordNotFound
    return answered(found, freshness)


@routes.get("/customers/{customer_id}/changes", response_model=ChangesAnswer, responses=_PROBLEMS)
async def changes(parts: Asked, customer_id: UUID, query: Annotated[ChangesQuery, Query()]) -> Response:
    """Tell what was recorded of a customer after a time."""
    moment = query.moment()
    await _wait(parts, query)
    freshness = await parts.freshnesses.of(parts.models["people"])
    found = await parts.customers.changes(customer_id, moment)
    if found is None:
        raise RecordNotFound
    return answered(found, freshness)


async def _wait(parts: Parts, query: Asking) -> None:
    """Wait until every model, and the segments, have what the caller asks for; all together as long as they say."""
    if query.after is not None:
        await wait_for(parts, query, *_BEHIND, *_SOLD)
        if not query.after.startswith("pipeline."):  # no rule of a segment looks at sales
            await parts.evaluated.wait(query.after, query.left_s)
