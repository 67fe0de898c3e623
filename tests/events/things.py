"""A small aggregate with every kind of rule, for tests of the runner: a box that holds words, once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from patron_events.catalog import contacts as events
from patron_events.decider import Decider
from patron_events.decisions import Asked
from patron_events.envelope import Actor, Cause
from patron_events.rejections import Conflict

NOW: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)
ANN: Final = Actor("user", "ann")


class BoxFull(Conflict):
    """Three words fill a box."""

    code = "box-full"


@dataclass(frozen=True, slots=True)
class PutIn:
    """Put a word into the box; a box that has it stays as it is."""

    word: str


def decide(box: tuple[str, ...], command: PutIn) -> Sequence[events.NoteAdded]:
    """Notes stand for words: they are personal, so that keys are used too."""
    if command.word in box:
        return ()
    if len(box) >= 3:
        raise BoxFull
    return (events.NoteAdded(note_id=command.word, text=command.word, author="ann"),)


def evolve(box: tuple[str, ...], event: events.NoteAdded, at: datetime) -> tuple[str, ...]:
    """Keep the words in their order."""
    del at
    return (*box, event.note_id)


BOX: Final[Decider[tuple[str, ...], PutIn, Any]] = Decider("contacts.box", (), decide, evolve)
LABEL: Final[Decider[tuple[str, ...], PutIn, Any]] = Decider("contacts.label", (), decide, evolve)


def asked(command_id: str | None = None, *, request: str | None = None, expected: int | None = None) -> Asked:
    """Ask as Ann; without a command id with a fresh one."""
    cause = Cause(request=request)
    if command_id is None:
        return Asked(ANN, cause, expected_version=expected)
    return Asked(ANN, cause, command_id, expected)
