"""Definitions of custom fields."""

from patron_events.registry import Fact, event_type


@event_type("contacts.field-defined", version=1)
class FieldDefined(Fact, frozen=True):
    """A custom field has this definition from now on; `options` are the values of an enum."""

    name: str
    type: str
    label: str | None = None
    required: bool = False
    options: tuple[str, ...] = ()
    unique: bool = False
    personal: bool = False


@event_type("contacts.field-retired", version=1)
class FieldRetired(Fact, frozen=True):
    """The field takes no new values; recorded ones stay readable."""

    name: str


FieldEvent = FieldDefined | FieldRetired
