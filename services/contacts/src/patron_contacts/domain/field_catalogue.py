"""The catalogue of custom fields: one for people, one for companies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from patron_contacts.domain.errors import FieldNotFound, FieldTypeFixed
from patron_events.catalog import contacts as events
from patron_events.decider import Decider

Catalogue = Mapping[str, events.FieldDefined]


@dataclass(frozen=True, slots=True)
class DefineField:
    """Define a custom field, or change its label, options or whether it is required."""

    definition: events.FieldDefined


@dataclass(frozen=True, slots=True)
class RetireField:
    """Take a field out of use; recorded values stay readable."""

    name: str


def decide(catalogue: Catalogue, command: DefineField | RetireField) -> Sequence[events.FieldEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case DefineField(definition):
            present = catalogue.get(definition.name)
            if present is None:
                return (definition,)
            for fixed in ("type", "unique", "personal"):
                if getattr(present, fixed) != getattr(definition, fixed):
                    raise FieldTypeFixed(field=fixed)
            return () if present == definition else (definition,)
        case RetireField(name):
            if name not in catalogue:
                raise FieldNotFound
            return (events.FieldRetired(name=name),)


def evolve(catalogue: Catalogue, event: events.FieldEvent, at: datetime) -> Catalogue:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    match event:
        case events.FieldDefined(name=name):
            return {**catalogue, name: event}
        case events.FieldRetired(name=gone):
            return {name: definition for name, definition in catalogue.items() if name != gone}


NOTHING: Catalogue = {}
FIELDS = Decider(category="contacts.field-catalogue", initial=NOTHING, decide=decide, evolve=evolve)
