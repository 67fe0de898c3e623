"""The rules of people, told as history, command, outcome."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from patron_contacts.domain.errors import (
    CustomFieldMissing,
    LinkDatesReversed,
    LinkNotFound,
    NoteNotFound,
    RecordArchived,
    RecordEmpty,
    RecordErased,
    RecordNotFound,
    StageMoveNotAllowed,
)
from patron_contacts.domain.person import (
    PERSON,
    ChangePerson,
    CompanyLink,
    CreatePerson,
    LinkCompany,
    MoveStage,
    PersonCommand,
    StageMove,
    UnlinkCompany,
)
from patron_contacts.domain.record import AddNote, Archive, Changes, Erase, NewNote, RemoveNote, Restore, unique_keys
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.registry import Fact
from patron_events.scenarios import given

EARLIER = datetime(2020, 5, 4, tzinfo=UTC)
NOTHING = Changes(facets={}, custom={}, definitions={})
ACME = "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"

created = events.PersonCreated()
named = events.PersonNamed(given_name="Grace", family_name="Hopper")
mailed = events.EmailsChanged(emails=(events.EmailAddress("grace@example.org", primary=True),))
identified = events.ExternalIdsChanged(external_ids=(events.ExternalId("crm", "1"),))
archived = events.RecordArchived()
erased = events.RecordErased(reason="request")
noted = events.NoteAdded(note_id="n1", text="Called.", author="ann")
linked = events.CompanyLinked(company_id=ACME, role="Admiral")


def stating(kind: type[Fact], **members: Any) -> Changes:
    """State members of one facet."""
    return replace(NOTHING, facets={kind: members})


def test_a_new_person_is_recorded_with_what_is_known() -> None:
    changes = Changes(
        facets={events.PersonNamed: {"given_name": "Grace", "family_name": "Hopper"}},
        custom={},
        definitions={},
        notes=(NewNote("n1", "Called.", "ann", EARLIER),),
    )
    links = (CompanyLink(ACME, "Admiral"),)
    given(PERSON).when(CreatePerson(changes, StageMove("lead"), links)).then(
        created, named, Dated(noted, EARLIER), events.LifecycleStageChanged(to="lead"), linked
    )


def test_a_company_that_is_named_twice_is_linked_once() -> None:
    twice = ChangePerson(NOTHING, None, (CompanyLink(ACME, primary=True), CompanyLink(ACME, "Admiral")))
    once = events.CompanyLinked(company_id=ACME, role="Admiral", primary=True)
    given(PERSON, created, named).when(twice).then(once)
    given(PERSON, created, named, once).when(twice).then()


@pytest.mark.parametrize(
    "identifying", [named, mailed, identified, events.PhonesChanged(phones=(events.PhoneNumber("1"),))]
)
def test_any_identifying_part_makes_a_person(identifying: Fact) -> None:
    members = {name: getattr(identifying, name) for name in identifying.__struct_fields__}
    given(PERSON).when(CreatePerson(stating(type(identifying), **members))).then(created, identifying)


@pytest.mark.parametrize("changes", [NOTHING, stating(events.PersonDetailsChanged, job_title="Boss")])
def test_a_person_without_anything_identifying_is_refused(changes: Changes) -> None:
    given(PERSON).when(CreatePerson(changes)).then_rejected(RecordEmpty)


def test_creating_again_changes_nothing() -> None:
    given(PERSON, created, named).when(CreatePerson(stating(events.PersonNamed, given_name="Other"))).then()


def test_a_change_records_only_what_differs() -> None:
    known = given(PERSON, created, named, mailed)
    same_mail = {"emails": mailed.emails}
    facets = {events.PersonNamed: {"given_name": "Grace B."}, events.EmailsChanged: same_mail}
    known.when(ChangePerson(replace(NOTHING, facets=facets))).then(
        events.PersonNamed(given_name="Grace B.", family_name="Hopper")
    )


def test_null_clears_a_member_and_leaves_the_others() -> None:
    given(PERSON, created, named).when(ChangePerson(stating(events.PersonNamed, family_name=None))).then(
        events.PersonNamed(given_name="Grace")
    )


def test_clearing_what_was_never_there_changes_nothing() -> None:
    given(PERSON, created, named).when(ChangePerson(stating(events.PersonDetailsChanged, job_title=None))).then()


def test_an_import_joins_tags_and_external_ids() -> None:
    tagged = events.TagsChanged(tags=("Press", "vip"))
    changes = replace(NOTHING, add_tags=("VIP", "new"), add_external_ids=(events.ExternalId("erp", "9"),))
    given(PERSON, created, named, tagged, identified).when(ChangePerson(changes)).then(
        events.TagsChanged(tags=("Press", "new", "vip")),
        events.ExternalIdsChanged(external_ids=(events.ExternalId("crm", "1"), events.ExternalId("erp", "9"))),
    )


def test_custom_fields_that_are_personal_stand_apart() -> None:
    definitions = {
        "plan": events.FieldDefined(name="plan", type="string"),
        "iban": events.FieldDefined(name="iban", type="string", personal=True),
    }
    changes = Changes(facets={}, custom={"plan": "gold", "iban": "DE1"}, definitions=definitions)
    given(PERSON, created, named).when(ChangePerson(changes)).then(
        events.CustomFieldsChanged(
            fields=(events.Attribute("plan", "gold"),), personal=(events.Attribute("iban", "DE1"),)
        )
    )


def test_a_required_custom_field_is_asked_for_by_every_write() -> None:
    definitions = {"plan": events.FieldDefined(name="plan", type="string", required=True)}
    changes = replace(stating(events.PersonNamed, given_name="G"), definitions=definitions)
    given(PERSON).when(CreatePerson(changes)).then_rejected(CustomFieldMissing, field="custom.plan")
    given(PERSON, created, named).when(ChangePerson(changes)).then_rejected(CustomFieldMissing, field="custom.plan")


def test_a_required_custom_field_cannot_be_cleared() -> None:
    definitions = {"plan": events.FieldDefined(name="plan", type="string", required=True)}
    filled = events.CustomFieldsChanged(fields=(events.Attribute("plan", "gold"),))
    changes = Changes(facets={}, custom={"plan": None}, definitions=definitions)
    given(PERSON, created, named, filled).when(ChangePerson(changes)).then_rejected(CustomFieldMissing)


def test_a_link_is_recorded_once_and_changed_by_stating_it_anew() -> None:
    known = given(PERSON, created, named, linked)
    known.when(LinkCompany(CompanyLink(ACME, "Admiral"))).then()
    ended = CompanyLink(ACME, "Admiral", date(2020, 1, 1), date(2021, 1, 1))
    known.when(LinkCompany(ended)).then(
        events.CompanyLinked(company_id=ACME, role="Admiral", start=date(2020, 1, 1), end=date(2021, 1, 1))
    )


def test_a_link_cannot_end_before_it_starts() -> None:
    reversed_dates = CompanyLink(ACME, None, date(2021, 1, 2), date(2021, 1, 1))
    given(PERSON, created, named).when(LinkCompany(reversed_dates)).then_rejected(LinkDatesReversed, field="to")


def test_a_link_of_one_day_is_fine() -> None:
    day = date(2021, 1, 1)
    given(PERSON, created, named).when(LinkCompany(CompanyLink(ACME, None, day, day))).then(
        events.CompanyLinked(company_id=ACME, start=day, end=day)
    )


def test_only_a_link_that_is_there_can_be_removed() -> None:
    given(PERSON, created, named, linked).when(UnlinkCompany(ACME)).then(events.CompanyUnlinked(company_id=ACME))
    given(PERSON, created, named).when(UnlinkCompany(ACME)).then_rejected(LinkNotFound)


def test_a_note_keeps_the_time_at_which_it_was_written() -> None:
    given(PERSON, created, named).when(AddNote(NewNote("n1", "Called.", "ann", EARLIER))).then(Dated(noted, EARLIER))
    given(PERSON, created, named).when(AddNote(NewNote("n1", "Called.", "ann"))).then(noted)


def test_a_note_is_added_once_and_removed_once() -> None:
    given(PERSON, created, named, noted).when(AddNote(NewNote("n1", "Called.", "ann"))).then()
    outcome = given(PERSON, created, named, noted).when(RemoveNote("n1")).then(events.NoteRemoved(note_id="n1"))
    assert outcome.state.notes == {}
    given(PERSON, created, named).when(RemoveNote("n1")).then_rejected(NoteNotFound)


def test_archive_and_restore_are_harmless_to_repeat() -> None:
    known = (created, named, mailed)
    given(PERSON, *known).when(Archive("left")).then(events.RecordArchived(reason="left"))
    given(PERSON, *known, archived).when(Archive()).then()
    given(PERSON, *known, archived).when(Restore()).then(events.RecordRestored())
    given(PERSON, *known).when(Restore()).then()


def test_erasure_leaves_nothing_but_that_there_was_somebody() -> None:
    outcome = (
        given(PERSON, created, named, mailed, noted, linked)
        .when(Erase("retention"))
        .then(events.RecordErased(reason="retention"))
    )
    assert (outcome.state.status, outcome.state.facets, outcome.state.notes, outcome.state.links) == (
        "erased",
        {},
        {},
        {},
    )
    given(PERSON, created, named, erased).when(Erase()).then()
    given(PERSON, created, named, archived).when(Erase()).then(erased)


COMMANDS: tuple[PersonCommand, ...] = (
    ChangePerson(NOTHING),
    MoveStage(StageMove("lead")),
    LinkCompany(CompanyLink(ACME)),
    UnlinkCompany(ACME),
    AddNote(NewNote("n2", "x", "ann")),
    RemoveNote("n1"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_only_a_live_person_can_be_changed(command: PersonCommand) -> None:
    known = (created, named, noted, linked)
    given(PERSON).when(command).then_rejected(RecordNotFound)
    given(PERSON, *known, archived).when(command).then_rejected(RecordArchived)
    given(PERSON, *known, erased).when(command).then_rejected(RecordErased)


@pytest.mark.parametrize("command", [Archive(), Restore(), Erase()], ids=lambda command: type(command).__name__)
def test_nobody_unknown_is_archived_restored_or_erased(command: PersonCommand) -> None:
    given(PERSON).when(command).then_rejected(RecordNotFound)


@pytest.mark.parametrize("command", [Archive(), Restore(), CreatePerson(NOTHING)], ids=lambda one: type(one).__name__)
def test_nothing_brings_an_erased_person_back(command: PersonCommand) -> None:
    given(PERSON, created, named, erased).when(command).then_rejected(RecordErased)


def test_a_stage_is_entered_at_the_time_of_the_move() -> None:
    outcome = (
        given(PERSON, created, named)
        .when(MoveStage(StageMove("customer", EARLIER)))
        .then(Dated(events.LifecycleStageChanged(to="customer"), EARLIER))
    )
    assert (outcome.state.stage, outcome.state.stages) == ("customer", {"customer": EARLIER})


def test_the_stage_a_person_is_in_is_no_move() -> None:
    customer = events.LifecycleStageChanged(to="customer")
    given(PERSON, created, named, customer).when(MoveStage(StageMove("customer"))).then()


def test_a_customer_does_not_become_a_subscriber() -> None:
    customer = events.LifecycleStageChanged(to="customer")
    given(PERSON, created, named, customer).when(MoveStage(StageMove("subscriber"))).then_rejected(StageMoveNotAllowed)


def test_keys_are_held_by_live_people_only() -> None:
    definitions = {"no": events.FieldDefined(name="no", type="integer", unique=True, personal=True)}
    numbered = events.CustomFieldsChanged(personal=(events.Attribute("no", 7),))
    known = (created, named, mailed, identified, numbered)
    live = given(PERSON, *known).state
    assert {(key.kind, key.value) for key in unique_keys(live, definitions, emails=True)} == {
        ("email", ("grace@example.org",)),
        ("external-id", ("crm", "1")),
        ("custom:no", ("7",)),
    }
    assert unique_keys(given(PERSON, *known, archived).state, definitions, emails=True) == set()
    assert unique_keys(given(PERSON, *known, erased).state, definitions, emails=True) == set()
