"""An aggregate to react with: a bell that counts how often it rang, each ring a commit of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from patron_events.catalog import contacts as events
from patron_events.decider import Decider
from patron_events.decisions import Asked, Decisions
from patron_events.envelope import Actor
from patron_events.journal import Journal
from patron_events.store import EventStore
from patron_events.vault import KeyVault


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring some more, and say why."""

    why: str = "rung"
    times: int = 1


def decide(rings: tuple[str, ...], command: Ring) -> Sequence[events.NoteAdded]:
    numbers = range(len(rings), len(rings) + command.times)
    return [events.NoteAdded(note_id=f"{command.why}-{number}", text="dong", author="ann") for number in numbers]


def evolve(rings: tuple[str, ...], event: events.NoteAdded, at: datetime) -> tuple[str, ...]:
    del at
    return (*rings, event.note_id)


BELL: Final[Decider[tuple[str, ...], Ring, Any]] = Decider("contacts.bell", (), decide, evolve)
GONG: Final[Decider[tuple[str, ...], Ring, Any]] = Decider("contacts.gong", (), decide, evolve)


class Tower:
    """Bells over a log."""

    def __init__(self, store: EventStore, vault: KeyVault) -> None:
        self.journal = Journal(store, vault)
        self.decisions = Decisions(self.journal)

    async def ring(
        self,
        bell: str,
        asked: Asked | None = None,
        why: str = "rung",
        times: int = 1,
        kind: Decider[tuple[str, ...], Ring, Any] = BELL,
    ) -> None:
        """Ring a bell, so many times in one commit; without `asked` as Ann."""
        await self.decisions.run(kind, bell, Ring(why, times), asked or Asked(Actor("user", "ann")))

    async def rings(self, bell: str) -> tuple[str, ...]:
        """Tell why the bell rang, in order."""
        return (await self.journal.load(BELL, bell)).state
