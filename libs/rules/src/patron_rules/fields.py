"""The fields that a rule can look at: of the person, of their companies, and of what they did.

Names are those of the public API. `custom.<name>` is typed by the definitions of the contacts context;
`preferences.<name>` and `properties.<name>` have no definition, so their values are compared by the type that was
recorded; `consents.<purpose>` tells whether a consent is in force; `rfm.…` are scores against all other customers,
computed daily.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from patron_events.catalog.contacts import FieldDefined
from patron_rules import rfm
from patron_rules.tree import FactKind, Operator

Owner = Literal["person", "company", "rfm", "purchase", "interaction", "lead"]
Form = Literal["plain", "email", "phone"]


class FieldType(StrEnum):
    """What the values of a field are.

    date: a day of the calendar; time: a point in time; id: UUID. value: a text, number or truth value as it was
    recorded: a comparison with a value of another type is false (and `ne`, `not-in` true).
    """

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TEXTS = "text-set"
    ID = "id"
    IDS = "id-set"
    VALUE = "value"


_EQUALITY: Final[frozenset[Operator]] = frozenset({"eq", "ne", "in", "not-in"})
_ORDER: Final[frozenset[Operator]] = frozenset({"lt", "lte", "gt", "gte"})
_PRESENCE: Final[frozenset[Operator]] = frozenset({"exists", "missing"})
_PARTS: Final[frozenset[Operator]] = frozenset({"contains", "starts"})
_HOLDING: Final[frozenset[Operator]] = frozenset({"has", "has-any", "has-all"})
_SAME: Final[frozenset[Operator]] = frozenset({"eq", "ne"})
_TIMES: Final[frozenset[Operator]] = frozenset({
    "before", "after", "within-last", "not-within-last", "within-next", "anniversary-within-next",
})  # fmt: skip
OPERATORS: Final[Mapping[FieldType, frozenset[Operator]]] = {
    FieldType.TEXT: _EQUALITY | _PARTS | _PRESENCE,
    FieldType.NUMBER: _EQUALITY | _ORDER | _PRESENCE,
    FieldType.INTEGER: _EQUALITY | _ORDER | _PRESENCE,
    FieldType.BOOLEAN: _SAME | _PRESENCE,
    FieldType.DATE: _SAME | _ORDER | _TIMES | _PRESENCE,
    FieldType.TIME: _SAME | _ORDER | _TIMES | _PRESENCE,
    FieldType.TEXTS: _HOLDING | _PRESENCE,
    FieldType.ID: _EQUALITY | _PRESENCE,
    FieldType.IDS: _HOLDING | _PRESENCE,
    FieldType.VALUE: _EQUALITY | _ORDER | _PARTS | _PRESENCE,
}
"""Which operators fit which type. `exists` of a set is true when it is not empty."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a rule can look at.

    name: as rules write it, such as `company.custom.tier`. owner: whose it is; `company` holds when any company that
    the person is linked to today fulfils the condition. group and key: where it stands, such as `custom` and `tier`,
    or no group and the column `country`.
    personal: erased with the person. options: the only values, where they are known.
    total: every customer (or fact) has a value, so that `exists` and `missing` say nothing and are not allowed.
    form: `eq`, `ne`, `in` and `not-in` compare e-mail addresses and phone numbers of the record, all of them, in the
    forms of `patron_rules.forms`; `contains` and `starts` look at the primary one as it is written.
    """

    name: str
    owner: Owner
    type: FieldType
    group: str = ""
    key: str = ""
    personal: bool = False
    options: tuple[str, ...] = ()
    total: bool = False
    form: Form = "plain"

    @property
    def operators(self) -> frozenset[Operator]:
        """Tell which operators this field allows."""
        return OPERATORS[self.type] - _PRESENCE if self.total else OPERATORS[self.type]


@dataclass(frozen=True, slots=True)
class CustomField:
    """How a custom field is defined. type: string, number, integer, boolean, date, datetime or enum."""

    type: str
    options: tuple[str, ...] = ()
    personal: bool = False

    @classmethod
    def of(cls, fact: FieldDefined) -> "CustomField":
        """Take over the definition that the log holds."""
        return cls(fact.type, fact.options, fact.personal)


@dataclass(frozen=True, slots=True)
class Definitions:
    """The custom fields of people and of companies, by name."""

    people: Mapping[str, CustomField] = field(default_factory=dict[str, CustomField])
    companies: Mapping[str, CustomField] = field(default_factory=dict[str, CustomField])


_CUSTOM: Final[Mapping[str, FieldType]] = {
    "string": FieldType.TEXT,
    "enum": FieldType.TEXT,
    "number": FieldType.NUMBER,
    "integer": FieldType.INTEGER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.TIME,
}
_NAMED: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


def _person() -> dict[str, Field]:
    texts = (
        "given_name", "family_name", "additional_name", "nickname", "honorific_prefix", "honorific_suffix",
        "display_name", "country", "region", "locality", "postal_code", "gender", "job_title", "description",
    )  # fmt: skip
    open_texts = ("language", "time_zone", "department", "lead_source", "lifecycle_stage", "owner", "team")
    fields = [
        *(Field(name, "person", FieldType.TEXT, key=name, personal=True) for name in texts),
        *(Field(name, "person", FieldType.TEXT, key=name) for name in open_texts),
        Field("email", "person", FieldType.TEXT, key="email", personal=True, form="email"),
        Field("phone", "person", FieldType.TEXT, key="phone", personal=True, form="phone"),
        Field("birth_date", "person", FieldType.DATE, key="birth_date", personal=True),
        Field("lifecycle_since", "person", FieldType.TIME, key="lifecycle_since"),
        Field("created_at", "person", FieldType.TIME, key="created_at", total=True),
        Field("updated_at", "person", FieldType.TIME, key="updated_at", total=True),
        Field("notes_count", "person", FieldType.INTEGER, key="notes_count", total=True),
        Field("tags", "person", FieldType.TEXTS, key="tags"),
        # `source:id`, such as `shop:4711`.
        Field("external_ids", "person", FieldType.TEXTS, key="external_ids", personal=True),
        # The companies that the person is linked to today.
        Field("companies", "person", FieldType.IDS, key="companies"),
    ]
    touches = {"source": FieldType.TEXT, "medium": FieldType.TEXT, "campaign": FieldType.TEXT, "at": FieldType.TIME}
    for touch in ("first_touch", "last_touch"):
        fields += [Field(f"{touch}.{key}", "person", of, touch, key, personal=True) for key, of in touches.items()]
    scores = ("recency", "frequency", "monetary")
    fields += [Field(f"rfm.{score}", "rfm", FieldType.INTEGER, key=score) for score in scores]
    fields.append(Field("rfm.segment", "rfm", FieldType.TEXT, key="segment", options=rfm.NAMES))
    return {one.name: one for one in fields}


def _company() -> dict[str, Field]:
    texts = (
        "name", "legal_name", "website", "industry", "country", "region", "locality", "postal_code", "owner", "team",
    )  # fmt: skip
    kinds = {
        **dict.fromkeys(texts, FieldType.TEXT),
        "employees": FieldType.INTEGER,
        "founding_year": FieldType.INTEGER,
        "domains": FieldType.TEXTS,
        "tags": FieldType.TEXTS,
    }
    return {f"company.{name}": Field(f"company.{name}", "company", kind, key=name) for name, kind in kinds.items()}


def _fact(
    kind: Literal["purchase", "interaction"], types: Mapping[str, FieldType], total: frozenset[str]
) -> Mapping[str, Field]:
    return {name: Field(name, kind, of, key=name, total=name in total) for name, of in types.items()}


PROFILE_FIELDS: Final[Mapping[str, Field]] = {**_person(), **_company()}
"""Fields of the person and of their companies that have fixed names."""
FACT_FIELDS: Final[Mapping[FactKind, Mapping[str, Field]]] = {
    "purchase": _fact(
        "purchase",
        {
            "amount": FieldType.NUMBER,
            "currency": FieldType.TEXT,
            "quantity": FieldType.NUMBER,
            "status": FieldType.TEXT,
            "sku": FieldType.TEXTS,
            "source": FieldType.TEXT,
            "company_id": FieldType.ID,
        },
        frozenset({"amount", "currency", "quantity"}),
    ),
    "interaction": _fact(
        "interaction",
        {
            "kind": FieldType.TEXT,
            "channel": FieldType.TEXT,
            "direction": FieldType.TEXT,
            "duration_s": FieldType.INTEGER,
            "source": FieldType.TEXT,
            "company_id": FieldType.ID,
        },
        frozenset({"kind"}),
    ),
}
"""Fields of facts that have fixed names; `sku` of a purchase is the set of its lines' article numbers."""
GROUPS: Final = ("custom", "preferences", "consents", "company.custom", "properties")
"""Groups of fields that are named by whoever fills them."""


