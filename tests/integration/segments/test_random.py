"""Whatever happens in whatever order: the members kept live equal a full evaluation, and the log tells the same."""

from datetime import timedelta
from random import Random

import pytest

from patron_events.catalog import campaigns
from patron_events.catalog import contacts as events
from patron_rules.tree import (
    All,
    AnyOf,
    Duration,
    Facts,
    FieldIs,
    InSegment,
    Measure,
    Moment,
    Not,
    Period,
    Rule,
    rule_document,
)
from segment_side import SegmentSide, assert_equal

STEPS = 45
ROUNDS = 3


def rule(dice: Random, others: list[str], depth: int = 2) -> Rule:
    """Make a rule of the kinds of conditions that live evaluation treats differently."""
    leaves: list[Rule] = [
        FieldIs("tags", "has", dice.choice("ab")),
        FieldIs("lifecycle_stage", "eq", dice.choice(("lead", "customer"))),
        FieldIs("company.industry", "eq", "steel"),
        FieldIs("created_at", "within-last", Duration(days=dice.randrange(1, 900))),
        Measure("count", Facts("purchase", period=Period(last=Duration(hours=dice.randrange(1, 60)))), "gte", 1),
        Measure("sum", Facts("purchase", period=Period(calendar="today")), "gt", 300, of="amount", currency="USD"),
        Moment("last", Facts("interaction"), "not-within-last", Duration(days=dice.randrange(1, 4))),
    ]
    if others:
        leaves.append(InSegment(dice.choice(others)))
    if not depth:
        return dice.choice(leaves)
    below = [rule(dice, others, depth - 1) for _ in range(2)]
    return dice.choice((All(tuple(below)), AnyOf(tuple(below)), Not(below[0]), dice.choice(leaves)))


class Story:
    """Lets things happen, as the seed decides."""

    def __init__(self, side: SegmentSide, seed: int) -> None:
        self.side = side
        self.dice = Random(seed)
        self.ids: list[str] = []
        self.archived: set[str] = set()
        self.versions: dict[str, int] = {}

    async def define(self) -> None:
        """Record a new segment, which may use those before it."""
        kind = self.dice.choice(("dynamic", "dynamic", "dynamic", "snapshot", "static"))
        used = [one for one in self.ids if one not in self.archived]
        made = await self.side.segment(None if kind == "static" else rule(self.dice, used), kind=kind)
        self.ids.append(made)
        self.versions[made] = 1

    async def step(self) -> None:
        """Record one thing, or let time pass."""
        side, dice, log = self.side, self.dice, self.side.contacts
        live = [one for one in self.ids if one not in self.archived]
        match dice.randrange(14):
            case 0:
                side.clock.forward(hours=dice.randrange(1, 30))
            case 1:
                one = dice.choice(live)
                self.versions[one] += 1
                document = rule_document(rule(dice, live[: live.index(one)]))
                await side.say(one, campaigns.SegmentRuleChanged(rule_version=self.versions[one], rule=document))
            case 2:
                kinds = (campaigns.CustomersIncluded, campaigns.CustomersExcluded, campaigns.CustomersReleased)
                people = tuple(sorted(dice.sample(log.people, 2)))
                await side.say(dice.choice(live), dice.choice(kinds)(people))
            case 3:
                await side.say(dice.choice(live), campaigns.SnapshotRequested(rule_version=1))
            case 4 if len(live) > 4:
                last = live[-1]
                self.archived.add(last)
                await side.say(last, campaigns.SegmentArchived())
            case 5:
                industry = dice.choice(("steel", "glass"))
                await log.record("company", dice.choice(log.companies), events.CompanyDetailsChanged(industry=industry))
            case 6 | 7 | 8:
                order = events.OrderPlaced(order_id=log.new_id(), currency="USD", amount_minor=dice.randrange(90_000))
                at = side.clock.now() + timedelta(hours=dice.choice((-30, -2, 0, 5)))
                await log.record("activity", dice.choice(log.people), order, at=at)
            case _:
                await log.anything()


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 20))])
async def test_members_equal_a_full_evaluation_whatever_happens(side: SegmentSide, seed: int) -> None:
    story = Story(side, seed)
    for _ in range(8):
        await side.contacts.person()
    for _ in range(8):
        await side.contacts.anything()
    for _ in range(6):
        await story.define()
    async with side.working():
        for _ in range(ROUNDS):
            await story.define()
            for _ in range(STEPS):
                await story.step()
            await side.quiet()
            await assert_equal(side, story.ids)
