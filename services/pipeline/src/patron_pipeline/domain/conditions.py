"""Conditions over leads: checked all at once with the place of each fault, evaluated, and told in words.

The tree is that of docs/rules.md with the nodes `all`, `any`, `not` and `field`; the fields are those of leads.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, cast

import msgspec

from patron_pipeline.domain.lead_fields import FactKind, Happened, LeadFacts, happened_field, lead_field, value_in
from patron_rules.operands import MESSAGES, OperandInvalid, field_operand, where_operand
from patron_rules.shapes import Problems, ShapeWalk
from patron_rules.tree import All, AnyOf, FieldIs, Not, Rule, Where
from patron_rules.values import POSITIVE, fulfils, holds

_WORDS: Final[Mapping[str, str]] = {
    "eq": "is", "ne": "is not", "in": "in", "not-in": "not in", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=",
    "contains": "contains", "starts": "starts with", "has": "has", "has-any": "has any of", "has-all": "has all of",
    "exists": "is known", "missing": "is not known", "before": "before", "after": "after", "within-last": "within last",
    "not-within-last": "not within last", "within-next": "within next",
    "anniversary-within-next": "has its day within next",
}  # fmt: skip
_LONGEST: Final = 300


def check_condition(document: object, path: str, problems: Problems) -> None:
    """Write down everything that is wrong with a condition; `path` is where it stands in the whole document."""

    def leaf(kind: type[msgspec.Struct], written: Mapping[str, object], at: str) -> None:
        if kind is not FieldIs:
            problems.add(f"{at}.type", "unknown-type", "Conditions over leads are all, any, not and field.")
            return
        try:
            node = msgspec.convert(written, FieldIs)
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError):
            return  # its shape is wrong, which has been told already
        field = lead_field(node.field)
        if field is None:
            problems.add(f"{at}.field", "unknown-field", MESSAGES["unknown-field"])
            return
        try:
            field_operand(field, node)
        except OperandInvalid as wrong:
            problems.add(f"{at}.{wrong.at}" if wrong.at else at, wrong.code, wrong.message)

    ShapeWalk(problems, leaf).rule(document, path)


def check_where(kind: FactKind, where: Where, path: str, problems: Problems) -> None:
    """Write down what is wrong with a condition on a fact."""
    field = happened_field(kind, where.field)
    if field is None:
        problems.add(f"{path}.field", "unknown-field", MESSAGES["unknown-field"])
        return
    try:
        where_operand(field, where)
    except OperandInvalid as wrong:
        problems.add(f"{path}.{wrong.at}" if wrong.at else path, wrong.code, wrong.message)


def fulfilled(condition: Rule | None, facts: LeadFacts, now: datetime) -> bool:
    """Tell whether a checked condition holds for a lead; no condition always does."""
    match condition:
        case None:
            return True
        case All(rules):
            return all(fulfilled(one, facts, now) for one in rules)
        case AnyOf(rules):
            return any(fulfilled(one, facts, now) for one in rules)
        case Not(rule):
            return not fulfilled(rule, facts, now)
        case FieldIs():
            field = lead_field(condition.field)
            return field is not None and fulfils(field, condition, value_in(facts.fields, field), now)
        case _:
            return False


def fits(where: Where, one: Happened, now: datetime) -> bool:
    """Tell whether a fact fulfils a checked condition; amounts in another currency never do."""
    field = happened_field(one.kind, where.field)
    if field is None or (where.currency is not None and one.fields.get("currency") != where.currency):
        return False
    name = "amount_minor" if field.key == "amount" else field.key
    value = value_in(one.fields, field) if field.group else one.fields.get(name)
    op = POSITIVE.get(where.op, where.op)
    return holds(field.type, value, op, where_operand(field, where), now) == (op == where.op)


def leaves(condition: Rule | None) -> Iterator[FieldIs]:
    """Give every condition on a single field, wherever it stands."""
    match condition:
        case All(rules) | AnyOf(rules):
            for one in rules:
                yield from leaves(one)
        case Not(rule):
            yield from leaves(rule)
        case FieldIs():
            yield condition
        case _:
            return


def words(condition: Rule | None) -> str:
    """Tell a condition to people in one line, without what it says about personal fields."""
    text = "every lead" if condition is None else _told(condition)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _told(condition: Rule) -> str:
    match condition:
        case All(rules):
            return _joined(rules, " and ") or "every lead"
        case AnyOf(rules):
            return _joined(rules, " or ") or "no lead"
        case Not(rule):
            return f"not ({_told(rule)})"
        case FieldIs(field=name, op=op, value=value):
            known = lead_field(name)
            if known is None or known.personal or value is None:
                return f"{name} {_WORDS[op]}" + ("" if value is None else " …")
            return f"{name} {_WORDS[op]} {_value(value)}"
        case _:
            return str(condition.__struct_config__.tag)


def _joined(rules: tuple[Rule, ...], by: str) -> str:
    parts = [f"({_told(one)})" if isinstance(one, All | AnyOf) else _told(one) for one in rules]
    return by.join(parts)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_value(one) for one in cast("tuple[object, ...]", value))
    if isinstance(value, msgspec.Struct):
        return " ".join(f"{number} {unit}" for unit, number in msgspec.structs.asdict(value).items() if number)
    return str(value).lower() if isinstance(value, bool) else str(value)
