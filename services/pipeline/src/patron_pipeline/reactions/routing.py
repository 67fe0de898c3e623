"""What judges leads by itself: whoever comes in is scored and given to somebody, loads are kept right, time is kept.

Every handler decides against present state, so that late, repeated or overtaken deliveries change nothing.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from patron_events.catalog import contacts
from patron_events.catalog.pipeline import leads, rules, team
from patron_events.decisions import Decisions
from patron_events.store import LogReader
from patron_pipeline.domain.assignment_document import AssignmentRules, assignment_rules
from patron_pipeline.domain.customer import CUSTOMER
from patron_pipeline.domain.lead import LEAD, Lead
from patron_pipeline.domain.lead_status import OPEN
from patron_pipeline.domain.rep import REP
from patron_pipeline.domain.rules import RULES
from patron_pipeline.domain.rules_errors import LeadPlaced
from patron_pipeline.handlers.finding import Finding
from patron_pipeline.handlers.lead_facts import DONE
from patron_pipeline.handlers.reps import SalesTeam
from patron_pipeline.handlers.routing import Routing, routing
from patron_pipeline.handlers.scoring import kinds_of
from patron_pipeline.reactions.walking import CONTEXT, records
from patron_reactions.reaction import Happened, Reaction
from patron_reactions.service import Means
from patron_reactions.timers import Because, Fired, TimerReaction, Timers
from patron_rules.periods import length

RETRY: Final = timedelta(minutes=15)
"""How long a lead that nobody could take waits before the rules are asked again."""
_BACK: Final = frozenset({"recycled", "dead"})


def routing_reactions(means: Means) -> tuple[tuple[Reaction, ...], tuple[TimerReaction, ...]]:
    """Build the reactions and timers of assignment and score."""
    journal = means.decisions.journal
    use = routing(means.decisions, Finding(journal, means.index), SalesTeam(journal))
    react = _Routes(use, means.decisions, means.timers, means.log)
    facts = (
        Reaction("route-lead", LEAD.category, (leads.LeadCaptured, leads.LeadStatusChanged), react.arrived),
        Reaction(
            "keep-loads",
            LEAD.category,
            (leads.LeadAssigned, leads.LeadStatusChanged, leads.LeadConverted, leads.LeadErased),
            react.moved,
        ),
        Reaction(
            "rescore-lead",
            LEAD.category,
            (leads.LeadDescribed, leads.LeadProfiled, leads.LeadMatched, leads.LeadStatusChanged),
            react.changed,
        ),
        Reaction(
            "rescore-leads-of-person",
            DONE.category,
            (contacts.InteractionLogged, contacts.OrderPlaced),
            react.customer_acted,
        ),
        Reaction("time-lead-score", LEAD.category, (leads.LeadScored,), react.scored),
        Reaction("time-lead-work", LEAD.category, (leads.LeadAssigned,), react.assigned),
        Reaction("hand-leads-over", REP.category, (team.RepRetired,), react.retired),
        Reaction("apply-new-rules", RULES.category, (rules.RulesPublished,), react.published),
    )
    timers = (
        TimerReaction("lead-place", react.place_again),
        TimerReaction("lead-score", react.score_again),
        TimerReaction("lead-work", react.not_worked_on),
    )
    return facts, timers


def _lead_of(fired: Fired) -> str:
    return str(fired.data["lead_id"])


@dataclass(frozen=True, slots=True)
class _Watched:
    """A lead that somebody is to begin to work on. since: when they got it, or were last looked at."""

    lead_id: str
    owner: str
    since: datetime


@dataclass(frozen=True, slots=True)
class _Routes:
    use: Routing
    decisions: Decisions
    timers: Timers
    log: LogReader

    async def _lead(self, lead_id: str) -> Lead:
        return (await self.decisions.journal.load(LEAD, lead_id)).state

    # -- assignment -----------------------------------------------------------------------------------------------

    async def arrived(self, happened: Happened) -> None:
        """Give a lead that came in, or came back, to somebody."""
        event = happened.event
        if isinstance(event, leads.LeadStatusChanged) and (event.to != "new" or event.was not in _BACK):
            return
        await self._place(happened.stream.id, happened, happened.stored_at)

    async def place_again(self, fired: Fired) -> None:
        """Ask the rules again about a lead that nobody could take."""
        await self._place(_lead_of(fired), fired, fired.fired_at)

    async def _place(self, lead_id: str, because: Because, now: datetime, *names: str) -> None:
        """Place a lead, or score it where nothing is to be placed. names: tell commands of one cause apart."""
        asked = because.asked(":".join(names) or 0, kind="rule")
        try:
            placed = await self.use.assigning.place(lead_id, asked, now, newest=isinstance(because, Fired))
        except LeadPlaced:
            placed = None
        if placed is None:
            await self.use.scoring.rescore(lead_id, because.asked(":".join((*names, "score")), kind="rule"), now)
        elif (lead := await self._lead(lead_id)).status == "new" and lead.owner is None and not _queued(lead):
            await self.timers.put(
                f"lead-place.{lead_id}", "lead-place", now + RETRY, {"lead_id": lead_id}, because=because
            )

    async def moved(self, happened: Happened) -> None:
        """Keep the rotation right about who has which open lead."""
        match happened.event:
            case leads.LeadAssigned(rules_version=number) if number is not None:
                return  # the turn was recorded in the same batch
            case leads.LeadStatusChanged(to=to, was=was) if (to in OPEN) == (was in OPEN):
                return
            case leads.LeadErased():
                pass
            case _ if (await self._lead(happened.stream.id)).assigned is None:
                return
            case _:
                pass
        await self.use.assigning.settle(happened.stream.id, happened.asked(kind="rule"))

    async def assigned(self, happened: Happened) -> None:
        """Watch whether a lead is worked on in time, where the rule that assigned it says so."""
        event = happened.event
        if not isinstance(event, leads.LeadAssigned) or event.rules_version is None or event.owner is None:
            return
        document = (await self.decisions.journal.load(RULES, "assignment")).state.version(event.rules_version).document
        within = _work_within(assignment_rules(document), event.rule)
        if within is not None:
            await self._watch(_Watched(happened.stream.id, event.owner, happened.stored_at), within, happened)

    async def _watch(self, watched: _Watched, within: timedelta, because: Because) -> None:
        data = {"lead_id": watched.lead_id, "owner": watched.owner, "since": watched.since.isoformat()}
        key = f"lead-work.{watched.lead_id}"
        await self.timers.put(key, "lead-work", watched.since + within, data, because=because)

    async def not_worked_on(self, fired: Fired) -> None:
        """Give a lead that lies with somebody to somebody else, if the rules in force still say so."""
        # Since when is told by the clock of the server, when it took the assignment: ours may be wrong.
        since = datetime.fromisoformat(str(fired.data["since"]))
        watched = _Watched(_lead_of(fired), str(fired.data["owner"]), since)
        lead, rules = await self._lead(watched.lead_id), await self.use.in_force.assignment(newest=True)
        assigned = lead.assigned
        if lead.status != "assigned" or lead.owner != watched.owner or assigned is None or rules is None:
            return
        within = _work_within(rules.rules, assigned.rule)
        if within is None:
            return
        if fired.fired_at < since + within:
            await self._watch(watched, within, fired)
            return
        with suppress(LeadPlaced):
            given = await self.use.assigning.replace(
                watched.lead_id, fired.asked(kind="rule"), fired.fired_at, instead_of=watched.owner
            )
            if given is None or not (given.events or given.repeated):
                await self._watch(replace(watched, since=fired.fired_at), within, fired)

    async def retired(self, happened: Happened) -> None:
        """Give the open leads of somebody who sells no more to others; those whom nobody can take stay."""
        subject = (await self.decisions.journal.load(REP, happened.stream.id)).state.subject
        for lead_id in (await self.use.assigning.rotations.read()).held_by(subject):
            with suppress(LeadPlaced):
                await self.use.assigning.replace(
                    lead_id, happened.asked(lead_id, kind="rule"), happened.stored_at, instead_of=subject
                )

    # -- new rules ------------------------------------------------------------------------------------------------

    async def published(self, happened: Happened) -> None:
        """Let rules that were just put in force decide about the leads that are there already."""
        # Whatever is remembered may be older than this fact; from here on it is not.
        if happened.stream.id == "score":
            await self.use.in_force.score(newest=True)
            apply = self._score_by_new_rules
        else:
            await self.use.in_force.assignment(newest=True)
            apply = self._place_by_new_rules
        # Up to now, not up to the fact: another process may have decided in between by what it remembered.
        through = await self.log.last_sequence(CONTEXT)
        async for some in records(self.log, {"lead"}, through):
            await asyncio.gather(*(apply(lead_id, happened) for _, lead_id in some))

    async def _place_by_new_rules(self, lead_id: str, happened: Happened) -> None:
        lead = await self._lead(lead_id)
        if lead.status == "new" and lead.owner is None and not _queued(lead):
            await self._place(lead_id, happened, happened.stored_at, lead_id)

    async def _score_by_new_rules(self, lead_id: str, happened: Happened) -> None:
        await self._rescore(lead_id, happened, happened.stored_at, lead_id)

    # -- score ----------------------------------------------------------------------------------------------------

    async def changed(self, happened: Happened) -> None:
        """Score a lead anew about which something else is known now."""
        if happened.recorded.commit.version > 1:  # of a new lead the arrival takes care
            await self._rescore(happened.stream.id, happened, happened.stored_at)

    async def customer_acted(self, happened: Happened) -> None:
        """Score the leads of a person anew who did something that counts."""
        rules = await self.use.in_force.score()
        kind = "interaction" if isinstance(happened.event, contacts.InteractionLogged) else "purchase"
        if rules is None or kind not in kinds_of(rules.rules):
            return
        links = (await self.decisions.journal.load(CUSTOMER, happened.stream.id)).state
        for link in sorted(links):
            if link.kind == "lead":
                await self.use.scoring.rescore(
                    link.record_id, happened.asked(link.record_id, kind="rule"), happened.stored_at
                )

    async def scored(self, happened: Happened) -> None:
        """Look again when time alone changes the score."""
        event = happened.event
        if isinstance(event, leads.LeadScored) and event.next_at is not None:
            await self._look_again(happened.stream.id, event.next_at, happened)

    async def score_again(self, fired: Fired) -> None:
        """Score a lead anew because time has passed."""
        await self._rescore(_lead_of(fired), fired, fired.fired_at)

    async def _rescore(self, lead_id: str, because: Because, now: datetime, number: int | str = 0) -> None:
        next_at = await self.use.scoring.rescore(lead_id, because.asked(number, kind="rule"), now)
        if next_at is not None:
            await self._look_again(lead_id, next_at, because)

    async def _look_again(self, lead_id: str, at: datetime, because: Because) -> None:
        await self.timers.put(f"lead-score.{lead_id}", "lead-score", at, {"lead_id": lead_id}, because=because)


def _queued(lead: Lead) -> bool:
    return lead.assigned is not None and lead.assigned.queue is not None


def _work_within(rules: AssignmentRules, rule_id: str | None) -> timedelta | None:
    found = next((one.work_within for one in rules.rules if one.id == rule_id), None)
    return None if found is None else length(found)
