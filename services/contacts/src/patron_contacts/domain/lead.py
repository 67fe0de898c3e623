"""Leads of the pipeline context, as far as this context looks at those that were converted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Never

import msgspec
from msgspec import structs

from patron_events.catalog.pipeline import leads as facts
from patron_events.decider import Decider

SOURCE: Final = "lead"
"""Source of the external id by which a person knows the lead they were."""


class Lead(msgspec.Struct, frozen=True):
    """What a lead says about who it became; converted is None before that, and after its erasure."""

    captured: facts.LeadCaptured = facts.LeadCaptured(channel="api")
    captured_at: datetime | None = None
    described: facts.LeadDescribed = facts.LeadDescribed()
    profiled: facts.LeadProfiled = facts.LeadProfiled()
    owner: facts.LeadAssigned = facts.LeadAssigned(owner=None)
    converted: facts.LeadConverted | None = None


def _never(lead: Lead, command: Never) -> Sequence[facts.LeadEvent]:
    del lead, command
    msg = "leads are decided by the pipeline context"
    raise TypeError(msg)


def _evolve(lead: Lead, event: facts.LeadEvent, at: datetime) -> Lead:
    match event:
        case facts.LeadCaptured():
            return structs.replace(lead, captured=event, captured_at=at)
        case facts.LeadDescribed():
            return structs.replace(lead, described=event)
        case facts.LeadProfiled():
            return structs.replace(lead, profiled=event)
        case facts.LeadAssigned():
            return structs.replace(lead, owner=event)
        case facts.LeadConverted():
            return structs.replace(lead, converted=event)
        case facts.LeadErased():
            return Lead()
        case _:
            return lead


LEAD: Final = Decider(category="pipeline.lead", initial=Lead(), decide=_never, evolve=_evolve)
