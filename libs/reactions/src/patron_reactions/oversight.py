"""What operators see and do: how far the reactions of a service are, its timers, its dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import NoResponders
from patron_events.jetstream.patience import BUDGET_S, patiently
from patron_events.rejections import Unavailable
from patron_reactions.asking import ATTEMPT_S
from patron_reactions.consumers import ConsumerState, states_on
from patron_reactions.dead_letters import DeadLetters
from patron_reactions.jetstream_timers import due_subject, set_subject
from patron_reactions.streams import TIMERS

_encode: Final = msgspec.json.Encoder().encode


class ReactionsUnseen(Unavailable):
    """This process does not see the reactions of the service."""

    code: ClassVar[str] = "reactions-unseen"


class TimersSeen(msgspec.Struct, frozen=True):
    """How many timers wait for their time, and how many fired and wait for a host."""

    waiting: int
    due: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The state of a service's reactions. alive: some host asked for messages or works on one."""

    service: str
    alive: bool
    consumers: Sequence[ConsumerState]
    timers: TimersSeen
    dead_letters: int


class _Consumers(msgspec.Struct, frozen=True):
    streams: list[str] | None = None


class _State(msgspec.Struct, frozen=True):
    num_subjects: int = 0
    subjects: dict[str, int] = {}


class _Info(msgspec.Struct, frozen=True):
    total: int = 0
    state: _State | None = None


_decode_streams: Final = msgspec.json.Decoder(_Consumers).decode
_decode_info: Final = msgspec.json.Decoder(_Info).decode


class Oversight:
    """Looks after the reactions of one service. Raises Unavailable (every method)."""

    def __init__(self, connection: Connection, service: str) -> None:
        self._connection = connection
        self._service = service
        self.letters = DeadLetters(connection, service)

    async def seen(self) -> Seen:
        """Tell how far everything is; counts are those of the moment."""
        states = await patiently(self._consumers, BUDGET_S)
        alive = bool(states) and all(state.waiting or state.open for state in states)
        timers = await patiently(self._timers, BUDGET_S)
        return Seen(self._service, alive, states, timers, await self.letters.count())

    async def _consumers(self) -> Sequence[ConsumerState]:
        answer = await self._connection.ask("$JS.API.STREAM.NAMES", timeout_s=ATTEMPT_S)
        names = sorted(_decode_streams(answer.body).streams or ())
        return [state for name in names for state in await states_on(self._connection, name, self._service)]

    async def _timers(self) -> TimersSeen:
        return TimersSeen(
            await self._messages(set_subject(self._service, ">")), await self._messages(due_subject(self._service))
        )

    async def _messages(self, subject: str) -> int:
        """Count messages below a subject; where there are many subjects the server tells them in pages."""
        found = offset = 0
        while True:
            request = _encode({"subjects_filter": subject, "offset": offset})
            answer = await self._connection.ask(f"$JS.API.STREAM.INFO.{TIMERS}", request, timeout_s=ATTEMPT_S)
            info = _decode_info(answer.body)
            if info.state is None:
                raise NoResponders
            found += sum(info.state.subjects.values())
            offset += len(info.state.subjects)
            if not info.state.subjects or offset >= info.total:
                return found
