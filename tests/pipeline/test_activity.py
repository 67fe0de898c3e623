"""Planned activities as sentences: histories, commands, outcomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from patron_events.catalog.pipeline import activities as events
from patron_events.catalog.pipeline.activities import Reminder
from patron_events.decider import Dated
from patron_events.scenarios import given
from patron_pipeline.domain.activity import (
    ACTIVITY,
    AnswerInvitation,
    CancelActivity,
    ChangeActivity,
    CompleteActivity,
    EraseActivity,
    Moment,
    PlanActivity,
    RecordInvitation,
    RecordReminder,
    ReopenActivity,
    RescheduleActivity,
)
from patron_pipeline.domain.activity_errors import (
    ActivityClosed,
    ActivityErasedAlready,
    ActivityNotFound,
    ActivityStillOpen,
    ActivityToldOutOfOrder,
    AttendeeUnknown,
    DueMissing,
    InvitationChanged,
    OccurrenceUnknown,
    SummaryMissing,
)
from patron_pipeline.domain.activity_state import About, Activity, Texts
from patron_pipeline.domain.agenda import of_activity, of_deal, of_user
from patron_pipeline.domain.reminders import Looked, next_moment, owed, reminder_id
from patron_pipeline.domain.schedule import NO_TIME, Schedule

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
NOW = Moment(MONDAY)

planned = events.ActivityPlanned(kind="call")
described = events.ActivityDescribed(summary="Ask about the offer")
once = events.ActivityScheduled(due_at=MONDAY, starts_at=MONDAY)
weekly = events.ActivityScheduled(
    due_at=MONDAY, starts_at=MONDAY, time_zone="UTC", recurrence="FREQ=WEEKLY;COUNT=3;BYDAY=MO"
)
invited = events.ActivityDescribed(summary="Demo", attendees=("Ada@example.org",))


def _at(weeks: int, sequence: int = 0) -> events.ActivityScheduled:
    return events.ActivityScheduled(MONDAY + weeks * WEEK, MONDAY, None, False, "UTC", weekly.recurrence, sequence)


def _state(*history: events.ActivityEvent | Dated) -> Activity:
    return given(ACTIVITY, *history).state


def test_planning_states_everything_that_is_known() -> None:
    command = PlanActivity(
        "call",
        Texts("Ask about the offer"),
        Schedule(MONDAY, MONDAY),
        NOW,
        About(deal_id="d1", external_id=("crm", "7")),
        priority=3,
        assignee="ann",
        reminders=(Reminder(15), Reminder(60, "webhook")),
    )
    given(ACTIVITY).when(command).then(
        events.ActivityPlanned(kind="call", priority=3, deal_id="d1", external_source="crm", external_id="7"),
        described,
        events.ActivityAssigned(assignee="ann"),
        events.ActivityRemindersSet(reminders=(Reminder(60, "webhook"), Reminder(15))),
        once,
    )
    given(ACTIVITY, planned).when(command).then()


def test_planning_in_the_past_is_recorded_as_it_was_told() -> None:
    told = Moment(MONDAY - WEEK, told=True)
    outcome = given(ACTIVITY).when(PlanActivity("task", Texts("Send the offer"), NO_TIME, told))
    assert {type(one) for one in outcome.facts} == {Dated}
    assert outcome.state.planned_at == told.at


def test_an_activity_needs_a_summary_and_an_invitation_a_time() -> None:
    given(ACTIVITY).when(PlanActivity("task", Texts(None), NO_TIME, NOW)).then_rejected(SummaryMissing)
    texts = Texts("Demo", attendees=("a@example.org",))
    given(ACTIVITY).when(PlanActivity("meeting", texts, NO_TIME, NOW)).then_rejected(DueMissing, field="attendees")
    given(ACTIVITY, planned, invited, once).when(RescheduleActivity(NO_TIME)).then_rejected(DueMissing)


def test_nothing_can_be_done_with_what_was_never_planned() -> None:
    for command in (CompleteActivity(NOW), CancelActivity(NOW), ReopenActivity(NOW), EraseActivity()):
        given(ACTIVITY).when(command).then_rejected(ActivityNotFound)


def test_stating_what_holds_changes_nothing() -> None:
    given(ACTIVITY, planned, described, once).when(
        ChangeActivity(Texts("Ask about the offer"), 0, (), assign=True, assignee=None)
    ).then()
    given(ACTIVITY, planned, once).when(RescheduleActivity(Schedule(MONDAY, MONDAY))).then()


def test_a_new_time_raises_the_sequence_of_the_invitation() -> None:
    later = Schedule(MONDAY + WEEK, MONDAY + WEEK)
    given(ACTIVITY, planned, once).when(RescheduleActivity(later)).then(
        events.ActivityScheduled(due_at=MONDAY + WEEK, starts_at=MONDAY + WEEK, sequence=1)
    )


def test_completing_a_single_activity_ends_it_and_repeating_is_harmless() -> None:
    done = events.ActivityCompleted(outcome="reached")
    given(ACTIVITY, planned, once).when(CompleteActivity(NOW, "reached")).then(done)
    given(ACTIVITY, planned, once, done).when(CompleteActivity(NOW, "reached")).then()
    given(ACTIVITY, planned, once, done).when(CancelActivity(NOW)).then_rejected(ActivityClosed)


def test_completing_an_occurrence_moves_to_the_next_and_the_last_one_ends_the_series() -> None:
    first = events.ActivityCompleted(outcome="reached", occurrence=MONDAY)
    given(ACTIVITY, planned, weekly).when(CompleteActivity(NOW, "reached")).then(first, _at(1))
    last = given(ACTIVITY, planned, weekly, first, _at(1), _at(2)).when(CompleteActivity(NOW))
    assert last.then(events.ActivityCompleted()).state.status == "completed"


def test_an_occurrence_that_was_named_is_completed_once() -> None:
    history = (planned, weekly, events.ActivityCompleted(occurrence=MONDAY), _at(1))
    given(ACTIVITY, *history).when(CompleteActivity(NOW, occurrence=MONDAY)).then()
    given(ACTIVITY, *history).when(CompleteActivity(NOW, occurrence=MONDAY + 2 * WEEK)).then_rejected(OccurrenceUnknown)


def test_occurrences_that_were_missed_are_passed_over() -> None:
    late = Moment(MONDAY + WEEK + timedelta(hours=1))
    given(ACTIVITY, planned, weekly).when(CompleteActivity(late)).then(
        events.ActivityCompleted(occurrence=MONDAY), _at(2)
    )


def test_the_present_occurrence_is_left_out_and_the_next_one_counts() -> None:
    outcome = given(ACTIVITY, planned, weekly).when(CancelActivity(NOW, "ill", MONDAY))
    outcome.then(events.ActivityCancelled(reason="ill", occurrence=MONDAY), _at(1, sequence=1))
    assert outcome.state.left_out == {MONDAY}
    assert outcome.state.sequence == 1


def test_a_later_occurrence_is_left_out_and_never_comes() -> None:
    second = events.ActivityCancelled(occurrence=MONDAY + WEEK)
    given(ACTIVITY, planned, weekly).when(CancelActivity(NOW, occurrence=MONDAY + WEEK)).then(second)
    given(ACTIVITY, planned, weekly, second).when(CancelActivity(NOW, occurrence=MONDAY + WEEK)).then()
    given(ACTIVITY, planned, weekly, second).when(CompleteActivity(NOW)).then(
        events.ActivityCompleted(occurrence=MONDAY), _at(2, sequence=1)
    )


def test_an_occurrence_that_is_none_cannot_be_left_out() -> None:
    wrong = CancelActivity(NOW, occurrence=MONDAY + timedelta(days=1))
    given(ACTIVITY, planned, weekly).when(wrong).then_rejected(OccurrenceUnknown, field="occurrence")
    given(ACTIVITY, planned, weekly, _at(1)).when(CancelActivity(NOW, occurrence=MONDAY)).then_rejected(
        OccurrenceUnknown
    )


def test_leaving_the_last_occurrence_out_cancels_the_series() -> None:
    last = MONDAY + 2 * WEEK
    given(ACTIVITY, planned, weekly, _at(2)).when(CancelActivity(NOW, "ill", last)).then(
        events.ActivityCancelled(reason="ill")
    )


def test_facts_are_told_in_their_order() -> None:
    done = Dated(events.ActivityCompleted(), MONDAY)
    earlier = Moment(MONDAY - WEEK, told=True)
    given(ACTIVITY, planned, done).when(ReopenActivity(earlier)).then_rejected(ActivityToldOutOfOrder)


def test_what_was_cancelled_is_invited_to_anew_when_it_is_reopened() -> None:
    cancelled = events.ActivityCancelled()
    outcome = given(ACTIVITY, planned, invited, once, cancelled).when(ReopenActivity(NOW))
    assert outcome.then(events.ActivityReopened()).state.sequence == 2
    assert outcome.state.status == "open"
    given(ACTIVITY, planned).when(ReopenActivity(NOW)).then_rejected(ActivityStillOpen)


def test_an_answer_is_of_somebody_invited_to_the_newest_invitation() -> None:
    history = (planned, invited, weekly)
    yes = events.ActivityAnswered(attendee="ada@example.org", answer="accepted")
    given(ACTIVITY, *history).when(AnswerInvitation("ADA@example.org", "accepted")).then(yes)
    given(ACTIVITY, *history, yes).when(AnswerInvitation("ada@example.org", "accepted", 0)).then()
    given(ACTIVITY, *history).when(AnswerInvitation("bob@example.org", "accepted")).then_rejected(AttendeeUnknown)
    given(ACTIVITY, *history).when(AnswerInvitation("ada@example.org", "declined", 7)).then_rejected(InvitationChanged)
    one = AnswerInvitation("ada@example.org", "declined", occurrence=MONDAY + WEEK)
    given(ACTIVITY, *history).when(one).then(
        events.ActivityAnswered(attendee="ada@example.org", answer="declined", occurrence=MONDAY + WEEK)
    )


def test_erasing_leaves_nothing_to_work_with() -> None:
    erased = events.ActivityErased(person_id="p1")
    given(ACTIVITY, planned, described).when(EraseActivity("p1")).then(erased)
    given(ACTIVITY, planned, described, erased).when(EraseActivity()).then()
    given(ACTIVITY, planned, described, erased).when(CompleteActivity(NOW)).then_rejected(ActivityErasedAlready)
    assert _state(planned, described, erased).texts == Texts()


def test_what_an_erased_activity_was_about_is_known_by_its_ids() -> None:
    about = events.ActivityPlanned(kind="call", deal_id="d1", person_id="p1", external_source="crm", external_id="1")
    activity = _state(about, described, events.ActivityErased())
    assert activity.about == About(deal_id="d1", person_id="p1")
    assert of_activity("a1", activity) == frozenset()


def test_what_was_sent_is_recorded_once() -> None:
    sent = (MONDAY, 15, "email")
    fact = events.ActivityReminded(MONDAY, 15, "email", "<1@x>")
    given(ACTIVITY, planned, once).when(RecordReminder(sent, "<1@x>")).then(fact)
    given(ACTIVITY, planned, once, fact).when(RecordReminder(sent, "<1@x>")).then()
    given(ACTIVITY, planned, once).when(RecordReminder(sent, "", "no-address")).then(
        events.ActivityReminderFailed(MONDAY, 15, "email", "no-address")
    )
    told = events.ActivityInvited(0, 2, ("ada@example.org",))
    given(ACTIVITY, planned, invited, once).when(RecordInvitation(0, 2, ("ada@example.org",))).then(told)
    given(ACTIVITY, planned, invited, once, told).when(RecordInvitation(0, 2, ("ada@example.org",))).then()


BEFORE = MONDAY - timedelta(days=2)


def _reminded(schedule: events.ActivityScheduled, *reminders: Reminder) -> Activity:
    facts = (planned, events.ActivityRemindersSet(reminders=reminders), schedule)
    return _state(*(Dated(fact, BEFORE) for fact in facts))


def _looked(now: datetime, handled: datetime | None = None) -> Looked:
    return Looked(now, BEFORE, handled or now)


def test_reminders_come_before_the_activity_and_each_once() -> None:
    activity = _reminded(once, Reminder(60), Reminder(15))
    assert next_moment(activity, _looked(BEFORE)) == MONDAY - timedelta(minutes=60)
    assert owed(activity, _looked(MONDAY - timedelta(minutes=61))) == []
    assert owed(activity, _looked(MONDAY)) == [(MONDAY, 60, "email"), (MONDAY, 15, "email")]
    sent = replace(activity, sent=frozenset({(MONDAY, 60, "email")}))
    assert next_moment(sent, _looked(BEFORE)) == MONDAY - timedelta(minutes=15)


def test_reminders_follow_the_series_whether_or_not_it_is_completed() -> None:
    activity = _reminded(weekly, Reminder(60))
    sent = replace(activity, sent=frozenset({(MONDAY, 60, "email")}))
    assert next_moment(sent, _looked(MONDAY)) == MONDAY + WEEK - timedelta(minutes=60)
    assert owed(sent, _looked(MONDAY + WEEK)) == [(MONDAY + WEEK, 60, "email")]


def test_no_reminder_comes_of_what_is_left_out_closed_or_long_gone() -> None:
    activity = _reminded(weekly, Reminder(60))
    without = replace(activity, left_out=frozenset({MONDAY}))
    assert next_moment(without, _looked(BEFORE)) == MONDAY + WEEK - timedelta(minutes=60)
    assert next_moment(replace(activity, status="cancelled"), _looked(BEFORE)) is None
    assert owed(_reminded(once, Reminder(60)), _looked(MONDAY + timedelta(days=8))) == []
    assert owed(_reminded(once, Reminder(60)), _looked(MONDAY + timedelta(days=6))) == [(MONDAY, 60, "email")]


def test_that_a_reminder_is_too_late_is_seen_when_it_is_handled() -> None:
    activity = _reminded(once, Reminder(60))
    assert owed(activity, _looked(MONDAY, MONDAY + timedelta(days=6))) == [(MONDAY, 60, "email")]
    assert owed(activity, _looked(MONDAY, MONDAY + timedelta(days=8))) == []
    assert next_moment(activity, _looked(MONDAY, MONDAY + timedelta(days=8))) is None


def test_a_reminder_that_was_past_when_it_was_asked_for_is_not_owed() -> None:
    assert owed(_reminded(once, Reminder(3 * 24 * 60)), _looked(MONDAY)) == []


def test_repeats_of_a_reminder_are_told_by_its_id() -> None:
    assert reminder_id("a1", (MONDAY, 15, "email")) == reminder_id("a1", (MONDAY, 15, "email"))
    others = {reminder_id("a1", (MONDAY, 15, "webhook")), reminder_id("a2", (MONDAY, 15, "email"))}
    assert reminder_id("a1", (MONDAY, 15, "email")) not in others


def test_an_open_activity_stands_in_the_agenda_of_its_year_and_of_its_deal() -> None:
    activity = replace(_state(planned, once), assignee="ann", about=About(deal_id="d1"))
    (dated,) = of_activity("a1", activity) - {of_deal("d1")}
    assert dated in set(of_user("ann", [2026])) - set(of_user("ann", []))
    (undated,) = of_activity("a1", replace(activity, schedule=NO_TIME)) - {of_deal("d1")}
    assert undated in of_user("ann", [])
    assert of_activity("a1", replace(activity, status="completed")) == frozenset()
