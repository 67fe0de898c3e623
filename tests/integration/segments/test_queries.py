"""Segments over HTTP: definitions with dependencies, members of any moment, history, stays, and the proof."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from patron_events.catalog import campaigns
from patron_events.catalog import contacts as events
from patron_projections.api.parts import Strict
from patron_projections.service import build
from patron_rules.tree import FieldIs, InSegment, Not
from patron_runtime.identity import EmbeddedIssuer, TrustedIssuer, Verifier
from patron_runtime.settings import RuntimeSettings
from segment_side import SegmentSide

Document = dict[str, Any]
VIPS = FieldIs("tags", "has", "vip")


@pytest.fixture
async def http(side: SegmentSide, tmp_path: Path) -> AsyncGenerator[AsyncClient]:
    issuer = EmbeddedIssuer(tmp_path)
    verifier = Verifier([TrustedIssuer(issuer.name, public_key_file=issuer.public_key_file)])
    service = build(verifier, RuntimeSettings(log_level="ERROR"), side.url)
    headers = {"Authorization": f"Bearer {issuer.issue('tester', ['admin'])}"}
    async with (
        service.router.lifespan_context(service),
        AsyncClient(transport=ASGITransport(service), base_url="http://patron/projections/v1", headers=headers) as http,
    ):
        yield http


async def answer(http: AsyncClient, path: str, **parameters: object) -> Document:
    response = await http.get(path, params=parameters)  # pyright: ignore[reportArgumentType]
    assert response.status_code == 200, response.text
    return response.json()


async def test_segments_are_listed_with_sizes_and_dependencies(side: SegmentSide, http: AsyncClient) -> None:
    async with side.working():
        ann, bob = await side.contacts.person(), await side.contacts.person()
        await side.contacts.record("person", ann, events.TagsChanged(tags=("vip",)))
        vips = await side.segment(VIPS, name="Vips")
        others = await side.segment(Not(InSegment(vips)), name="Others")
        await side.quiet()
        (one, two) = (await answer(http, "/segments"))["items"]
        assert [(row["id"], row["name"], row["size"], row["uses"], row["used_by"]) for row in (one, two)] == [
            (others, "Others", 1, [vips], []),
            (vips, "Vips", 1, [], [others]),
        ]
        page = await answer(http, "/segments", limit=1)
        rest = await answer(http, "/segments", limit=1, cursor=page["next_cursor"])
        assert [row["id"] for row in (*page["items"], *rest["items"])] == [others, vips]
        sequence = await side.say(vips, campaigns.CustomersIncluded((bob,)))
        found = await answer(http, f"/segments/{vips}/members", after=f"campaigns.*.{sequence}")
        assert {row["customer_id"] for row in found["items"]} == {ann, bob}
        assert (await answer(http, f"/segments/{others}", after=f"contacts.*.{side.contacts.last}"))["size"] == 0
        await side.say(others, campaigns.SegmentArchived())
        await side.quiet()
        assert [row["id"] for row in (await answer(http, "/segments"))["items"]] == [vips]
        shown = await answer(http, "/segments", include_archived=True)
        assert [row["archived"] for row in shown["items"]] == [True, False]


async def test_members_of_any_moment_history_and_stays(side: SegmentSide, http: AsyncClient) -> None:
    async with side.working():
        ann, bob = await side.contacts.person(), await side.contacts.person()
        await side.quiet()  # what stands when the first evaluator begins is due to the rule
        vips = await side.segment(VIPS, campaigns.CustomersIncluded((ann, bob)), name="Vips")
        await side.quiet()
        ((first,),) = await side.rows("SELECT max(occurred_at) FROM patron.memberships")
        ((known,),) = await side.rows("SELECT max(recorded_at) FROM patron.memberships")
        await side.say(vips, campaigns.CustomersExcluded((bob,)))
        await side.quiet()
        now = await answer(http, f"/segments/{vips}/members")
        assert [row["customer_id"] for row in now["items"]] == [ann]
        assert now["items"][0]["cause"] == "hand"
        past = await answer(http, f"/segments/{vips}/members", as_of=first.isoformat())
        assert {row["customer_id"] for row in past["items"]} == {ann, bob}
        known_then = await answer(http, f"/segments/{vips}/members", known_at=known.isoformat())
        assert {row["customer_id"] for row in known_then["items"]} == {ann, bob}
        before = await answer(http, f"/segments/{vips}/members", as_of=(first - timedelta(days=1)).isoformat())
        assert before["items"] == []
        day = first.astimezone(UTC).date()
        history = await answer(http, f"/segments/{vips}/history", **{"from": str(day), "to": str(day + timedelta(2))})
        assert [row["size"] for row in history["items"]] == [1, 1]
        assert sum(row["entered"] for row in history["items"]) == 2
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        ends = [one.astimezone(timezone(timedelta(hours=14))).isoformat() for one in (begin, begin + timedelta(2))]
        assert await answer(http, f"/segments/{vips}/history", **{"from": ends[0], "to": ends[1]}) == history
        (stay,) = (await answer(http, f"/customers/{bob}/segments"))["items"]
        assert (stay["segment_id"], stay["name"], stay["left_cause"]) == (vips, "Vips", "hand")
        assert (await answer(http, f"/customers/{ann}/segments"))["items"][0]["left_at"] is None
        proof = await answer(http, f"/segments/{vips}/equality")
        assert proof["equal"]
        assert proof["evaluated"]["customers"] == 1


async def test_wrong_questions_are_refused_with_codes(side: SegmentSide, http: AsyncClient) -> None:
    async with side.working():
        vips = await side.segment(VIPS)
        await side.quiet()
    asked: list[tuple[str, Document, int, str]] = [
        (f"/segments/{side.contacts.new_id()}", {}, 404, "segment-unknown"),
        (f"/segments/{side.contacts.new_id()}/members", {}, 404, "segment-unknown"),
        (f"/segments/{vips}/members", {"cursor": "x"}, 422, "cursor-invalid"),
        (f"/segments/{vips}/members", {"as_of": "never"}, 422, "clock-invalid"),
        (f"/segments/{vips}/history", {"from": "2026-02-01", "to": "2026-01-01"}, 422, "span-invalid"),
        (f"/segments/{vips}/history", {"from": "soon"}, 422, "period-invalid"),
        ("/segments", {"after": "segments.1.1"}, 422, "after-invalid"),
        ("/segments", {"after": f"contacts.*.{datetime.now(UTC):%s}", "wait_s": 0}, 503, "position-not-reached"),
    ]
    for path, parameters, status, code in asked:
        response = await http.get(path, params=parameters)
        assert (path, response.status_code, response.json()["code"]) == (path, status, code)


async def test_only_questions_about_a_segment_wait_until_it_is_judged(side: SegmentSide, http: AsyncClient) -> None:
    async with side.workers():
        await side.contacts.person()
        vips = await side.segment(VIPS)
        async with side.evaluating():
            await side.quiet()
        async with await side.connect() as connection:  # as between its definition and its evaluation
            await connection.execute("DELETE FROM patron.segment_states")
        position = {"after": f"contacts.*.{side.contacts.last}", "wait_s": 0}
        await answer(http, "/segments", **position)
        response = await http.get(f"/segments/{vips}", params=position)
        assert (response.status_code, response.json()["code"]) == (503, "position-not-reached")


def test_one_answer_waits_once_for_all_models() -> None:
    query = Strict(after="contacts.*.1", wait_s=30)
    first = query.left_s
    assert 0 <= query.left_s <= first <= query.wait_s
    assert Strict(after=None, wait_s=0).left_s == 0
