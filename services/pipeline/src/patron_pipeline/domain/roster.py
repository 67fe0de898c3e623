"""The roster: who sells. One aggregate knows all representatives, so that they can be read without a list elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_events.catalog.pipeline import team as events
from patron_events.decider import Decider

ROSTER_ID: Final = "all"
Subjects = frozenset[str]


@dataclass(frozen=True, slots=True)
class ListRep:
    """State that there is such a representative."""

    subject: str


def decide(known: Subjects, command: ListRep) -> Sequence[events.RosterEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    return () if command.subject in known else (events.RepListed(subject=command.subject),)


def evolve(known: Subjects, event: events.RosterEvent, at: datetime) -> Subjects:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    return known | {event.subject}


NOBODY: Subjects = frozenset()
ROSTER = Decider(category="pipeline.roster", initial=NOBODY, decide=decide, evolve=evolve)
