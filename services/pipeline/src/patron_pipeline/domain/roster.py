"""The roster: who sells. One aggregate names all representatives, so that they can be read without a list elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_events.catalog.pipeline import team as events
from patron_events.decider import Decider

ROSTER_ID: Final = "all"
Roster = Mapping[str, str]
"""Subjects of representatives -> ids of their aggregates."""


@dataclass(frozen=True, slots=True)
class ListRep:
    """State that there is such a representative; decided in the batch that describes them first."""

    subject: str
    rep_id: str


def decide(known: Roster, command: ListRep) -> Sequence[events.RosterEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    if known.get(command.subject) == command.rep_id:
        return ()
    return (events.RepListed(subject=command.subject, rep_id=command.rep_id),)


def evolve(known: Roster, event: events.RosterEvent, at: datetime) -> Roster:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    return {**known, event.subject: event.rep_id}


NOBODY: Final[Roster] = {}
ROSTER: Final = Decider(category="pipeline.roster", initial=NOBODY, decide=decide, evolve=evolve)
