"""Segments in other answers: of customers, of lists, of reports and in exports, now and as of any moment."""

import csv
import io
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from customer_log import BEGIN
from patron_events.catalog import contacts as events
from patron_rules.tree import FieldIs
from projections_http import Queries, client
from segment_side import SegmentSide

VIPS = FieldIs("tags", "has", "vip")


@pytest.fixture
async def queries(side: SegmentSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    async for one in client(side.url, tmp_path):
        yield one


class Story(NamedTuple):
    """Ann and Bob are vips; then Bob leaves and Cid comes.

    as_of, known_at: when Ann and Bob had become members, and when that was known. The logs of contacts and of segments
    have clocks of their own here.
    """

    segment: str
    ann: str
    bob: str
    cid: str
    as_of: str
    known_at: str


async def told(side: SegmentSide) -> Story:
    """Tell the story; each has one order of 1, 2 and 4 dollars from long ago."""
    people = [await side.contacts.person() for _ in range(3)]
    for cents, person in zip((100, 200, 400), people, strict=True):
        order = events.OrderPlaced(order_id=side.contacts.new_id(), currency="USD", amount_minor=cents)
        await side.contacts.record("activity", person, order, at=BEGIN)
    ann, bob, cid = people
    await side.quiet()
    for person in (ann, bob):
        await side.contacts.record("person", person, events.TagsChanged(tags=("vip",)))
    segment = await side.segment(VIPS, name="Vips")
    await side.quiet()
    ((as_of, known_at),) = await side.rows("SELECT max(occurred_at), max(recorded_at) FROM patron.memberships")
    await side.contacts.record("person", bob, events.TagsChanged(tags=()))
    await side.contacts.record("person", cid, events.TagsChanged(tags=("vip",)))
    await side.quiet()
    return Story(segment, ann, bob, cid, as_of.isoformat(), known_at.isoformat())


async def test_a_customer_tells_their_segments(side: SegmentSide, queries: Queries) -> None:
    async with side.working():
        story = await told(side)
        after = f"contacts.*.{side.contacts.last}"

        async def segments(customer: str, **clocks: str) -> Sequence[str]:
            found = await queries.answer(f"/customers/{customer}", after=after, **clocks)
            return [one["segment_id"] for one in found["segments"]]

        people = (story.ann, story.bob, story.cid)
        assert [await segments(one) for one in people] == [[story.segment], [], [story.segment]]
        for then in ({"as_of": story.as_of}, {"known_at": story.known_at}):
            assert [await segments(one, **then) for one in people] == [[story.segment], [story.segment], []]
        moves = [await queries.answer(f"/customers/{one}/changes", since=story.known_at) for one in people]
        assert [one["segments_entered"] for one in moves] == [[], [], [story.segment]]
        assert [one["segments_left"] for one in moves] == [[], [story.segment], []]
        before = await queries.answer(
            f"/customers/{story.bob}/changes", since=BEGIN.isoformat(), known_at=story.known_at
        )
        assert (before["segments_entered"], before["segments_left"]) == ([story.segment], [])
        (stay,) = (await queries.answer(f"/customers/{story.ann}"))["segments"]
        (kept,) = await queries.items(f"/customers/{story.ann}/segments")
        assert (stay["since"], stay["rule_version"]) == (kept["entered_at"], 1)


async def test_lists_and_reports_of_a_segment_look_at_the_members_of_the_moment(
    side: SegmentSide, queries: Queries
) -> None:
    async with side.working():
        story = await told(side)
        now, then = {story.ann, story.cid}, {story.ann, story.bob}
        for clocks, members, revenue in (
            ({}, now, "5.00"),
            ({"known_at": story.known_at}, then, "3.00"),
            ({"as_of": story.as_of}, then, "3.00"),
        ):
            asked = {"segment": story.segment, **clocks}
            if "as_of" not in clocks:  # by that clock nobody was recorded yet
                counted = (await queries.answer("/reports/people", by="total", **asked))["rows"]
                assert [one["people"] for one in counted] == [2]
                assert {row["id"] for row in await queries.every("/people", limit=1, **asked)} == members
            (row,) = (await queries.answer("/reports/purchases", by="total", **asked))["rows"]
            assert (row["customers"], row["revenue"]) == (2, revenue)
            behind = (await queries.http.get(row["drill"])).json()["items"]
            assert {one["customer_id"] for one in behind} == members
        await side.contacts.record("person", story.bob, events.TagsChanged(tags=("vip",)))
        found = await queries.items("/people", segment=story.segment, after=f"contacts.*.{side.contacts.last}")
        assert {row["id"] for row in found} == {*now, *then}
        assert await queries.items("/people", segment=side.contacts.new_id()) == []


async def test_lists_of_segments_are_exported_whole(side: SegmentSide, queries: Queries) -> None:
    async with side.working():
        story = await told(side)
        for path, asked in (
            ("/segments", {}),
            (f"/segments/{story.segment}/members", {}),
            (f"/segments/{story.segment}/members", {"as_of": story.as_of}),
            (f"/segments/{story.segment}/history", {"from": story.as_of[:10]}),
            (f"/customers/{story.bob}/segments", {}),
            ("/people", {"segment": story.segment}),
        ):
            items = await queries.items(path, **asked)
            lines = (await queries.get(path, format="jsonl", **asked)).text.splitlines()
            assert [json.loads(line) for line in lines] == items
            rows = list(csv.DictReader(io.StringIO((await queries.get(path, format="csv", **asked)).text, newline="")))
            assert len(rows) == len(items) > 0
            assert set(rows[0]) == set(items[0])
            assert (await queries.get(path, format="parquet", **asked)).content[:4] == b"PAR1"
        unknown = await queries.refusal(f"/segments/{side.contacts.new_id()}/members", format="csv")
        assert unknown == (404, "segment-unknown", None)
