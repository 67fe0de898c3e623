"""Folds of the read models, in memory: what a commit makes of a row."""

import asyncio
import json
import re
from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from customer_log import CustomerLog
from patron_events.catalog import contacts as events
from patron_events.envelope import Actor, Cause, CommitHead, Recorded, StreamId
from patron_events.memory import MemoryStore
from patron_events.opening import Opened, open_commits
from patron_events.personal import ERASED
from patron_events.registry import Fact, type_of
from patron_events.vault import MemoryVault
from patron_projections.audit import Audit
from patron_projections.companies import Companies
from patron_projections.engine.read_model import NULL, Folded, ReadModel, Row, array_text, escaped, line
from patron_projections.facts import documents_of, fact_of
from patron_projections.people import TABLE, VERSIONS, People
from patron_projections.records import searchable
from patron_projections.timeline import Timeline

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
PERSON = "0192f3a0-0000-7000-8000-000000000001"
MODELS: tuple[ReadModel, ...] = (Timeline(), People(), Companies(), Audit())
COLUMNS = [column.name for column in TABLE.columns if column.computed is None]


def commit(version: int, *facts: Fact, category: str = "person") -> Opened:
    stream = StreamId("contacts", category, PERSON)
    head = CommitHead(stream, version, AT, f"c{version}", AT, Actor("user", "u"), Cause(), version, len(facts))
    recorded = tuple(Recorded(fact, type_of(type(fact)).name, AT, index, head) for index, fact in enumerate(facts))
    return Opened(head, recorded, "", "")


def person(*facts: Fact) -> dict[str, str | None]:
    """Fold facts, one commit each, into a row of the directory."""
    row: Row | None = None
    for version, fact in enumerate((events.PersonCreated(), *facts), 1):
        row = People().fold(row, commit(version, fact)).kept
    assert row is not None
    return dict(zip(COLUMNS, row, strict=True))


def test_a_name_can_be_searched_without_accents() -> None:
    row = person(events.PersonNamed(given_name="Zoë", family_name="Ångström"))
    assert (row["display_name"], row["search_text"]) == ("Zoë Ångström", "zoe angstrom")


def test_a_person_without_a_name_is_shown_by_an_address() -> None:
    row = person(events.EmailsChanged(emails=(events.EmailAddress("a@b.example"),)))
    assert (row["display_name"], row["email"]) == ("a@b.example", "a@b.example")


def test_a_number_that_no_region_explains_is_kept_as_typed() -> None:
    row = person(
        events.PhonesChanged(phones=(events.PhoneNumber("030 1"), events.PhoneNumber("x", "+491", primary=True)))
    )
    assert (row["phone"], row["phone_values"]) == ("+491", '{"0301","491","x"}')


def test_the_time_of_each_stage_is_kept() -> None:
    row = person(events.LifecycleStageChanged(to="lead"), events.LifecycleStageChanged(to="customer", was="lead"))
    assert row["lifecycle_stage"] == "customer"
    assert row["lifecycle_times"] == '{"customer":"2024-05-06T07:08:09Z","lead":"2024-05-06T07:08:09Z"}'


def test_a_link_that_was_a_mistake_goes() -> None:
    linked = events.CompanyLinked(company_id=PERSON, role="buyer")
    assert person(linked)["company_ids"] == f'{{"{PERSON}"}}'
    assert person(linked, events.CompanyUnlinked(company_id=PERSON))["company_ids"] is None


def test_a_fold_leaves_the_row_that_it_was_given() -> None:
    row = People().fold(None, commit(1, events.PersonCreated())).kept
    assert row is not None
    before = list(row)
    People().fold(row, commit(2, events.OwnerAssigned(owner="o")))
    assert row == before


def test_an_activity_of_a_company_is_in_both_histories_but_personal_in_one() -> None:
    company = "0192f3a0-0000-7000-8000-0000000000c0"
    call = events.InteractionLogged(interaction_id="i", kind="call", subject="secret", company_id=company)
    own, theirs = Timeline().fold(None, commit(1, call, category="activity")).added
    assert own.startswith(PERSON)
    assert "secret" in own
    assert theirs.startswith(company)
    assert "secret" not in theirs


