"""A wrong part of a body is refused with a stable code, and named."""

from typing import Any

import httpx
import pytest

from contacts.calls import PEOPLE, UNKNOWN, refusal

WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({}, "record-empty", None),
    ({"job_title": "Boss"}, "record-empty", None),
    ({"given_name": "a\u0007b"}, "text-invalid", "given_name"),
    ({"given_name": "x" * 201}, "text-too-long", "given_name"),
    ({"emails": [{"value": "nobody"}]}, "email-invalid", "emails[0].value"),
    ({"phones": [{"value": "+1 1", "region": "US"}]}, "phone-invalid", "phones[0].value"),
    ({"given_name": "G", "addresses": [{"country": "Atlantis"}]}, "country-unknown", "addresses[0].country"),
    ({"given_name": "G", "addresses": [{}]}, "address-empty", "addresses[0]"),
    ({"given_name": "G", "language": "klingon-x-y-z-"}, "language-unknown", "language"),
    ({"given_name": "G", "time_zone": "Mars/Olympus"}, "time-zone-unknown", "time_zone"),
    ({"given_name": "G", "birth_date": "0000-01-01"}, "date-invalid", "birth_date"),
    ({"given_name": "G", "birth_date": "1700-01-01"}, "date-too-early", "birth_date"),
    ({"given_name": "G", "birth_date": "9999-12-31"}, "birth-date-in-future", "birth_date"),
    ({"given_name": "G", "first_touch": {"at": "9999-01-01T00:00:00Z"}}, "time-in-future", "first_touch.at"),
    ({"given_name": "G", "first_touch": {"at": "0000-01-01T00:00:00Z"}}, "time-invalid", "first_touch.at"),
    ({"given_name": "G", "social": [{"service": "x"}]}, "social-empty", "social[0]"),
    ({"given_name": "G", "urls": ["ftp://x.example"]}, "url-invalid", "urls[0]"),
    ({"given_name": "G", "custom": {"plan": "a"}}, "custom-field-unknown", "custom.plan"),
    ({"given_name": "G", "lifecycle_stage": "hero"}, "stage-unknown", "lifecycle_stage"),
    ({"given_name": "G", "companies": [{"company_id": UNKNOWN}]}, "company-not-found", "companies[0]"),
    ({"given_name": "G", "companies": [{}]}, "text-empty", "companies[0].name"),
    ({"given_name": "G", "companies": [{"name": " "}]}, "text-empty", "companies[0].name"),
    ({"given_name": "G", "companies": [{"name": "A", "role": "a\u0007"}]}, "text-invalid", "companies[0].role"),
    ({"given_name": "G", "external_ids": [{"source": "", "id": "1"}]}, "text-empty", "external_ids[0].source"),
    ({"given_name": "G", "external_ids": [{"source": "crm", "id": " "}]}, "text-empty", "external_ids[0].id"),
    ({"given_name": "G", "preferences": {" ": "x"}}, "text-empty", "preferences"),
    ({"given_name": "G", "tags": [""]}, "text-empty", "tags[0]"),
    ({"given_name": "G", "notes": [{"text": " "}]}, "text-empty", "notes[0].text"),
    ({"surname": "H"}, "invalid-request", "surname"),
    ({"given_name": 7}, "invalid-request", "given_name"),
    ({"given_name": "G", "emails": [{"value": "a@example.org", "type": "fax"}]}, "invalid-request", "emails[0].type"),
]


@pytest.mark.parametrize(("body", "code", "field"), WRONG)
async def test_a_wrong_part_of_a_person_is_refused_and_named(
    agent: httpx.AsyncClient, body: dict[str, Any], code: str, field: str | None
) -> None:
    assert refusal(await agent.post(PEOPLE, json=body)) == (422, code, field)
