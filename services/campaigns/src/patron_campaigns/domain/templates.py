"""Ready-made segments: rules to begin with, to be taken as they are or changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from patron_rules import rfm


@dataclass(frozen=True, slots=True)
class Template:
    """A ready-made segment. id: kebab-case, stable."""

    id: str
    name: str
    description: str
    rule: Mapping[str, Any]


def _days(number: int) -> dict[str, int]:
    return {"days": number}


def _counted(facts: Mapping[str, Any], op: str, value: int) -> dict[str, Any]:
    return {"type": "measure", "measure": "count", "facts": facts, "op": op, "value": value}


def _last(facts: Mapping[str, Any], op: str, days: int) -> dict[str, Any]:
    return {"type": "moment", "which": "last", "facts": facts, "op": op, "value": _days(days)}


def _all(*rules: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "all", "rules": list(rules)}


def _scores(bounds: tuple[int, int]) -> str:
    return str(bounds[0]) if bounds[0] == bounds[1] else f"{bounds[0]}-{bounds[1]}"


def _rfm(one: rfm.NamedSegment) -> Template:
    return Template(
        f"rfm-{one.name.lower().replace(' ', '-')}",
        one.name,
        f"Recency score {_scores(one.recency)}, mean of frequency and monetary score {_scores(one.worth)} (quintiles).",
        {"type": "field", "field": "rfm.segment", "op": "eq", "value": one.name},
    )


_PURCHASES: Final = {"fact": "purchase"}
_INTERACTIONS: Final = {"fact": "interaction"}
_OVER_50: Final = {
    "fact": "purchase",
    "where": [{"field": "amount", "op": "gt", "value": "50.00", "currency": "EUR"}],
    "period": {"last": _days(90)},
}
_PRICING: Final = {
    "fact": "interaction",
    "where": [
        {"field": "kind", "op": "eq", "value": "visit"},
        {"field": "properties.page", "op": "contains", "value": "pricing"},
    ],
    "period": {"last": _days(90)},
}
TEMPLATES: Final = (
    *(_rfm(one) for one in rfm.SEGMENTS),
    Template(
        "quiet-for-30-days",
        "Quiet for 30 days",
        "No interaction within the last 30 days, or none at all.",
        _last(_INTERACTIONS, "not-within-last", 30),
    ),
    Template(
        "frequent-buyers",
        "Frequent buyers",
        "At least 3 purchases over 50 EUR within the last 90 days.",
        _counted(_OVER_50, "gte", 3),
    ),
    Template(
        "one-time-buyers",
        "One-time buyers",
        "Bought exactly once, more than 30 days ago.",
        _all(_counted(_PURCHASES, "eq", 1), _last(_PURCHASES, "not-within-last", 30)),
    ),
    Template(
        "lapsed-buyers",
        "Lapsed buyers",
        "Bought at some time, but not within the last 180 days.",
        _all(_counted(_PURCHASES, "gte", 1), _last(_PURCHASES, "not-within-last", 180)),
    ),
    Template(
        "big-spenders-last-quarter",
        "Big spenders of the last quarter",
        "Spent at least 1,000 EUR in the last quarter of the calendar.",
        {
            "type": "measure",
            "measure": "sum",
            "of": "amount",
            "currency": "EUR",
            "facts": {**_PURCHASES, "period": {"calendar": "last-quarter"}},
            "op": "gte",
            "value": "1000.00",
        },
    ),
    Template(
        "looked-at-pricing-and-left",
        "Looked at pricing and left",
        "Visited a pricing page within the last 90 days and did not buy within 7 days.",
        {"type": "followed", "first": _PRICING, "then": _PURCHASES, "within": _days(7), "negated": True},
    ),
    Template(
        "birthday-within-7-days",
        "Birthday within 7 days",
        "The birthday is today or on one of the next 7 days (UTC).",
        {"type": "field", "field": "birth_date", "op": "anniversary-within-next", "value": _days(7)},
    ),
    Template(
        "newsletter-readers-without-purchase",
        "Newsletter readers without a purchase",
        "Agreed to the newsletter, and never bought.",
        _all(
            {"type": "field", "field": "consents.newsletter", "op": "eq", "value": True}, _counted(_PURCHASES, "eq", 0)
        ),
    ),
)
"""The eight segments of recency, frequency and monetary value (`patron_rules.rfm`), and useful behaviour."""
