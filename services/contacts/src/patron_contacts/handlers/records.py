"""What the use cases of people and companies share: unique keys, claims, references."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from patron_contacts.domain.claim import CLAIM, ReleaseKey, TakeKey
from patron_contacts.domain.company import COMPANY
from patron_contacts.domain.errors import CompanyNotFound
from patron_contacts.domain.intake import CompanyRef, Terms
from patron_contacts.domain.record import Definitions, Record, unique_keys
from patron_contacts.handlers.fields import FieldHandlers
from patron_events.decider import Decider
from patron_events.decisions import Asked, Decisions, Unit
from patron_events.journal import AnyDecider
from patron_events.vault import BlindIndex
from patron_values.keys import COMPANIES, PEOPLE, UniqueKey, claim_id

RecordDecider = Decider[Record, Any, Any]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """What every use case on records works with."""

    decisions: Decisions
    fields: FieldHandlers
    index: BlindIndex
    default_region: str | None = None

    def claim_id(self, entity: str, key: UniqueKey) -> str:
        """Name the claim of a unique key."""
        return claim_id(self.index, entity, key)

    async def terms(self, entity: str, asked: Asked, *, adding: bool, newest: bool = False) -> Terms:
        """Gather what reading a body depends on."""
        return Terms(
            definitions=await self.fields.current(entity, newest=newest),
            now=datetime.now(UTC),
            author=asked.actor.id,
            region=self.default_region,
            adding=adding,
        )

    async def owner(self, unit: Unit, entity: str, key: UniqueKey) -> str | None:
        """Find the live record that holds a key."""
        return (await unit.state(CLAIM, self.claim_id(entity, key))).owner

    async def company_id(self, unit: Unit, ref: CompanyRef, path: str) -> str:
        """Find the company that a caller names.

        Raises:
            CompanyNotFound: there is none, or it was erased.
        """
        found = ref.company_id
        if ref.external_id is not None:
            found = await self.owner(unit, COMPANIES, UniqueKey("external-id", ref.external_id))
        if found is None or (await unit.state(COMPANY, found)).status not in ("live", "archived"):
            raise CompanyNotFound(field=path)
        return found

    async def apply(self, unit: Unit, entity: str, target: "Target", command: Any) -> None:
        """Decide a command on a record, and claim and release the unique keys that it gains and loses."""
        record = await unit.state(target.decider, target.id)
        before = unique_keys(record, target.definitions, emails=entity == PEOPLE)
        await unit.decide(target.decider, target.id, command)
        changed = await unit.state(target.decider, target.id)
        after = unique_keys(changed, target.definitions, emails=entity == PEOPLE)
        for key in sorted(after - before):
            claim = self.claim_id(entity, key)
            unit.presume_new(CLAIM, claim)
            await unit.decide(CLAIM, claim, TakeKey(key, target.id))
        released = [(key, self.claim_id(entity, key)) for key in sorted(before - after)]
        await unit.preload([(CLAIM, claim) for _, claim in released])
        for _, claim in released:
            await unit.decide(CLAIM, claim, ReleaseKey(target.id))

    def claims(self, entity: str, keys: Iterable[UniqueKey]) -> list[tuple[AnyDecider, str]]:
        """Name the claims of keys, for reading them together."""
        return [(CLAIM, self.claim_id(entity, key)) for key in keys]


@dataclass(frozen=True, slots=True)
class Target:
    """The record that a command is for, with the custom fields as they are defined now."""

    decider: RecordDecider
    id: str
    definitions: Definitions
