"""What conditions over leads can look at: fields of the lead, of the person and company it is matched with, and facts.

Names are part of the language of docs/pipeline-rules.md. `attributes.<name>` has no definition, so its values are
compared by the type that was recorded.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from patron_rules.fields import Field, FieldType, fact_field

FactKind = Literal["capture", "interaction", "purchase"]
_NAMED: Final = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened with a lead or with the person it is matched with.

    fields: by the names that rules use; amounts in minor units as `amount_minor`; what was not said is absent or None.
    """

    kind: FactKind
    at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What is known of one lead when it is judged.

    fields: values by the names that rules use, `attributes` as a mapping; what is not known is absent or None.
    happened: in any order.
    """

    fields: Mapping[str, Any]
    happened: Sequence[Happened] = ()


def _lead() -> dict[str, Field]:
    open_texts = (
        "channel", "source", "medium", "campaign", "form_id", "company_name", "industry", "country", "region",
        "postal_code", "product_interest", "currency", "language", "time_zone", "status", "owner", "team", "queue",
        "grade",
    )  # fmt: skip
    personal = ("given_name", "family_name", "job_title", "message", "email_domain")
    person = ("owner", "team", "lifecycle_stage", "lead_source", "language", "time_zone", "department")
    company = ("name", "industry", "owner", "team")
    fields = [
        *(Field(name, "lead", FieldType.TEXT, key=name) for name in open_texts),
        *(Field(name, "lead", FieldType.TEXT, key=name, personal=True) for name in personal),
        Field("email", "lead", FieldType.TEXT, key="email", personal=True, form="email"),
        Field("phone", "lead", FieldType.TEXT, key="phone", personal=True, form="phone"),
        Field("employees", "lead", FieldType.INTEGER, key="employees"),
        # In major units of `currency`.
        Field("amount", "lead", FieldType.NUMBER, key="amount"),
        Field("score", "lead", FieldType.NUMBER, key="score"),
        Field("captured_at", "lead", FieldType.TIME, key="captured_at", total=True),
        Field("known_person", "lead", FieldType.BOOLEAN, key="known_person", total=True),
        Field("known_company", "lead", FieldType.BOOLEAN, key="known_company", total=True),
        *(Field(f"person.{name}", "lead", FieldType.TEXT, key=f"person.{name}") for name in person),
        Field("person.country", "lead", FieldType.TEXT, key="person.country", personal=True),
        Field("person.tags", "lead", FieldType.TEXTS, key="person.tags"),
        *(Field(f"company.{name}", "lead", FieldType.TEXT, key=f"company.{name}") for name in company),
        Field("company.country", "lead", FieldType.TEXT, key="company.country"),
        Field("company.employees", "lead", FieldType.INTEGER, key="company.employees"),
        Field("company.tags", "lead", FieldType.TEXTS, key="company.tags"),
    ]
    return {one.name: one for one in fields}


LEAD_FIELDS: Final[Mapping[str, Field]] = _lead()
"""Fields that have fixed names."""
_OF_CAPTURE: Final = frozenset({"channel", "source", "medium", "campaign", "form_id"})


def lead_field(name: str) -> Field | None:
    """Find a field of the lead; None for an unknown one."""
    known = LEAD_FIELDS.get(name)
    if known is not None:
        return known
    group, _, key = name.partition(".")
    if group != "attributes" or _NAMED.fullmatch(key) is None:
        return None
    return Field(name, "lead", FieldType.VALUE, group, key)


def happened_field(kind: FactKind, name: str) -> Field | None:
    """Find a field of a fact; None for an unknown one. Those of customers are those of docs/rules.md."""
    match kind:
        case "interaction" | "purchase":
            return fact_field(kind, name)
        case _:
            return Field(name, "lead", FieldType.TEXT, key=name) if name in _OF_CAPTURE else None


def value_in(fields: Mapping[str, Any], field: Field) -> Any:
    """Read the value of a field; None where it is not known."""
    if not field.group:
        return fields.get(field.key)
    named: Mapping[str, Any] = fields.get(field.group) or {}
    return named.get(field.key)
