"""Consents: rules told as history, command, outcome; and over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contacts.calls import PEOPLE, UNKNOWN, created, refusal
from patron_contacts.domain.consent import Consent, GiveConsent, WithdrawConsent
from patron_contacts.domain.errors import ConsentOutOfOrder, RecordArchived, RecordErased, RecordNotFound
from patron_contacts.domain.person import PERSON
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.registry import Fact
from patron_events.rejections import Rejection
from patron_events.scenarios import given

MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))
known = events.PersonCreated()
newsletter = events.ConsentGiven(purpose="newsletter", channel="email")
withdrawn = events.ConsentWithdrawn(purpose="newsletter")
WITHDRAW = WithdrawConsent("newsletter")


def test_a_consent_is_recorded_at_the_time_of_its_gift() -> None:
    outcome = given(PERSON, known).when(GiveConsent(newsletter, MAY)).then(Dated(newsletter, MAY))
    assert outcome.state.consents == {"newsletter": Consent(newsletter, MAY)}
    given(PERSON, known).when(GiveConsent(newsletter)).then(newsletter)


def test_what_holds_already_is_not_recorded_again() -> None:
    history = known, Dated(newsletter, MAY)
    given(PERSON, *history).when(GiveConsent(newsletter)).then()
    given(PERSON, *history).when(GiveConsent(newsletter, MAY)).then()
    given(PERSON, *history, withdrawn).when(WITHDRAW).then()


def test_a_consent_on_other_terms_takes_the_place_of_the_one_before() -> None:
    other = events.ConsentGiven(purpose="newsletter", channel="phone", wording="v2")
    outcome = given(PERSON, known, Dated(newsletter, MAY)).when(GiveConsent(other, JUNE)).then(Dated(other, JUNE))
    assert outcome.state.consents == {"newsletter": Consent(other, JUNE)}


def test_a_withdrawn_consent_can_be_given_again() -> None:
    history = known, Dated(newsletter, MAY), Dated(withdrawn, JUNE)
    outcome = given(PERSON, *history).when(GiveConsent(newsletter, JULY)).then(Dated(newsletter, JULY))
    assert outcome.state.consents == {"newsletter": Consent(newsletter, JULY)}


def test_an_objection_needs_no_consent_before_it() -> None:
    outcome = given(PERSON, known).when(WithdrawConsent("calls", "phone", MAY))
    outcome.then(Dated(events.ConsentWithdrawn(purpose="calls", source="phone"), MAY))
    assert outcome.state.consents == {"calls": Consent(withdrawn_at=MAY)}


def test_what_is_recorded_late_does_not_undo_what_came_after_it() -> None:
    gone = given(PERSON, known, Dated(newsletter, MAY), Dated(withdrawn, JULY))
    gone.when(GiveConsent(newsletter, JUNE)).then_rejected(ConsentOutOfOrder, field="at")
    back = given(PERSON, known, Dated(newsletter, JULY))
    back.when(WithdrawConsent("newsletter", at=JUNE)).then_rejected(ConsentOutOfOrder, field="at")


@pytest.mark.parametrize(
    ("history", "refused"),
    [
        ((), RecordNotFound),
        ((known, events.RecordArchived()), RecordArchived),
        ((known, events.RecordErased(reason="request")), RecordErased),
    ],
)
def test_only_live_people_consent(history: tuple[Fact, ...], refused: type[Rejection]) -> None:
    for command in (GiveConsent(newsletter), WITHDRAW):
        given(PERSON, *history).when(command).then_rejected(refused)


async def test_consents_over_http(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    place = f"{PEOPLE}/{person}/consents/newsletter"
    terms = {"channel": "email", "source": "web-form", "wording": "v1", "at": "2026-01-02T03:04:05Z"}
    answer = await agent.put(place, json=terms)
    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "updated", 2)
    assert (await agent.put(place, json=terms)).json()["status"] == "unchanged"
    shown = {name: value for name, value in terms.items() if name != "at"}
    holds = {"state": "given", "basis": "consent", "given_at": "2026-01-02T03:04:05Z", **shown}
    assert (await agent.get(f"{PEOPLE}/{person}")).json()["consents"] == {"newsletter": holds}
    late = await agent.request("DELETE", place, json={"at": "2026-01-01T00:00:00Z"})
    assert refusal(late) == (409, "consent-out-of-order", "at")
    gone = await agent.request("DELETE", place, json={"source": "link", "at": "2026-02-01T00:00:00Z"})
    assert gone.json()["status"] == "updated"
    assert (await agent.delete(place)).json()["status"] == "unchanged"
    ended = {**holds, "state": "withdrawn", "withdrawn_at": "2026-02-01T00:00:00Z"}
    assert (await agent.get(f"{PEOPLE}/{person}")).json()["consents"] == {"newsletter": ended}
    assert (await agent.delete(f"{PEOPLE}/{person}/consents/calls")).json()["status"] == "updated"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"at": "yesterday"}, (422, "time-invalid", "at")),
        ({"expires_at": "2026-01-01"}, (422, "time-invalid", "expires_at")),
        (
            {"at": "2026-01-02T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z"},
            (422, "consent-ends-before", "expires_at"),
        ),
        ({"source": "a\u0007"}, (422, "text-invalid", "source")),
        ({"at": (datetime.now(UTC) + timedelta(days=3)).isoformat()}, (422, "time-in-future", "at")),
    ],
)
async def test_consents_that_are_refused(
    agent: httpx.AsyncClient, body: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    person = await created(agent)
    assert refusal(await agent.put(f"{PEOPLE}/{person}/consents/newsletter", json=body)) == expected


async def test_a_consent_needs_a_person_and_a_purpose(agent: httpx.AsyncClient) -> None:
    person = await created(agent)
    nobody = await agent.put(f"{PEOPLE}/{UNKNOWN}/consents/newsletter", json={})
    assert refusal(nobody)[:2] == (404, "record-not-found")
    assert (await agent.put(f"{PEOPLE}/{person}/consents/NEWS", json={})).status_code == 422
    assert (await agent.put(f"{PEOPLE}/{person}/consents/newsletter", json={"basis": "because"})).status_code == 422
