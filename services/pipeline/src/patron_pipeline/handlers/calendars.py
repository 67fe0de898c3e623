"""Use cases of calendar feeds: open one, renew or end its address, read it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, NamedTuple

from patron_events.decisions import Asked, Committed, Decisions
from patron_events.vault import BlindIndex
from patron_pipeline.domain.activity import ACTIVITY
from patron_pipeline.domain.activity_errors import LinkInvalid
from patron_pipeline.domain.agenda import AGENDA, of_user
from patron_pipeline.domain.calendar_feed import CALENDAR, CloseCalendar, OpenCalendar, calendar_id
from patron_pipeline.handlers import signing
from patron_pipeline.handlers.icalendars import Entry, FeedWriter

_PURPOSE: Final = "calendar"
_AT_ONCE: Final = 50


def _now() -> datetime:
    return datetime.now(UTC)


class Feed(NamedTuple):
    """A feed as its reader gets it; tag: a hash of the content."""

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class CalendarHandlers:
    """Use cases of feeds."""

    decisions: Decisions
    index: BlindIndex
    now: Callable[[], datetime] = _now
    writer: FeedWriter = field(default_factory=FeedWriter)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, subject: str, asked: Asked, *, renew: bool) -> tuple[Committed, str]:
        """Give a user an address, the same at every call; renew: a new one, which ends those given before."""
        feed_id = calendar_id(subject)
        committed = await self.decisions.run(CALENDAR, feed_id, OpenCalendar(subject, renew), asked)
        state = (await self.decisions.journal.load(CALENDAR, feed_id)).state
        return committed, signing.sign(self.index, feed_id, state.generation, _PURPOSE)

    async def close(self, subject: str, asked: Asked) -> Committed:
        """Let no address of a user's feed answer any more."""
        return await self.decisions.run(CALENDAR, calendar_id(subject), CloseCalendar(), asked)

    async def read(self, token: str, *, as_events: bool) -> Feed:
        """Write the feed of an address; raises LinkInvalid.

        It holds the open activities without date, and those due from the beginning of last year to the end of next.
        """
        if not signing.proved(self.index, token, _PURPOSE):
            raise LinkInvalid
        feed_id, generation = signing.read(token)
        state = (await self.decisions.journal.load(CALENDAR, feed_id)).state
        if not state.open or state.generation != generation:
            raise LinkInvalid
        entries = await self.entries(state.subject)
        async with self.writing:
            content = await asyncio.to_thread(self.writer.write, "Patron", entries, as_events=as_events)
        return Feed(content, sha256(content).hexdigest()[:32])

    async def entries(self, subject: str) -> Sequence[Entry]:
        """Read the open activities of a user, by due date and id."""
        journal, year = self.decisions.journal, self.now().year
        agendas = await journal.load_each([(AGENDA, one) for one in of_user(subject, (year - 1, year, year + 1))])
        ids = sorted({one for agenda in agendas.values() for one in agenda.state.activities})
        parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
        loaded = await asyncio.gather(*(journal.load_each([(ACTIVITY, one) for one in part]) for part in parts))
        entries = [Entry(stream.id, one.state) for part in loaded for stream, one in part.items()]
        still = [one for one in entries if one.activity.status == "open" and one.activity.assignee == subject]
        far = datetime.max.replace(tzinfo=UTC)
        return sorted(still, key=lambda one: (one.activity.schedule.due_at or far, one.id))
