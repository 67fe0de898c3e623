"""Workers against a real PostgreSQL: exactly-once, fences, parking, faults."""

import psycopg
import pytest

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import PARTITIONS, StreamId, partition_of
from patron_events.memory import MemoryStore
from patron_events.rejections import Unavailable
from patron_projections.engine.builds import present_builds
from patron_projections.engine.figures import Figures
from patron_projections.engine.positions import Fenced
from patron_projections.engine.writer import Writer
from patron_runtime.metrics import Metrics
from patron_servers import PostgresServer
from read_side import MODELS, TABLES, ReadSide
from waiting import soon

POSITIONS = "SELECT min(sequence), max(sequence) FROM patron.positions"


async def test_live_rows_equal_a_fresh_fold(log: CustomerLog, side: ReadSide, fresh: ReadSide) -> None:
    async with side.worker():
        for _ in range(600):
            await log.anything()
        await side.caught_up(log.last)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    live = await side.checksums()
    assert live == await fresh.checksums()
    assert all(number for number, _ in live.values())
    assert await side.rows("SELECT count(*) FROM patron.parked") == [(0,)]


async def test_rows_read_back_are_folded_like_remembered_ones(
    log: CustomerLog, side: ReadSide, fresh: ReadSide
) -> None:
    for _ in range(12):
        for _ in range(30):
            await log.anything()
        async with side.worker():  # each worker begins without remembered rows
            await side.caught_up(log.last)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    assert await side.checksums() == await fresh.checksums()


async def test_a_batch_applied_again_changes_nothing(log: CustomerLog, side: ReadSide) -> None:
    for _ in range(100):
        await log.anything()
    async with side.worker():
        await side.caught_up(log.last)
    before = await side.checksums()
    assert isinstance(log.store, MemoryStore)
    async with await side.connect() as connection:
        writer = Writer(connection, (await present_builds(connection, MODELS)).serving, log.context, Figures(Metrics()))
        await writer.prepare()
        async for batch in side.place.source.reader.follow(log.context):
            items = await side.place.source.opened(batch.commits)
            await writer.apply(items, dict.fromkeys(range(PARTITIONS), batch.through))
            break
    assert await side.checksums() == before


async def test_a_writer_that_was_overtaken_writes_nothing(log: CustomerLog, side: ReadSide) -> None:
    for _ in range(50):
        await log.anything()
    async with await side.connect() as first, await side.connect() as second:
        async with side.worker():
            await side.caught_up(log.last)
        builds = (await present_builds(first, MODELS)).serving
        writers = [Writer(one, builds, log.context, Figures(Metrics())) for one in (first, second)]
        for writer in writers:
            await writer.prepare()
        sequence = await log.record("person", log.people[0], events.TagsChanged(tags=("late",)))
        stored = await log.store.read(StreamId("contacts", "person", log.people[0]), after=sequence - 1, count=1)
        items = await side.place.source.opened(stored)
        reached = {partition_of(log.people[0]): sequence}
        await writers[0].apply(items, reached)
        before = await side.checksums()
        with pytest.raises(Fenced):
            await writers[1].apply(items, reached)
    assert await side.checksums() == before


async def test_two_owners_at_once_do_no_harm(log: CustomerLog, side: ReadSide, fresh: ReadSide) -> None:
    everything = frozenset(range(PARTITIONS))
    async with side.worker(everything), side.worker(everything):
        for _ in range(400):
            await log.anything()
        await side.caught_up(log.last)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    assert await side.checksums() == await fresh.checksums()


async def test_workers_share_the_partitions_and_take_over(log: CustomerLog, side: ReadSide) -> None:
    async with side.worker() as first:
        async with side.worker() as second:

            async def shared() -> bool:
                both = first.owned | second.owned
                return len(both) == PARTITIONS and not first.owned & second.owned and bool(second.owned)

            await soon(shared)
            for _ in range(100):
                await log.anything()
            await side.caught_up(log.last)

        async def alone() -> bool:
            return len(first.owned) == PARTITIONS

        await soon(alone)
        await log.anything()
        await side.caught_up(log.last)


UNKNOWN_FACT = (
    b'{"id":"x","recorded_at":"2024-01-01T00:00:00Z","actor":{"kind":"user","id":"u"},"cause":{},"version":2,'
    b'"prev":"","events":[{"type":"contacts.never-heard-of","v":1,"occurred_at":"2024-01-01T00:00:00Z","data":{}}]}'
)


UNKNOWN_ENVELOPE = {
    "id": "x",
    "recorded_at": "2024-01-01T00:00:00+00:00",
    "actor": {"kind": "user", "id": "u"},
    "correlation_id": None,
    "version": 2,
    "events": [{"type": "contacts.never-heard-of", "v": 1}],
}


