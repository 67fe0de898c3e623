"""What commits about segments make worth another look: whole segments, or customers decided about by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from patron_events.codec import decode_event
from patron_events.envelope import decode_commit
from patron_events.registry import NewerEventVersion, UnknownEventType
from patron_events.store import Stored
from patron_projections.segments.definitions import ByHand
from patron_projections.segments.dirty import Because

_WHOLE: Final = frozenset(
    {"campaigns.segment-created", "campaigns.segment-rule-changed", "campaigns.segment-archived"}
)  # fmt: skip
_SNAPSHOT: Final = "campaigns.snapshot-requested"
_HANDS: Final = frozenset(
    {"campaigns.customers-included", "campaigns.customers-excluded", "campaigns.customers-released"}
)  # fmt: skip


@dataclass(slots=True)
class DefinitionChanges:
    """What a stretch of the campaigns log said about segments.

    touched: segments whose definition is to be read again; whole: those to be judged as a whole, and why.
    snapshots: likewise, but only where the segment is a snapshot. hands: (segment, customers, why), in order.
    """

    touched: set[str] = field(default_factory=set[str])
    whole: dict[str, Because] = field(default_factory=dict[str, Because])
    snapshots: dict[str, Because] = field(default_factory=dict[str, Because])
    hands: list[tuple[str, Sequence[str], Because]] = field(default_factory=list[tuple[str, Sequence[str], Because]])
    reached: dict[int, int] = field(default_factory=dict[int, int])
    through: int = 0

    def add(self, commits: Iterable[Stored], through: int) -> None:
        """Take in more commits, in order; those that cannot be read are parked by the model and change nothing."""
        self.through = through
        for stored in commits:
            if stored.stream.category == "segment":
                try:
                    self._add(stored)
                except (msgspec.MsgspecError, UnknownEventType, NewerEventVersion):
                    continue

    def _add(self, stored: Stored) -> None:
        segment = stored.stream.id
        commit = decode_commit(stored.body)
        self.reached[stored.stream.partition] = stored.sequence
        self.touched.add(segment)
        for index, event in enumerate(commit.events):
            because = Because("rule", f"{commit.id}:{index}", commit.recorded_at)
            if event.type in _WHOLE:
                self.whole[segment] = because
            elif event.type == _SNAPSHOT:
                self.snapshots[segment] = because
            elif event.type in _HANDS:
                fact = decode_event(event, segment, None)
                if isinstance(fact, ByHand):
                    self.hands.append((segment, fact.customer_ids, because._replace(cause="hand")))