def profile_field(name: str, definitions: Definitions) -> Field | None:
    """Find a field of the person or of their companies; None for an unknown one."""
    known = PROFILE_FIELDS.get(name)
    if known is not None:
        return known
    group, _, key = name.partition(".")
    if group == "company" and key.startswith("custom."):
        return _custom(name, "company", key.removeprefix("custom."), definitions.companies)
    if _NAMED.fullmatch(key) is None:
        return None
    match group:
        case "custom":
            return _custom(name, "person", key, definitions.people)
        case "preferences":
            return Field(name, "person", FieldType.VALUE, group, key, personal=True)
        case "consents":
            return Field(name, "person", FieldType.BOOLEAN, group, key, total=True)
        case _:
            return None


def _custom(name: str, owner: Owner, key: str, known: Mapping[str, CustomField]) -> Field | None:
    definition = known.get(key)
    kind = None if definition is None else _CUSTOM.get(definition.type)
    if definition is None or kind is None:
        return None
    return Field(name, owner, kind, "custom", key, definition.personal, definition.options)


def fact_field(kind: FactKind, name: str) -> Field | None:
    """Find a field of a fact; None for an unknown one."""
    known = FACT_FIELDS[kind].get(name)
    if known is not None or kind != "interaction":
        return known
    group, _, key = name.partition(".")
    if group != "properties" or _NAMED.fullmatch(key) is None:
        return None
    return Field(name, "interaction", FieldType.VALUE, group, key, personal=True)
