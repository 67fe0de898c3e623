"""The columns that exported lists have as CSV and Parquet: the fields of the documents that the lists show.

What has parts of its own (e-mail addresses, custom fields, details) is JSON in one column.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from patron_projections.reports.definition import Column, Kind

_TIMES: Final = frozenset(
    [
        *(
            "created_at",
            "updated_at",
            "archived_at",
            "erased_at",
            "lifecycle_since",
            "occurred_at",
            "recorded_at",
            "parked_at",
        ),
        *("opened_at", "stage_since", "closed_at", "rotted_since", "idle_since", "next_activity_at", "changed_at"),
        *("captured_at", "status_since", "until", "assigned_at", "first_assigned_at", "worked_at", "scored_at"),
        *(
            "score_next_at",
            "converted_at",
            "due_at",
            "starts_at",
            "reminded_at",
            "invited_at",
            "completed_at",
            "cancelled_at",
        ),
        *("placed_at", "retired_at"),
        *("since", "entered_at", "left_at", "snapshot_at", "evaluated_at", "changed_at"),
    ]
)
_IDS: Final = frozenset({"customer_id", "parent_id", "commit_id", "lead_id", "deal_id", "person_id", "company_id"})
_INTEGERS: Final = frozenset(
    [
        *("version", "notes_count", "employees", "founding_year", "people_count", "sequence", "partition", "waiting"),
        *("rule_version", "size", "entered", "left"),
        *("days_in_stage", "days_open", "reopenings", "probability", "activities", "assignments", "waiting_s"),
        *("priority", "duration_minutes", "completions", "capacity"),
    ]
)
_BOOLEANS: Final = frozenset(
    {"archived", "erased", "retry_requested", "rotting", "open", "overdue", "all_day", "available", "retired"}
)
_DOCUMENTS: Final = frozenset(
    [
        "emails",
        "phones",
        "addresses",
        "social",
        "urls",
        "tags",
        "external_ids",
        "custom",
        "preferences",
        "lifecycle_times",
        "companies",
        "first_touch",
        "last_touch",
        "domains",
        "annual_revenue",
        "amount",
        "actor",
        "details",
        "record",
        "changes",
        "consents",
        "rule",
        "uses",
        *("weighted", "splits", "company", "people", "competitors", "lines", "external_id", "assignment"),
        *(
            "score_parts",
            "created_records",
            "attendees",
            "answers",
            "reminders",
            "aliases",
            "territories",
            "unit_price",
        ),
        "used_by",
        "envelope",
    ]
)
_KINDS: Final[Mapping[Kind, frozenset[str]]] = {
    "time": _TIMES,
    "id": _IDS,
    "integer": _INTEGERS,
    "boolean": _BOOLEANS,
    "document": _DOCUMENTS,
    "date": frozenset({"birth_date", "day", "expected_close"}),
}


class Exportable(NamedTuple):
    """A list that can be exported. name: of the file."""

    name: str
    columns: tuple[Column, ...]


def _exportable(name: str, fields: str) -> Exportable:
    return Exportable(f"patron-{name}", tuple(Column(field, _kind_of(field)) for field in fields.split()))


def _kind_of(field: str) -> Kind:
    for kind, names in _KINDS.items():
        if field in names:
            return kind
    return "text"


_RECORD: Final = "id version created_at updated_at archived archived_at erased erased_at display_name"
_LISTS: Final = "emails phones addresses social urls tags external_ids custom notes_count"
PEOPLE: Final = _exportable(
    "people",
    f"{_RECORD} given_name family_name additional_name honorific_prefix honorific_suffix nickname job_title department "
    "language time_zone birth_date gender description lead_source lifecycle_stage lifecycle_since owner team "
    f"first_touch last_touch {_LISTS} preferences lifecycle_times "
    "consents companies",
)
COMPANIES: Final = _exportable(
    "companies",
    f"{_RECORD} name legal_name website industry employees founding_year description parent_id owner team {_LISTS} "
    "domains annual_revenue people_count",
)
TIMELINE: Final = _exportable(
    "timeline",
    "id customer_id occurred_at recorded_at type title summary kind channel direction amount actor details erased "
    "record sequence",
)
AUDIT: Final = _exportable(
    "audit",
    "id record type title occurred_at recorded_at actor changes erased commit_id correlation_id causation_id sequence",
)
PARKED: Final = _exportable(
    "parked", "model build subject stream partition sequence reason waiting parked_at retry_requested envelope"
)
SEGMENTS: Final = _exportable(
    "segments",
    "id name description kind size rule rule_version version created_at updated_at archived snapshot_at evaluated_at "
    "changed_at fault uses used_by",
)
MEMBERS: Final = _exportable("segment-members", "customer_id display_name since rule_version cause cause_id")
GROWTH: Final = _exportable("segment-history", "day entered left size")
DEALS: Final = _exportable(
    "deals",
    "id version name pipeline_id stage stage_name status opened_at stage_since days_in_stage days_open closed_at "
    "closed_from reopenings amount amount_basis probability category weighted expected_close forecast_category owner "
    "owner_name team splits company people source medium campaign competitors lines won_reason lost_reason lost_to "
    "rotting rotted_since idle_since next_activity_at activities next_step description lead_id custom external_id "
    "created_at changed_at updated_at archived archived_at archived_reason erased erased_at",
)
LEADS: Final = _exportable(
    "leads",
    "id version captured_at status status_since status_reason until open channel source medium campaign form_id "
    "display_name given_name family_name email phone phone_e164 job_title message language time_zone company_name "
    "industry employees country region postal_code product_interest amount person_id company_id company owner "
    "owner_name team queue assigned_at first_assigned_at assignments assignment waiting_s worked_at score grade "
    "score_parts scored_at score_next_at converted_at deal_id created_records custom external_id created_at changed_at "
    "updated_at erased erased_at",
)
PLANNED: Final = _exportable(
    "planned-activities",
    "id version kind status status_since priority overdue deal_id lead_id person_id company_id summary notes location "
    "attendees due_at starts_at duration_minutes all_day time_zone recurrence sequence assignee assignee_name answers "
    "reminders reminded_at reminder_failure invited_at completions completed_at outcome interaction_id cancelled_at "
    "cancelled_reason external_id created_at changed_at updated_at erased erased_at",
)
PRODUCTS: Final = _exportable(
    "products",
    "id version sku name family unit_price tax_percent aliases created_at changed_at updated_at retired retired_at",
)
TEAM: Final = _exportable(
    "sales-team",
    "id version subject name email time_zone language team region manager territories capacity placed_at available "
    "unavailable_reason created_at changed_at updated_at retired retired_at",
)
STAYS: Final = _exportable(
    "customer-segments", "segment_id name entered_at rule_version cause cause_id left_at left_cause left_cause_id"
)
