"""Leads and the contacts context, each reacting to the other: conversion, people known under another id, erasure."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from patron_contacts.reactions import all_reactions as contacts_reactions
from patron_events.decisions import Asked, Decisions
from patron_events.envelope import Actor
from patron_events.journal import Journal
from patron_events.personal import ERASED
from patron_pipeline.domain.deal import DEAL
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.reactions.everything import all_reactions
from patron_reactions.memory import InMemory, MemoryTimers
from patron_reactions.service import Means
from patron_values.keys import person_of_lead
from pipeline.served import BASE, Selling

LEADS = f"{BASE}/leads"


def asked(command_id: str) -> Asked:
    return Asked(Actor("user", "ann"), command_id=command_id)


@dataclass
class Both:
    """Both contexts over one log, with the reactions of each."""

    selling: Selling = field(default_factory=Selling)

    def __post_init__(self) -> None:
        self.hosts = [self._host(contacts_reactions), self._host(all_reactions)]

    def _host(self, build: Any) -> InMemory:
        store, vault = self.selling.store, self.selling.vault
        timers = MemoryTimers()
        means = Means(Decisions(Journal(store, vault)), store, timers, self.selling.index)
        return InMemory(build(means), store, vault, timers)

    async def settle(self) -> None:
        """React until neither has anything to do."""
        for _ in range(3):
            for host in self.hosts:
                await host.settle()

    async def redeliver(self) -> None:
        """Deliver everything once more."""
        for host in self.hosts:
            await host.redeliver()

    async def person(self, person_id: str) -> dict[str, Any]:
        """Read a person as the contacts service shows them."""
        async with self.selling.contacts.client("reader") as client:
            return (await client.get(f"/contacts/v1/people/{person_id}")).json()


@pytest.fixture
def both() -> Both:
    return Both()


async def captured(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(LEADS, json={"email": "grace@example.org", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def converted(client: httpx.AsyncClient, lead: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{LEADS}/{lead}/conversion", json=body)
    assert answer.status_code == 200, answer.text
    return (await client.get(f"{LEADS}/{lead}")).json()


async def test_contacts_make_whom_a_converted_lead_became(both: Both) -> None:
    async with both.selling.client("agent") as client:
        lead = await captured(
            client, given_name="Grace", phone="+1 202 555 0143", job_title="Admiral", company_name="Acme",
            industry="Navy", owner="bob", source="google", captured_at="2026-01-02T03:04:05Z",
        )  # fmt: skip
        became = (await converted(client, lead, deal={"name": "Acme"}))["conversion"]
        await both.settle()
        person = await both.person(became["person_id"])
        again = (await client.get(f"{LEADS}/{lead}")).json()["conversion"]
    assert again == became
    assert (person["given_name"], person["job_title"], person["owner"]) == ("Grace", "Admiral", "bob")
    assert [one["value"] for one in person["emails"]] == ["grace@example.org"]
    assert person["external_ids"] == [{"source": "lead", "id": lead}]
    assert (person["lifecycle_stage"], person["lead_source"]) == ("opportunity", "google")
    assert [one["company_id"] for one in person["companies"]] == [became["company_id"]]
    async with both.selling.contacts.client("reader") as client:
        company = (await client.get(f"/contacts/v1/companies/{became['company_id']}")).json()
    assert (company["name"], company["industry"]) == ("Acme", "Navy")


async def test_reacting_twice_changes_nothing(both: Both) -> None:
    async with both.selling.client("agent") as client:
        lead = await captured(client, company_name="Acme")
        await converted(client, lead)
    await both.settle()
    sizes = [await both.selling.store.last_sequence(context) for context in ("contacts", "pipeline")]
    await both.redeliver()
    assert [await both.selling.store.last_sequence(context) for context in ("contacts", "pipeline")] == sizes


async def test_whom_contacts_know_by_then_takes_the_place_of_the_new_person(both: Both) -> None:
    async with both.selling.client("agent") as client:
        lead = await captured(client, given_name="Grace", family_name="Hopper")
        became = (await converted(client, lead, deal={"name": "Acme"}))["conversion"]
        assert became["person_id"] == person_of_lead(lead)
        people = both.selling.contacts.parts().real.people
        known = {"given_name": "Amazing Grace", "emails": [{"value": "grace@example.org"}]}
        grace = (await people.create(known, asked("p"))).stream.id
        await both.settle()
        shown = (await client.get(f"{LEADS}/{lead}")).json()
        deal = (await client.get(f"{BASE}/deals/{became['deal_id']}")).json()
    assert (shown["person_id"], shown["conversion"]["person_id"]) == (grace, grace)
    assert [one["person_id"] for one in deal["people"]] == [grace]
    person = await both.person(grace)
    assert (person["given_name"], person.get("family_name")) == ("Amazing Grace", None)
    assert person["external_ids"] == [{"source": "lead", "id": lead}]


async def test_two_leads_of_one_person_become_one_person(both: Both) -> None:
    async with both.selling.client("agent") as client:
        leads = [await captured(client, company_name="Acme") for _ in range(2)]
        for lead in leads:
            await converted(client, lead)
        await both.settle()
        shown = [(await client.get(f"{LEADS}/{lead}")).json()["conversion"] for lead in leads]
    assert {one["person_id"] for one in shown} == {person_of_lead(leads[0])}
    assert len({one["company_id"] for one in shown}) == 1
    person = await both.person(person_of_lead(leads[0]))
    assert sorted(one["id"] for one in person["external_ids"]) == sorted(leads)


async def test_who_was_a_customer_stays_one(both: Both) -> None:
    known = {"emails": [{"value": "grace@example.org"}], "lifecycle_stage": "customer"}
    grace = (await both.selling.contacts.parts().real.people.create(known, asked("p"))).stream.id
    async with both.selling.client("agent") as client:
        lead = await captured(client, phone="+1 202 555 0143")
        await converted(client, lead)
    await both.settle()
    person = await both.person(grace)
    assert (person["lifecycle_stage"], person["phones"][0]["value"]) == ("customer", "+12025550143")


async def test_erasing_a_person_erases_their_leads_deals_and_activities(both: Both) -> None:
    async with both.selling.client("agent") as client:
        lead = await captured(client, given_name="Grace", message="Call me")
        became = (await converted(client, lead, deal={"name": "Acme", "next_step": "Call Grace"}))["conversion"]
        await both.settle()
        call = {"kind": "call", "summary": "Call Grace", "person_id": became["person_id"]}
        activity = (await client.post(f"{BASE}/activities", json=call)).json()["id"]
        other = await captured(client, email="ada@example.org")
    async with both.selling.contacts.client("admin") as client:
        await client.post(f"/contacts/v1/people/{became['person_id']}/erasure", json={"reason": "request"})
    await both.settle()
    await both.redeliver()
    async with both.selling.client("agent") as client:
        assert (await client.get(f"{LEADS}/{lead}")).json()["given_name"] is None
        assert (await client.get(f"{LEADS}/{lead}")).json()["status"] == "erased"
        assert (await client.get(f"{BASE}/activities/{activity}")).json()["summary"] is None
        assert (await client.get(f"{BASE}/deals/{became['deal_id']}")).json()["next_step"] == {
            "erased": "key-destroyed"
        }
        assert (await client.get(f"{LEADS}/{other}")).json()["email"] == "ada@example.org"
    keys = await both.selling.vault.find([lead, activity, became["deal_id"]])
    assert not keys


async def test_what_was_erased_before_the_key_was_destroyed_is_completed(both: Both) -> None:
    """A process may die between the fact and the key; the fact is delivered again to another one."""
    known = {"emails": [{"value": "grace@example.org"}]}
    grace = (await both.selling.contacts.parts().real.people.create(known, asked("p"))).stream.id
    async with both.selling.client("agent") as client:
        lead = await captured(client)
    async with both.selling.contacts.client("admin") as client:
        await client.post(f"/contacts/v1/people/{grace}/erasure", json={"reason": "request"})
    destroy = both.selling.vault.destroy
    both.selling.vault.destroy = _dies
    with pytest.raises(ConnectionError):
        await both.settle()
    both.selling.vault.destroy = destroy
    await both.redeliver()
    assert not await both.selling.vault.find([lead])
    assert (await both.selling.facts(LEAD, lead))[1].email == ERASED  # type: ignore[attr-defined]


async def _dies(subject: str) -> None:
    raise ConnectionError


async def test_a_lead_that_was_erased_before_contacts_reacted_makes_nobody(both: Both) -> None:
    async with both.selling.client("admin") as client:
        lead = await captured(client)
        became = (await converted(client, lead, deal={"name": "Acme"}))["conversion"]
        await client.post(f"{LEADS}/{lead}/erasure")
    await both.settle()
    assert await both.selling.store.last_sequence("contacts") == 0
    assert await both.selling.facts(DEAL, became["deal_id"])
