"""One unique key belongs to one live record."""

import pytest

from patron_contacts.domain.claim import CLAIM, ReleaseKey, TakeKey
from patron_contacts.domain.errors import CustomValueTaken, EmailTaken, ExternalIdTaken, KeyTaken
from patron_events.catalog import contacts as events
from patron_events.scenarios import given
from patron_values.keys import UniqueKey

MAIL = UniqueKey("email", ("grace@example.org",))
grace_holds = events.KeyClaimed(kind="email", owner="grace")
grace_let_go = events.KeyReleased(owner="grace")


def test_whoever_asks_first_gets_the_key() -> None:
    given(CLAIM).when(TakeKey(MAIL, "grace")).then(grace_holds)


@pytest.mark.parametrize(
    ("key", "refusal", "field"),
    [
        (MAIL, EmailTaken, "emails"),
        (UniqueKey("external-id", ("crm", "1")), ExternalIdTaken, "external_ids"),
        (UniqueKey("custom:no", ("7",)), CustomValueTaken, "custom.no"),
    ],
)
def test_a_key_that_is_held_is_refused_by_its_kind(key: UniqueKey, refusal: type[KeyTaken], field: str) -> None:
    given(CLAIM, grace_holds).when(TakeKey(key, "ada")).then_rejected(refusal, field=field)


def test_taking_again_changes_nothing() -> None:
    given(CLAIM, grace_holds).when(TakeKey(MAIL, "grace")).then()


def test_a_released_key_is_free_for_anybody() -> None:
    given(CLAIM, grace_holds).when(ReleaseKey("grace")).then(grace_let_go)
    given(CLAIM, grace_holds, grace_let_go).when(TakeKey(MAIL, "ada")).then(
        events.KeyClaimed(kind="email", owner="ada")
    )


def test_only_the_holder_releases() -> None:
    given(CLAIM, grace_holds).when(ReleaseKey("ada")).then()
    given(CLAIM).when(ReleaseKey("grace")).then()
