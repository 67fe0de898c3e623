"""A segment: what it is called, its rule, and who is put in or left out by hand."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from patron_campaigns.domain.errors import (
    NotASnapshot,
    RuleNeeded,
    RuleNotAllowed,
    SegmentArchived,
    SegmentNotFound,
)
from patron_events.catalog import campaigns as events
from patron_events.decider import Decider

Kind = Literal["static", "dynamic", "snapshot"]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """The state of one segment.

    status: absent, live or archived. rule_version: 0 until there is a rule. included, excluded: ids of customers.
    snapshot_at: when the members of a snapshot were asked for last, by its rule of `snapshot_rule_version`.
    """

    status: Literal["absent", "live", "archived"] = "absent"
    kind: str = ""
    name: str = ""
    description: str | None = None
    rule: Document | None = None
    rule_version: int = 0
    included: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    snapshot_at: datetime | None = None
    snapshot_rule_version: int = 0
    created_at: datetime | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreateSegment:
    """Make a segment; `rule` is a document that was checked."""

    kind: Kind
    name: str
    description: str | None = None
    rule: Document | None = None


@dataclass(frozen=True, slots=True)
class ChangeSegment:
    """Change a segment; None leaves name and rule as they are, `describe` says whether the description changes."""

    name: str | None = None
    description: str | None = None
    describe: bool = False
    rule: Document | None = None


@dataclass(frozen=True, slots=True)
class ArchiveSegment:
    """Take the segment out of use."""


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Take the members of a snapshot anew."""


@dataclass(frozen=True, slots=True)
class PutByHand:
    """Put customers in (include), leave them out (exclude), or let the rule decide again (release)."""

    how: Literal["include", "exclude", "release"]
    customer_ids: frozenset[str]
    reason: str | None = None


Change = ChangeSegment | TakeSnapshot | PutByHand
Command = CreateSegment | ArchiveSegment | Change


def decide(segment: Segment, command: Command) -> Sequence[events.SegmentEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match segment.status, command:
        case "absent", CreateSegment():
            return _created(command)
        case "absent", _:
            raise SegmentNotFound
        case _, CreateSegment():
            return ()  # the id is derived from the command, so this is its own repetition
        case "archived", ArchiveSegment():
            return ()
        case "archived", _:
            raise SegmentArchived
        case _, ArchiveSegment():
            return (events.SegmentArchived(),)
        case _, ChangeSegment() | TakeSnapshot() | PutByHand():
            return _changed(segment, command)


def _created(command: CreateSegment) -> Sequence[events.SegmentEvent]:
    made = (
        events.SegmentCreated(kind=command.kind),
        events.SegmentDescribed(name=command.name, description=command.description),
    )
    match command.kind, command.rule:
        case "static", None:
            return made
        case "static", _:
            raise RuleNotAllowed(field="rule")
        case _, None:
            raise RuleNeeded(field="rule")
        case kind, rule:
            ruled = (*made, events.SegmentRuleChanged(rule_version=1, rule=dict(rule)))
            return (*ruled, events.SnapshotRequested(rule_version=1)) if kind == "snapshot" else ruled


def _changed(segment: Segment, command: Change) -> Sequence[events.SegmentEvent]:
    match command:
        case ChangeSegment():
            return _described(segment, command)
        case TakeSnapshot():
            if segment.kind != "snapshot":
                raise NotASnapshot
            return (events.SnapshotRequested(rule_version=segment.rule_version),)
        case PutByHand("include", ids, reason):
            new = ids - segment.included
            return (events.CustomersIncluded(customer_ids=_sorted(new), reason=reason),) if new else ()
        case PutByHand("exclude", ids, reason):
            new = ids - segment.excluded
            return (events.CustomersExcluded(customer_ids=_sorted(new), reason=reason),) if new else ()
        case PutByHand(customer_ids=ids):
            held = ids & (segment.included | segment.excluded)
            return (events.CustomersReleased(customer_ids=_sorted(held)),) if held else ()


def _described(segment: Segment, command: ChangeSegment) -> Sequence[events.SegmentEvent]:
    facts: list[events.SegmentEvent] = []
    described = events.SegmentDescribed(
        name=segment.name if command.name is None else command.name,
        description=command.description if command.describe else segment.description,
    )
    if described != events.SegmentDescribed(name=segment.name, description=segment.description):
        facts.append(described)
    if command.rule is not None:
        if segment.kind == "static":
            raise RuleNotAllowed(field="rule")
        if _text(command.rule) != _text(segment.rule):
            facts.append(events.SegmentRuleChanged(rule_version=segment.rule_version + 1, rule=dict(command.rule)))
    return facts


def _text(document: Document | None) -> str:
    """Write a document so that equal rules have equal texts; unlike `==` it tells true from 1."""
    return json.dumps(document, sort_keys=True)


def _sorted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(ids))


def evolve(segment: Segment, event: events.SegmentEvent, at: datetime) -> Segment:
    """Fold one recorded fact."""
    return replace(_folded(segment, event, at), changed_at=at)


def _folded(segment: Segment, event: events.SegmentEvent, at: datetime) -> Segment:
    match event:
        case events.SegmentCreated(kind=kind):
            return replace(segment, status="live", kind=kind, created_at=at)
        case events.SegmentDescribed(name=name, description=description):
            return replace(segment, name=name, description=description)
        case events.SegmentRuleChanged(rule_version=version, rule=rule):
            return replace(segment, rule=rule, rule_version=version)
        case events.SnapshotRequested(rule_version=version):
            return replace(segment, snapshot_at=at, snapshot_rule_version=version)
        case events.CustomersIncluded(customer_ids=ids):
            return replace(segment, included=segment.included.union(ids), excluded=segment.excluded.difference(ids))
        case events.CustomersExcluded(customer_ids=ids):
            return replace(segment, included=segment.included.difference(ids), excluded=segment.excluded.union(ids))
        case events.CustomersReleased(customer_ids=ids):
            included, excluded = segment.included.difference(ids), segment.excluded.difference(ids)
            return replace(segment, included=included, excluded=excluded)
        case events.SegmentArchived():
            return replace(segment, status="archived")


SEGMENT = Decider(category="campaigns.segment", initial=Segment(), decide=decide, evolve=evolve)