@pytest.mark.parametrize("body", [b"not a commit", UNKNOWN_FACT])
async def test_an_unreadable_commit_parks_one_aggregate_only(log: CustomerLog, side: ReadSide, body: bytes) -> None:
    bad, good = await log.person(), await log.person()
    await log.append_bytes("person", bad, body)
    async with side.worker():
        await log.record("person", good, events.TagsChanged(tags=("after",)))
        await log.record("activity", bad, events.OrderPlaced(order_id="1", currency="USD", amount_minor=1))
        await side.caught_up(log.last)
    parked = await side.rows("SELECT DISTINCT subject, waiting FROM patron.parked")
    assert parked == [(StreamId("contacts", "person", bad).subject, 1)]
    envelopes = [row[0] for row in await side.rows("SELECT envelope FROM patron.parked")]
    assert envelopes == [UNKNOWN_ENVELOPE if body == UNKNOWN_FACT else None] * len(envelopes)
    assert await side.rows("SELECT tags FROM patron.people WHERE id = %s", good) == [(["after"],)]
    assert await side.rows("SELECT count(*) FROM patron.timeline WHERE category = 'activity'") == [(1,)]


async def test_a_row_that_postgresql_refuses_parks_its_aggregate_and_can_be_retried(
    log: CustomerLog, side: ReadSide
) -> None:
    people = [await log.person() for _ in range(20)]
    bad = people[7]
    await log.record("person", bad, events.TagsChanged(tags=("nul\0",)))
    await log.record("person", bad, events.OwnerAssigned(owner="waits"))
    for person in people:
        if person != bad:
            await log.record("person", person, events.OwnerAssigned(owner="applied"))
    async with side.worker():
        await side.caught_up(log.last)
        parked = await side.rows("SELECT model, waiting, reason FROM patron.parked ORDER BY model")
        assert [(model, waiting) for model, waiting, _ in parked] == [("audit", 2), ("people", 2), ("timeline", 2)]
        assert await side.rows("SELECT count(*) FROM patron.people WHERE owner = 'applied'") == [(19,)]
        assert await side.rows("SELECT owner FROM patron.people WHERE id = %s", bad) == [(None,)]
        await side.rows("UPDATE patron.parked SET retry_requested = true RETURNING 1")

        async def tried() -> bool:
            return await side.rows("SELECT 1 FROM patron.parked WHERE retry_requested") == []

        await soon(tried)
        assert await side.rows("SELECT count(*) FROM patron.parked") == [(3,)]


