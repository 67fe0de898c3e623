"""Rules over plain data: the reference for what every node means, and the way of rules that judge one customer.

The compiler of the projections writes the same as SQL; a property test holds both together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any, Final
from uuid import UUID

from patron_rules.fields import Definitions, Field, FieldType, fact_field, profile_field
from patron_rules.forms import email_key, number_key
from patron_rules.operands import (
    Operand,
    duration_operand,
    field_operand,
    measure_operand,
    moment_operand,
    where_operand,
)
from patron_rules.periods import window
from patron_rules.tree import (
    All,
    AnyOf,
    FactKind,
    Facts,
    FieldIs,
    Followed,
    InSegment,
    Measure,
    Moment,
    Not,
    Operator,
    Rule,
    Where,
)
from patron_rules.values import POSITIVE, compared, holds, typed

_DIGITS: Final = 100
"""Enough for exact sums and products of what a rule may compare with."""
_SPELLED: Final = frozenset({"eq", "in"})


class RuleUnfit(Exception):
    """A rule names a field that is not defined (any more); it has to be checked again."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a customer did.

    fields: by the names that rules use; amounts as `amount_minor`, `sku` as a collection of texts, `properties` as a
    mapping; what was not said is absent or None.
    """

    kind: FactKind
    at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Link:
    """A company that the person is linked to. end: the last day of the link; None is open."""

    company_id: UUID
    company: Mapping[str, Any]
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """What is known of one customer.

    profile: values by the names that rules use; groups (`custom`, `preferences`, `consents`, `first_touch`,
    `last_touch`) as mappings of JSON values, `emails` and `phones` as all addresses and numbers in any spelling,
    `tags` and `external_ids` as collections of texts. A consent has `state`, `given_at` and maybe `expires_at`.
    segments: of which the customer is a member. scores: of `rfm`, by name; empty without any.
    """

    profile: Mapping[str, Any]
    links: Sequence[Link] = ()
    facts: Sequence[Fact] = ()
    segments: frozenset[str] = frozenset()
    scores: Mapping[str, Any] = field(default_factory=dict[str, Any])


def evaluate(rule: Rule, customer: Customer, now: datetime, definitions: Definitions | None = None) -> bool:
    """Tell whether a checked rule holds for a customer at a moment.

    Raises:
        RuleUnfit: a field is not defined.
    """
    return _Evaluation(customer, now, definitions or Definitions()).rule(rule)


class _Evaluation:
    def __init__(self, customer: Customer, now: datetime, definitions: Definitions) -> None:
        self._customer = customer
        self._now = now
        self._definitions = definitions

    def rule(self, rule: Rule) -> bool:
        match rule:
            case All(rules):
                return all(self.rule(one) for one in rules)
            case AnyOf(rules):
                return any(self.rule(one) for one in rules)
            case Not(inner):
                return not self.rule(inner)
            case FieldIs():
                return self._field(rule)
            case InSegment(segment):
                return segment in self._customer.segments
            case Measure():
                return self._measure(rule)
            case Moment():
                return self._moment(rule)
            case Followed():
                return self._followed(rule)

    # -- the profile ----------------------------------------------------------------------------------------------

    def _field(self, node: FieldIs) -> bool:
        known = profile_field(node.field, self._definitions)
        if known is None:
            raise RuleUnfit(node.field)
        op: Operator = POSITIVE.get(node.op, node.op)
        return self._profile(known, op, field_operand(known, node)) == (op == node.op)

    def _profile(self, known: Field, op: Operator, operand: Operand) -> bool:
        profile = self._customer.profile
        match known.owner:
            case "company":
                values = [_of_record(link.company, known) for link in self._linked()]
                return any(holds(known.type, value, op, operand, self._now) for value in values)
            case "rfm":
                return holds(known.type, self._customer.scores.get(known.key), op, operand, self._now)
            case _ if known.group == "consents":
                return self._consent(known.key) == operand
            case _ if known.form != "plain" and op in _SPELLED:
                key = email_key if known.form == "email" else number_key
                wanted = operand if isinstance(operand, tuple) else (operand,)
                return any(key(one) in wanted for one in profile.get(f"{known.form}s") or ())
            case _ if known.type is FieldType.IDS:
                ids = [link.company_id for link in self._linked()]
                return holds(known.type, ids, op, operand, self._now)
            case _:
                return holds(known.type, _of_record(profile, known), op, operand, self._now)

    def _linked(self) -> Iterable[Link]:
        today = self._now.astimezone(UTC).date()
        return (link for link in self._customer.links if link.end is None or link.end >= today)

    def _consent(self, purpose: str) -> bool:
        consent = _named(_named(self._customer.profile, "consents"), purpose)
        given, until = (typed(consent.get(name), FieldType.TIME) for name in ("given_at", "expires_at"))
        in_time = given is not None and given <= self._now and (until is None or until > self._now)
        return consent.get("state") == "given" and in_time

    # -- facts ----------------------------------------------------------------------------------------------------

    def _chosen(self, facts: Facts) -> list[Fact]:
        within = window(facts.period, self._now)
        alike = (one for one in self._customer.facts if one.kind == facts.fact and within.holds(one.at))
        return [one for one in alike if all(self._where(one, facts.fact, where) for where in facts.where)]

    def _where(self, fact: Fact, kind: FactKind, where: Where) -> bool:
        known = fact_field(kind, where.field)
        if known is None:
            raise RuleUnfit(where.field)
        if where.currency is not None and fact.fields.get("currency") != where.currency:
            return False
        op: Operator = POSITIVE.get(where.op, where.op)
        if known.group == "properties":
            value = _named(fact.fields, known.group).get(known.key)
        else:
            value = fact.fields.get(_minor(known.key))
        return holds(known.type, value, op, where_operand(known, where), self._now) == (op == where.op)

    def _measure(self, node: Measure) -> bool:
        chosen = self._chosen(node.facts)
        if node.currency is not None:
            chosen = [one for one in chosen if one.fields.get("currency") == node.currency]
        wanted = measure_operand(node)
        with localcontext(prec=_DIGITS):
            return self._figure(node, chosen, wanted)

    @staticmethod
    def _figure(node: Measure, chosen: Sequence[Fact], wanted: Decimal) -> bool:
        if node.of is None:
            return compared(Decimal(len(chosen)), node.op, wanted)
        given = (one.fields.get(_minor(node.of)) for one in chosen)
        values = [Decimal(value) for value in given if value is not None]
        if node.measure == "sum":
            return compared(sum(values, Decimal(0)), node.op, wanted)
        if not values:
            return False
        match node.measure:
            case "average":
                return compared(sum(values, Decimal(0)), node.op, wanted * len(values))
            case "least":
                return compared(min(values), node.op, wanted)
            case _:
                return compared(max(values), node.op, wanted)

    def _moment(self, node: Moment) -> bool:
        times = [one.at for one in self._chosen(node.facts)]
        if not times:
            return node.op == "not-within-last"
        edge, wanted = (min if node.which == "first" else max)(times), moment_operand(node)
        value = self._now - wanted if isinstance(wanted, timedelta) else wanted
        match node.op:
            case "before":
                return edge < value
            case "not-within-last":
                return edge <= value
            case _:
                return edge > value

    def _followed(self, node: Followed) -> bool:
        within = duration_operand(node.within)
        later = [one.at for one in self._chosen(node.then)]
        for first in self._chosen(node.first):
            followed = any(first.at < at <= first.at + within for at in later)
            if followed is not node.negated and (followed or first.at + within <= self._now):
                return True
        return False


def _minor(name: str) -> str:
    return "amount_minor" if name == "amount" else name


def _named(record: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    """Give the values of a group by name; none where the record has no such group."""
    return record.get(group) or {}


def _of_record(record: Mapping[str, Any], known: Field) -> Any:
    if not known.group:
        return record.get(known.key)
    value = _named(record, known.group).get(known.key)
    return value if known.type is FieldType.VALUE else typed(value, known.type)
