"""Stored names are declared once, and described as JSON Schema."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from events.any_fact import any_fact
from patron_events import registry
from patron_events.catalog import campaigns, pipeline, segments
from patron_events.catalog import contacts as events
from patron_events.registry import EventType, Fact, NewerEventVersion, UnknownEventType

CONTEXTS = (campaigns, events, pipeline, segments)  # imported before the types are listed: that declares them
TYPES = {
    entry.name: entry for entry in registry.every_type() if entry.fact.__module__.startswith("patron_events.catalog.")
}


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep facts of other tests out of the registry, and facts of these tests out of what others read."""
    monkeypatch.setattr(registry, "_by_name", dict(TYPES))
    monkeypatch.setattr(registry, "_by_fact", {entry.fact: entry for entry in TYPES.values()})


@pytest.mark.parametrize(
    "name", ["", "contacts", "contacts.", ".created", "Contacts.x", "contacts.Person", "a.b.c", "a.b-"]
)
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="kebab-case"):
        registry.event_type(name, version=1)


def test_a_name_belongs_to_one_class() -> None:
    with pytest.raises(ValueError, match="already PersonCreated"):

        @registry.event_type("contacts.person-created", version=1)
        class Other(Fact, frozen=True):
            pass


def test_names_and_classes_find_each_other() -> None:
    for name, entry in TYPES.items():
        assert registry.type_of(entry.fact) is entry
        assert registry.named(name, entry.version) is entry


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(UnknownEventType, match=r"contacts\.never-happened"):
        registry.named("contacts.never-happened", 1)


def test_a_newer_version_is_named() -> None:
    with pytest.raises(NewerEventVersion, match=r"'contacts\.person-created' is stored in version 7.* up to 1"):
        registry.named("contacts.person-created", 7)


def test_an_old_version_is_known_where_it_is_lifted() -> None:
    assert registry.named("contacts.interaction-logged", 1) is registry.type_of(events.InteractionLogged)
    with pytest.raises(UnknownEventType, match=r"contacts\.interaction-logged v0"):
        registry.named("contacts.interaction-logged", 0)


def test_every_schema_is_valid_and_marks_what_is_personal() -> None:
    schemas = registry.json_schemas()
    assert set(schemas) == {f"{entry.name}.v{entry.version}" for entry in TYPES.values()}
    for entry in TYPES.values():
        schema = schemas[f"{entry.name}.v{entry.version}"]
        Draft202012Validator.check_schema(schema)
        properties: dict[str, Any] = schema.get("properties", {})
        assert {name for name, one in properties.items() if one.get("x-personal")} == entry.personal


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_every_fact_fits_its_schema(name: str, data: st.DataObject) -> None:
    entry: EventType = TYPES[name]
    document = msgspec.json.decode(msgspec.json.encode(data.draw(any_fact(entry.fact))))
    Draft202012Validator(registry.json_schemas()[f"{name}.v{entry.version}"]).validate(document)
