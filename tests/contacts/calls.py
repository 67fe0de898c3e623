"""What tests of the HTTP interface say often."""

from typing import Any, Final

import httpx

from contacts.served import BASE

PEOPLE: Final = f"{BASE}/people"
COMPANIES: Final = f"{BASE}/companies"
UNKNOWN: Final = "00000000-0000-5000-8000-000000000000"


async def created(client: httpx.AsyncClient, **body: Any) -> str:
    """Create a person and give the id."""
    answer = await client.post(PEOPLE, json={"given_name": "Grace", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def company(client: httpx.AsyncClient, **body: Any) -> str:
    """Create a company and give the id."""
    answer = await client.post(COMPANIES, json={"name": "Acme", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Give status, code and field of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    return answer.status_code, document["code"], document.get("field")
