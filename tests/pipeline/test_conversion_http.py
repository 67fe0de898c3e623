"""Converting leads over HTTP: person, company and deal in one go, or none of it."""

from typing import Any

import httpx
import pytest

from patron_events.decisions import Asked
from patron_events.envelope import Actor
from patron_pipeline.domain.customer import CUSTOMER
from patron_pipeline.domain.deal import DEAL
from patron_values.keys import person_of_lead
from pipeline.served import BASE, Selling

LEADS = f"{BASE}/leads"
ADA = "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"


def asked(command_id: str) -> Asked:
    return Asked(Actor("user", "ann"), command_id=command_id)


async def captured(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(LEADS, json={"email": "grace@example.org", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def converted(client: httpx.AsyncClient, lead: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{LEADS}/{lead}/conversion", json=body)
    assert answer.status_code == 200, answer.text
    shown = (await client.get(f"{LEADS}/{lead}")).json()
    assert shown["status"] == "converted"
    return shown


async def test_a_lead_that_nobody_knows_becomes_a_new_person_company_and_deal(
    agent: httpx.AsyncClient, selling: Selling
) -> None:
    lead = await captured(agent, company_name="Acme", owner="bob", amount="500", currency="EUR", source="google")
    shown = await converted(agent, lead, deal={"close_date": "2030-06-30"})
    became = shown["conversion"]
    assert became["created"] == ["company", "deal", "person"]
    assert (shown["person_id"], became["person_id"]) == (person_of_lead(lead),) * 2
    deal = (await agent.get(f"{BASE}/deals/{became['deal_id']}")).json()
    assert (deal["lead_id"], deal["name"], deal["owner"], deal["source"]) == (lead, "Acme", "bob", "google")
    assert (deal["amount"], deal["currency"], deal["company_id"]) == ("500.00", "EUR", became["company_id"])
    assert [one["person_id"] for one in deal["people"]] == [became["person_id"]]
    links = {(one.kind, one.record_id) for one in await selling.facts(CUSTOMER, became["person_id"])}  # type: ignore[attr-defined]
    assert links == {("lead", lead), ("deal", became["deal_id"])}


async def test_who_is_known_is_linked_and_not_made_again(agent: httpx.AsyncClient, selling: Selling) -> None:
    contacts = selling.contacts.parts().real
    company = (await contacts.companies.create({"name": "Acme"}, asked("c"))).stream.id
    lead = await captured(agent)
    person = {"emails": [{"value": "grace@example.org"}], "companies": [{"company_id": company}]}
    grace = (await contacts.people.create(person, asked("p"))).stream.id
    shown = await converted(agent, lead, company_id=company)
    assert shown["conversion"] == {"person_id": grace, "company_id": company, "deal_id": None, "created": []}


async def test_converting_again_changes_nothing(agent: httpx.AsyncClient) -> None:
    lead = await captured(agent)
    await converted(agent, lead)
    again = await agent.post(f"{LEADS}/{lead}/conversion", json={"deal": {"name": "Another"}})
    assert again.json()["status"] == "unchanged"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"deal": {"name": "Acme", "pipeline_id": "nowhere"}}, "pipeline-unknown", None),
        ({"deal": {}}, "text-empty", "deal.name"),
        ({"deal": {"name": "Acme", "amount": "x", "currency": "EUR"}}, "amount-invalid", "deal.amount"),
        ({"person_email": "ada@example.org"}, "person-not-found", "person_email"),
        ({"person_email": "ada@example.org", "person_id": ADA}, "reference-not-one", None),
    ],
)
async def test_a_lead_that_cannot_become_that_stays_what_it_is(
    agent: httpx.AsyncClient, body: dict[str, Any], code: str, field: str | None
) -> None:
    lead = await captured(agent)
    refused = await agent.post(f"{LEADS}/{lead}/conversion", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    if field is not None:
        assert refused.json()["field"] == field
    assert (await agent.get(f"{LEADS}/{lead}")).json()["status"] == "new"


async def test_two_who_convert_at_once_make_one_deal(
    agent: httpx.AsyncClient, other: httpx.AsyncClient, selling: Selling
) -> None:
    lead = await captured(agent, company_name="Acme")
    for client in (agent, other):
        await converted(client, lead, deal={"name": "Acme"})
    deal = (await agent.get(f"{LEADS}/{lead}")).json()["conversion"]["deal_id"]
    assert [type(one).__name__ for one in await selling.facts(DEAL, deal)].count("DealOpened") == 1
