"""The rules of stages: which may be entered from where, by whom, and with which fields."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from patron_events.catalog.pipeline.settings import Stage
from patron_events.rejections import Fault
from patron_pipeline.domain.deal_errors import (
    MoverNotAllowed,
    StageEntryRefused,
    StageKindWrong,
    StageNeedsFields,
    StageSkipped,
    StageUnknown,
)
from patron_pipeline.domain.pipeline import Definition


@dataclass(frozen=True, slots=True)
class Mover:
    """Who asks. groups: roles and teams, as the token says; boss: an administrator or a rule, who may move anything."""

    subject: str
    groups: frozenset[str] = frozenset()
    boss: bool = False


RULE: Mover = Mover("", boss=True)
"""A rule or another service that moves deals in nobody's name."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a command on stages is decided by.

    told: history that is taken as it happened: entry, skipping, movers and required fields are not asked.
    """

    pipeline_id: str
    definition: Definition
    mover: Mover
    told: bool = False


def stage(definition: Definition, stage_id: str) -> Stage | None:
    """Find a stage; None for one that the definition has no more."""
    return next((one for one in definition.stages if one.id == stage_id), None)


def known_stage(definition: Definition, stage_id: str | None, kind: str, field: str) -> Stage:
    """Find a stage of a kind (open, won, lost); without an id the first of that kind.

    Raises:
        StageUnknown: the definition has no such stage. StageKindWrong: it is of another kind.
    """
    if stage_id is None:
        return next(one for one in definition.stages if one.kind == kind)
    found = stage(definition, stage_id)
    if found is None:
        raise StageUnknown(field=field)
    if found.kind != kind:
        raise StageKindWrong(field=field)
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """A deal on its way into a stage.

    was: where it is, in the same pipeline; None when it is opened or comes from another.
    visited: the stages of this pipeline that it was ever in. has: whether the deal has a field.
    """

    was: str | None
    to: Stage
    visited: Collection[str]
    has: Callable[[str], bool]


def check_entry(terms: Terms, entry: Entry, field: str) -> None:
    """Check that the deal may enter the stage.

    Raises:
        MoverNotAllowed, StageEntryRefused, StageSkipped, StageNeedsFields.
    """
    if terms.told:
        return
    check_mover(terms, entry.to, field)
    allowed = entry.to.from_stages
    if allowed is not None and entry.was not in allowed:
        raise StageEntryRefused(field=field)
    skipped = _skipped(terms.definition.stages, entry)
    if skipped:
        raise StageSkipped(f"{', '.join(skipped)} may not be left out.", field=field)
    missing = [name for name in entry.to.required if not entry.has(name)]
    if missing:
        faults = [Fault(name, "missing", f"The stage {entry.to.id} needs it.") for name in missing]
        raise StageNeedsFields(field=missing[0], faults=faults)


def check_mover(terms: Terms, to: Stage, field: str) -> None:
    """Check that the caller may move deals into the stage; raises MoverNotAllowed."""
    if terms.told or terms.mover.boss or not to.movers:
        return
    if terms.mover.groups.isdisjoint(to.movers):
        raise MoverNotAllowed(field=field)


def _skipped(stages: Sequence[Stage], entry: Entry) -> Sequence[str]:
    """Name the stages that must not be left out and would be: on the way forward, or all that are open to be won."""
    if entry.to.kind == "lost":
        return ()
    places = {one.id: number for number, one in enumerate(stages)}
    start = -1 if entry.was is None else places.get(entry.was)
    if start is None:  # from a stage that the definition has no more: nobody can say what lies between
        return ()
    end = len(stages) if entry.to.kind == "won" else places[entry.to.id]
    between = [one for one in stages[start + 1 : end] if one.kind == "open" and not one.skippable]
    return [one.id for one in between if one.id not in entry.visited]
