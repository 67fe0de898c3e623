"""What a planned activity looks like to a caller, as the log has it now."""

from datetime import datetime
from typing import Any

import msgspec

from patron_events.journal import Loaded
from patron_pipeline.domain.activity_state import Activity


def activity_view(loaded: Loaded[Activity]) -> dict[str, Any]:
    """Show an activity."""
    activity = loaded.state
    schedule, about, texts = activity.schedule, activity.about, activity.texts
    answers = sorted(activity.answers.values(), key=lambda one: (one.at, one.attendee))
    return {
        "id": loaded.stream.id,
        "version": loaded.version,
        "status": activity.status,
        "kind": activity.kind,
        "summary": texts.summary,
        "notes": texts.notes,
        "location": texts.location,
        "attendees": list(texts.attendees),
        "answers": [
            {"attendee": one.attendee, "answer": one.answer, "occurrence": _time(one.occurrence), "at": _time(one.at)}
            for one in answers
        ],
        "priority": activity.priority,
        "assignee": activity.assignee,
        "reminders": [{"minutes": one.minutes, "channel": one.channel} for one in activity.reminders],
        "due_at": _time(schedule.due_at),
        "due_on": None if schedule.due_at is None or not schedule.all_day else str(schedule.day_of(schedule.due_at)),
        "overdue_from": _time(schedule.overdue_from()) if activity.status == "open" else None,
        "starts_at": _time(schedule.starts_at),
        "duration_minutes": schedule.duration_minutes,
        "time_zone": schedule.time_zone,
        "recurrence": schedule.recurrence,
        "left_out": [_time(one) for one in sorted(activity.left_out)],
        "sequence": activity.sequence,
        "deal_id": about.deal_id,
        "lead_id": about.lead_id,
        "person_id": about.person_id,
        "company_id": about.company_id,
        "external_id": _pair(about.external_id),
        "outcome": activity.outcome,
        "reason": activity.reason,
        "interaction_id": activity.interaction_id,
        "planned_at": _time(activity.planned_at),
        "closed_at": _time(activity.closed_at),
        "updated_at": _time(activity.changed_at),
    }


def _pair(external_id: tuple[str, str] | None) -> dict[str, str] | None:
    return None if external_id is None else {"source": external_id[0], "id": external_id[1]}


def _time(value: datetime | None) -> str | None:
    return None if value is None else msgspec.to_builtins(value)
