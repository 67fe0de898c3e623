"""The catalogue of all live segments: their names, and which of them look at which.

It is one aggregate, so that rules between segments hold whoever writes at the same time: every change of a name, of
what a rule uses, and every archiving is appended to it in one atomic batch with the segment's own commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from patron_campaigns.domain.errors import SegmentCycle, SegmentInUse, SegmentNameTaken, UnknownSegment
from patron_events.catalog import campaigns as events
from patron_events.decider import Decider

CATALOGUE_ID: Final = "all"
_MOST_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Listed:
    """A live segment: its name, and the segments that its rule uses."""

    name: str
    uses: frozenset[str] = frozenset()


Catalogue = Mapping[str, Listed]


@dataclass(frozen=True, slots=True)
class ListSegment:
    """State the name of a live segment, and what its rule uses: JSON path of each id, and the id."""

    segment_id: str
    name: str
    references: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class UnlistSegment:
    """Take a segment out of the catalogue."""

    segment_id: str


def decide(catalogue: Catalogue, command: ListSegment | UnlistSegment) -> Sequence[events.SegmentCatalogueEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case ListSegment(segment_id, name, references):
            listed = Listed(name, frozenset(used for _, used in references))
            if catalogue.get(segment_id) == listed:
                return ()
            _check_name(catalogue, segment_id, name)
            wrong = missing_or_cyclic(catalogue, segment_id, references)
            if wrong:
                raise wrong[0][1]
            return (events.SegmentListed(segment_id=segment_id, name=name, uses=tuple(sorted(listed.uses))),)
        case UnlistSegment(segment_id):
            users = sorted(one.name for one in catalogue.values() if segment_id in one.uses)
            if users:
                more = f" and {len(users) - _MOST_NAMED} more" if len(users) > _MOST_NAMED else ""
                raise SegmentInUse(f"The segment is used by {', '.join(users[:_MOST_NAMED])}{more}; change them first.")
            return (events.SegmentUnlisted(segment_id=segment_id),) if segment_id in catalogue else ()


def _check_name(catalogue: Catalogue, segment_id: str, name: str) -> None:
    folded = name.casefold()
    if any(known != segment_id and one.name.casefold() == folded for known, one in catalogue.items()):
        raise SegmentNameTaken(field="name")


def missing_or_cyclic(
    catalogue: Catalogue, segment_id: str | None, references: Sequence[tuple[str, str]]
) -> list[tuple[str, UnknownSegment | SegmentCycle]]:
    """Find the references to segments that are not live, or that depend on this one; JSON path and refusal of each."""
    found: list[tuple[str, UnknownSegment | SegmentCycle]] = []
    for path, used in references:
        field = f"rule{path.removeprefix('$')}"
        if used not in catalogue and used != segment_id:
            found.append((path, UnknownSegment(field=field)))
        elif segment_id is not None and (way := _way(catalogue, used, segment_id)) is not None:
            names = " -> ".join(catalogue[one].name for one in (segment_id, *way) if one in catalogue)
            found.append((path, SegmentCycle(f"The segment would depend on itself: {names}.", field=field)))
    return found


def _way(catalogue: Catalogue, start: str, goal: str) -> list[str] | None:
    """Find how one segment depends on another: the ids from the one to the other, both included."""
    came: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            way = [here]
            while (before := came[way[-1]]) is not None:
                way.append(before)
            return way[::-1]
        for used in sorted(catalogue[here].uses if here in catalogue else ()):
            if used not in came:
                came[used] = here
                waiting.append(used)
    return None


def evolve(catalogue: Catalogue, event: events.SegmentCatalogueEvent, at: datetime) -> Catalogue:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    match event:
        case events.SegmentListed(segment_id=segment_id, name=name, uses=uses):
            return {**catalogue, segment_id: Listed(name, frozenset(uses))}
        case events.SegmentUnlisted(segment_id=gone):
            return {segment_id: one for segment_id, one in catalogue.items() if segment_id != gone}


EMPTY: Catalogue = {}
CATALOGUE = Decider(category="campaigns.segment-catalogue", initial=EMPTY, decide=decide, evolve=evolve)
