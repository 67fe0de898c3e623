"""The document of score rules: points for what is known of a lead and for what happened, with decay and caps."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec

from patron_pipeline.domain.conditions import check_where
from patron_pipeline.domain.document_shapes import (
    Id,
    Name,
    RulesFaulty,
    check_duration,
    each_rule,
    shaped,
    whole,
)
from patron_pipeline.domain.lead_fields import FactKind
from patron_rules.forms import decimal
from patron_rules.shapes import Problems
from patron_rules.tree import Duration, Rule, Where

Number = str | int | float
MOST_POINTS: Final = 1_000_000
MOST_CONDITIONS: Final = 20
GradeName = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Happenings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which facts count: of one kind, all conditions fulfilled, at most so long ago (longer ago: not at all)."""

    fact: FactKind
    where: tuple[Where, ...] = ()
    within: Duration | None = None


class ScoreRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule.

    points: for a lead that fulfils `when`; with `facts` for each of the facts. half_life: after this time half of
    the points are left; counted from each fact, without facts from the capture of the lead. most: the rule never
    counts for more than this, nor for less than minus this.
    """

    id: Id
    points: Number
    name: Name | None = None
    when: Rule | None = None
    facts: Happenings | None = None
    half_life: Duration | None = None
    most: Number | None = None


class Grade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name for scores from `at_least` on."""

    grade: GradeName
    at_least: Number


class ScoreRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All rules; the sum is kept between `least` and `most`. grades: the highest first."""

    rules: tuple[ScoreRule, ...]
    least: Number | None = None
    most: Number | None = None
    grades: tuple[Grade, ...] = ()


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Id
    points: Number
    name: Name | None = None
    facts: Happenings | None = None
    half_life: Duration | None = None
    most: Number | None = None


def number(written: Number) -> Decimal:
    """Read a number exactly as it is written; raises ValueError."""
    return decimal(written)


def score_rules(document: object) -> ScoreRules:
    """Read score rules from JSON.

    Raises:
        RulesFaulty: with a path, a code and a message for each fault.
    """
    problems = Problems()
    known = frozenset({"rules", "least", "most", "grades"})
    written = whole(document, known, frozenset({"rules"}), problems)
    for path, rule in each_rule(written, problems):
        shape = shaped(rule, _Shape, path, problems)
        if shape is not None:
            _check_rule(shape, path, problems)
    bounds = [_number(written.get(name), f"$.{name}", problems) for name in ("least", "most")]
    if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
        problems.add("$", "bounds-reversed", "The least score must be below the most.")
    grades = shaped(written.get("grades", ()), tuple[Grade, ...], "$.grades", problems)
    _check_grades(grades or (), problems)
    if problems.found:
        raise RulesFaulty(problems.found)
    return msgspec.convert(document, ScoreRules)


def _number(written: object, path: str, problems: Problems) -> Decimal | None:
    if written is None:
        return None
    try:
        if (
            isinstance(written, str | int | float)
            and not isinstance(written, bool)
            and abs(found := number(written)) <= MOST_POINTS
        ):
            return found
    except ValueError:
        pass
    problems.add(path, "value-not-a-number", f"A number was expected here, {MOST_POINTS} at most.")
    return None


def _check_rule(rule: _Shape, path: str, problems: Problems) -> None:
    points = _number(rule.points, f"{path}.points", problems)
    if points is not None and not points:
        problems.add(f"{path}.points", "points-zero", "A rule counts for something.")
    most = _number(rule.most, f"{path}.most", problems)
    if most is not None and most <= 0:
        problems.add(f"{path}.most", "most-not-positive", "The most that a rule counts for is above 0.")
    check_duration(rule.half_life, f"{path}.half_life", problems)
    facts = rule.facts
    if facts is None:
        return
    check_duration(facts.within, f"{path}.facts.within", problems)
    if len(facts.where) > MOST_CONDITIONS:
        message = f"Facts are told apart by at most {MOST_CONDITIONS} conditions."
        problems.add(f"{path}.facts.where", "too-many-conditions", message)
    for index, where in enumerate(facts.where[:MOST_CONDITIONS]):
        check_where(facts.fact, where, f"{path}.facts.where[{index}]", problems)


def _check_grades(grades: tuple[Grade, ...], problems: Problems) -> None:
    floors = [_number(one.at_least, f"$.grades[{index}].at_least", problems) for index, one in enumerate(grades)]
    names: set[str] = set()
    for index, one in enumerate(grades):
        above, floor = floors[index - 1] if index else None, floors[index]
        if above is not None and floor is not None and floor >= above:
            problems.add(f"$.grades[{index}].at_least", "grades-not-descending", "The highest grade stands first.")
        if one.grade in names:
            problems.add(f"$.grades[{index}].grade", "grade-not-unique", "Another grade has the same name.")
        names.add(one.grade)


def score_document(rules: ScoreRules) -> Mapping[str, Any]:
    """Write rules in one form only: equal rules give equal documents."""
    return msgspec.json.decode(msgspec.json.encode(rules))
