"""The document of assignment rules: in order, a condition over the lead and to whom it goes."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from patron_pipeline.domain.document_shapes import (
    Id,
    Name,
    RulesFaulty,
    check_duration,
    each_rule,
    shaped,
    whole,
)
from patron_rules.shapes import Problems
from patron_rules.tree import Duration, Rule

MOST_REPS: Final = 500
Subject = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Target(msgspec.Struct, frozen=True, tag_field="strategy", forbid_unknown_fields=True, omit_defaults=True):
    """To whom a lead goes."""


class ToRep(Target, frozen=True, tag="rep"):
    """One representative: named, or the owner of the person or company that the lead is matched with."""

    rep: Subject | None = None
    owner_of: Literal["person", "company"] | None = None


class Among(Target, frozen=True):
    """Some representatives: of a team, or named; all of them without either."""

    team: Name | None = None
    reps: tuple[Subject, ...] | None = None


class RoundRobin(Among, frozen=True, tag="round-robin"):
    """The one whose last turn is longest ago."""


class LeastBusy(Among, frozen=True, tag="least-busy"):
    """The one with the fewest open leads."""


class ByTerritory(Among, frozen=True, tag="territory"):
    """The one whose territory fits closest: postal code before region before country."""


class ByCapacity(Among, frozen=True, tag="capacity"):
    """The one with the lowest share of their capacity in use."""


class ToQueue(Target, frozen=True, tag="queue"):
    """Nobody yet: it waits until somebody takes it. team: whose queue it is."""

    queue: Name
    team: Name | None = None


AnyTarget = ToRep | RoundRobin | LeastBusy | ByTerritory | ByCapacity | ToQueue


class AssignmentRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. work_within: a lead that is not worked on so long after the assignment goes to somebody else."""

    id: Id
    to: AnyTarget
    name: Name | None = None
    when: Rule | None = None
    work_within: Duration | None = None


class AssignmentRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All rules in their order, and where a lead goes that none of them gives to anybody."""

    rules: tuple[AssignmentRule, ...]
    fallback: AnyTarget


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    to: AnyTarget
    name: Name | None = None
    work_within: Duration | None = None


def assignment_rules(document: object) -> AssignmentRules:
    """Read assignment rules from JSON.

    Raises:
        RulesFaulty: with a path, a code and a message for each fault.
    """
    problems = Problems()
    known = frozenset({"rules", "fallback"})
    written = whole(document, known, known, problems)
    for path, rule in each_rule(written, problems):
        shape = shaped(rule, _Shape, path, problems)
        if shape is not None:
            _check_target(shape.to, f"{path}.to", problems)
            check_duration(shape.work_within, f"{path}.work_within", problems)
            if shape.work_within is not None and isinstance(shape.to, ToQueue):
                problems.add(f"{path}.work_within", "work-within-not-allowed", "Nobody is to work on a queued lead.")
    if "fallback" in written:
        target = shaped(written["fallback"], AnyTarget, "$.fallback", problems)  # pyright: ignore[reportArgumentType]  # a union is no type to its checker
        if target is not None:
            _check_target(target, "$.fallback", problems)
    if problems.found:
        raise RulesFaulty(problems.found)
    return msgspec.convert(document, AssignmentRules)


def _check_target(target: AnyTarget, path: str, problems: Problems) -> None:
    match target:
        case ToRep(rep, owner_of) if (rep is None) == (owner_of is None):
            problems.add(path, "rep-needed", "Either rep or owner_of says who it is.")
        case Among(team, reps) if team is not None and reps is not None:
            problems.add(path, "team-or-reps", "Either team or reps says among whom.")
        case Among(_, reps) if reps is not None and not 1 <= len(set(reps)) == len(reps) <= MOST_REPS:
            problems.add(f"{path}.reps", "reps-invalid", f"1 to {MOST_REPS} different representatives are named.")
        case _:
            return


def named(rules: AssignmentRules) -> Iterator[tuple[str, Literal["rep", "team"], str]]:
    """Give every representative and team that the rules name: where, what it is, and its name."""
    targets = [(f"$.rules[{index}].to", one.to) for index, one in enumerate(rules.rules)]
    for path, target in (*targets, ("$.fallback", rules.fallback)):
        match target:
            case ToRep(rep=rep) if rep is not None:
                yield f"{path}.rep", "rep", rep
            case Among(team=team, reps=reps):
                if team is not None:
                    yield f"{path}.team", "team", team
                for index, rep in enumerate(reps or ()):
                    yield f"{path}.reps[{index}]", "rep", rep
            case _:
                pass


def assignment_document(rules: AssignmentRules) -> Mapping[str, Any]:
    """Write rules in one form only: equal rules give equal documents."""
    return msgspec.json.decode(msgspec.json.encode(rules))
