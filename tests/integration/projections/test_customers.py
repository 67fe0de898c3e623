"""Everything about one customer: what it tells, where it comes from, and as of when."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from customer_log import BEGIN, CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import StreamId
from patron_events.opening import Opened, open_commits
from projections_http import Document, Queries, client, someone
from read_side import ReadSide

DAY = timedelta(days=1)


@pytest.fixture
async def queries(side: ReadSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(side.url, tmp_path):
        yield one


async def built(log: CustomerLog, side: ReadSide) -> datetime:
    """Let a worker apply the log; answers when its last commit was recorded."""
    async with side.worker():
        await side.caught_up(log.last)
    ((moment,),) = await side.rows("SELECT max(recorded_at) FROM patron.timeline")
    return moment


def order(log: CustomerLog, minor: int, *lines: events.OrderLine, currency: str = "USD") -> events.OrderPlaced:
    return events.OrderPlaced(order_id=log.new_id(), currency=currency, amount_minor=minor, lines=lines)


def contact(log: CustomerLog, kind: str, channel: str | None, **more: Any) -> events.InteractionLogged:
    return events.InteractionLogged(interaction_id=log.new_id(), kind=kind, channel=channel, **more)


async def test_one_answer_tells_who_a_customer_is(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    company = await log.company()
    person = await someone(log, "Ann", events.TagsChanged(tags=("vip",)))
    await log.record("person", person, events.EmailsChanged(emails=(events.EmailAddress("a@b.example", primary=True),)))
    await log.record("person", person, events.CompanyLinked(company_id=company, role="buyer"))
    await log.record("person", person, events.ConsentGiven(purpose="newsletter", channel="email"), at=BEGIN)
    for day, fact in enumerate(
        (
            order(log, 1000, events.OrderLine(1000, quantity="2.5")),
            order(log, 501),
            order(log, 70, currency="JPY"),
            contact(log, "call", "phone"),
            contact(log, "call", "phone"),
            contact(log, "email", None),
        )
    ):
        await log.record("activity", person, fact, at=BEGIN + day * DAY)
    planned = datetime.now(UTC) + 5 * DAY
    await log.record("activity", person, contact(log, "meeting", "zoom", direction="outbound"), at=planned)
    await built(log, side)
    found = await queries.answer(f"/customers/{person}")
    assert found["profile"] == await queries.answer(f"/people/{person}")
    assert found["identities"] == [{"kind": "email", "value": "a@b.example", "primary": True, "type": "other"}]
    names = [item["name"] for item in found["profile"]["companies"]]
    assert found["companies"] == [
        {
            "company_id": company,
            "name": names[0],
            "role": "buyer",
            "primary": False,
            "from": None,
            "to": None,
            "current": True,
        }
    ]
    calls = found["interactions"]
    assert (calls["total"], calls["by_kind"]) == (3, {"call": 2, "email": 1})
    assert (calls["by_channel"], list(calls["last_by_channel"])) == ({"phone": 2}, ["phone"])
    assert datetime.fromisoformat(calls["last_by_channel"]["phone"]["at"]) == BEGIN + 4 * DAY
    yen, dollars = found["purchases"]
    assert (yen["amount"], yen["average_gap_days"]) == ({"amount": "70", "currency": "JPY"}, None)
    assert dollars["amount"] == {"amount": "15.01", "currency": "USD"}
    assert dollars["average"] == {"amount": "7.50", "currency": "USD"}
    assert (dollars["orders"], dollars["quantity"], dollars["average_gap_days"]) == (2, "3.5", 1.0)
    assert found["tags"] == ["vip"]
    assert [(one["purpose"], one["state"], one["channel"]) for one in found["consents"]] == [
        ("newsletter", "given", "email")
    ]
    assert found["open_work"]["planned_interactions"] == 1
    assert [one["kind"] for one in found["open_work"]["next"]] == ["meeting"]
    assert datetime.fromisoformat(found["open_work"]["next"][0]["occurred_at"]) == planned


async def test_each_field_says_where_it_comes_from(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    plan = events.CustomFieldsChanged(fields=(events.Attribute("plan", "gold"), events.Attribute("seats", 3)))
    person = await someone(log, "Ann", plan)
    await log.record("person", person, events.PersonNamed(given_name="Ann", family_name="Ash"))
    changed = events.CustomFieldsChanged(fields=(events.Attribute("plan", "tin"), events.Attribute("seats", 3)))
    await log.record("person", person, changed)
    await built(log, side)
    found = await queries.answer(f"/customers/{person}")
    source = found["provenance"]
    happened = await queries.items(f"/timeline/{person}", order="oldest")
    ids = {(one["record"]["version"], one["type"]): one["id"] for one in happened}
    assert source["given_name"] == ids[1, "contacts.person-named"]
    assert source["family_name"] == ids[2, "contacts.person-named"]
    assert source["custom.plan"] == ids[3, "contacts.custom-fields-changed"]
    assert source["custom.seats"] == ids[1, "contacts.custom-fields-changed"]
    assert "nickname" not in source
    behind = found["events"][source["family_name"]]
    (shown,) = [one for one in happened if one["id"] == source["family_name"]]
    assert (behind["occurred_at"], behind["recorded_at"]) == (shown["occurred_at"], shown["recorded_at"])
    assert behind["actor"] == {**shown["actor"], "authority": ["agent"]}
    assert set(found["events"]) == set(source.values())


async def test_a_company_tells_of_its_people_and_what_they_did(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    company = await log.company()
    ann, bob = await someone(log, "Ann"), await someone(log, "Bob")
    for person in (ann, bob):
        await log.record("person", person, events.CompanyLinked(company_id=company, role="buyer"))
    await log.record("person", bob, events.CompanyUnlinked(company_id=company))
    await log.record("activity", ann, contact(log, "call", "phone", company_id=company))
    await log.record("activity", ann, contact(log, "call", "phone"))
    await log.record("activity", company, order(log, 4200))
    await built(log, side)
    found = await queries.answer(f"/customers/{company}")
    assert (found["kind"], found["profile"]) == ("company", await queries.answer(f"/companies/{company}"))
    assert found["people"] == {"number": 1, "first": [{"id": ann, "display_name": "Ann", "role": "buyer"}]}
    assert found["interactions"]["total"] == 1
    assert [one["amount"] for one in found["purchases"]] == [{"amount": "42.00", "currency": "USD"}]
    assert found["provenance"]["name"] in found["events"]


async def test_what_changed_since_a_time_is_told(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    person = await someone(log, "Ann", events.TagsChanged(tags=("new",)))
    await log.record("activity", person, order(log, 100))
    since = (await built(log, side)).isoformat()
    nothing = await queries.answer(f"/customers/{person}/changes", since=since)
    assert (nothing["fields"], nothing["interactions"], nothing["purchases"]) == ([], 0, [])
    await log.record("person", person, events.TagsChanged(tags=("old",)), events.NoteAdded("n", "text", "a"))
    await log.record("activity", person, order(log, 100))
    await log.record("activity", person, contact(log, "call", None), at=BEGIN - DAY)
    await built(log, side)
    found = await queries.answer(f"/customers/{person}/changes", since=since)
    assert found["fields"] == [
        {"field": "notes_count", "before": 0, "after": 1},
        {"field": "tags", "before": ["new"], "after": ["old"]},
    ]
    assert (found["interactions"], found["purchases"]) == (1, [{"currency": "USD", "orders": 1}])
    assert (await queries.answer(f"/customers/{person}", changed_since=since))["changes"] == found
    assert await queries.answer(f"/customers/{person}/changes", since=since, known_at=since) == nothing


async def test_a_customer_that_nobody_knows_is_refused(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    person = await someone(log, "Ann")
    await log.record("activity", person, order(log, 100), at=BEGIN - 30 * DAY)
    await built(log, side)
    missing = (404, "record-not-found", None)
    assert await queries.refusal(f"/customers/{log.new_id()}") == missing
    assert await queries.refusal(f"/customers/{person}", as_of=(BEGIN - 31 * DAY).isoformat()) == missing
    assert await queries.refusal(f"/customers/{person}", changed_since="soon") == (
        *(422, "since-invalid"),
        "changed_since",
    )
    assert await queries.refusal(f"/customers/{person}", as_of="9999-01-01") == (422, "clock-invalid", "as_of")
    before = await queries.answer(f"/customers/{person}", as_of=(BEGIN - 29 * DAY).isoformat())
    assert (before["profile"], before["purchases"][0]["orders"]) == (None, 1)


async def test_what_became_known_later_had_not_been_planned(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    person = await someone(log, "Ann")
    await log.record("activity", person, contact(log, "call", "phone"), at=BEGIN)
    ahead = datetime.now(UTC) + DAY
    await log.record("activity", person, contact(log, "meeting", None), at=ahead)
    moment = await built(log, side)
    await log.record("activity", person, contact(log, "meeting", None), at=ahead + DAY)
    last = await built(log, side)
    for clocks, planned in ((moment, 1), (last, 2), (BEGIN - DAY, 0)):
        if clocks < BEGIN:
            assert await queries.refusal(f"/customers/{person}", as_of=clocks.isoformat()) == (
                *(404, "record-not-found"),
                None,
            )
        else:
            found = await queries.answer(f"/customers/{person}", as_of=clocks.isoformat())
            assert found["open_work"]["planned_interactions"] == planned
            assert found["interactions"]["total"] == 1


async def test_an_erased_customer_has_figures_and_nothing_personal(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    person = await someone(log, "Zanzibar")
    await log.record("activity", person, order(log, 100))
    await log.record("activity", person, contact(log, "call", "phone", subject="Zanzibar"))
    moment = await built(log, side)
    assert "Zanzibar" in (await queries.get(f"/customers/{person}")).text
    await log.erase(person)
    await built(log, side)
    for clocks in ({}, {"as_of": moment.isoformat()}):
        found = await queries.answer(f"/customers/{person}", **clocks)
        assert "Zanzibar" not in str(found)
        assert (found["interactions"]["total"], found["purchases"][0]["orders"]) == (1, 1)
        assert found["profile"]["erased"] == (not clocks)


Facts = list[tuple[datetime, datetime, object]]
_FIGURES = ("interactions", "purchases", "open_work", "moment")


async def facts_of(log: CustomerLog, person: str) -> Facts:
    """Read from the log when a person's interactions and orders happened and were recorded."""
    stored = await log.store.read(StreamId("contacts", "activity", person), count=999)
    found: Facts = []
    for commit in await open_commits(stored, log.vault):
        assert isinstance(commit, Opened)
        found += [(one.occurred_at, commit.head.recorded_at, one.event) for one in commit.events]
    return found


