"""A small service that the tests of the runtime ask."""

from typing import ClassVar

import httpx
from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, Field

from patron_events.rejections import Conflict, NotFound, Unavailable, VersionMismatch
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Commanding, Reading

PEOPLE = "/things/v1/people"


class AlreadyThere(Conflict):
    """The person is there already."""

    code: ClassVar[str] = "already-there"


class Email(BaseModel):
    value: str = Field(min_length=3)


class PersonBody(BaseModel):
    given_name: str
    age: int | None = None
    emails: list[Email] = []


def people() -> APIRouter:
    routes = router(prefix="/people", tags=["people"])

    @routes.post("", status_code=201, responses=problems(AlreadyThere, VersionMismatch))
    async def create_person(body: PersonBody, response: Response, by: Commanding) -> dict[str, object]:
        if body.given_name == "twice":
            raise AlreadyThere(field="given_name")
        if body.given_name == "boom":
            raise RuntimeError(f"secret of {body.emails[0].value}")
        stamp(response, version=1, position="things.3.7")
        return {
            "subject": by.principal.subject,
            "source": by.source,
            "correlation_id": by.correlation_id,
            "traceparent": by.traceparent,
            "idempotency_key": by.idempotency_key,
            "expected_version": by.expected_version,
            "must_exist": by.must_exist,
        }

    @routes.post("/bulk")
    async def create_people(body: list[str], by: Commanding) -> dict[str, int]:
        return {"items": len(body)}

    @routes.get("/{person_id}", responses=problems(NotFound, Unavailable))
    async def read_person(person_id: int, by: Reading) -> dict[str, object]:
        if person_id == 404:
            raise NotFound
        if person_id == 503:
            raise Unavailable(retry_after_s=7)
        return {"id": person_id, "teams": sorted(by.principal.teams)}

    @routes.delete("/{person_id}", status_code=204)
    async def erase_person(person_id: int, by: Administering) -> None:
        return None

    return routes


def client_of(app: FastAPI, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service", headers=headers)
