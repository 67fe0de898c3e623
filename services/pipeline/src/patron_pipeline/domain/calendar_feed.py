"""The calendar feed of a user: whether it has an address, and which addresses still answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from patron_events.catalog.pipeline import agendas as events
from patron_events.decider import Decider

_IDS: Final = UUID("8a4f0a1e-31d5-5a37-bb0f-3d2a7c6c1a03")


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """The state of a feed. generation: of the newest address; open: whether that one answers."""

    subject: str = ""
    generation: int = 0
    open: bool = False


@dataclass(frozen=True, slots=True)
class OpenCalendar:
    """Have an address. renew: a new one, so that those that were given away end."""

    subject: str
    renew: bool = False


@dataclass(frozen=True, slots=True)
class CloseCalendar:
    """Let no address answer any more."""


def decide(feed: CalendarFeed, command: OpenCalendar | CloseCalendar) -> Sequence[events.CalendarEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case OpenCalendar(subject, renew):
            if feed.open and not renew:
                return ()
            return (events.CalendarOpened(subject=subject, generation=feed.generation + 1),)
        case CloseCalendar():
            return (events.CalendarClosed(),) if feed.open else ()


def evolve(feed: CalendarFeed, event: events.CalendarEvent, at: datetime) -> CalendarFeed:  # noqa: ARG001 - one shape
    """Fold one recorded fact."""
    match event:
        case events.CalendarOpened(subject=subject, generation=generation):
            return CalendarFeed(subject, generation, open=True)
        case events.CalendarClosed():
            return CalendarFeed(feed.subject, feed.generation)


CALENDAR = Decider(category="pipeline.calendar", initial=CalendarFeed(), decide=decide, evolve=evolve)


def calendar_id(subject: str) -> str:
    """Name the feed of a user."""
    return str(uuid5(_IDS, subject))