def counted(facts: Facts, as_of: datetime, known_at: datetime) -> tuple[int, int, int]:
    """Count interactions, orders and cents by both clocks."""
    known = [fact for at, recorded_at, fact in facts if at <= as_of and recorded_at <= known_at]
    orders = [fact.amount_minor for fact in known if isinstance(fact, events.OrderPlaced)]
    return len(known) - len(orders), len(orders), sum(orders)


def figures(found: Document) -> tuple[int, int, int]:
    """Read interactions, orders and cents from an answer."""
    sums = found["purchases"]
    cents = sum(int(one["amount"]["amount"].replace(".", "")) for one in sums)
    return found["interactions"]["total"], sum(one["orders"] for one in sums), cents


def record_of(found: Document) -> Document:
    """Leave out of an answer what depends on facts."""
    return {name: part for name, part in found.items() if name not in _FIGURES}


@pytest.mark.parametrize("seed", range(3))
async def test_any_moment_is_answered_as_if_the_log_ended_there(
    seed: int, log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    log.random.seed(seed)
    then: list[tuple[datetime, dict[str, Document]]] = []
    for _ in range(3):
        for _ in range(40):
            await log.anything(erasures=False)
        for _ in range(5):  # what is recorded late
            late = BEGIN + log.random.randrange(600) * timedelta(seconds=1)
            await log.record("activity", log.random.choice(log.people), order(log, 300), at=late)
        moment = await built(log, side)
        asked = (*log.people[:4], *log.companies[:1])
        then.append((moment, {one: await queries.answer(f"/customers/{one}") for one in asked}))
    facts = {person: await facts_of(log, person) for person in log.people}
    for as_of, answers_then in then:
        for known_at, known_then in then:
            for customer, answer in (answers_then if as_of <= known_at else known_then).items():
                clocks = {"as_of": as_of.isoformat(), "known_at": known_at.isoformat()}
                found = await queries.answer(f"/customers/{customer}", **clocks)
                assert record_of(found) == record_of(answer), clocks
                if customer in facts:
                    assert figures(found) == counted(facts[customer], as_of, known_at), clocks
                if as_of == known_at:
                    assert {**found, "moment": None} == {**answer, "moment": None}


async def test_the_profile_of_an_answer_is_the_row_of_the_directory(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    for _ in range(250):
        await log.anything()
    await built(log, side)
    for kind in ("people", "companies"):
        for row in await queries.every(f"/{kind}", include_archived=True):
            assert (await queries.answer(f"/customers/{row['id']}"))["profile"] == row
