"""Records of the pipeline context as the documents that callers see; names follow the pipeline API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from patron_projections.documents import Document, Row
from patron_projections.money import money

_DAY_S: Final = 86_400
_RECORD: Final = ("id", "version", "created_at", "changed_at", "updated_at")
_DEAL: Final = (
    "name", "pipeline_id", "stage", "stage_name", "status", "opened_at", "stage_since", "closed_at", "closed_from",
    "reopenings", "amount_basis", "probability", "category", "expected_close", "forecast_category", "owner", "team",
    "source", "medium", "campaign", "won_reason", "lost_reason", "lost_to", "rotting", "rotted_since", "idle_since",
    "next_activity_at", "activities", "next_step", "description", "lead_id", "archived", "archived_at",
    "archived_reason", "erased", "erased_at",
)  # fmt: skip
_LEAD: Final = (
    "captured_at", "status", "status_since", "status_reason", "until", "open", "channel", "source", "medium",
    "campaign", "form_id", "display_name", "given_name", "family_name", "email", "phone", "phone_e164", "job_title",
    "message", "language", "time_zone", "company_name", "industry", "employees", "country", "region", "postal_code",
    "product_interest", "person_id", "company_id", "owner", "team", "queue", "assigned_at", "first_assigned_at",
    "assignments", "worked_at", "grade", "scored_at", "converted_at", "deal_id", "erased", "erased_at",
)  # fmt: skip
_ACTIVITY: Final = (
    "kind", "status", "status_since", "priority", "overdue", "deal_id", "lead_id", "person_id", "company_id",
    "summary", "notes", "location", "due_at", "starts_at", "duration_minutes", "all_day", "time_zone", "recurrence",
    "sequence", "assignee", "reminded_at", "reminder_failure", "invited_at", "completions", "completed_at", "outcome",
    "interaction_id", "cancelled_at", "cancelled_reason", "erased", "erased_at",
)  # fmt: skip
_REP: Final = (
    "subject", "name", "email", "time_zone", "language", "team", "region", "manager", "capacity", "placed_at",
    "available", "unavailable_reason", "retired", "retired_at",
)  # fmt: skip
_CARD: Final = (
    "id", "version", "name", "stage", "owner", "expected_close", "category", "stage_since", "rotting", "idle_since",
    "next_activity_at", "activities", "next_step", "changed_at",
)  # fmt: skip
_QUOTE: Final = (
    "deal_id", "quote_version", "status", "status_since", "reason", "valid_until", "drafted_by", "approved_by",
)  # fmt: skip
_STAGE: Final = (
    "stage", "name", "kind", "place", "probability", "forecast_category", "wip_limit", "rotting_days",
)  # fmt: skip
_PRODUCT: Final = ("sku", "name", "family", "retired", "retired_at")


@dataclass(frozen=True, slots=True)
class Names:
    """What records name others by: companies and people by id, representatives by subject."""

    companies: Mapping[str, str] = field(default_factory=dict[str, str])
    people: Mapping[str, str] = field(default_factory=dict[str, str])
    reps: Mapping[str, str] = field(default_factory=dict[str, str])

    def company(self, company_id: Any) -> Document | None:
        """Show a company by its name, where there is one."""
        return None if company_id is None else {"id": company_id, "name": self.companies.get(str(company_id))}


def deal_document(row: Row, names: Names, moment: datetime) -> Document:
    """Show a deal as it was at a moment. days_in_stage: whole days until then, or until it was closed."""
    currency = row["currency"]
    return {
        **{name: row[name] for name in (*_RECORD, *_DEAL)},
        "owner_name": names.reps.get(row["owner"] or ""),
        "days_in_stage": _days(row["stage_since"], moment) if row["status"] == "open" else None,
        "days_open": _days(row["opened_at"], row["closed_at"] or moment),
        "amount": money(row["amount_minor"], currency),
        "weighted": money(row["weighted_minor"], currency),
        "splits": row["splits"] or [],
        "company": names.company(row["company_id"]),
        "people": [_person(one, names) for one in row["people"] or ()],
        "competitors": row["competitors"] or [],
        "lines": [line_document(one, currency) for one in row["lines"] or ()],
        "custom": row["custom"] or {},
        "external_id": _external(row),
    }


def line_document(line: Document, currency: str | None) -> Document:
    """Show a line of a deal or quote."""
    return {
        "name": line["name"],
        "product_id": line.get("product_id"),
        "sku": line.get("sku"),
        "quantity": line.get("quantity", "1"),
        "unit_price": money(line["unit_price_minor"], currency),
        "discount_percent": line.get("discount_percent", "0"),
        "tax_percent": line.get("tax_percent", "0"),
        "net": money(line["net_minor"], currency),
        "tax": money(line.get("tax_minor", 0), currency),
    }


def stay_document(row: Row, moment: datetime) -> Document:
    """Show a stay of a deal in a stage. seconds: until it was left, or until the moment; none for closed stages."""
    left_at = row["left_at"]
    lasting = row["status"] == "open"
    return {
        "pipeline_id": row["pipeline_id"],
        "stage": row["stage"],
        "status": row["status"],
        "how": row["how"],
        "reason": row["reason"],
        "entered_at": row["occurred_at"],
        "recorded_at": row["recorded_at"],
        "left_at": left_at,
        "left_how": row["left_how"],
        "seconds": int(((left_at or moment) - row["occurred_at"]).total_seconds()) if lasting else None,
        "actor_id": row["actor_id"],
        "event_id": row["event_id"],
    }


def lead_document(row: Row, names: Names, moment: datetime) -> Document:
    """Show a lead. waiting_s: for how long nobody was responsible for it, until the moment or the first who was."""
    first = row["first_assigned_at"] or (moment if row["open"] else None)
    captured_at = row["captured_at"]
    return {
        **{name: row[name] for name in (*_RECORD, *_LEAD)},
        "owner_name": names.reps.get(row["owner"] or ""),
        "company": names.company(row["company_id"]),
        "amount": money(row["amount_minor"], row["currency"]),
        "waiting_s": None if first is None or captured_at is None else int((first - captured_at).total_seconds()),
        "assignment": {name: row[name] for name in ("strategy", "rule", "rules_version", "why")},
        "score": None if row["score"] is None else f"{row['score']:f}",
        "score_parts": row["score_parts"] or [],
        "score_next_at": row["score_next_at"],
        "created_records": row["created_records"] or [],
        "custom": row["custom"] or {},
        "external_id": _external(row),
    }


def activity_document(row: Row, names: Names) -> Document:
    """Show a planned activity."""
    return {
        **{name: row[name] for name in (*_RECORD, *_ACTIVITY)},
        "assignee_name": names.reps.get(row["assignee"] or ""),
        "attendees": row["attendees"] or [],
        "answers": row["answers"] or {},
        "reminders": row["reminders"] or [],
        "external_id": _external(row),
    }


def rep_document(row: Row) -> Document:
    """Show a representative."""
    return {**{name: row[name] for name in (*_RECORD, *_REP)}, "territories": row["territories"] or []}


def product_document(row: Row) -> Document:
    """Show a product."""
    percent = row["tax_percent"]
    return {
        **{name: row[name] for name in (*_RECORD, *_PRODUCT)},
        "unit_price": money(row["unit_price_minor"], row["currency"]),
        "tax_percent": None if percent is None else f"{percent:f}",
        "aliases": row["aliases"] or [],
    }


def _person(one: Document, names: Names) -> Document:
    person_id = one["person_id"]
    return {
        "person_id": person_id,
        "name": names.people.get(person_id),
        "role": one.get("role", "other"),
        "primary": one.get("primary", False),
    }


def _external(row: Row) -> Document | None:
    if row["external_id"] is None:
        return None
    return {"source": row["external_source"], "id": row["external_id"]}


def _days(since: datetime | None, until: datetime) -> int | None:
    return None if since is None else max(0, int((until - since).total_seconds() // _DAY_S))


def deal_card(row: Row, names: Names, moment: datetime) -> Document:
    """Show what a board shows of a deal."""
    primary = next((one for one in row["people"] or () if one.get("primary")), None)
    return {
        **{name: row[name] for name in _CARD},
        "owner_name": names.reps.get(row["owner"] or ""),
        "amount": money(row["amount_minor"], row["currency"]),
        "weighted": money(row["weighted_minor"], row["currency"]),
        "company": names.company(row["company_id"]),
        "person": None if primary is None else _person(primary, names),
        "days_in_stage": _days(row["stage_since"], moment),
    }


def quote_document(row: Row) -> Document:
    """Show a quote in its present version."""
    currency, percent = row["currency"], row["discount_percent"]
    return {
        **{name: row[name] for name in (*_RECORD, *_QUOTE)},
        "discount_percent": None if percent is None else f"{percent:f}",
        "net": money(row["net_minor"], currency),
        "tax": money(row["tax_minor"], currency),
        "needs": row["needs"] or [],
        "lines": [line_document(one, currency) for one in row["lines"] or ()],
    }


def pipeline_document(row: Row, stages: Sequence[Row]) -> Document:
    """Show a pipeline with its stages in order."""
    return {
        **{name: row[name] for name in ("id", "name", "definition_version", "currency", "archived")},
        "stages": [{name: stage[name] for name in _STAGE} for stage in stages],
    }


def quota_document(row: Row) -> Document:
    """Show a quota."""
    return {
        "rep_id": row["rep_id"],
        "subject": row["subject"],
        "period": row["period"],
        "amount": money(row["amount_minor"], row["currency"]),
        "set_at": row["occurred_at"],
        "event_id": row["event_id"],
    }
