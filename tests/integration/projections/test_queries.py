"""Queries over HTTP against rows that a worker wrote."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from customer_log import BEGIN, CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import partition_of
from patron_servers import PostgresServer
from projections_http import Document, Queries, client, someone
from read_side import ReadSide
from waiting import soon


@pytest.fixture
async def queries(side: ReadSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(side.url, tmp_path):
        yield one


async def built(log: CustomerLog, side: ReadSide) -> None:
    async with side.worker():
        await side.caught_up(log.last)


async def test_every_sort_order_gives_every_person_once(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    for _ in range(300):
        await log.anything()
    await built(log, side)
    everyone = {row[0] for row in await side.rows("SELECT id::text FROM patron.people")}
    for field in ("created_at", "family_name", "lifecycle_since", "notes_count", "birth_date", "archived", "owner"):
        for sort in (field, f"-{field}"):
            found = await queries.every("/people", sort=sort, limit=7, include_archived=True)
            ids = [item["id"] for item in found]
            assert len(ids) == len(set(ids))
            assert set(ids) == everyone
            values = [item[field] for item in found]
            known = [value for value in values if value is not None]
            assert values == known + [None] * (len(values) - len(known))
            expected = await side.rows(
                f"SELECT id::text FROM patron.people ORDER BY {field} IS NULL, "  # noqa: S608
                f"{field} {'DESC' if sort.startswith('-') else 'ASC'}, id {'DESC' if sort.startswith('-') else 'ASC'}"
            )
            assert ids == [row[0] for row in expected]


async def test_a_column_that_the_serving_build_has_not_yet_is_a_refusal(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    await someone(log, "Ann")
    await built(log, side)
    async with await side.connect() as connection:
        await connection.execute("DROP VIEW patron.people")
        await connection.execute("CREATE VIEW patron.people AS SELECT id, position FROM patron.rm_people_v1")
    assert await queries.refusal("/people") == (503, "read-model-rebuilding", None)


async def test_people_are_filtered_by_any_field(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    gold = (events.Attribute("plan", "gold"), events.Attribute("score", 9), events.Attribute("vip", value=True))
    tin = (events.Attribute("plan", "tin"), events.Attribute("score", 10.5))
    await someone(log, "Ann", events.CustomFieldsChanged(fields=gold), events.TagsChanged(tags=("a", "b")))
    await someone(log, "Bob", events.CustomFieldsChanged(fields=tin), events.TagsChanged(tags=("b",)))
    home = events.PostalAddress(country="DE", locality="Köln", primary=True)
    await someone(
        log,
        "Cid",
        events.CustomFieldsChanged(personal=(events.Attribute("plan", "gold"),)),
        events.AddressesChanged(addresses=(home,)),
        events.EmailsChanged(
            emails=(events.EmailAddress("cid@x.example", primary=True), events.EmailAddress("c@y.example"))
        ),
        events.AcquisitionChanged(first_touch=(events.Touch(source="100%_web"),)),
    )
    await built(log, side)

    async def found(*filters: str) -> list[str]:
        return await queries.names(filter=list(filters), sort="given_name")

    assert await found("custom.plan:eq:gold") == ["Ann", "Cid"]
    assert await found("custom.plan:ne:gold") == ["Bob"]
    assert await found("custom.score:gt:9.5") == ["Bob"]
    assert await found("custom.score:lte:10") == ["Ann"]
    assert await found("custom.vip:eq:true") == ["Ann"]
    assert await found("custom.plan:exists:false") == []
    assert await found("tags:eq:b", "tags:ne:a") == ["Bob"]
    assert await found("tags:in:a,zzz") == ["Ann"]
    assert await found("given_name:in:Ann,Cid") == ["Ann", "Cid"]
    assert await found("given_name:starts:a") == ["Ann"]
    assert await found("given_name:gt:Ann") == ["Bob", "Cid"]
    assert await found("country:eq:DE") == ["Cid"]
    assert await found("country:exists:false") == ["Ann", "Bob"]
    assert await found("emails:eq:c@y.example") == ["Cid"]
    assert await found("first_touch.source:contains:0%_W") == ["Cid"]
    assert await found("first_touch.source:contains:0%X") == []
    assert await found("created_at:gte:2024-03-01", "created_at:lt:9999-12-31T23:59:59Z") == ["Ann", "Bob", "Cid"]
    assert await found("archived:eq:true") == []


async def test_addresses_and_numbers_are_found_however_they_are_spelled(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    addresses = (events.EmailAddress("Case.Test@Example.org", primary=True), events.EmailAddress("Second@x.example"))
    numbers = (events.PhoneNumber("030 / 765-4321", "+49307654321", primary=True), events.PhoneNumber("0171 22 33"))
    await someone(log, "Ann", events.EmailsChanged(emails=addresses), events.PhonesChanged(phones=numbers))
    other = (events.PhoneNumber("030 9999999", "+49309999999", primary=True),)
    await someone(log, "Bob", events.PhonesChanged(phones=other))
    await built(log, side)
    for asked in (
        *("email:eq:case.test@example.org", "email:in:x,CASE.TEST@example.ORG", "email:ne:none@x.example"),
        *("emails:eq:second@X.example", "emails:contains:case.test@EXAMPLE.org", "emails:in:second@x.example"),
        *("phone:eq:0307654321", "phone:eq:(030) 7654321", "phone:eq:+49 30 7654321", "phone:eq:0049307654321"),
        *("phones:contains:0171-2233", "phone:in:1,01712233"),
    ):
        names = await queries.names(filter=[asked, "given_name:eq:Ann"])
        assert names == ["Ann"], asked
        if ":ne:" not in asked:
            assert await queries.names(filter=asked) == ["Ann"], asked
    assert await queries.names(filter="phone:ne:0307654321") == ["Bob"]
    for q in ("030 7654321", "030 76 54 321", "(030) 765-4321", "+49 30 7654321", "0307654321", "Ann 0171"):
        assert (await queries.names(q=q))[:1] == ["Ann"], q
    assert (await queries.items("/people", q="0171 2233"))[0]["emails"][0]["value"] == "Case.Test@Example.org"


@pytest.mark.parametrize(
    ("parameters", "code", "field"),
    [
        ({"filter": "nothing:eq:1"}, "filter-invalid", "filter[0].field"),
        ({"filter": ["owner:eq:x", "created_at:near:x"]}, "filter-invalid", "filter[1].operator"),
        ({"filter": "created_at:gt:0000-01-01"}, "filter-invalid", "filter[0].value"),
        ({"filter": "version:eq:99999999999999999999"}, "filter-invalid", "filter[0].value"),
        ({"filter": "owner"}, "filter-invalid", "filter[0].operator"),
        ({"sort": "emails"}, "sort-invalid", "sort"),
        ({"sort": "search_text"}, "sort-invalid", "sort"),
        ({"sort": "custom.plan"}, "sort-invalid", "sort"),
        ({"q": "'"}, "search-invalid", "q"),
        ({"cursor": "AAAA"}, "cursor-invalid", "cursor"),
        ({"cursor": "é"}, "cursor-invalid", "cursor"),
        ({"after": "contacts.1"}, "after-invalid", "after"),
        ({"after": "pipeline.1.1"}, "after-invalid", "after"),
        ({"limit": "0"}, "invalid-request", "limit"),
        ({"limit": "100000000000000000000"}, "invalid-request", "limit"),
        ({"fliter": "x"}, "invalid-request", "fliter"),
    ],
)
async def test_wrong_questions_are_refused_with_the_wrong_part(
    queries: Queries, parameters: Document, code: str, field: str
) -> None:
    assert await queries.refusal("/people", **parameters) == (422, code, field)


async def test_what_cannot_be_sorted_is_said(queries: Queries) -> None:
    problem = (await queries.get("/people", sort="-custom.plan")).json()
    assert "custom fields cannot be sorted" in problem["detail"]


async def test_a_cursor_of_another_question_is_refused(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    for _ in range(3):
        await log.person()
    await built(log, side)
    cursor = (await queries.answer("/people", limit=1))["next_cursor"]
    assert await queries.refusal("/people", limit=1, cursor=cursor, sort="email") == (422, "cursor-invalid", "cursor")


async def test_search_finds_accents_parts_typos_and_companies(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    company = await log.company()
    await log.record("company", company, events.CompanyNamed(name="Wunderbar Werke"))
    address = events.EmailAddress("j.oconnor@shop.example", primary=True)
    await someone(log, "Jonathan", events.EmailsChanged(emails=(address,)))
    await someone(log, "Zoë", events.CompanyLinked(company_id=company))
    await someone(log, "Mary")
    await built(log, side)
    assert await queries.names(q="ZOE") == ["Zoë"]
    assert await queries.names(q="jon") == ["Jonathan"]
    assert await queries.names(q="jonatan") == ["Jonathan"]
    assert await queries.names(q="oconnor") == ["Jonathan"]
    assert await queries.names(q="wunderbar") == ["Zoë"]
    assert await queries.names(q="mary jonathan") == []
    assert await queries.names(q="'; drop:* | !") == []


async def test_search_is_paged_to_its_end(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    for _ in range(40):
        await someone(log, "Same")
    await built(log, side)
    found = await queries.every("/people", q="same", limit=7)
    assert len({item["id"] for item in found}) == len(found) == 40


async def test_archived_and_erased_people_are_left_out_unless_asked_for(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    await someone(log, "Here")
    archived = await someone(log, "Gone")
    await log.record("person", archived, events.RecordArchived())
    erased = await someone(log, "Erased")
    await log.erase(erased)
    await built(log, side)
    assert await queries.names() == ["Here"]
    assert {item["id"] for item in await queries.items("/people", include_archived=True)} >= {archived, erased}
    stub = await queries.answer(f"/people/{erased}")
    assert (stub["erased"], stub["display_name"], stub["given_name"], stub["emails"]) == (True, None, None, [])


async def test_the_timeline_is_ordered_by_when_things_happened(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    person = await someone(log, "Ann")
    company = await log.company()
    await log.record("person", person, events.CompanyLinked(company_id=company, role="buyer"))
    orders = [events.OrderPlaced(order_id=f"o{n}", currency="USD", amount_minor=n) for n in range(6)]
    for number, order in enumerate(orders):
        await log.record("activity", person, order, at=BEGIN - timedelta(days=number))
    call = events.InteractionLogged(
        interaction_id="i", kind="call", channel="phone", direction="inbound", subject="Hello", company_id=company
    )
    await log.record("activity", person, call, at=BEGIN - timedelta(days=100))
    await built(log, side)
    path = f"/timeline/{person}"
    found = await queries.every(path, limit=2)
    times = [item["occurred_at"] for item in found]
    assert times == sorted(times, reverse=True)
    assert len(found) == 2 + 1 + 6 + 1
    backwards = await queries.every(path, limit=3, order="oldest")
    assert [item["id"] for item in backwards] == [item["id"] for item in reversed(found)]
    assert (backwards[0]["summary"], backwards[0]["direction"]) == ("Hello", "inbound")
    amounts = [item["amount"]["amount"] for item in await queries.items(path, type="order-placed")]
    assert amounts == ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]
    assert [item["channel"] for item in await queries.items(path, channel="phone")] == ["phone"]
    first_week = {"from": (BEGIN - timedelta(days=4)).isoformat(), "to": (BEGIN - timedelta(days=1)).isoformat()}
    assert len(await queries.items(path, **first_week)) == 3
    theirs = await queries.items(f"/timeline/{company}")
    about_people = [item for item in theirs if item["record"]["id"] == person]
    assert [item["title"] for item in about_people] == ["Company linked", "Interaction logged"]
    assert "subject" not in about_people[1]["details"]
    assert await queries.refusal(f"/timeline/{log.new_id()}") == (404, "record-not-found", None)
    assert await queries.refusal(path, **{"from": "0000-01-01"}) == (422, "period-invalid", "from")


async def test_the_audit_trail_has_values_before_and_after(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    person = await someone(log, "Ann")
    await log.record("person", person, events.PersonNamed(given_name="Anna"))
    await log.record("person", person, events.CustomFieldsChanged(fields=(events.Attribute("plan", "tin"),)))
    await log.record("person", person, events.CustomFieldsChanged(fields=(events.Attribute("plan", "gold"),)))
    await log.record("person", person, events.NoteAdded(note_id="n", text="Said hello", author="u"))
    await log.record("person", person, events.NoteRemoved(note_id="n"))
    await built(log, side)
    found = await queries.every("/audit", record=person, order="oldest", limit=2)
    changes = [{one["field"]: (one["before"], one["after"]) for one in item["changes"]} for item in found]
    assert changes == [
        {},
        {"given_name": (None, "Ann")},
        {"given_name": ("Ann", "Anna")},
        {"custom.plan": (None, "tin")},
        {"custom.plan": ("tin", "gold")},
        {"notes[n].note_id": (None, "n"), "notes[n].text": (None, "Said hello"), "notes[n].author": (None, "u")},
        {"notes[n].note_id": ("n", None), "notes[n].text": ("Said hello", None), "notes[n].author": ("u", None)},
    ]
    assert found[2]["actor"]["address"] == "192.0.2.7"
    actor = found[2]["actor"]["id"]
    by_actor = await queries.every("/audit", actor=actor, limit=1)
    assert {item["actor"]["id"] for item in by_actor} == {actor}
    assert len(by_actor) == sum(item["actor"]["id"] == actor for item in found)


@pytest.mark.parametrize("role", ["reader", "agent"])
async def test_the_address_of_colleagues_is_for_admins_only(
    log: CustomerLog, side: ReadSide, tmp_path: Path, role: str
) -> None:
    await log.person()
    await built(log, side)
    async for queries in client(side.url, tmp_path, role=role):
        response = await queries.get("/audit")
        assert {tuple(item["actor"]) for item in response.json()["items"]} == {("kind", "id", "authority")}
        assert "192.0.2.7" not in response.text


async def test_after_waits_for_the_position_and_says_where_the_model_stands(
    log: CustomerLog, side: ReadSide, queries: Queries
) -> None:
    person = await log.person()
    async with side.worker():
        await side.caught_up(log.last)
        sequence = await log.record("person", person, events.OwnerAssigned(owner="now"))
        exact = f"contacts.{partition_of(person)}.{sequence}"
        assert (await queries.answer(f"/people/{person}", after=exact, wait_s=30))["owner"] == "now"
        assert await queries.get("/people", after=f"contacts.*.{sequence}", wait_s=30)
    late = await queries.get("/people", after=f"contacts.*.{sequence + 1}", wait_s=0)
    assert late.status_code == 503
    assert late.headers["retry-after"] == "2"
    assert late.headers["patron-position"] == f"contacts.*.{sequence}"


async def test_companies_count_their_people(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    company = await log.company()
    for name in ("Ann", "Bob"):
        await someone(log, name, events.CompanyLinked(company_id=company, role="buyer", primary=True))
    today = datetime.now(UTC).date()
    for name, end in (("Cid", today + timedelta(days=2)), ("Dan", today - timedelta(days=2))):
        await someone(log, name, events.CompanyLinked(company_id=company, end=end))
    await someone(log, "Eve", events.CompanyLinked(company_id=await log.company()))
    await built(log, side)
    found, other = await queries.items("/companies", filter="industry:eq:tools", sort="created_at")
    assert (found["people_count"], found["annual_revenue"]) == (3, {"amount": "0.05", "currency": "EUR"})
    assert (await queries.answer(f"/companies/{other['id']}"))["people_count"] == 1
    (link,) = (await queries.items("/people", filter="given_name:eq:Bob"))[0]["companies"]
    assert (link["name"], link["role"]) == (found["name"], "buyer")


async def test_purchases_are_summed_up(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    ann, bob = await someone(log, "Ann"), await someone(log, "Bob")
    company = await log.company()
    for customer, minor, currency in ((ann, 1050, "USD"), (ann, 5, "USD"), (bob, 100, "USD"), (bob, 7, "JPY")):
        order = events.OrderPlaced(order_id="o", currency=currency, amount_minor=minor, company_id=company)
        await log.record("activity", customer, order)
    await built(log, side)
    sums = (await queries.answer("/purchases/summary"))["sums"]
    figures = [(one["currency"], one["amount"], one["orders"], one["customers"]) for one in sums]
    assert figures == [("JPY", "7", 1, 1), ("USD", "11.55", 3, 2)]


async def test_answers_say_when_they_may_be_stale(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    await log.person()
    async with side.worker():
        await side.caught_up(log.last)

        async def current() -> bool:
            return not (await queries.answer("/people"))["position"]["stale"]

        await soon(current)
        assert "patron-stale" not in (await queries.get("/people")).headers
    stale = await queries.get("/people")
    assert stale.status_code == 200
    assert stale.headers["patron-stale"] == "unknown"
    assert stale.json()["position"]["stale"] is True


async def test_positions_and_parked_aggregates_are_shown(log: CustomerLog, side: ReadSide, queries: Queries) -> None:
    people = [await log.person() for _ in range(3)]
    for person in people:
        await log.record("person", person, events.TagsChanged(tags=("nul\0",)))
    async with side.worker():
        await side.caught_up(log.last)
        models = (await queries.answer("/positions"))["models"]
    states = {one["model"]: (one["lag_events"], one["parked"]) for one in models}
    known = {"audit": (0, 3), "companies": (0, 0), "people": (0, 3), "timeline": (0, 3)}
    assert states | known == states
    parked = await queries.every("/parked", limit=2)
    assert len([one for one in parked if one["model"] in known]) == 9
    path = f"/projections/v1/parked/people/person/{people[0]}/retry"
    assert (await queries.http.post(path)).status_code == 202
    assert (await queries.http.post(path.replace(people[0], log.new_id()))).status_code == 404
    assert await side.rows("SELECT count(*) FROM patron.parked WHERE retry_requested") == [(1,)]


async def test_a_database_that_is_gone_gives_503_until_it_is_back(
    log: CustomerLog, own_postgres: PostgresServer, tmp_path: Path
) -> None:
    async with aclosing(client(own_postgres.url, tmp_path)) as clients:
        queries = await anext(clients)
        assert await queries.refusal("/people") == (503, "read-models-unavailable", None)
        side = ReadSide(own_postgres.url, log.store, log.store, log.vault)  # pyright: ignore[reportArgumentType]
        await log.person()
        await built(log, side)
        assert len(await queries.items("/people")) == 1
        own_postgres.stop()
        gone = await queries.get("/people")
        assert (gone.status_code, gone.headers["retry-after"]) == (503, "2")
        own_postgres.start()

        async def back() -> bool:
            return (await queries.get("/people")).status_code == 200

        await soon(back)


async def test_readers_may_ask_but_not_retry(side: ReadSide, tmp_path: Path) -> None:
    async for queries in client(side.url, tmp_path, role="reader"):
        answer = await queries.http.post("/projections/v1/parked/people/person/x/retry")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert await queries.refusal("/parked") == (403, "forbidden", None)
        queries.http.headers.pop("Authorization")
        assert await queries.refusal("/people") == (401, "token-missing", None)
