"""Facts become stored events and the same facts again, whatever they hold."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.any_fact import any_fact
from patron_events import registry
from patron_events.catalog import contacts as events
from patron_events.codec import decode_event, encode_event
from patron_events.envelope import StoredEvent
from patron_events.personal import ERASED
from patron_events.registry import EventType, Fact, NewerEventVersion, UnknownEventType
from patron_events.sealing import SealBroken, SubjectKey

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
KEY = SubjectKey(b"k" * 32)
TYPES = {entry.name: entry for entry in registry.every_type()}
named = events.PersonNamed(given_name="Žofie 😀", family_name="حسن")


def _round_trip(fact: Fact, key: SubjectKey | None = KEY) -> Fact:
    stored = msgspec.json.decode(msgspec.json.encode(encode_event(fact, NOW, "grace", KEY)), type=StoredEvent)
    return decode_event(stored, "grace", key)


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_fact_is_read_as_it_was_written(name: str, data: st.DataObject) -> None:
    fact = data.draw(any_fact(TYPES[name].fact))
    assert _round_trip(fact) == fact


@pytest.mark.parametrize("name", [name for name, entry in TYPES.items() if entry.personal])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_without_the_key_the_personal_fields_are_erased(name: str, data: st.DataObject) -> None:
    entry = TYPES[name]
    fact = data.draw(any_fact(entry.fact))
    written: dict[str, Any] = msgspec.to_builtins(fact)
    # One sealed part holds them all, so nobody can tell any more which of them had a value.
    sealed = not entry.personal.isdisjoint(written)
    expected = msgspec.structs.replace(fact, **dict.fromkeys(entry.personal, ERASED)) if sealed else fact
    assert _round_trip(fact, None) == expected


@given(any_fact(events.PersonNamed))
def test_nothing_personal_is_in_the_open_part(fact: events.PersonNamed) -> None:
    stored = encode_event(fact, NOW, "grace", KEY)
    assert bytes(stored.data) == b"{}"
    assert (stored.sealed is None) == (fact == events.PersonNamed())


def test_the_same_fact_is_sealed_differently_each_time() -> None:
    assert encode_event(named, NOW, "grace", KEY).sealed != encode_event(named, NOW, "grace", KEY).sealed


def test_a_personal_fact_is_not_written_without_a_key() -> None:
    with pytest.raises(ValueError, match=r"contacts\.person-named .* no key"):
        encode_event(named, NOW, "grace", None)
    assert encode_event(events.PersonNamed(), NOW, "grace", None).sealed is None


def _sealed(**changes: Any) -> StoredEvent:
    return msgspec.structs.replace(encode_event(named, NOW, "grace", KEY), **changes)


def _altered(sealed: str | None) -> str:
    assert sealed is not None
    return sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "A" * 64])
def test_what_is_no_sealed_part_is_broken(sealed: str) -> None:
    with pytest.raises(SealBroken):
        decode_event(_sealed(sealed=sealed), "grace", KEY)


def test_an_altered_sealed_part_is_broken() -> None:
    with pytest.raises(SealBroken):
        decode_event(_sealed(sealed=_altered(_sealed().sealed)), "grace", KEY)


def test_a_sealed_part_opens_only_where_it_was_written() -> None:
    assert decode_event(_sealed(), "grace", KEY) == named
    with pytest.raises(SealBroken):
        decode_event(_sealed(), "ada", KEY)
    with pytest.raises(SealBroken):
        decode_event(_sealed(), "grace", SubjectKey(b"K" * 32))
    with pytest.raises(SealBroken):
        decode_event(_sealed(type="contacts.person-details-changed"), "grace", KEY)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"contacts\.person-cloned") as error:
        decode_event(StoredEvent("contacts.person-cloned", 1, NOW, msgspec.Raw(b"{}")), "grace", None)
    assert error.value.name == "contacts.person-cloned"


def test_a_newer_version_is_named_with_what_is_known() -> None:
    with pytest.raises(NewerEventVersion, match=r"contacts\.tags-changed") as error:
        decode_event(StoredEvent("contacts.tags-changed", 2, NOW, msgspec.Raw(b"{}")), "grace", None)
    assert (error.value.name, error.value.stored, error.value.known) == ("contacts.tags-changed", 2, 1)


def test_a_document_that_contradicts_its_type_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_event(StoredEvent("contacts.tags-changed", 1, NOW, msgspec.Raw(b'{"tags":7}')), "grace", None)
    with pytest.raises(msgspec.ValidationError):
        decode_event(StoredEvent("contacts.tags-changed", 1, NOW, msgspec.Raw(b'{"tgas":[]}')), "grace", None)


def _version_1(personal: bytes | None, **opened: Any) -> StoredEvent:
    bound = b"grace|contacts.interaction-logged|1"
    sealed = None if personal is None else KEY.seal(personal, bound)
    return StoredEvent("contacts.interaction-logged", 1, NOW, msgspec.Raw(msgspec.json.encode(opened)), sealed)


@pytest.mark.parametrize(
    ("kind", "direction", "new_kind"),
    [("inbound-call", "inbound", "call"), ("outbound-email", "outbound", "email"), ("note", None, "note")],
)
def test_version_1_of_an_interaction_is_read_as_version_2(kind: str, direction: str | None, new_kind: str) -> None:
    stored = _version_1(b'{"subject":"Hello"}', interaction_id="i1", kind=kind)
    expected = events.InteractionLogged(interaction_id="i1", kind=new_kind, direction=direction, subject="Hello")
    assert decode_event(stored, "grace", KEY) == expected


def test_version_1_of_an_interaction_is_erased_in_the_fields_that_it_had() -> None:
    stored = _version_1(b'{"subject":"Hello"}', interaction_id="i1", kind="call")
    expected = events.InteractionLogged(interaction_id="i1", kind="call", subject=ERASED, body=ERASED)
    assert decode_event(stored, "grace", None) == expected


@pytest.fixture
def an_own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep facts of a test out of the registry that other tests read."""
    by_name: dict[str, EventType] = {}
    monkeypatch.setattr(registry, "_by_name", by_name)
    monkeypatch.setattr(registry, "_by_fact", dict[type[Fact], EventType]())


def test_every_step_from_an_old_version_is_lifted_in_order(an_own_registry: None) -> None:
    @registry.event_type("tests.thing-seen", version=3)
    class ThingSeen(Fact, frozen=True):
        steps: tuple[int, ...]

    for version in (1, 2):

        def lift(document: dict[str, Any], version: int = version) -> dict[str, Any]:
            return {"steps": [*document["steps"], version]}

        registry.upcasts(ThingSeen, from_version=version)(lift)
    stored = StoredEvent("tests.thing-seen", 1, NOW, msgspec.Raw(b'{"steps":[0]}'))
    assert decode_event(stored, "x", None) == ThingSeen(steps=(0, 1, 2))


def test_an_old_version_without_a_lift_is_unknown(an_own_registry: None) -> None:
    @registry.event_type("tests.thing-seen", version=3)
    class ThingSeen(Fact, frozen=True):
        pass

    registry.upcasts(ThingSeen, from_version=1)(lambda document: document)
    with pytest.raises(UnknownEventType, match=r"tests\.thing-seen v1"):
        decode_event(StoredEvent("tests.thing-seen", 1, NOW, msgspec.Raw(b"{}")), "x", None)
