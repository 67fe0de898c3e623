"""When something is overdue: deals that stand too long or have nothing planned, leads that nobody closes.

Pure functions of present state and present rules, so that a timer set by older rules decides nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from patron_events.catalog.pipeline import leads as events
from patron_pipeline.domain.agenda import Agenda
from patron_pipeline.domain.deal_state import Deal
from patron_pipeline.domain.lead import Lead, Step
from patron_pipeline.domain.lead_status import OPEN
from patron_pipeline.domain.pipeline import Definition
from patron_pipeline.domain.stages import stage

ABANDONED: Final = "abandoned"
"""Reason code of leads that were open for too long."""


def rots_at(deal: Deal, definition: Definition) -> tuple[datetime, int] | None:
    """Tell when an open deal has stood in its stage for too long, and after how many days; None for never."""
    present = stage(definition, deal.stage)
    if deal.status != "open" or deal.rotted or deal.since is None or present is None or present.rotting_days is None:
        return None
    return deal.since + timedelta(days=present.rotting_days), present.rotting_days


def idle_since(deal: Deal, agenda: Agenda) -> datetime | None:
    """Tell since when an open deal has nothing planned; None where something is, or it is closed.

    Opening a deal again begins anew.
    """
    if deal.status != "open" or agenda.activities or deal.opened_at is None:
        return None
    begun = deal.reopened_at or deal.opened_at
    return begun if agenda.emptied_at is None else max(begun, agenda.emptied_at)


def reported_at(deal: Deal, agenda: Agenda, definition: Definition) -> tuple[datetime, datetime] | None:
    """Tell when a deal without a planned activity is to be reported, and since when it has none; None for never."""
    since = idle_since(deal, agenda)
    if since is None or definition.activity_days is None or deal.idle_since == since:
        return None
    return since + timedelta(days=definition.activity_days), since


def given_up_at(lead: Lead, rules: Definition) -> datetime | None:
    """Tell when an open lead is given up; None for never. Coming back from recycling or death begins anew."""
    if lead.status not in OPEN or lead.captured_at is None or rules.lead_days is None:
        return None
    return _opened(lead.path, lead.captured_at) + timedelta(days=rules.lead_days)


def _opened(path: Sequence[Step], captured_at: datetime) -> datetime:
    again = [
        step.at
        for step in path
        if isinstance(step.fact, events.LeadStatusChanged) and step.fact.was not in OPEN and step.fact.to in OPEN
    ]
    return again[-1] if again else captured_at


def comes_back_at(lead: Lead) -> datetime | None:
    """Tell when a recycled lead comes back; None for never."""
    return lead.until if lead.status == "recycled" else None
