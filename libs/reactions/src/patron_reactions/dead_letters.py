"""Dead letters: facts and timers that a reaction failed on for good, until somebody repeats them.

`dead.letter.<service>.<id>` holds the newest state of each; `dead.retry.<service>.<id>` the wish to repeat it, which a
host of the service consumes. A letter goes when its repetition succeeds. None of it is personal: errors are kept by
type and code, and a fact is named by its place in the log.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import ApiError, NoResponders
from patron_events.jetstream.lookup import Kept, Lookup
from patron_events.jetstream.patience import BUDGET_S, patiently
from patron_events.rejections import NotFound
from patron_reactions.asking import ATTEMPT_S, accepted
from patron_reactions.streams import DEAD_LETTERS

_encode: Final = msgspec.json.Encoder().encode


class DeadLetterNotFound(NotFound):
    """There is no such dead letter; it may have been repeated with success."""

    code: ClassVar[str] = "dead-letter-not-found"


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a reaction failed on.

    id: derived from reaction and fact, so that failing again is the same letter. what: type of the fact or kind of the
    timer. event_id: of the fact, or key and time of the timer. stream, sequence, subject: where it is in the log; a
    timer's message is kept here, because its stream forgets it. error: type of the exception; code and detail: of a
    refusal. frames: where it was raised, the last one last. retries: repetitions that failed too.
    """

    id: str
    service: str
    reaction: str
    what: str
    event_id: str
    stream: str
    sequence: int
    subject: str
    stored_at: datetime
    error: str
    deliveries: int
    died_at: datetime
    code: str | None = None
    detail: str | None = None
    frames: tuple[str, ...] = ()
    retries: int = 0
    message: bytes = b""


class _State(msgspec.Struct, frozen=True):
    subjects: dict[str, int] = {}


class _Told(msgspec.Struct, frozen=True):
    state: _State = _State()
    total: int = 0
    error: ApiError | None = None


_decode_letter: Final = msgspec.json.Decoder(DeadLetter).decode
_decode_told: Final = msgspec.json.Decoder(_Told).decode


def retry_subject(service: str, letter_id: str = "*") -> str:
    """Name where wishes to repeat are kept."""
    return f"dead.retry.{service}.{letter_id}"


def letter_subject(service: str, letter_id: str = "*") -> str:
    """Name where letters are kept."""
    return f"dead.letter.{service}.{letter_id}"


class DeadLetters:
    """The dead letters of one service. Raises Unavailable (every method) when the server cannot answer."""

    def __init__(self, connection: Connection, service: str, *, budget_s: float = BUDGET_S) -> None:
        self._connection = connection
        self._service = service
        self._budget_s = budget_s
        self._lookup = Lookup(connection, DEAD_LETTERS, replicated=True, timeout_s=ATTEMPT_S)

    async def leave(self, letter: DeadLetter) -> None:
        """Keep a letter in the place of an earlier state of it."""
        await self._publish(letter_subject(self._service, letter.id), _encode(letter))

    async def count(self) -> int:
        """Tell how many there are."""
        return len(await self._subjects())

    async def every(self) -> Sequence[DeadLetter]:
        """List all, the newest first."""
        subjects = await self._subjects()
        if not subjects:
            return []
        kept = await patiently(lambda: self._lookup.last(subjects), self._budget_s)
        letters = [_decode_letter(one.body) for one in kept.values()]
        return sorted(letters, key=lambda letter: (letter.died_at, letter.id), reverse=True)

    async def find(self, letter_id: UUID) -> DeadLetter:
        """Find one; raises DeadLetterNotFound."""
        subject = letter_subject(self._service, str(letter_id))
        kept = (await patiently(lambda: self._lookup.last([subject]), self._budget_s)).get(subject)
        if kept is None:
            raise DeadLetterNotFound
        return _decode_letter(kept.body)

    async def wish(self, letter_id: UUID) -> DeadLetter:
        """Ask for a repetition, which a host takes up; asking again before is the same wish.

        Raises:
            DeadLetterNotFound: as its name says.
        """
        letter = await self.find(letter_id)
        await self._publish(retry_subject(self._service, letter.id), b"{}")
        return letter

    async def remove(self, letter_id: str) -> None:
        """Let a letter go, and the wish to repeat it; repeating is harmless."""
        for subject in (letter_subject(self._service, letter_id), retry_subject(self._service, letter_id)):
            await self._forget(subject)

    async def fulfilled(self, letter_id: str) -> None:
        """Forget a wish that was tried."""
        await self._forget(retry_subject(self._service, letter_id))

    async def original(self, letter: DeadLetter) -> Kept | None:
        """Read the fact that a letter names from the log; None where it is there no more."""
        lookup = Lookup(self._connection, letter.stream, replicated=True, timeout_s=ATTEMPT_S)
        found = await patiently(lambda: lookup.read(letter.subject, after=letter.sequence - 1, count=1), self._budget_s)
        return found[0] if found and found[0].sequence == letter.sequence else None

    async def _subjects(self) -> Sequence[str]:
        async def page(offset: int) -> _Told:
            request = _encode({"subjects_filter": letter_subject(self._service), "offset": offset})
            answer = await self._connection.ask(f"$JS.API.STREAM.INFO.{DEAD_LETTERS}", request, timeout_s=ATTEMPT_S)
            told = _decode_told(answer.body)
            if told.error is not None:
                raise NoResponders(told.error.description)
            return told

        subjects: list[str] = []
        while True:
            told = await patiently(partial(page, len(subjects)), self._budget_s)
            subjects += told.state.subjects
            if not told.state.subjects or len(subjects) >= told.total:
                return subjects

    async def _publish(self, subject: str, body: bytes) -> None:
        await accepted(lambda: self._connection.ask(subject, body, timeout_s=ATTEMPT_S), self._budget_s)

    async def _forget(self, subject: str) -> None:
        purge, request = f"$JS.API.STREAM.PURGE.{DEAD_LETTERS}", _encode({"filter": subject})
        await accepted(lambda: self._connection.ask(purge, request, timeout_s=ATTEMPT_S), self._budget_s)