async def _lived_and_rebuilt(seed: int) -> tuple[list[Opened], list[Opened]]:
    """Give the commits of a history as they came, and as they are read after their keys were destroyed."""
    log = CustomerLog(store := MemoryStore(), MemoryVault(), seed)
    await log.company()
    one = await log.person()
    log.people = [one]
    lived: list[Opened] = []
    for _ in range(12):
        await log.record("person", one, log.change())
    stream = StreamId("contacts", "person", one)
    for opened in await open_commits(await store.read(stream, count=99), log.vault):
        assert isinstance(opened, Opened)
        lived.append(opened)
    await log.erase(one)
    rebuilt = [
        item for item in await open_commits(await store.read(stream, count=99), log.vault) if isinstance(item, Opened)
    ]
    lived.append(rebuilt[-1])
    return lived, rebuilt


def kept(model: ReadModel, commits: list[Opened]) -> Row | None:
    """Fold commits; answers the row that is left, without its JSON's order of keys."""
    folded = Folded()
    for one in commits:
        if one.head.stream.category in model.categories:
            folded = model.fold(folded.kept, one)
    return folded.kept


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_an_erased_row_is_the_same_whether_it_lived_through_it_or_was_rebuilt(seed: int) -> None:
    lived, rebuilt = asyncio.run(_lived_and_rebuilt(seed))
    assert [kept(model, lived) for model in MODELS] == [kept(model, rebuilt) for model in MODELS]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_versions_of_an_erased_record_are_the_same_too(seed: int) -> None:
    lived, rebuilt = asyncio.run(_lived_and_rebuilt(seed))
    assert [blanked(version) for version in versions(lived)] == versions(rebuilt)


def versions(commits: list[Opened]) -> list[list[str]]:
    """Fold the commits of a person into the rows of all versions."""
    lines: list[list[str]] = []
    row: Row | None = None
    for one in commits:
        folded = People().fold(row, one)
        row = folded.kept
        lines += [added.removesuffix("\n").split("\t") for added in folded.added]
    return lines


def blanked(version: list[str]) -> list[str]:
    """Empty what an erasure empties in a row of the versions."""
    names = [column.name for column in VERSIONS.columns]
    return [NULL if name in People.blanked else value for name, value in zip(names, version, strict=True)]


def test_a_fact_can_be_put_together_from_its_parts() -> None:
    named = events.PersonNamed(given_name="Zoë", nickname="Z")
    details = events.PersonDetailsChanged(department="Sales", birth_date=date(2000, 2, 29))
    for fact in (named, details, events.TagsChanged(tags=("a",)), events.NoteAdded("n", "text", "author")):
        parts = documents_of(fact)
        assert fact_of(type_of(type(fact)).name, parts.open, parts.personal, erased=parts.erased) == fact


def test_what_was_erased_of_a_fact_stays_erased() -> None:
    name = type_of(events.NoteAdded).name
    note = fact_of(name, {"note_id": "n", "author": "a"}, None, erased=True)
    assert note == events.NoteAdded("n", ERASED, "a")


def test_a_consent_is_as_it_was_last_given_or_withdrawn() -> None:
    given = events.ConsentGiven(purpose="newsletter", channel="email", source="web-form")
    row = person(given, events.ConsentWithdrawn(purpose="newsletter"), events.ConsentGiven(purpose="calls"))
    assert json.loads(row["consents"] or "") == {
        "newsletter": {
            "channel": "email",
            "basis": "consent",
            "source": "web-form",
            "state": "withdrawn",
            "given_at": "2024-05-06T07:08:09Z",
            "withdrawn_at": "2024-05-06T07:08:09Z",
        },
        "calls": {"basis": "consent", "given_at": "2024-05-06T07:08:09Z", "state": "given"},
    }


def test_an_objection_needs_no_consent_before_it() -> None:
    row = person(events.ConsentWithdrawn(purpose="calls"))
    assert json.loads(row["consents"] or "") == {
        "calls": {"state": "withdrawn", "withdrawn_at": "2024-05-06T07:08:09Z"}
    }


@given(st.text())
def test_a_line_of_copy_has_one_line_whatever_it_holds(text: str) -> None:
    written = line([text, None, text])
    assert written.count("\n") == 1
    assert written.count("\t") == 2
    assert unescaped(escaped(text)) == text


def unescaped(text: str) -> str:
    """Read a column as PostgreSQL does."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r", "t": "\t"}.get(found[1], found[1]), text)


@given(st.lists(st.text(min_size=1)))
def test_search_text_is_bounded_and_never_fails(parts: list[str]) -> None:
    assert len(searchable([array_text(parts)])) < 40_000
