"""Members come and go as facts are recorded, definitions change and time passes."""

from datetime import UTC, datetime

from patron_events.catalog import campaigns
from patron_events.catalog import contacts as events
from patron_events.registry import Fact
from patron_rules.tree import All, Duration, Facts, FieldIs, InSegment, Measure, Not, Period, rule_document
from segment_side import SegmentSide

BUYERS = Measure("count", Facts("purchase", period=Period(last=Duration(days=30))), "gte", 1)
VIPS = FieldIs("tags", "has", "vip")


def order(side: SegmentSide) -> Fact:
    return events.OrderPlaced(order_id=side.contacts.new_id(), currency="EUR", amount_minor=5_000)


async def test_a_purchase_lets_a_customer_enter_and_time_lets_them_leave(side: SegmentSide) -> None:
    async with side.working():
        ann, bob = await side.contacts.person(), await side.contacts.person()
        buyers = await side.segment(BUYERS)
        await side.quiet()
        assert await side.members(buyers) == set()
        await side.contacts.record("activity", ann, order(side), at=datetime.now(UTC))
        await side.quiet()
        assert await side.members(buyers) == {ann}
        side.clock.forward(days=31)
        await side.quiet()
        assert await side.members(buyers) == set()
        story = await side.story(buyers)
    assert [(customer, entered, cause) for customer, entered, cause, _ in story] == [
        (ann, True, "event"),
        (ann, False, "time"),
    ]
    assert bob not in {customer for customer, *_ in story}


async def test_a_changed_rule_an_archived_segment_and_one_that_uses_another(side: SegmentSide) -> None:
    async with side.working():
        ann, bob = await side.contacts.person(), await side.contacts.person()
        await side.contacts.record("person", ann, events.TagsChanged(tags=("vip",)))
        vips = await side.segment(VIPS)
        others = await side.segment(Not(InSegment(vips)))
        await side.quiet()
        assert (await side.members(vips), await side.members(others)) == ({ann}, {bob})
        everybody = rule_document(All(()))
        await side.say(vips, campaigns.SegmentRuleChanged(rule_version=2, rule=everybody))
        await side.quiet()
        assert (await side.members(vips), await side.members(others)) == ({ann, bob}, set())
        await side.say(vips, campaigns.SegmentArchived())
        await side.quiet()
        assert (await side.members(vips), await side.members(others)) == (set(), {ann, bob})
        story = await side.story(others)
    assert [(customer, entered, cause, by) for customer, entered, cause, by in story][1:2] == [
        (bob, False, "segment", vips)
    ]


async def test_hand_lists_beat_the_rule_until_they_are_released(side: SegmentSide) -> None:
    async with side.working():
        ann, bob = await side.contacts.person(), await side.contacts.person()
        await side.contacts.record("person", ann, events.TagsChanged(tags=("vip",)))
        vips = await side.segment(VIPS)
        await side.say(vips, campaigns.CustomersExcluded((ann,)), campaigns.CustomersIncluded((bob,)))
        await side.quiet()
        assert await side.members(vips) == {bob}
        await side.say(vips, campaigns.CustomersReleased((ann, bob)))
        await side.quiet()
        assert await side.members(vips) == {ann}
        static = await side.segment(None, campaigns.CustomersIncluded((ann, bob)), kind="static")
        await side.quiet()
        assert await side.members(static) == {ann, bob}
        await side.contacts.record("person", bob, events.RecordArchived())
        await side.quiet()
        assert await side.members(static) == {ann}
        await side.contacts.record("person", bob, events.RecordRestored())
        await side.contacts.erase(ann)
        await side.quiet()
        assert await side.members(static) == {bob}
        assert await side.members(vips) == set()


async def test_a_snapshot_is_taken_once_and_then_stands(side: SegmentSide) -> None:
    async with side.working():
        ann, bob = await side.contacts.person(), await side.contacts.person()
        await side.contacts.record("person", ann, events.TagsChanged(tags=("vip",)))
        taken = await side.segment(VIPS, kind="snapshot")
        await side.quiet()
        assert await side.members(taken) == set()
        await side.say(taken, campaigns.SnapshotRequested(rule_version=1))
        await side.quiet()
        assert await side.members(taken) == {ann}
        await side.contacts.record("person", ann, events.TagsChanged())
        await side.contacts.record("person", bob, events.TagsChanged(tags=("vip",)))
        await side.quiet()
        assert await side.members(taken) == {ann}
        await side.contacts.erase(ann)
        await side.quiet()
        assert await side.members(taken) == set()


async def test_a_field_defined_anew_with_another_type_suspends_or_judges_anew(side: SegmentSide) -> None:
    async with side.working():
        fields = events.FieldDefined(name="plan", type="string"), events.FieldDefined(name="score", type="string")
        await side.contacts.record("field-catalogue", "people", *fields)
        ann = await side.contacts.person()
        values = (events.Attribute("plan", "gold"), events.Attribute("score", 7))
        await side.contacts.record("person", ann, events.CustomFieldsChanged(fields=values))
        await side.quiet()
        gold = await side.segment(FieldIs("custom.plan", "eq", "gold"), name="Gold")
        scored = await side.segment(FieldIs("custom.score", "exists"), name="Scored")
        await side.quiet()
        assert (await side.members(gold), await side.members(scored)) == ({ann}, set())
        retired = events.FieldRetired(name="plan"), events.FieldRetired(name="score")
        again = events.FieldDefined(name="plan", type="number"), events.FieldDefined(name="score", type="number")
        await side.contacts.record("field-catalogue", "people", *retired, *again)
        await side.quiet()
        assert await side.members(scored) == {ann}
        assert (await side.story(scored))[-1][2] == "event"
        assert await side.members(gold) == {ann}  # it stands still, and says so
        faults = dict(await side.rows("SELECT segment_id, fault FROM patron.segment_states"))
        assert faults[gold] is not None
        assert faults[scored] is None
    assert b"segment_faults_total 0.0" not in side.metrics.exposition()


async def test_a_rule_of_a_newer_release_says_that_it_cannot_be_read(side: SegmentSide) -> None:
    async with side.working():
        strange = campaigns.SegmentRuleChanged(rule_version=1, rule={"type": "of-tomorrow"})
        segment = await side.segment(None, strange)
        await side.quiet()
        ((fault,),) = await side.rows("SELECT fault FROM patron.segment_states WHERE segment_id = %s", segment)
        assert fault is not None
