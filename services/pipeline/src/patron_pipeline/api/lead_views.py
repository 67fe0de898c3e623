"""What a lead looks like to a caller, as the log has it now."""

from datetime import datetime
from typing import Any, Final

import msgspec

from patron_events.catalog.pipeline import leads as events
from patron_events.journal import Loaded
from patron_events.personal import Erased
from patron_pipeline.domain.lead import Lead, Step
from patron_values.money import decimal_text

_DESCRIBED: Final = tuple(events.LeadDescribed.__struct_fields__)
_PLAIN: Final = (
    "company_name",
    "industry",
    "employees",
    "country",
    "region",
    "postal_code",
    "product_interest",
)


def lead_view(loaded: Loaded[Lead]) -> dict[str, Any]:
    """Show a lead."""
    lead = loaded.state
    captured = lead.captured or events.LeadCaptured(channel="api")
    assigned = lead.assigned or events.LeadAssigned(owner=None)
    external = captured.external_id
    converted = lead.converted
    return {
        "id": loaded.stream.id,
        "version": loaded.version,
        "status": lead.status,
        "channel": captured.channel,
        "form_id": captured.form_id,
        "source": captured.source,
        "medium": captured.medium,
        "campaign": captured.campaign,
        "external_id": None if external is None else {"source": captured.external_source, "id": external},
        **{name: _plain(getattr(lead.described, name)) for name in _DESCRIBED},
        **{name: getattr(lead.profiled, name) for name in _PLAIN},
        "amount": _amount(lead.profiled),
        "currency": lead.profiled.currency,
        "attributes": {one.name: one.value for one in lead.profiled.attributes},
        "person_id": lead.matched.person_id if converted is None else converted.person_id,
        "company_id": lead.matched.company_id if converted is None else converted.company_id,
        "owner": assigned.owner,
        "team": assigned.team,
        "queue": assigned.queue,
        "reason": lead.reason,
        "until": _time(lead.until),
        "score": None if lead.scored is None else _score(lead.scored),
        "conversion": None if converted is None else _conversion(converted),
        "path": [_step(step) for step in lead.path],
        "captured_at": _time(lead.captured_at),
        "status_since": _time(lead.since),
        "updated_at": _time(lead.changed_at),
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, Erased) else value


def _time(value: datetime | None) -> str | None:
    return None if value is None else msgspec.to_builtins(value)


def _amount(profiled: events.LeadProfiled) -> str | None:
    minor, currency = profiled.amount_minor, profiled.currency
    return None if minor is None or currency is None else decimal_text(minor, currency)


def _score(scored: events.LeadScored) -> dict[str, Any]:
    parts = [{"rule": part.rule, "points": part.points, "of": part.of, "at": _time(part.at)} for part in scored.parts]
    return {
        "score": scored.score,
        "grade": scored.grade,
        "rules_version": scored.rules_version,
        "parts": parts,
        "next_at": _time(scored.next_at),
    }


def _conversion(converted: events.LeadConverted) -> dict[str, Any]:
    return {
        "person_id": converted.person_id,
        "company_id": converted.company_id,
        "deal_id": converted.deal_id,
        "created": list(converted.created),
    }


def _step(step: Step) -> dict[str, Any]:
    at = _time(step.at)
    match step.fact:
        case events.LeadAssigned() as fact:
            names = ("owner", "was", "team", "queue", "rule", "rules_version", "strategy", "why")
            return {"step": "assigned", "at": at, **{name: getattr(fact, name) for name in names}}
        case events.LeadStatusChanged(to=to, was=was, reason=reason):
            until = _time(step.fact.until)
            return {"step": "moved", "at": at, "to": to, "was": was, "reason": reason, "until": until}
        case events.LeadConverted(was=was):
            return {"step": "converted", "at": at, "to": "converted", "was": was}
