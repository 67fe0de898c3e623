"""Check a rule as somebody wrote it: what is wrong with it and where, all at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from patron_rules.fields import Definitions, fact_field, profile_field
from patron_rules.forms import moment
from patron_rules.operands import (
    MESSAGES,
    OperandInvalid,
    duration_operand,
    field_operand,
    is_id,
    measure_operand,
    moment_operand,
    refusal,
    where_operand,
)
from patron_rules.periods import time_zones
from patron_rules.shapes import Problem, Problems, ShapeWalk, as_rule, member
from patron_rules.tree import FactKind, FieldIs, Followed, InSegment, Measure, Moment, Period, Rule, Where

__all__ = ["MOST_CONDITIONS", "Problem", "RuleInvalid", "check"]

MOST_CONDITIONS: Final = 20
_NO_DEFINITIONS: Final = Definitions()


class RuleInvalid(Exception):
    """The document is no rule. problems: everything that is wrong with it (the first hundred), in its order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.path}: {one.message}" for one in problems))
        self.problems = tuple(problems)


def check(document: Any, definitions: Definitions = _NO_DEFINITIONS) -> Rule:
    """Read a rule from a JSON document, by the custom fields that are defined.

    Whether the segments that it names exist is not known here; `patron_rules.looking.references` names them.

    Raises:
        RuleInvalid: with a path, a code and a message for everything that is wrong.
    """
    problems = Problems()
    ShapeWalk(problems, _Leaves(problems, definitions)).rule(document)
    if problems.found:
        raise RuleInvalid(problems.found)
    return as_rule(document)


class _Leaves:
    """Check what a node says, part by part, as far as the parts have the right shape."""

    def __init__(self, problems: Problems, definitions: Definitions) -> None:
        self._problems = problems
        self._definitions = definitions

    def __call__(self, kind: type[msgspec.Struct], written: Mapping[str, object], path: str) -> None:
        for name in ("facts", "first", "then"):
            facts = written.get(name)
            if isinstance(facts, Mapping):
                self._facts(cast("Mapping[str, object]", facts), f"{path}.{name}")
        node = _part(written, kind)
        match node:
            case FieldIs():
                self._field(node, path)
            case InSegment():
                self._segment(node, path)
            case Measure():
                self._measure(node, path)
            case Moment():
                self._read(lambda: moment_operand(node), path)
            case Followed():
                self._followed(node, path)
            case _:
                pass

    def _read(self, read: Callable[[], object], path: str) -> None:
        try:
            read()
        except OperandInvalid as wrong:
            self._problems.add(f"{path}.{wrong.at}" if wrong.at else path, wrong.code, wrong.message)

    def _refuse(self, code: str, path: str) -> None:
        self._problems.add(path, code, MESSAGES[code])

    def _field(self, node: FieldIs, path: str) -> None:
        known = profile_field(node.field, self._definitions)
        if known is None:
            self._refuse("unknown-field", f"{path}.field")
        else:
            self._read(lambda: field_operand(known, node), path)

    def _segment(self, node: InSegment, path: str) -> None:
        if not is_id(node.segment):
            self._refuse("segment-not-an-id", f"{path}.segment")

    def _measure(self, node: Measure, path: str) -> None:
        if node.measure == "count" and node.of is not None:
            self._refuse("of-not-allowed", f"{path}.of")
        elif node.measure != "count" and node.of is None:
            self._refuse("of-needed", path)
        elif node.of is not None and fact_field(node.facts.fact, node.of) is None:
            self._refuse("of-not-of-fact", f"{path}.of")
        else:
            self._read(lambda: measure_operand(node), path)

    def _followed(self, node: Followed, path: str) -> None:
        if node.then.period is not None:
            self._refuse("period-not-allowed", f"{path}.then.period")
        self._read(lambda: duration_operand(node.within, "within"), path)

    def _facts(self, facts: Mapping[str, object], path: str) -> None:
        conditions, kind = facts.get("where"), _part(facts.get("fact"), FactKind)
        if isinstance(conditions, list | tuple):
            listed = cast("Sequence[object]", conditions)
            if len(listed) > MOST_CONDITIONS:
                message = f"Facts are told apart by at most {MOST_CONDITIONS} conditions."
                self._problems.add(f"{path}.where", "too-many-conditions", message)
            for index, one in enumerate(listed[:MOST_CONDITIONS]):
                where = _part(one, Where)
                if where is not None and kind is not None:
                    self._where(kind, where, f"{path}.where[{index}]")
        period = _part(facts.get("period"), Period)
        if period is not None:
            self._period(period, f"{path}.period")

    def _where(self, kind: FactKind, where: Where, path: str) -> None:
        known = fact_field(kind, where.field)
        if known is None:
            self._refuse("unknown-field", f"{path}.field")
        else:
            self._read(lambda: where_operand(known, where), path)

    def _period(self, period: Period, path: str) -> None:
        if period.last is None and period.since is None and period.to is None and period.calendar is None:
            self._refuse("period-without-limit", path)
        if period.last is not None:
            last = period.last
            self._read(lambda: duration_operand(last, "last"), path)
        bounds = [self._time(text, member(path, name)) for name, text in (("from", period.since), ("to", period.to))]
        if bounds[0] is not None and bounds[1] is not None and bounds[0] >= bounds[1]:
            self._refuse("period-empty", path)
        if period.time_zone not in time_zones():
            self._refuse("unknown-time-zone", f"{path}.time_zone")

    def _time(self, text: str | None, path: str) -> Any:
        try:
            return None if text is None else moment(text)
        except ValueError:
            wrong = refusal("value-not-a-time")
            self._problems.add(path, wrong.code, wrong.message)
            return None


def _part(written: object, kind: Any) -> Any:
    """Read one part of a document; None where its shape is wrong, which has been told already."""
    try:
        return msgspec.convert(written, kind)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
        return None
