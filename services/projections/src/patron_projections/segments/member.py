"""The rules of the aggregate `member`: a customer enters a segment or leaves it, each once at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_events.catalog import segments as events
from patron_events.decider import Dated, Decider


@dataclass(frozen=True, slots=True)
class ChangeMembership:
    """A customer entered or left a segment at a time; cause and cause_id as in the catalogue of facts."""

    segment_id: str
    entered: bool
    rule_version: int
    cause: str
    cause_id: str | None
    at: datetime


Segments = frozenset[str]


def decide(member_of: Segments, change: ChangeMembership) -> Sequence[Dated]:
    """Tell the change; nothing where it already holds."""
    if change.entered == (change.segment_id in member_of):
        return ()
    kind = events.MemberEntered if change.entered else events.MemberLeft
    return (Dated(kind(change.segment_id, change.rule_version, change.cause, change.cause_id), change.at),)


def evolve(member_of: Segments, fact: events.MemberEvent, _: datetime) -> Segments:
    """Fold one recorded fact."""
    match fact:
        case events.MemberEntered(segment_id=one):
            return member_of | {one}
        case events.MemberLeft(segment_id=one):
            return member_of - {one}


MEMBER: Final = Decider(category="segments.member", initial=frozenset[str](), decide=decide, evolve=evolve)
