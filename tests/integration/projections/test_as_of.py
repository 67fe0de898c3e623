"""Answers as of a moment: what was answered then is what is answered now about then."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from customer_log import BEGIN, CustomerLog
from patron_events.catalog import contacts as events
from projections_http import Document, Queries, client, someone
from read_side import ReadSide

Question = tuple[str, dict[str, Any]]
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


def questions(log: CustomerLog) -> list[Question]:
    """Choose questions about what there is by now, all of which have an answer."""
    return [
        ("/people", {}),
        *(("/people", {"sort": sort, "include_archived": True}) for sort in ("-lifecycle_since", "family_name")),
        *(("/people", {"filter": one}) for one in ('tags:in:a,e"f', "custom.plan:eq:gold", "email:exists:true")),
        *(("/people", {"filter": one}) for one in ("consents.newsletter:eq:true", "notes_count:gt:0")),
        *(("/people", {"q": q}) for q in ("smith", "driver", "person1@example.com", "novak")),
        ("/companies", {"sort": "display_name"}),
        ("/companies", {"q": "ltd"}),
        *((f"/timeline/{one}", {"limit": 3}) for one in log.people[:2]),
        *((f"/timeline/{one}", {"order": "oldest", "kind": "order"}) for one in log.companies[:1]),
        ("/audit", {"record": log.people[0]}),
    ]


async def test_what_was_answered_then_is_answered_now_about_then(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    then: list[tuple[datetime, Question, list[Document]]] = []
    for _ in range(3):
        for _ in range(60):
            await log.anything(erasures=False)
        moment = await built(log, side)
        then += [(moment, one, await queries.every(one[0], **one[1])) for one in questions(log)]
    for moment, (path, parameters), items in then:
        for clock in ("known_at",) if path == "/audit" else ("as_of", "known_at"):
            asked = {**parameters, clock: moment.isoformat()}
            assert await queries.every(path, **asked) == items, asked


async def test_one_record_is_as_it_was(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    await log.company()
    person = await someone(log, "Ann", events.TagsChanged(tags=("new",)))
    await log.record("person", person, events.CompanyLinked(company_id=log.companies[0], role="buyer"))
    first = await built(log, side)
    before = await queries.answer(f"/people/{person}")
    company = await queries.answer(f"/companies/{log.companies[0]}")
    await log.record("person", person, events.PersonNamed(given_name="Anna"), events.TagsChanged())
    await log.record("person", person, events.CompanyUnlinked(company_id=log.companies[0]))
    await log.record("company", log.companies[0], events.CompanyNamed(name="Other"))
    await built(log, side)
    as_of = first.isoformat()
    assert await queries.answer(f"/people/{person}", as_of=as_of) == before
    assert await queries.answer(f"/companies/{log.companies[0]}", as_of=as_of) == company
    assert (before["companies"][0]["role"], company["people_count"]) == ("buyer", 1)
    earlier = (first - 30 * DAY).isoformat()
    assert await queries.refusal(f"/people/{person}", as_of=earlier) == (404, "record-not-found", None)
    assert await queries.refusal(f"/timeline/{person}", as_of=earlier) == (404, "record-not-found", None)


async def test_a_late_fact_had_happened_before_it_was_known(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    person = await someone(log, "Ann")
    late = events.InteractionLogged(interaction_id="i", kind="call")
    await log.record("activity", person, late, at=BEGIN - 3 * DAY)
    recorded = await built(log, side)

    async def kinds(**clocks: object) -> list[str]:
        wanted = {name: one.isoformat() for name, one in clocks.items() if isinstance(one, datetime)}
        return [
            item["kind"] for item in await queries.items(f"/timeline/{person}", type="interaction-logged", **wanted)
        ]

    assert await kinds(as_of=BEGIN - 2 * DAY) == ["call"]
    assert await kinds(as_of=recorded, known_at=recorded) == ["call"]
    assert await kinds(as_of=recorded, known_at=recorded - timedelta(microseconds=1)) == []
    unknown = {"as_of": (BEGIN - 2 * DAY).isoformat(), "known_at": (BEGIN - DAY).isoformat()}
    assert await queries.refusal(f"/timeline/{person}", **unknown) == (404, "record-not-found", None)


async def test_the_cursor_of_another_moment_is_refused(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    for name in ("Ann", "Bob", "Cid"):
        await someone(log, name)
    moment = await built(log, side)
    for path in ("/people", f"/timeline/{(await queries.items('/people'))[0]['id']}", "/audit"):
        clock = "known_at" if path == "/audit" else "as_of"
        page = await queries.answer(path, limit=1, **{clock: moment.isoformat()})
        for other in ({}, {clock: (moment + DAY).isoformat()}):
            refused = await queries.refusal(path, limit=1, cursor=page["next_cursor"], **other)
            assert refused == (422, "cursor-invalid", "cursor")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "9999-12-31", "0001-01-01T00:00:00+14:00"])
async def test_a_moment_that_is_none_or_has_not_come_is_refused(queries: Queries, text: str) -> None:
    for clock in ("as_of", "known_at"):
        assert await queries.refusal("/people", **{clock: text}) == (422, "clock-invalid", clock)
    assert await queries.refusal("/audit", known_at=text) == (422, "clock-invalid", "known_at")


async def test_a_consent_counts_from_its_gift_to_its_end(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    until = BEGIN + 30 * DAY
    person = await someone(log, "Ann")
    await log.record("person", person, events.ConsentGiven(purpose="newsletter", expires_at=until))
    given = await built(log, side)
    kept = await someone(log, "Bob", events.ConsentGiven(purpose="newsletter"))
    await built(log, side)
    await log.record("person", kept, events.ConsentWithdrawn(purpose="newsletter"))
    await built(log, side)

    async def agreed(**clocks: str) -> list[str]:
        return await queries.names(filter="consents.newsletter:eq:true", sort="given_name", **clocks)

    assert await agreed() == []
    assert await agreed(as_of=given.isoformat()) == ["Ann"]
    assert await agreed(as_of=until.isoformat()) == []
    assert await queries.names(filter="consents.other:eq:false", sort="given_name") == ["Ann", "Bob"]
    assert datetime.now(UTC) > until
