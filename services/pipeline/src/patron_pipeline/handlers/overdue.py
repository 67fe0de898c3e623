"""Use cases of time: tell that a deal rots or has nothing planned, give leads up, let them come back.

Each is asked for by a timer and decided against present state and rules, in one unit of work. It answers when to ask
again, where it was too early (the rules changed since the timer was set), and None where nothing is left to ask.
"""

from dataclasses import dataclass
from datetime import datetime

from patron_events.catalog.pipeline.defaults import DEFAULT_ID
from patron_events.decisions import Asked, Decisions, Unit, Work
from patron_events.journal import AnyDecider
from patron_events.rejections import Conflict
from patron_pipeline.domain import agenda, overdue
from patron_pipeline.domain.agenda import AGENDA
from patron_pipeline.domain.deal import DEAL, TellIdle, TellRotting
from patron_pipeline.domain.lead import LEAD, Lead, MoveLead
from patron_pipeline.domain.pipeline import PIPELINE, Definition, definition_of


class NotDue(Conflict):
    """The time has not come, or what the timer was set for is over. at: when to ask again, if ever."""

    code = "not-due"

    def __init__(self, at: datetime | None = None) -> None:
        super().__init__()
        self.at = at


@dataclass(frozen=True, slots=True)
class OverdueHandlers:
    """Use cases that timers ask for. `now`: when the timer fired, by the clock of the server."""

    decisions: Decisions

    async def times_of(self, deal_id: str) -> tuple[datetime | None, datetime | None]:
        """Tell when a deal will have stood in its stage for too long, and when to report that it has no plan."""
        both: list[tuple[AnyDecider, str]] = [(DEAL, deal_id), (AGENDA, agenda.of_deal(deal_id))]
        loaded = await self.decisions.journal.load_each(both)
        deal, planned = (loaded[decider.stream(record)].state for decider, record in both)
        if deal.status != "open":
            return None, None
        rules = await self._rules(deal.pipeline_id)
        rots, reported = overdue.rots_at(deal, rules), overdue.reported_at(deal, planned, rules)
        return rots and rots[0], reported and reported[0]

    async def rots_at(self, deal_id: str) -> datetime | None:
        """Tell when a deal will have stood in its stage for too long."""
        return (await self.times_of(deal_id))[0]

    async def reported_at(self, deal_id: str) -> datetime | None:
        """Tell when a deal without a planned activity is to be reported."""
        return (await self.times_of(deal_id))[1]

    async def given_up_at(self, lead_id: str) -> datetime | None:
        """Tell when an open lead is given up."""
        return overdue.given_up_at(await self._lead(lead_id), await self._rules(DEFAULT_ID))

    async def comes_back_at(self, lead_id: str) -> datetime | None:
        """Tell when a recycled lead comes back."""
        return overdue.comes_back_at(await self._lead(lead_id))

    async def tell_rotting(self, deal_id: str, now: datetime, asked: Asked) -> datetime | None:
        """Record that a deal stands in its stage for too long."""

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            found = overdue.rots_at(deal, await _rules_in(unit, deal.pipeline_id))
            at = _due(None if found is None else found[0], now)
            if found is not None and deal.since is not None:
                await unit.decide(DEAL, deal_id, TellRotting(deal.stage, deal.since, found[1], at))

        return await self._tried(work, asked)

    async def tell_idle(self, deal_id: str, now: datetime, asked: Asked) -> datetime | None:
        """Record that an open deal has nothing planned."""

        async def work(unit: Unit) -> None:
            deal = await unit.state(DEAL, deal_id)
            planned = await unit.state(AGENDA, agenda.of_deal(deal_id))
            found = overdue.reported_at(deal, planned, await _rules_in(unit, deal.pipeline_id))
            at = _due(None if found is None else found[0], now)
            if found is not None:
                await unit.decide(DEAL, deal_id, TellIdle(found[1], at))

        return await self._tried(work, asked)

    async def give_up(self, lead_id: str, now: datetime, asked: Asked) -> datetime | None:
        """Give a lead up that was open for too long."""

        async def work(unit: Unit) -> None:
            lead = await unit.state(LEAD, lead_id)
            _due(overdue.given_up_at(lead, await _rules_in(unit, DEFAULT_ID)), now)
            await unit.decide(LEAD, lead_id, MoveLead("dead", overdue.ABANDONED, at=_not_before(now, lead)))

        return await self._tried(work, asked)

    async def bring_back(self, lead_id: str, now: datetime, asked: Asked) -> datetime | None:
        """Let a recycled lead come back as a new one."""

        async def work(unit: Unit) -> None:
            lead = await unit.state(LEAD, lead_id)
            _due(overdue.comes_back_at(lead), now)
            await unit.decide(LEAD, lead_id, MoveLead("new", at=_not_before(now, lead)))

        return await self._tried(work, asked)

    async def _tried(self, work: Work, asked: Asked) -> datetime | None:
        try:
            await self.decisions.transact(work, asked)
        except NotDue as early:
            return early.at
        return None

    async def _lead(self, lead_id: str) -> Lead:
        return (await self.decisions.journal.load(LEAD, lead_id)).state

    async def _rules(self, pipeline_id: str) -> Definition:
        loaded = await self.decisions.journal.load(PIPELINE, pipeline_id)
        return definition_of(loaded.state, pipeline_id) or NO_RULES


async def _rules_in(unit: Unit, pipeline_id: str) -> Definition:
    return definition_of(await unit.state(PIPELINE, pipeline_id), pipeline_id) or NO_RULES


def _due(at: datetime | None, now: datetime) -> datetime:
    """Give the time that has come; raises NotDue where it has not."""
    if at is None or at > now:
        raise NotDue(at)
    return at


def _not_before(now: datetime, lead: Lead) -> datetime:
    """Keep the path in order: whoever recorded its newest step may have had a clock that is ahead of the server's."""
    return now if lead.moved_at is None else max(now, lead.moved_at)


NO_RULES = Definition(definition_version=0, name="", stages=())
"""Of a pipeline that does not exist: a deal that no command has opened."""