async def test_a_parked_aggregate_goes_on_after_a_retry(
    log: CustomerLog, side: ReadSide, fresh: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await log.person()
    people = next(model for model in MODELS if model.name == "people")
    whole = people.fold

    def broken(row: list[str | None] | None, commit: object) -> object:
        if commit.head.version == 2:  # pyright: ignore[reportAttributeAccessIssue]  # an Opened
            raise ZeroDivisionError
        return whole(row, commit)  # pyright: ignore[reportArgumentType]

    async with side.worker():
        with monkeypatch.context() as patch:
            patch.setattr(people, "fold", broken)
            await log.record("person", person, events.TagsChanged(tags=("two",)))
            await log.record("person", person, events.OwnerAssigned(owner="three"))
            await side.caught_up(log.last)
            assert await side.rows("SELECT model, reason, waiting FROM patron.parked") == [
                ("people", "ZeroDivisionError", 2)
            ]
        await side.rows("UPDATE patron.parked SET retry_requested = true RETURNING 1")

        async def free() -> bool:
            return await side.rows("SELECT 1 FROM patron.parked") == []

        await soon(free)
        await log.record("person", person, events.OwnerAssigned(owner="four"))
        await side.caught_up(log.last)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    assert await side.checksums() == await fresh.checksums()


async def test_erasure_leaves_nothing_personal(log: CustomerLog, side: ReadSide, fresh: ReadSide) -> None:
    person = await log.person()
    await log.company()
    secret = "Zanzibar"
    await log.record("person", person, events.PersonNamed(given_name=secret, nickname=secret))
    await log.record("person", person, events.PersonDetailsChanged(job_title=secret, department="Sales"))
    await log.record("person", person, events.PersonDetailsChanged(job_title=secret, department="Support"))
    await log.record("person", person, events.NoteAdded(note_id="n", text=secret, author="user-1"))
    await log.record("person", person, events.NoteRemoved(note_id="n"))
    touch = events.Touch(campaign=secret)
    await log.record("person", person, events.AcquisitionChanged(lead_source="web", first_touch=(touch,)))
    await log.record("person", person, events.ExternalIdsChanged(external_ids=(events.ExternalId("crm", secret),)))
    await log.record("person", person, events.CompanyLinked(company_id=log.companies[0], role=secret, primary=True))
    await log.record("person", person, events.RecordArchived(reason=secret))
    await log.record("person", person, events.RecordRestored())
    said = events.InteractionLogged(interaction_id="i", kind="call", subject=secret, company_id=log.companies[0])
    await log.record("activity", person, said)
    async with side.worker():
        await side.caught_up(log.last)
        held = await side.rows("SELECT count(*) FROM patron.audit WHERE personal::text LIKE %s", f"%{secret}%")
        assert held != [(0,)]
        await log.erase(person)
        await log.record("person", person, events.OwnerAssigned(owner="dpo"))
        await side.caught_up(log.last)
    for table in ("rm_timeline_v1", "rm_people_v1", "rm_people_versions_v1", "rm_audit_v1", "rm_audit_facets_v1"):
        found = await side.rows(f"SELECT count(*) FROM patron.{table} AS t WHERE t::text ILIKE %s", f"%{secret}%")  # noqa: S608
        assert found == [(0,)], table
    assert await side.rows("SELECT erased, display_name, search_text FROM patron.people") == [(True, None, "")]
    shown = "SELECT external_ids, external_keys, company_roles, companies->0->'primary' FROM patron.people"
    assert await side.rows(shown) == [(None, None, None, True)]
    async with fresh.worker():
        await fresh.caught_up(log.last)
    assert await side.checksums() == await fresh.checksums()


async def test_the_key_of_an_erased_person_is_destroyed_where_the_eraser_did_not(
    log: CustomerLog, side: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken, parked = await log.person(), await log.person(), await log.person()
    await log.record("person", parked, events.TagsChanged(tags=("nul\0",)))
    for person in (broken, parked):  # recorded, but the process died before it destroyed the key
        await log.record("person", person, events.RecordErased())
    destroy, refusals = log.vault.destroy, iter([Unavailable(), Unavailable()])

    async def refusing(subject: str) -> None:
        for refusal in refusals:
            raise refusal
        await destroy(subject)

    monkeypatch.setattr(log.vault, "destroy", refusing)
    async with side.worker():
        await side.caught_up(log.last)
    assert set(await log.vault.find(log.people)) == {whole}


async def _holding(side: ReadSide, secret: str) -> list[str]:
    found: list[str] = []
    for table in TABLES:
        ((count,),) = await side.rows(f"SELECT count(*) FROM patron.{table} AS t WHERE t::text ILIKE %s", f"%{secret}%")  # noqa: S608
        if count:
            found.append(table)
    return found


@pytest.mark.parametrize("body", [b"not a commit", None])
async def test_erasure_does_not_wait_behind_a_parked_commit(
    log: CustomerLog, side: ReadSide, body: bytes | None
) -> None:
    person, secret = await log.person(), "Zanzibar"
    await log.record("person", person, events.PersonNamed(given_name=secret))
    await log.record("person", person, events.NoteAdded(note_id="n", text=secret, author="user-1"))
    async with side.worker():
        await side.caught_up(log.last)
        assert set(await _holding(side, secret)) == {
            "rm_people_v1", "rm_people_versions_v1", "rm_timeline_v1", "rm_audit_v1", "rm_audit_facets_v1"
        }  # fmt: skip
        if body is None:
            await log.record("person", person, events.TagsChanged(tags=("nul\0",)))
        else:
            await log.append_bytes("person", person, body)
        await side.caught_up(log.last)
        await log.record("activity", person, events.OrderPlaced(order_id="1", currency="USD", amount_minor=1))
        await log.erase(person)
        await side.caught_up(log.last)
        assert await _holding(side, secret) == []
        assert await side.rows("SELECT erased, display_name, search_text FROM patron.people") == [(True, None, "")]
        waiting = await side.rows("SELECT model, waiting FROM patron.parked ORDER BY model")
        assert [one for one in waiting if one[0] != "activities"] == [("audit", 2), ("people", 2), ("timeline", 2)]


async def test_a_parked_and_erased_aggregate_goes_on_after_a_retry(
    log: CustomerLog, side: ReadSide, fresh: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, secret = await log.person(), "Zanzibar"

    def broken(row: object, commit: object) -> object:
        raise ZeroDivisionError

    async with side.worker():
        await side.caught_up(log.last)
        with monkeypatch.context() as patch:
            for model in MODELS:
                patch.setattr(model, "fold", broken)
            await log.record("person", person, events.PersonNamed(given_name=secret))
            await log.erase(person)  # in the same batch as what parks it, or in a later one
            await side.caught_up(log.last)
            assert await side.rows("SELECT erased, display_name FROM patron.people") == [(True, None)]
        await side.rows("UPDATE patron.parked SET retry_requested = true RETURNING 1")

        async def free() -> bool:
            return await side.rows("SELECT 1 FROM patron.parked") == []

        await soon(free)
    async with fresh.worker():
        await fresh.caught_up(log.last)
    assert await side.checksums() == await fresh.checksums()


async def test_work_goes_on_when_postgresql_comes_back(log: CustomerLog, own_postgres: PostgresServer) -> None:
    assert isinstance(log.store, MemoryStore)
    side = ReadSide(own_postgres.url, log.store, log.store, log.vault)
    async with side.worker():
        for _ in range(50):
            await log.anything()
        await side.caught_up(log.last)
        own_postgres.stop()
        for _ in range(50):
            await log.anything()
        with pytest.raises(psycopg.OperationalError):
            await side.rows("SELECT 1")
        own_postgres.start()
        await side.caught_up(log.last)
    assert (await side.rows(POSITIONS))[0][0] >= log.last
