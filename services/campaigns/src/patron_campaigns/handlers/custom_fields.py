"""Know how the custom fields of people and companies are defined now, from the log of the contacts context."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Never

from patron_events.catalog import contacts as facts
from patron_events.decider import Decider
from patron_events.journal import Journal
from patron_rules.fields import CustomField, Definitions

_FRESH_S: Final = 1.0
Known = Mapping[str, CustomField]


def _never(known: Known, command: Never) -> Sequence[facts.FieldEvent]:
    del known, command
    msg = "custom fields are defined by the contacts context"
    raise TypeError(msg)


def _evolve(known: Known, event: facts.FieldEvent, at: datetime) -> Known:
    del at
    match event:
        case facts.FieldDefined(name=name):
            return {**known, name: CustomField.of(event)}
        case facts.FieldRetired(name=gone):
            return {name: one for name, one in known.items() if name != gone}


_NOTHING: Known = {}
_FIELDS: Final = Decider(category="contacts.field-catalogue", initial=_NOTHING, decide=_never, evolve=_evolve)


@dataclass(slots=True)
class CustomFields:
    """Definitions by a second's delay at most; retired fields are unknown to new rules."""

    journal: Journal
    _known: tuple[float, Definitions] | None = field(default=None)

    async def current(self, *, newest: bool = False) -> Definitions:
        """Tell how custom fields are defined; `newest` asks the log whatever is remembered."""
        if self._known is not None and not newest and time.monotonic() - self._known[0] < _FRESH_S:
            return self._known[1]
        loaded = await self.journal.load_each([(_FIELDS, "people"), (_FIELDS, "companies")])
        definitions = Definitions(loaded[_FIELDS.stream("people")].state, loaded[_FIELDS.stream("companies")].state)
        self._known = (time.monotonic(), definitions)
        return definitions
