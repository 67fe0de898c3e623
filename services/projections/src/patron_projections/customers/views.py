"""A customer as the document that callers see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from patron_projections.customers.provenance import event_document, provenance
from patron_projections.database import Rows
from patron_projections.documents import Document, Row, company_document, person_document
from patron_projections.fields import read_time
from patron_projections.money import money

_COUNTED: Final = frozenset({"number", "amount_minor", "currency"})
_DAY_S: Final = 86_400
_IDENTITIES: Final = (("email", "emails"), ("phone", "phones"), ("social", "social"), ("external_id", "external_ids"))
_NOT_CHANGES: Final = frozenset({"version", "updated_at", "lifecycle_times", "people_count"})


@dataclass(frozen=True, slots=True)
class Sales:
    """What is open of a customer in the pipeline context: the first rows, each with the `number` of all."""

    deals: Rows
    leads: Rows
    activities: Rows


@dataclass(frozen=True, slots=True)
class Found:
    """What the statements found of a customer.

    record: the version of the moment; before: the one at the beginning of the changes. linked: names of the companies
    of a person, or the people of a company.
    """

    customer: UUID
    category: str
    record: Row | None
    events: Rows
    interactions: Rows
    purchases: Rows
    planned: Rows
    sales: Sales
    linked: Rows
    memberships: Rows
    before: Row | None
    since: datetime | None


def customer_document(found: Found, moment: datetime) -> Document:
    """Show everything that was known of a customer at a moment."""
    profile = _profile(found, found.record)
    sources = {} if found.record is None else provenance(found.category, found.events, found.record["version"])
    behind = {f"{row['commit_id']}:{row['index']}": row for row in sources.values()}
    document: Document = {
        "id": found.customer,
        "kind": found.category,
        "moment": moment,
        "profile": profile,
        "provenance": {field: f"{row['commit_id']}:{row['index']}" for field, row in sorted(sources.items())},
        "events": {event_id: event_document(row) for event_id, row in behind.items()},
        "identities": _identities(profile),
        "tags": [] if profile is None else profile["tags"],
        "interactions": _interactions(found.interactions),
        "purchases": [_purchases(row) for row in found.purchases],
        "open_work": _open_work(found.planned, found.sales),
    }
    if found.category == "company":
        number = found.linked[0]["number"] if found.linked else 0
        document["people"] = {"number": number, "first": [_person(row) for row in found.linked]}
    else:
        document["companies"] = _companies(profile, moment.astimezone(UTC).date())
        document["consents"] = _consents(profile, moment)
        document["segments"] = [_membership(row) for row in found.memberships if row["entered"]]
    if found.since is not None:
        document["changes"] = changes_document(found)
    return document


def _profile(found: Found, row: Row | None) -> Document | None:
    if row is None:
        return None
    if found.category == "company":
        number = found.linked[0]["number"] if found.linked else 0
        return company_document(row, {str(row["id"]): number})
    return person_document(row, {one["id"]: one["display_name"] for one in found.linked})


def _identities(profile: Document | None) -> list[Document]:
    if profile is None:
        return []
    return [{"kind": kind, **one} for kind, field in _IDENTITIES for one in profile[field]]


def _person(row: Row) -> Document:
    return {"id": row["id"], "display_name": row["display_name"], "role": row["role"]}


def _companies(profile: Document | None, today: date) -> list[Document]:
    return [] if profile is None else [{**one, "current": _current(one, today)} for one in profile["companies"]]


def _current(link: Mapping[str, Any], today: date) -> bool:
    begun = link["from"] is None or date.fromisoformat(link["from"]) <= today
    return begun and (link["to"] is None or date.fromisoformat(link["to"]) >= today)


def _consents(profile: Document | None, moment: datetime) -> list[Document]:
    """List consents; one that was given and not withdrawn may have expired by the moment."""
    consents: Mapping[str, Document] = {} if profile is None else profile["consents"]
    shown: list[Document] = []
    for purpose, consent in sorted(consents.items()):
        expires_at = consent.get("expires_at")
        expired = consent["state"] == "given" and expires_at is not None and read_time(expires_at) <= moment
        shown.append({"purpose": purpose, **consent, **({"state": "expired"} if expired else {})})
    return shown


def _interactions(rows: Rows) -> Document:
    """Sum up by channel, by kind, and altogether. Rows are by kind and channel; interactions may have no channel."""
    last_by_channel: dict[str, Row] = {}
    numbers: dict[str, dict[str, int]] = {"kind": {}, "channel": {}}
    for row in rows:
        numbers["kind"][row["kind"]] = numbers["kind"].get(row["kind"], 0) + row["number"]
        channel = row["channel"]
        if channel is None:
            continue
        numbers["channel"][channel] = numbers["channel"].get(channel, 0) + row["number"]
        if channel not in last_by_channel or row["last_at"] > last_by_channel[channel]["last_at"]:
            last_by_channel[channel] = row
    return {
        "total": sum(row["number"] for row in rows),
        "by_kind": numbers["kind"],
        "by_channel": numbers["channel"],
        "last_by_channel": {
            channel: {"at": row["last_at"], "kind": row["kind"], "event_id": row["last_id"]}
            for channel, row in sorted(last_by_channel.items())
        },
        "first_at": min((row["first_at"] for row in rows), default=None),
        "last_at": max((row["last_at"] for row in rows), default=None),
    }


def _purchases(row: Row) -> Document:
    """Sum up the orders of one currency. average: rounded half to even, to the decimals of the currency."""
    total, orders, currency = int(row["amount_minor"]), row["number"], row["currency"]
    gap_s = row["gap_s"]
    return {
        "currency": currency,
        "orders": orders,
        "amount": money(total, currency),
        "average": money(round(Decimal(total) / orders), currency),
        "quantity": f"{row['quantity']:f}",
        "first_at": row["first_at"],
        "last_at": row["last_at"],
        "average_gap_days": None if gap_s is None else round(gap_s / _DAY_S, 6),
    }


def _open_work(rows: Rows, sales: Sales) -> Document:
    planned = [
        {name: row[name] for name in ("event_id", "kind", "channel", "direction", "occurred_at", "recorded_at")}
        for row in rows
    ]
    return {
        "planned_interactions": rows[0]["planned"] if rows else 0,
        "next": planned,
        "deals": _first([{**row, "amount": money(row["amount_minor"], row["currency"])} for row in sales.deals]),
        "leads": _first(
            [{**row, "score": None if row["score"] is None else f"{row['score']:f}"} for row in sales.leads]
        ),
        "activities": _first(sales.activities),
    }


def _first(rows: Sequence[Row]) -> Document:
    """Show the first of some open records, and how many there are."""
    number = rows[0]["number"] if rows else 0
    return {"number": number, "first": [{name: row[name] for name in row if name not in _COUNTED} for row in rows]}


def _membership(row: Row) -> Document:
    return {
        "segment_id": row["segment_id"],
        "since": row["occurred_at"],
        "rule_version": row["rule_version"],
        "event_id": row["event_id"],
    }


def changes_document(found: Found) -> Document:
    """Tell what was recorded after a time: fields before and after, new activities, segments entered and left."""
    before, after = _profile(found, found.before) or {}, _profile(found, found.record) or {}
    fields = [name for name in after if name not in _NOT_CHANGES and before.get(name) != after[name]]
    moved = [row for row in found.memberships if row["since"]]
    return {
        "since": found.since,
        "fields": [{"field": name, "before": before.get(name), "after": after[name]} for name in sorted(fields)],
        "interactions": sum(row["since"] for row in found.interactions),
        "purchases": [{"currency": row["currency"], "orders": row["since"]} for row in found.purchases if row["since"]],
        "segments_entered": [row["segment_id"] for row in moved if row["entered"]],
        "segments_left": [row["segment_id"] for row in moved if not row["entered"]],
    }
