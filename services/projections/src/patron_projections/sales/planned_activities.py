"""Planned activities: one row per call, meeting, task or e-mail to be done as it is now, and one per version of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

import msgspec
from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog.pipeline import activities as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.personal import Erased, known
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, bool_text, json_text, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import Draft, texts
from patron_projections.sales.folding import (
    FALSE,
    Telling,
    Told,
    document,
    erased,
    first_columns,
    moment,
    number,
    search_columns,
    search_indexes,
    versions_of,
)

_ABOUT: Final = ("deal_id", "lead_id", "person_id", "company_id")
_COLUMNS: Final = [
    *first_columns(UUID),
    # call, meeting, task or email.
    Column("kind", Text),
    # open, completed or cancelled.
    Column("status", Text),
    Column("status_since", DateTime(timezone=True)),
    # 1 (highest) to 9, 0 undefined.
    Column("priority", Integer),
    *(Column(name, UUID) for name in _ABOUT),
    Column("external_source", Text),
    Column("external_id", Text),
    Column("summary", Text),
    Column("notes", Text),
    Column("location", Text),
    Column("attendees", ARRAY(Text)),
    Column("due_at", DateTime(timezone=True)),
    Column("starts_at", DateTime(timezone=True)),
    Column("duration_minutes", Integer),
    Column("all_day", Boolean, nullable=False),
    Column("time_zone", Text),
    Column("recurrence", Text),
    Column("sequence", Integer),
    Column("assignee", Text),
    # [{minutes, channel}].
    Column("reminders", JSONB),
    Column("reminded_at", DateTime(timezone=True)),
    # Why the last reminder that could not be sent could not.
    Column("reminder_failure", Text),
    Column("invited_at", DateTime(timezone=True)),
    # By attendee: answer, at, sequence, occurrence; of the present schedule.
    Column("answers", JSONB),
    # How often it was done, when last and with what outcome.
    Column("completions", Integer, nullable=False),
    Column("completed_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("interaction_id", Text),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("cancelled_reason", Text),
    Column("erased", Boolean, nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    *search_columns(),
]
_BY_NAME: Final = {column.name: column for column in _COLUMNS}
TABLE: Final = read_model_table(
    "planned_activities",
    1,
    *_COLUMNS,
    indexes=[
        *search_indexes(_COLUMNS),
        Index("by_created_at", _BY_NAME["created_at"], _BY_NAME["id"]),
        Index("by_assignee", _BY_NAME["assignee"], _BY_NAME["status"], _BY_NAME["due_at"]),
        *(Index(f"by_{name}", _BY_NAME[name]) for name in _ABOUT),
    ],
)
VIEW: Final = view_of(TABLE)
_VERSIONS: Final = {column.name: column for column in versions_of(_COLUMNS)}
VERSIONS: Final = read_model_table(
    "planned_activity_versions",
    1,
    *_VERSIONS.values(),
    indexes=[Index(f"by_{name}", _VERSIONS[name]) for name in _ABOUT],
)
VERSIONS_VIEW: Final = view_of(VERSIONS)


def _planned(draft: Draft, fact: events.ActivityPlanned, recorded: Recorded[Fact]) -> None:
    for name in ("kind", *_ABOUT, "external_source", "external_id"):
        draft[name] = getattr(fact, name)
    draft["priority"] = str(fact.priority)
    draft["created_at"] = time_text(recorded.occurred_at)
    _stands(draft, "open", recorded)


def _described(draft: Draft, fact: events.ActivityDescribed, _: Recorded[Fact]) -> None:
    for name in ("summary", "notes", "location"):
        draft[name] = known(getattr(fact, name), None)
    draft["attendees"] = texts(known(fact.attendees, ()))


def _scheduled(draft: Draft, fact: events.ActivityScheduled, _: Recorded[Fact]) -> None:
    series = (fact.starts_at, fact.recurrence, str(fact.sequence))
    if series != (_time(draft["starts_at"]), draft["recurrence"], draft["sequence"]):
        draft["answers"] = None  # another time than the one that was answered
    draft["due_at"] = moment(fact.due_at)
    draft["starts_at"] = moment(fact.starts_at)
    draft["duration_minutes"] = number(fact.duration_minutes)
    draft["all_day"] = bool_text(fact.all_day)
    draft["time_zone"] = fact.time_zone
    draft["recurrence"] = fact.recurrence
    draft["sequence"] = str(fact.sequence)


def _time(text: str | None) -> datetime | None:
    # Of a row read back, PostgreSQL writes times otherwise than Python does.
    return None if text is None else datetime.fromisoformat(text)


def _assigned(draft: Draft, fact: events.ActivityAssigned, _: Recorded[Fact]) -> None:
    draft["assignee"] = fact.assignee


def _prioritised(draft: Draft, fact: events.ActivityPrioritised, _: Recorded[Fact]) -> None:
    draft["priority"] = str(fact.priority)


def _reminders(draft: Draft, fact: events.ActivityRemindersSet, _: Recorded[Fact]) -> None:
    draft["reminders"] = document(fact.reminders)


def _reminded(draft: Draft, _: events.ActivityReminded, recorded: Recorded[Fact]) -> None:
    draft["reminded_at"] = time_text(recorded.occurred_at)


def _reminder_failed(draft: Draft, fact: events.ActivityReminderFailed, _: Recorded[Fact]) -> None:
    draft["reminder_failure"] = fact.reason


def _invited(draft: Draft, _: events.ActivityInvited, recorded: Recorded[Fact]) -> None:
    draft["invited_at"] = time_text(recorded.occurred_at)


def _answered(draft: Draft, fact: events.ActivityAnswered, recorded: Recorded[Fact]) -> None:
    if isinstance(fact.attendee, Erased):
        return
    answers = msgspec.json.decode(draft["answers"] or "{}")
    said = {"answer": fact.answer, "at": recorded.occurred_at, "sequence": fact.sequence}
    answers[fact.attendee] = {**said, "occurrence": fact.occurrence}
    draft["answers"] = json_text(answers)


def _stands(draft: Draft, status: str, recorded: Recorded[Fact]) -> None:
    draft["status"] = status
    draft["status_since"] = time_text(recorded.occurred_at)


def _completed(draft: Draft, fact: events.ActivityCompleted, recorded: Recorded[Fact]) -> None:
    draft["completions"] = str(int(draft["completions"] or 0) + 1)
    draft["completed_at"] = time_text(recorded.occurred_at)
    draft["outcome"] = fact.outcome
    draft["interaction_id"] = fact.interaction_id
    if fact.occurrence is None:
        _stands(draft, "completed", recorded)


def _cancelled(draft: Draft, fact: events.ActivityCancelled, recorded: Recorded[Fact]) -> None:
    if fact.occurrence is None:
        _stands(draft, "cancelled", recorded)
        draft["cancelled_at"] = time_text(recorded.occurred_at)
        draft["cancelled_reason"] = fact.reason


def _reopened(draft: Draft, _: events.ActivityReopened, recorded: Recorded[Fact]) -> None:
    _stands(draft, "open", recorded)
    draft["cancelled_at"] = draft["cancelled_reason"] = draft["outcome"] = None


FOLD: Final = Telling(
    Told(
        columns=written_columns(TABLE),
        apply={
            events.ActivityPlanned: _planned,
            events.ActivityDescribed: _described,
            events.ActivityScheduled: _scheduled,
            events.ActivityAssigned: _assigned,
            events.ActivityPrioritised: _prioritised,
            events.ActivityRemindersSet: _reminders,
            events.ActivityReminded: _reminded,
            events.ActivityReminderFailed: _reminder_failed,
            events.ActivityInvited: _invited,
            events.ActivityAnswered: _answered,
            events.ActivityCompleted: _completed,
            events.ActivityCancelled: _cancelled,
            events.ActivityReopened: _reopened,
            events.ActivityErased: erased(lambda: FOLD),
        },
        begins={"erased": FALSE, "all_day": FALSE, "completions": "0", "search_text": ""},
        personal=("summary", "notes", "location", "attendees", "answers"),
        erased_by=events.ActivityErased,
        searched=("summary", "notes", "location", "external_id"),
    )
)


class PlannedActivities:
    """The read model `planned_activities`."""

    name: ClassVar[str] = "planned_activities"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"activity"})
    kept: ClassVar[Table | None] = TABLE
    added: ClassVar[Table | None] = VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = FOLD.blanked

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the activity's row after a commit, and add its versions."""
        return FOLD(row, commit)

    def emptied(self, row: Row) -> Row:
        """Give the activity's row without its texts."""
        return FOLD.emptied(row)
