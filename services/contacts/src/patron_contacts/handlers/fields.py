"""Custom fields: define and retire them, and know how they are defined now."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from patron_contacts.domain.custom_field import definition
from patron_contacts.domain.field_catalogue import FIELDS, Catalogue, DefineField, RetireField
from patron_events.decisions import Asked, Committed, Decisions

_FRESH_S: Final = 1.0


@dataclass(slots=True)
class FieldHandlers:
    """Use cases of custom fields. `entity` is people or companies.

    Definitions are read from the log at most once a second: a definition made by another process is in force
    here a second later at the latest, and an unknown field is looked up again before it is refused.
    """

    decisions: Decisions
    _known: dict[str, tuple[float, Catalogue]] = field(default_factory=dict[str, tuple[float, Catalogue]])

    async def current(self, entity: str, *, newest: bool = False) -> Catalogue:
        """Tell how the custom fields are defined, by name."""
        known = self._known.get(entity)
        if known is not None and not newest and time.monotonic() - known[0] < _FRESH_S:
            return known[1]
        loaded = await self.decisions.journal.load(FIELDS, entity)
        self._known[entity] = (time.monotonic(), loaded.state)
        return loaded.state

    async def define(self, entity: str, body: Mapping[str, Any], asked: Asked) -> Committed:
        """Define a field, or change its label, options or whether it is required.

        Raises:
            FieldTypeFixed: type, uniqueness or privacy would change.
        """
        committed = await self.decisions.run(FIELDS, entity, DefineField(definition(body)), asked)
        self._known.pop(entity, None)
        return committed

    async def retire(self, entity: str, name: str, asked: Asked) -> Committed:
        """Take a field out of use; raises FieldNotFound."""
        committed = await self.decisions.run(FIELDS, entity, RetireField(name), asked)
        self._known.pop(entity, None)
        return committed
