"""Stored names of facts: which class a name and version stand for, and how old versions are lifted.

A stored name (`contacts.tags-changed`) and its version are permanent. A change that old bytes cannot be read
as needs a new version and an upcaster; golden files in `tests/contracts` hold every version ever written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from patron_events.personal import personal_fields

_NAME: Final = re.compile(r"[a-z]+\.[a-z]+(?:-[a-z]+)*")

Document = dict[str, Any]
Lift = Callable[[Document], Document]


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Something that happened, as its context states it; identity, time and actor are in the commit.

    Fields at their default are left out of the stored form, so a default is part of the wire contract.
    """


@dataclass(frozen=True, slots=True)
class OldVersion:
    """How documents of one earlier version are read: the personal fields it had, and its lift to the next."""

    lift: Lift
    personal: frozenset[str]


@dataclass(frozen=True, slots=True)
class EventType:
    """A stored name with its present version and class."""

    name: str
    version: int
    fact: type[Fact]
    decoder: msgspec.json.Decoder[Fact]
    personal: frozenset[str]
    older: dict[int, OldVersion] = field(default_factory=dict[int, OldVersion])


class UnknownEventType(Exception):
    """The log holds a fact whose name this release has never heard of."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"unknown event type {name!r}: this release has no such fact; is a newer one writing?")


class NewerEventVersion(Exception):
    """The log holds a fact in a version that this release cannot read yet."""

    def __init__(self, name: str, stored: int, known: int) -> None:
        self.name, self.stored, self.known = name, stored, known
        super().__init__(f"event type {name!r} is stored in version {stored}; this release knows up to {known}")


F = TypeVar("F", bound=Fact)
_by_name: dict[str, EventType] = {}
_by_fact: dict[type[Fact], EventType] = {}


def event_type(name: str, *, version: int) -> Callable[[type[F]], type[F]]:
    """Declare the stored name and present version of a fact.

    Raises:
        ValueError: the name is malformed, or already taken by another class.
    """
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is not context.kebab-case"
        raise ValueError(msg)

    def declare(fact: type[F]) -> type[F]:
        taken = _by_name.get(name)
        if taken is not None and taken.fact.__qualname__ != fact.__qualname__:
            msg = f"{name!r} is already {taken.fact.__qualname__}"
            raise ValueError(msg)
        entry = EventType(name, version, fact, msgspec.json.Decoder(fact), personal_fields(fact))
        _by_name[name] = _by_fact[fact] = entry
        return fact

    return declare


def upcasts(fact: type[Fact], *, from_version: int, personal: tuple[str, ...] = ()) -> Callable[[Lift], Lift]:
    """Register how a document of `from_version` becomes one of the next version.

    personal: the fields of `from_version` that were encrypted. Where the key is gone they hold
    `{"erased": "key-destroyed"}`, which the lift must carry over like any other value.
    """

    def declare(lift: Lift) -> Lift:
        _by_fact[fact].older[from_version] = OldVersion(lift, frozenset(personal))
        return lift

    return declare


def type_of(fact: type[Fact]) -> EventType:
    """Find the stored name and version of a fact's class."""
    return _by_fact[fact]


def named(name: str, version: int) -> EventType:
    """Find what a stored name and version stand for.

    Raises:
        UnknownEventType, NewerEventVersion: as their names say; an older version without a lift is unknown too.
    """
    entry = _by_name.get(name)
    if entry is None:
        raise UnknownEventType(name)
    if version > entry.version:
        raise NewerEventVersion(name, version, entry.version)
    if any(step not in entry.older for step in range(version, entry.version)):
        raise UnknownEventType(f"{name} v{version}")
    return entry


def present(name: str) -> EventType:
    """Find the present version of a stored name.

    Raises:
        UnknownEventType: this release has no such fact.
    """
    entry = _by_name.get(name)
    if entry is None:
        raise UnknownEventType(name)
    return entry


def every_type() -> Iterator[EventType]:
    """List all declared facts by name."""
    return iter(sorted(_by_name.values(), key=lambda entry: entry.name))


def json_schemas() -> Mapping[str, dict[str, Any]]:
    """Describe the plain form of every fact as JSON Schema 2020-12, by `name.vN`.

    Personal fields carry `"x-personal": true`: in the log they are inside the sealed part.
    """
    schemas: dict[str, dict[str, Any]] = {}
    for entry in every_type():
        (schema,), components = msgspec.json.schema_components([entry.fact], ref_template="#/$defs/{name}")
        body = dict(components[schema["$ref"].rsplit("/", 1)[1]]) if "$ref" in schema else dict(schema)
        for name in entry.personal:
            body["properties"][name] = {**body["properties"][name], "x-personal": True}
        others = {name: part for name, part in components.items() if name != entry.fact.__name__}
        schemas[f"{entry.name}.v{entry.version}"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:patron:event:{entry.name}:{entry.version}",
            **body,
            **({"$defs": others} if others else {}),
        }
    return schemas
