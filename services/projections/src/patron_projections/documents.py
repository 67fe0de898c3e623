"""Rows of the directories and histories as the documents that callers see; names follow the contacts API.

Times, dates and ids stay values: they become text when the answer is encoded.
"""

from collections.abc import Mapping
from typing import Any, Final

from patron_projections.money import money

Row = Mapping[str, Any]
Document = dict[str, Any]
_RECORD: Final = (
    "id", "version", "created_at", "updated_at", "archived", "archived_at", "erased", "erased_at",
    "display_name",
)  # fmt: skip
_PERSON: Final = (
    "given_name", "family_name", "additional_name", "honorific_prefix", "honorific_suffix", "nickname", "job_title",
    "department", "language", "time_zone", "birth_date", "gender", "description", "lead_source", "lifecycle_stage",
    "lifecycle_since", "owner", "team", "first_touch", "last_touch",
)  # fmt: skip
_COMPANY: Final = (
    "name", "legal_name", "website", "industry", "employees", "founding_year", "description", "parent_id", "owner",
    "team",
)  # fmt: skip
_LISTS: Final = ("emails", "phones", "addresses", "social", "urls", "tags", "external_ids")
_TITLES: Final = {"emails-changed": "E-mail addresses changed", "key-claimed": "Key claimed"}


def _record(row: Row, names: tuple[str, ...]) -> Document:
    document = {name: row[name] for name in (*_RECORD, *names)}
    document |= {name: row[name] or [] for name in _LISTS}
    document["custom"] = {**(row["custom"] or {}), **(row["custom_personal"] or {})}
    document["notes_count"] = row["notes_count"]
    return document


def person_document(row: Row, company_names: Mapping[str, str]) -> Document:
    """Show a person. company_names: display names of linked companies by id."""
    document = _record(row, _PERSON)
    document["preferences"] = row["preferences"] or {}
    document["lifecycle_times"] = row["lifecycle_times"] or {}
    document["consents"] = row["consents"] or {}
    roles: Mapping[str, str] = row["company_roles"] or {}
    document["companies"] = [
        {
            "company_id": link["company_id"],
            "name": company_names.get(link["company_id"]),
            "role": roles.get(link["company_id"]),
            "from": link.get("start"),
            "to": link.get("end"),
            "primary": link.get("primary", False),
        }
        for link in row["companies"] or ()
    ]
    return document


def company_document(row: Row, people_counts: Mapping[str, int]) -> Document:
    """Show a company. people_counts: number of linked people by company id."""
    document = _record(row, _COMPANY)
    document["domains"] = row["domains"] or []
    document["annual_revenue"] = money(row["annual_revenue_minor"], row["annual_revenue_currency"])
    document["people_count"] = people_counts.get(str(row["id"]), 0)
    return document


def title_of(event_type: str) -> str:
    """Make a heading of an event's stored name: `contacts.order-placed` gives `Order placed`."""
    name = event_type.partition(".")[2]
    return _TITLES.get(name) or name.replace("-", " ").capitalize()


_IN_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "interaction-logged": ("subject", "body"),
    "note-added": ("text",),
    "company-named": ("name",),
    "lifecycle-stage-changed": ("to",),
    "deal-opened": ("name",),
    "deal-renamed": ("name",),
    "deal-moved": ("to",),
    "deal-reopened": ("to",),
    "deal-won": ("reason",),
    "deal-lost": ("reason",),
    "deal-described": ("next_step", "description"),
    "deal-owned": ("owner", "team"),
    "lead-described": ("message",),
    "lead-assigned": ("owner", "queue"),
    "lead-status-changed": ("to",),
    "activity-described": ("summary",),
    "activity-completed": ("outcome",),
    "activity-cancelled": ("reason",),
    "quote-rejected": ("reason",),
    "quote-declined": ("reason",),
}
"""Fields that say in words what an event is about: the first one that is there."""


def _summary(event_type: str, details: Document) -> str | None:
    """Give one line of what an event says, where it says something in words."""
    match event_type.partition(".")[2]:
        case "person-named":
            names = (details.get("given_name"), details.get("family_name"))
            return " ".join(name for name in names if name) or None
        case "tags-changed":
            return ", ".join(details.get("tags", ())) or None
        case "emails-changed":
            return ", ".join(one["value"] for one in details.get("emails", ())) or None
        case name:
            return next((details[one] for one in _IN_WORDS.get(name, ()) if details.get(one)), None)


_SUMMARY_LETTERS: Final = 280


def happening_document(row: Row) -> Document:
    """Show one event of a customer's history."""
    details: Document = {**row["details"], **(row["personal"] or {})}
    summary = _summary(row["type"], details)
    return {
        "id": f"{row['commit_id']}:{row['index']}",
        "customer_id": row["customer_id"],
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "type": row["type"],
        "title": title_of(row["type"]),
        "summary": None if summary is None else summary[:_SUMMARY_LETTERS],
        "kind": row["kind"],
        "channel": row["channel"],
        "direction": row["direction"],
        "amount": money(row["amount_minor"], row["currency"]),
        "actor": {"kind": row["actor_kind"], "id": row["actor_id"]},
        "details": details,
        "erased": row["erased"],
        "record": {"kind": row["category"], "id": row["record_id"], "version": row["version"]},
        "sequence": row["position"],
    }


def change_document(row: Row, *, with_address: bool) -> Document:
    """Show one entry of the audit trail. with_address: also where the actor was, which is personal."""
    changes: Document = {**row["changes"], **(row["personal"] or {})}
    address: Document = {"address": row["address"]} if with_address else {}
    return {
        "id": f"{row['commit_id']}:{row['index']}",
        "record": {"kind": row["record_kind"], "id": row["record_id"], "version": row["version"]},
        "type": row["type"],
        "title": title_of(row["type"]),
        "occurred_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "actor": {
            "kind": row["actor_kind"],
            "id": row["actor_id"],
            "authority": row["authority"],
            **address,
        },
        "changes": [
            {"field": name, "before": before, "after": after} for name, (before, after) in sorted(changes.items())
        ],
        "erased": row["erased"],
        "commit_id": row["commit_id"],
        "correlation_id": row["correlation_id"],
        "causation_id": row["causation_id"],
        "sequence": row["position"],
    }


def purchases_document(row: Row) -> Document:
    """Show the sum of the orders of one currency."""
    total = money(int(row["amount_minor"]), row["currency"]) or {}
    return {
        **total,
        "orders": row["orders"],
        "customers": row["customers"],
        "first_at": row["first_at"],
        "last_at": row["last_at"],
    }
