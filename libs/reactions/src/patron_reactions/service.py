"""All reactions of one service, and what they work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from patron_events.decisions import Decisions
from patron_events.envelope import Recorded
from patron_events.registry import Fact
from patron_events.store import LogReader
from patron_events.vault import BlindIndex
from patron_reactions.reaction import Reaction
from patron_reactions.timers import TimerReaction, Timers


@dataclass(frozen=True, slots=True)
class Means:
    """What reactions work with: commands and reading (`decisions.journal`), the whole log, timers, keyed hashes."""

    decisions: Decisions
    log: LogReader
    timers: Timers
    index: BlindIndex


@dataclass(frozen=True, slots=True)
class Reactions:
    """What one service reacts to.

    service: its name, which consumers, timers and dead letters carry. Raises ValueError for names that are used twice.
    """

    service: str
    reactions: Sequence[Reaction] = ()
    timers: Sequence[TimerReaction] = ()
    _by_fact: Mapping[str, Mapping[type[Fact], Sequence[Reaction]]] = field(init=False, repr=False)
    _by_kind: Mapping[str, TimerReaction] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = [reaction.name for reaction in self.reactions] + [f"timer:{timer.kind}" for timer in self.timers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"reactions share a name: {', '.join(twice)}")
        by_fact: dict[str, dict[type[Fact], list[Reaction]]] = {}
        for reaction in self.reactions:
            for fact in reaction.facts:
                by_fact.setdefault(reaction.category, {}).setdefault(fact, []).append(reaction)
        object.__setattr__(self, "_by_fact", by_fact)
        object.__setattr__(self, "_by_kind", {timer.kind: timer for timer in self.timers})

    @property
    def categories(self) -> Sequence[str]:
        """What is followed, `context.aggregate`, sorted."""
        return sorted(self._by_fact)

    @property
    def contexts(self) -> Sequence[str]:
        """Whose logs are followed, sorted."""
        return sorted({category.partition(".")[0] for category in self._by_fact})

    def to(self, category: str) -> Mapping[type[Fact], Sequence[Reaction]]:
        """List the reactions to facts of a category, by fact."""
        return self._by_fact.get(category, {})

    def called_by(self, category: str, events: Sequence[Recorded[Fact]]) -> Sequence[tuple[Reaction, Recorded[Fact]]]:
        """List what the facts of one commit call for, in their order."""
        called = self.called(category, [type(recorded.event) for recorded in events])
        return [(reaction, events[index]) for reaction, index in called]

    def called(self, category: str, facts: Sequence[type[Fact] | None]) -> Sequence[tuple[Reaction, int]]:
        """List what facts of these classes in one commit call for, and by which of them, in their order."""
        to = self.to(category)
        nobody: Sequence[Reaction] = ()
        called = [(reaction, index) for index, fact in enumerate(facts) if fact for reaction in to.get(fact, nobody)]
        last = {reaction.name: index for reaction, index in called}
        return [one for one in called if not one[0].only_last or last[one[0].name] == one[1]]

    def on(self, kind: str) -> TimerReaction | None:
        """Find the reaction to a kind of timer."""
        return self._by_kind.get(kind)
