"""What a rule looks at: fields, kinds of facts, other segments, and the clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from patron_rules.fields import Definitions, profile_field
from patron_rules.tree import All, AnyOf, FactKind, Facts, FieldIs, Followed, InSegment, Measure, Moment, Not, Rule

_BY_CLOCK: Final = frozenset({"within-last", "not-within-last", "within-next", "anniversary-within-next"})


@dataclass(frozen=True, slots=True)
class LooksAt:
    """What a change must touch to change the answer of a rule for a customer.

    profile: names of fields of the person (`country`, `custom.plan`); rfm: whether scores against other customers
    count; company: names of fields of the companies, without `company.`; facts: kinds of what the customer did;
    segments: ids of other segments. clock: the answer can change by time alone. Apart from that, a fact recorded
    with a time still to come changes answers about its kind when that time has come.
    personal: the rule looks at something that is erased with a person.
    """

    profile: frozenset[str] = frozenset()
    company: frozenset[str] = frozenset()
    facts: frozenset[FactKind] = frozenset()
    segments: frozenset[str] = frozenset()
    rfm: bool = False
    clock: bool = False
    personal: bool = False


def nodes(rule: Rule, path: str = "$") -> Iterator[tuple[str, Rule]]:
    """Give every node with its JSON path, parents first."""
    yield path, rule
    match rule:
        case All(rules) | AnyOf(rules):
            for index, one in enumerate(rules):
                yield from nodes(one, f"{path}.rules[{index}]")
        case Not(below):
            yield from nodes(below, f"{path}.rule")
        case FieldIs() | InSegment() | Measure() | Moment() | Followed():
            pass


def references(rule: Rule) -> list[tuple[str, str]]:
    """Give the other segments that a rule names: the path of the id, and the id."""
    return [(f"{path}.segment", node.segment) for path, node in nodes(rule) if isinstance(node, InSegment)]


def uses(rule: Rule) -> frozenset[str]:
    """Name the other segments that a rule refers to."""
    return frozenset(segment for _, segment in references(rule))


def looks_at(rule: Rule, definitions: Definitions | None = None) -> LooksAt:
    """Tell what a rule depends on. definitions: needed to know which custom fields are personal."""
    known = Definitions() if definitions is None else definitions
    fields = [node for _, node in nodes(rule) if isinstance(node, FieldIs)]
    names = frozenset(node.field for node in fields)
    company = frozenset(name.removeprefix("company.") for name in names if name.startswith("company."))
    looked = [facts for _, node in nodes(rule) for facts in facts_of(node)]
    return LooksAt(
        profile=frozenset(name for name in names if not name.startswith(("company.", "rfm."))),
        company=company,
        facts=frozenset(facts.fact for facts in looked),
        segments=uses(rule),
        rfm=any(name.startswith("rfm.") for name in names),
        clock=any(_by_clock(node) for _, node in nodes(rule)),
        personal=any(_is_personal(name, known) for name in names)
        or any(where.field.startswith("properties.") for facts in looked for where in facts.where),
    )


def facts_of(node: Rule) -> tuple[Facts, ...]:
    """Give the selections of facts that one node makes."""
    match node:
        case Measure() | Moment():
            return (node.facts,)
        case Followed():
            return (node.first, node.then)
        case _:
            return ()


def _is_personal(name: str, definitions: Definitions) -> bool:
    field = profile_field(name, definitions)
    return field is not None and field.personal


def _by_clock(node: Rule) -> bool:
    """Tell whether a node's own answer can change by time alone.

    Consents expire; links to companies begin and end; scores are computed anew every day.
    """
    sliding = any(
        facts.period is not None and (facts.period.last is not None or facts.period.calendar is not None)
        for facts in facts_of(node)
    )
    match node:
        case FieldIs(field=field, op=op):
            timed = field == "companies" or field.startswith(("company.", "consents.", "rfm."))
            return timed or op in _BY_CLOCK
        case Moment(op=op):
            return sliding or op in _BY_CLOCK
        case Followed(negated=negated):
            return sliding or negated
        case _:
            return sliding
