"""Documents of rules: good ones of every kind, nearly good ones, and anything that JSON can say."""

import json
import re
from typing import Any, Final

from hypothesis import strategies as st

from patron_rules.fields import PROFILE_FIELDS, CustomField, Definitions

DEFINITIONS: Final = Definitions(
    {
        "plan": CustomField("enum", ("basic", "pro")),
        "score": CustomField("number"),
        "seats": CustomField("integer"),
        "vip": CustomField("boolean"),
        "renewal": CustomField("date", personal=True),
        "seen": CustomField("datetime"),
        "nick": CustomField("string"),
    },
    {"tier": CustomField("enum", ("gold", "silver"))},
)
SEGMENT: Final = "6e0bd8a4-57b5-4d2e-9b49-3c3f40d7ad63"

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(
    ["2026-01-01", "2026-02-30", "2026-01-01T00:00:00Z", "50.00", "EUR", "pro", SEGMENT]
)  # fmt: skip
_durations = st.fixed_dictionaries(
    {}, optional={"days": st.integers(-1, 400), "hours": st.integers(0, 30), "weeks": st.just(1)}
)
_values = _scalars | st.lists(_scalars, max_size=3) | _durations
_fields = st.sampled_from(
    [
        *PROFILE_FIELDS,
        *(f"custom.{name}" for name in DEFINITIONS.people),
        *("company.custom.tier", "custom.none", "preferences.theme", "consents.newsletter", "properties.page", ""),
        *("amount", "sku", "kind", "duration_s", "company_id"),
    ]
)
_ops = st.sampled_from(
    [
        *("eq", "ne", "in", "not-in", "lt", "lte", "gt", "gte", "contains", "starts", "has", "has-any", "has-all"),
        *("exists", "missing", "before", "after", "within-last", "not-within-last", "within-next"),
        *("anniversary-within-next", "like"),
    ]
)
_currencies = st.sampled_from(["EUR", "XXX", "eur", 5])
_where = st.fixed_dictionaries(
    {"field": _fields, "op": _ops}, optional={"value": _values, "currency": _currencies, "odd name": _scalars}
)
_periods = st.fixed_dictionaries(
    {},
    optional={
        "last": _durations,
        "from": _scalars,
        "to": _scalars,
        "calendar": st.sampled_from(["today", "last-quarter", "someday"]),
        "time_zone": st.sampled_from(["Europe/Berlin", "Nowhere/Land", "UTC"]),
    },
)
_facts = st.fixed_dictionaries(
    {"fact": st.sampled_from(["purchase", "interaction", "visit"])},
    optional={"where": st.lists(_where, max_size=3), "period": _periods},
)
_leaves = st.one_of(
    st.fixed_dictionaries({"type": st.just("field"), "field": _fields, "op": _ops}, optional={"value": _values}),
    st.fixed_dictionaries({"type": st.just("segment"), "segment": _scalars}),
    st.fixed_dictionaries(
        {
            "type": st.just("measure"),
            "measure": st.sampled_from(["count", "sum", "average", "least", "greatest", "median"]),
            "facts": _facts,
            "op": _ops,
            "value": _scalars,
        },
        optional={"of": st.sampled_from(["amount", "quantity", "duration_s", "x"]), "currency": _currencies},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("moment"),
            "which": st.sampled_from(["first", "last", "second"]),
            "facts": _facts,
            "op": _ops,
            "value": _values,
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("followed"), "first": _facts, "then": _facts, "within": _durations},
        optional={"negated": _scalars},
    ),
    st.recursive(_scalars, lambda below: st.lists(below) | st.dictionaries(st.text(max_size=8), below), max_leaves=5),
)


def _composed(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["all", "any", "none"]),
                "rules": st.lists(below, max_size=4),
            }
        ),
        st.fixed_dictionaries({"type": st.just("not"), "rule": below}),
    )


nearly_rules: Final = st.recursive(_leaves, _composed, max_leaves=12)
"""Documents that look like rules; few of them are."""

_TOKEN: Final = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]|\[(\".*?(?<!\\)(?:\\\\)*\")\]")


def exists(document: Any, path: str) -> bool:
    """Tell whether a document has a part at a JSON path."""
    at, here = 1, document
    while at < len(path):
        token = _TOKEN.match(path, at)
        if token is None:
            return False
        name, index, quoted = token.groups()
        key = int(index) if index else name or json.loads(quoted)
        try:
            here = here[key]
        except (LookupError, TypeError):
            return False
        at = token.end()
    return path.startswith("$")
