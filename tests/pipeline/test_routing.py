"""Leads that come in are scored and given to somebody; loads and time are kept. Over the in-memory twins."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from patron_events.catalog.pipeline import leads as events
from patron_events.decisions import Asked, Decisions, Unit
from patron_events.journal import Journal
from patron_pipeline.domain.lead import LEAD, Lead
from patron_pipeline.domain.rep import RetireRep, SetAvailability, rep_id
from patron_pipeline.domain.rotation import ROTATION, Rotation
from patron_pipeline.handlers.assigning import Rotations
from patron_pipeline.reactions.everything import all_reactions
from patron_reactions.memory import InMemory, MemoryTimers
from patron_reactions.service import Means
from pipeline.sales_force import ANYBODY, publish, record_rep
from pipeline.served import Selling

ROUND: dict[str, Any] = {"strategy": "round-robin", "team": "emea"}
INBOX: dict[str, Any] = {"strategy": "queue", "queue": "inbox"}


@dataclass
class Office:
    """A sales team with rules, and reactions that run when they are told to."""

    selling: Selling = field(default_factory=Selling)

    def __post_init__(self) -> None:
        self.parts = self.selling.parts()
        self.decisions: Decisions = self.parts.decisions
        timers = MemoryTimers(datetime.now(UTC))
        means = Means(self.decisions, self.selling.store, timers, self.selling.index)
        self.timers = timers
        self.host = InMemory(all_reactions(means), self.selling.store, self.selling.vault, self.timers)

    async def assignment(self, *rules: dict[str, Any], fallback: dict[str, Any] = INBOX) -> None:
        listed = [{"id": f"rule-{number}", **rule} for number, rule in enumerate(rules)]
        await publish(self.decisions, "assignment", {"rules": listed, "fallback": fallback})

    async def captured(self, **body: Any) -> str:
        body = {"email": "lead@example.org", **body}
        return (await self.parts.leads.capture(body, Asked(ANYBODY), channel="api")).stream.id

    async def lead(self, lead_id: str) -> Lead:
        return (await Journal(self.selling.store, self.selling.vault).load(LEAD, lead_id)).state

    async def rotation(self) -> Rotation:
        return await Rotations(Decisions(Journal(self.selling.store, self.selling.vault))).read()

    async def pass_time(self, by: timedelta) -> None:
        await self.host.advance(self.timers.now + by)


@pytest.fixture
async def office() -> Office:
    here = Office()
    for subject in ("ann", "ben", "cy"):
        await record_rep(here.decisions, subject, team="emea")
    return here


async def test_leads_that_come_in_are_shared(office: Office) -> None:
    await office.assignment({"to": ROUND})
    known = [await office.captured(family_name=f"L{number}") for number in range(6)]
    await office.host.settle()
    assert Counter([(await office.lead(one)).owner for one in known]) == {"ann": 2, "ben": 2, "cy": 2}
    assigned = (await office.lead(known[0])).assigned
    assert assigned == events.LeadAssigned(
        owner="ann",
        team="emea",
        rule="rule-0",
        rules_version=1,
        strategy="round-robin",
        why="every lead: next in turn of 3 in team emea",
    )
    assert (await office.lead(known[0])).status == "assigned"
    assert dict((await office.rotation()).loads) == {"ann": 2, "ben": 2, "cy": 2}


async def test_redelivery_changes_nothing(office: Office) -> None:
    await office.assignment({"to": ROUND, "work_within": {"hours": 1}})
    await publish(office.decisions, "score", {"rules": [{"id": "any", "points": 8, "half_life": {"days": 3}}]})
    for _ in range(3):
        await office.captured()
    await office.host.settle()
    size = await office.selling.size()
    await office.host.redeliver()
    assert await office.selling.size() == size


async def test_a_lead_that_has_somebody_already_is_only_scored(office: Office) -> None:
    await office.assignment({"to": ROUND})
    await publish(office.decisions, "score", {"rules": [{"id": "any", "points": 8}]})
    known = await office.captured(owner="zoe")
    await office.host.settle()
    lead = await office.lead(known)
    assert (lead.owner, lead.scored and lead.scored.score) == ("zoe", "8")
    assert (await office.rotation()).load("zoe") == 1


async def test_the_score_decides_to_whom_a_lead_goes(office: Office) -> None:
    hot = {"type": "field", "field": "grade", "op": "eq", "value": "hot"}
    await office.assignment({"when": hot, "to": {"strategy": "rep", "rep": "cy"}}, {"to": ROUND})
    big = {"type": "field", "field": "employees", "op": "gte", "value": 100}
    grades = [{"grade": "hot", "at_least": 10}]
    await publish(office.decisions, "score", {"rules": [{"id": "big", "points": 10, "when": big}], "grades": grades})
    known = [await office.captured(employees=number) for number in (500, 5)]
    await office.host.settle()
    found = [await office.lead(one) for one in known]
    assert [(one.owner, one.scored and one.scored.grade) for one in found] == [("cy", "hot"), ("ann", None)]
    history = await office.selling.facts(LEAD, known[0])
    assert [type(one).__name__ for one in history[-3:]] == ["LeadScored", "LeadAssigned", "LeadStatusChanged"]


async def test_a_lead_of_known_company_goes_to_its_owner(office: Office) -> None:
    await office.assignment({"to": {"strategy": "rep", "owner_of": "company"}}, {"to": ROUND})
    async with office.selling.contacts.client("agent") as contacts:
        body = {"name": "Acme", "owner": "ben"}
        company = (await contacts.post("/contacts/v1/companies", json=body)).json()["id"]
    known = await office.captured(company_id=company)
    await office.host.settle()
    assert (await office.lead(known)).owner == "ben"


async def test_who_assigns_or_closes_by_hand_changes_the_loads(office: Office) -> None:
    await office.assignment({"to": {"strategy": "least-busy", "team": "emea"}})
    first, second = [await office.captured() for _ in range(2)]
    await office.host.settle()
    await office.parts.leads.assign(first, {"owner": "ben"}, Asked(ANYBODY))
    await office.host.settle()
    assert dict((await office.rotation()).loads) == {"ben": 2}
    await office.parts.leads.move(second, {"to": "dead", "reason": "no-budget"}, Asked(ANYBODY))
    await office.parts.leads.erase(first, Asked(ANYBODY))
    await office.host.settle()
    assert dict((await office.rotation()).loads) == {}


async def test_a_lead_nobody_worked_on_goes_to_somebody_else(office: Office) -> None:
    await office.assignment({"to": ROUND, "work_within": {"hours": 4}})
    lying, working = [await office.captured() for _ in range(2)]
    await office.host.settle()
    await office.parts.leads.move(working, {"to": "working"}, Asked(ANYBODY))
    assert [(await office.lead(one)).owner for one in (lying, working)] == ["ann", "ben"]
    await office.pass_time(timedelta(hours=3))
    assert (await office.lead(lying)).owner == "ann"
    # No further: the clock of the log does not move with that of the timers.
    await office.host.advance(office.timers.pending[f"lead-work.{lying}"].at)
    assert [(await office.lead(one)).owner for one in (lying, working)] == ["cy", "ben"]
    assert dict((await office.rotation()).loads) == {"cy": 1, "ben": 1}


async def test_a_deadline_that_was_taken_back_moves_nothing(office: Office) -> None:
    await office.assignment({"to": ROUND, "work_within": {"hours": 4}})
    lying = await office.captured()
    await office.host.settle()
    await office.assignment({"to": ROUND})
    await office.pass_time(timedelta(hours=5))
    assert (await office.lead(lying)).owner == "ann"


async def test_leads_of_somebody_who_leaves_go_to_the_others(office: Office) -> None:
    await office.assignment({"to": ROUND})
    known = [await office.captured() for _ in range(3)]
    await office.host.settle()
    await office.parts.reps.command(rep_id("ann"), RetireRep(), Asked(ANYBODY))
    await office.host.settle()
    assert sorted([(await office.lead(one)).owner or "" for one in known]) == ["ben", "ben", "cy"] or sorted(
        [(await office.lead(one)).owner or "" for one in known]
    ) == ["ben", "cy", "cy"]
    assert (await office.rotation()).load("ann") == 0


@pytest.mark.parametrize("command", [RetireRep(), SetAvailability(available=False)])
async def test_who_just_stopped_taking_leads_gets_none(office: Office, command: RetireRep | SetAvailability) -> None:
    await office.assignment({"to": ROUND})
    known = [await office.captured() for _ in range(3)]
    place = office.parts.routing.assigning.place
    await place(known[0], Asked(ANYBODY), datetime.now(UTC))
    # Another process is told, so that this one remembers a team that is as good as new.
    await office.selling.parts().reps.command(rep_id("ben"), command, Asked(ANYBODY))
    for one in known[1:]:
        await place(one, Asked(ANYBODY), datetime.now(UTC))
    assert [(await office.lead(one)).owner for one in known] == ["ann", "cy", "ann"]


async def test_a_lead_that_nobody_can_take_is_tried_again(office: Office) -> None:
    await office.assignment({"to": {"strategy": "rep", "rep": "ann"}}, fallback={"strategy": "rep", "rep": "ann"})
    away = SetAvailability(available=False)
    await office.parts.reps.command(rep_id("ann"), away, Asked(ANYBODY))
    known = await office.captured()
    await office.host.settle()
    assert (await office.lead(known)).status == "new"
    await office.parts.reps.command(rep_id("ann"), SetAvailability(available=True), Asked(ANYBODY))
    await office.pass_time(timedelta(minutes=20))
    assert (await office.lead(known)).owner == "ann"


async def test_rules_that_are_published_place_the_leads_that_wait(office: Office) -> None:
    waiting, theirs, back, closed = [await office.captured(owner=owner) for owner in (None, "zoe", None, None)]
    await office.parts.leads.assign(back, {"owner": "ben"}, Asked(ANYBODY))
    await office.parts.leads.assign(back, {"owner": None}, Asked(ANYBODY))
    await office.parts.leads.move(closed, {"to": "dead", "reason": "no-budget"}, Asked(ANYBODY))
    await office.host.settle()
    assert (await office.lead(waiting)).owner is None
    await office.assignment({"to": ROUND})
    await office.host.settle()
    known = [await office.lead(one) for one in (waiting, theirs, back, closed)]
    assert [(one.status, one.owner) for one in known] == [
        ("assigned", "ann"), ("assigned", "zoe"), ("assigned", "ben"), ("dead", None),
    ]  # fmt: skip
    await office.assignment({"to": {"strategy": "rep", "rep": "cy"}})
    await office.host.settle()
    size = await office.selling.size()
    assert (await office.lead(waiting)).owner == "ann"
    await office.host.redeliver()
    assert await office.selling.size() == size


async def test_the_first_rules_decide_about_the_next_lead(office: Office) -> None:
    first, second = [await office.captured() for _ in range(2)]
    routing = office.parts.routing
    assert await routing.assigning.place(first, Asked(ANYBODY), datetime.now(UTC)) is None
    assert await routing.scoring.rescore(first, Asked(ANYBODY), datetime.now(UTC)) is None
    await office.assignment({"to": ROUND})
    half = {"id": "any", "points": 8, "half_life": {"days": 3}}
    await publish(office.decisions, "score", {"rules": [half]})
    assert await routing.scoring.rescore(second, Asked(ANYBODY), datetime.now(UTC)) is not None
    await routing.assigning.place(second, Asked(ANYBODY), datetime.now(UTC))
    assert (await office.lead(second)).owner == "ann"


async def test_rules_that_are_published_score_what_is_open_or_recycled(office: Office) -> None:
    new, recycled, dead = [await office.captured() for _ in range(3)]
    await office.parts.leads.move(recycled, {"to": "recycled", "reason": "later"}, Asked(ANYBODY))
    await office.parts.leads.move(dead, {"to": "dead", "reason": "no-budget"}, Asked(ANYBODY))
    for points in (8, 9):
        half = {"id": "any", "points": points, "half_life": {"days": 3}}
        await publish(office.decisions, "score", {"rules": [half]})
        await office.host.settle()
        scores = [(await office.lead(one)).scored for one in (new, recycled, dead)]
        assert [one and one.score for one in scores] == [str(points), str(points), None]
    assert {f"lead-score.{one}" for one in (new, recycled)} <= set(office.timers.pending)
    size = await office.selling.size()
    await office.host.redeliver()
    assert await office.selling.size() == size


async def test_what_the_person_does_and_time_change_the_score(office: Office) -> None:
    visits = {"id": "visits", "points": 10, "facts": {"fact": "interaction"}, "half_life": {"days": 1}}
    await publish(office.decisions, "score", {"rules": [visits]})
    async with office.selling.contacts.client("agent") as contacts:
        person = (await contacts.post("/contacts/v1/people", json={"family_name": "Lovelace"})).json()["id"]
        known = await office.captured(person_id=person)
        await office.host.settle()
        assert (scored := (await office.lead(known)).scored) is not None
        assert scored.score == "0"
        body = {"kind": "visit", "customer": {"person_id": person}}
        answer = await contacts.post("/contacts/v1/interactions", json=body)
        assert answer.status_code < 300, answer.text
    await office.host.settle()
    assert (scored := (await office.lead(known)).scored) is not None
    assert (scored.score, scored.was) == ("10", "0")
    await office.pass_time(timedelta(days=1, minutes=1))
    assert (scored := (await office.lead(known)).scored) is not None
    assert scored.score == "5"
    await office.pass_time(timedelta(days=30))
    assert (scored := (await office.lead(known)).scored) is not None
    assert (scored.score, scored.next_at) == ("0", None)
    assert not office.timers.pending


async def test_a_long_rotation_is_continued_by_another(office: Office) -> None:
    await office.assignment({"to": ROUND})
    office.parts.routing.assigning.rotations.longest = 5
    known = [await office.captured() for _ in range(13)]
    for one in known:
        await office.parts.routing.assigning.place(one, Asked(ANYBODY), datetime.now(UTC))
    owners = Counter([(await office.lead(one)).owner for one in known])
    assert sorted(owners.values()) == [4, 4, 5]
    rotation = await office.rotation()
    assert {owner: rotation.load(owner) for owner in owners if owner} == owners
    first = (await Journal(office.selling.store, office.selling.vault).load(ROTATION, "leads")).state
    assert first.next == "leads-2"


async def test_rotations_that_have_ended_are_not_looked_at_again(office: Office) -> None:
    await office.assignment({"to": ROUND})
    routing = office.parts.routing.assigning
    routing.rotations.longest = 3
    for one in [await office.captured() for _ in range(20)]:
        await routing.place(one, Asked(ANYBODY), datetime.now(UTC))
    assert (await office.decisions.journal.load(ROTATION, "leads-5")).version
    unit = Unit(office.decisions.journal, Asked(ANYBODY), datetime.now(UTC), fresh=True)
    await routing.rotations.current(unit)
    assert len(unit.touched) <= 2
