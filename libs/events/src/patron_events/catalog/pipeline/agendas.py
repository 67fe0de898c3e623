"""Facts about agendas: which open activities somebody, or a deal, has; and the calendar feed of a user.

An agenda is kept in the same atomic batch as the activity. Its id is derived: of a user per year of the due date (or
undated), of a deal once.
"""

from patron_events.registry import Fact, event_type


@event_type("pipeline.agenda-entered", version=1)
class AgendaEntered(Fact, frozen=True):
    """The activity is open, and is due within this agenda."""

    activity_id: str


@event_type("pipeline.agenda-left", version=1)
class AgendaLeft(Fact, frozen=True):
    """The activity is not open any more, or stands in another agenda."""

    activity_id: str


@event_type("pipeline.calendar-opened", version=1)
class CalendarOpened(Fact, frozen=True):
    """The user has a feed address from now on. generation: 1, 2, 3 …; addresses of earlier ones answer no more."""

    subject: str
    generation: int


@event_type("pipeline.calendar-closed", version=1)
class CalendarClosed(Fact, frozen=True):
    """No address of the feed answers any more."""


AgendaEvent = AgendaEntered | AgendaLeft
CalendarEvent = CalendarOpened | CalendarClosed
