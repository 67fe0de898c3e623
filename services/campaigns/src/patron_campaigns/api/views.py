"""What a segment looks like to a caller, as the log has it now."""

from datetime import datetime
from typing import Any

import msgspec

from patron_campaigns.domain.segment import Segment
from patron_campaigns.domain.segment_catalogue import Catalogue
from patron_campaigns.handlers.segments import users_of
from patron_events.journal import Loaded
from patron_rules.looking import LooksAt, uses
from patron_rules.tree import read_rule


def segment_view(loaded: Loaded[Segment], catalogue: Catalogue) -> dict[str, Any]:
    """Show a segment."""
    segment = loaded.state
    return {
        "id": loaded.stream.id,
        "version": loaded.version,
        "status": segment.status,
        "kind": segment.kind,
        "name": segment.name,
        "description": segment.description,
        "rule": segment.rule,
        "rule_version": segment.rule_version,
        "uses": [] if segment.rule is None else sorted(uses(read_rule(segment.rule))),
        "used_by": users_of(catalogue, loaded.stream.id),
        "included": len(segment.included),
        "excluded": len(segment.excluded),
        "snapshot_at": _time(segment.snapshot_at),
        "snapshot_rule_version": segment.snapshot_rule_version,
        "created_at": _time(segment.created_at),
        "updated_at": _time(segment.changed_at),
    }


def catalogue_view(catalogue: Catalogue) -> dict[str, Any]:
    """Show all live segments, by name."""
    named = sorted(catalogue.items(), key=lambda one: (one[1].name.casefold(), one[0]))
    return {
        "items": [
            {"id": known, "name": one.name, "uses": sorted(one.uses), "used_by": users_of(catalogue, known)}
            for known, one in named
        ]
    }


def looks_view(looks: LooksAt) -> dict[str, Any]:
    """Show what a rule depends on."""
    return {
        "profile": sorted(looks.profile),
        "company": sorted(looks.company),
        "facts": sorted(looks.facts),
        "rfm": looks.rfm,
        "clock": looks.clock,
        "personal": looks.personal,
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else msgspec.to_builtins(value)
