"""Strategies for rules of every kind, valid by construction, over the values of `rule_worlds`."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from patron_rules import rfm
from patron_rules.fields import FACT_FIELDS, PROFILE_FIELDS, Field, FieldType, fact_field, profile_field
from patron_rules.tree import (
    All,
    AnyOf,
    Duration,
    FactKind,
    Facts,
    FieldIs,
    Followed,
    InSegment,
    Measure,
    Moment,
    Not,
    Operator,
    Period,
    Rule,
    Where,
)
from rule_worlds import (
    BASE,
    COMPANIES,
    CURRENCIES,
    DAYS,
    DEFINITIONS,
    EMAILS,
    KINDS,
    MIXED,
    PHONES,
    PURPOSES,
    SEGMENTS,
    SKUS,
    STATUSES,
    STEP,
    TEXTS,
)

MOMENTS = st.integers(-120, 120).map(lambda steps: BASE + STEP * steps)
_TIMES = st.one_of(MOMENTS.map(lambda at: at.isoformat()), st.sampled_from(DAYS).map(lambda day: day.isoformat()))
_DURATIONS = st.sampled_from((
    Duration(hours=6), Duration(days=1), Duration(days=2), Duration(days=7), Duration(days=30),
    Duration(days=10, hours=6),
))  # fmt: skip
_WHOLE_DAYS = st.sampled_from((Duration(days=1), Duration(days=7), Duration(days=400)))
_ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"))
_CALENDARS = st.sampled_from((
    "today", "yesterday", "this-week", "last-week", "this-month", "last-month", "this-quarter", "last-quarter",
    "this-year", "last-year",
))  # fmt: skip
_COMPARE = st.sampled_from(("eq", "ne", "lt", "lte", "gt", "gte"))
_LISTS = frozenset({"in", "not-in", "has-any", "has-all"})
_WITHIN = frozenset({"within-last", "not-within-last", "within-next"})
_TEXTS_OF: dict[str, Sequence[str]] = {
    "email": EMAILS, "phone": PHONES, "kind": KINDS, "currency": CURRENCIES, "status": STATUSES, "sku": SKUS,
    "tags": ("vip", "new", "a,b", "none"), "company.tags": ("vip", "new"), "external_ids": ("shop:1", "shop:9"),
    "company.domains": ("a.example", "c.example"), "channel": ("phone",), "direction": ("inbound", "outbound"),
    "rfm.segment": rfm.NAMES, "company.custom.tier": ("gold", "tin"),
}  # fmt: skip


def _one(field: Field, op: Operator) -> st.SearchStrategy[Any]:
    """Give values that fit a field."""
    match field.type:
        case _ if op in {"contains", "starts"}:
            return st.sampled_from(("a", "AN", "ä", "ix", "%", "_c", "@example", "5", "9"))
        case FieldType.VALUE if op in {"lt", "lte", "gt", "gte"}:
            return st.sampled_from((7, 7.5, "0.1"))
        case FieldType.VALUE:
            return st.sampled_from(MIXED)
        case FieldType.NUMBER:
            return st.sampled_from((0, 7, 7.5, "0.1", 50, "50.01", 1))
        case FieldType.INTEGER:
            return st.sampled_from((0, 1, 2, 3, 7, 30, 500, 2001))
        case FieldType.BOOLEAN:
            return st.booleans()
        case FieldType.DATE:
            return st.sampled_from(DAYS).map(lambda day: day.isoformat())
        case FieldType.TIME:
            return _TIMES
        case FieldType.ID | FieldType.IDS:
            return st.sampled_from((*COMPANIES, UUID(int=99, version=4))).map(str)
        case FieldType.TEXT | FieldType.TEXTS:
            return st.sampled_from(_TEXTS_OF.get(field.name, TEXTS))


def _value(field: Field, op: Operator) -> st.SearchStrategy[Any]:
    if op in {"exists", "missing"}:
        return st.none()
    if op == "anniversary-within-next":
        return _WHOLE_DAYS
    if op in _WITHIN:
        return _DURATIONS
    one = _one(field, op)
    return st.lists(one, min_size=1, max_size=3).map(tuple) if op in _LISTS else one


def _profile_fields() -> list[Field]:
    named = [
        *(f"custom.{name}" for name in DEFINITIONS.people),
        *(f"company.custom.{name}" for name in DEFINITIONS.companies),
        *("preferences.colour", "preferences.size"),
        *(f"consents.{purpose}" for purpose in PURPOSES),
    ]
    found = [profile_field(name, DEFINITIONS) for name in named]
    return [*PROFILE_FIELDS.values(), *(field for field in found if field is not None)]


def _asked(fields: Sequence[Field]) -> st.SearchStrategy[tuple[Field, Operator, Any]]:
    """Give a field, one of its operators and a fitting value; each type of field as often as another."""
    by_type: dict[tuple[FieldType, str], list[Field]] = {}
    for field in fields:
        by_type.setdefault((field.type, field.owner), []).append(field)

    def with_operator(field: Field) -> st.SearchStrategy[tuple[Field, Operator, Any]]:
        ops = st.sampled_from(sorted(field.operators))
        return ops.flatmap(lambda op: st.tuples(st.just(field), st.just(op), _value(field, op)))

    return st.sampled_from(list(by_type.values())).flatmap(st.sampled_from).flatmap(with_operator)


FIELDS = _asked(_profile_fields()).map(lambda asked: FieldIs(asked[0].name, asked[1], asked[2]))


def _where(kind: FactKind) -> st.SearchStrategy[Where]:
    fields = list(FACT_FIELDS[kind].values())
    if kind == "interaction":
        found = (fact_field(kind, f"properties.{name}") for name in ("page", "score"))
        fields += [field for field in found if field is not None]

    def where(asked: tuple[Field, Operator, Any], currency: str) -> Where:
        field, op, value = asked
        return Where(field.name, op, value, currency if field.name == "amount" else None)

    return st.builds(where, _asked(fields), st.sampled_from(CURRENCIES))


def _period() -> st.SearchStrategy[Period]:
    bounds = st.tuples(MOMENTS, st.integers(1, 100)).map(
        lambda of: Period(since=of[0].isoformat(), to=(of[0] + STEP * of[1]).isoformat())
    )
    return st.one_of(
        st.builds(Period, last=_DURATIONS),
        st.builds(Period, since=_TIMES),
        st.builds(Period, to=_TIMES),
        bounds,
        st.builds(Period, calendar=_CALENDARS, time_zone=_ZONES),
        st.builds(Period, last=_DURATIONS, calendar=_CALENDARS, time_zone=_ZONES),
    )


def _facts(kind: FactKind, *, timed: bool = True) -> st.SearchStrategy[Facts]:
    wheres = st.lists(_where(kind), max_size=2).map(tuple)
    return st.builds(Facts, st.just(kind), wheres, st.none() | _period() if timed else st.none())


FACTS = st.one_of(_facts("purchase"), _facts("interaction"))


def _measure() -> st.SearchStrategy[Measure]:
    figures = st.sampled_from(("sum", "average", "least", "greatest"))
    amounts, currencies = st.sampled_from((0, "50", 49.99, "0.05", 150, 5000)), st.sampled_from(CURRENCIES)
    quantities, seconds = st.sampled_from((0, 1, "2.5", 5)), st.sampled_from((0, 30, 315))
    bought, done = _facts("purchase"), _facts("interaction")
    return st.one_of(
        st.builds(Measure, st.just("count"), FACTS, _COMPARE, st.integers(0, 4)),
        st.builds(Measure, figures, bought, _COMPARE, amounts, st.just("amount"), currencies),
        st.builds(Measure, figures, bought, _COMPARE, quantities, st.just("quantity")),
        st.builds(Measure, figures, done, _COMPARE, seconds, st.just("duration_s")),
    )


def _moment() -> st.SearchStrategy[Moment]:
    which = st.sampled_from(("first", "last"))
    return st.one_of(
        st.builds(Moment, which, FACTS, st.sampled_from(("before", "after")), _TIMES),
        st.builds(Moment, which, FACTS, st.sampled_from(("within-last", "not-within-last")), _DURATIONS),
    )


_THEN = st.one_of(_facts("purchase", timed=False), _facts("interaction", timed=False))
_FOLLOWED = st.builds(Followed, FACTS, _THEN, _DURATIONS, st.booleans())
_IN_SEGMENT = st.builds(InSegment, st.sampled_from(SEGMENTS))
_KINDS = (FIELDS, FIELDS, FIELDS, _IN_SEGMENT, _measure(), _measure(), _moment(), _moment(), _FOLLOWED, _FOLLOWED)
LEAVES: st.SearchStrategy[Rule] = st.sampled_from(_KINDS).flatmap(lambda kind: kind)


def _grown(rules: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(rules, max_size=3).map(tuple)
    return st.one_of(st.builds(All, several), st.builds(AnyOf, several), st.builds(Not, rules))


RULES: st.SearchStrategy[Rule] = st.recursive(LEAVES, _grown, max_leaves=6)
