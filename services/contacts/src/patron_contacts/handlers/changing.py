"""Use cases on one person or company: create, change, upsert, archive, restore, erase, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_contacts.domain.company import COMPANY, CreateCompany
from patron_contacts.domain.errors import CompanyIsOwnParent, RecordNotFound
from patron_contacts.domain.intake import CompanyRef
from patron_contacts.domain.person import CompanyLink, LinkCompany
from patron_contacts.domain.record import Changes, Erase, Record
from patron_contacts.domain.value_errors import CustomFieldUnknown
from patron_contacts.handlers.kinds import Draft, Kind
from patron_contacts.handlers.records import Body, Records, Target
from patron_events.catalog import contacts as events
from patron_events.decisions import Asked, Committed, Unit, Work
from patron_events.journal import Loaded
from patron_values.keys import COMPANIES, UniqueKey, company_by_name, derived_id


@dataclass(frozen=True, slots=True)
class Match:
    """The unique key by which an upsert finds its record; `stated` is the part of a body that says it."""

    key: UniqueKey
    stated: Body

    def added_to(self, body: Body) -> Body:
        """Give a body that holds the key, so that the record it creates is found the next time."""
        merged = dict(body)
        for name, part in self.stated.items():
            present = body.get(name)
            merged[name] = {**(present or {}), **part} if isinstance(part, Mapping) else [*(present or ()), *part]
        return merged


@dataclass(frozen=True, slots=True)
class RecordHandlers:
    """Use cases on the records of one kind. Every one of them is safe to repeat with the same command id."""

    records: Records
    kind: Kind

    async def read(self, record_id: str) -> Loaded[Record]:
        """Read a record from the log as it is now; raises RecordNotFound."""
        loaded = await self.records.decisions.journal.load(self.kind.decider, record_id)
        if loaded.state.status == "absent":
            raise RecordNotFound
        return loaded

    async def create(self, body: Body, asked: Asked) -> Committed:
        """Record somebody new; the id is derived from the command id, so a repetition finds the same record.

        Raises:
            RecordEmpty, NameMissing, KeyTaken, CompanyNotFound, and the refusals of values.
        """
        draft = await self.draft(body, asked, adding=False)
        return await self.records.decisions.transact(self.creating(draft, self.new_id(asked)), asked)

    async def change(self, record_id: str, body: Body, asked: Asked) -> Committed:
        """Change what the body states and nothing else.

        Raises:
            RecordNotFound, RecordErased, RecordArchived, KeyTaken, VersionMismatch, and the refusals of values.
        """
        draft = await self.draft(body, asked, adding=False)
        return await self.records.decisions.transact(self.updating(draft, record_id), asked)

    async def upsert(self, match: Match, body: Body, asked: Asked) -> Committed:
        """Change the live record that holds the key, or create one that does; see `change` and `create`."""
        draft = await self.draft(body, asked, adding=True)
        holder = await self.draft(match.added_to(body), asked, adding=True)
        new_id = self.new_id(asked)

        async def work(unit: Unit) -> None:
            owner = await self.records.owner(unit, self.kind.entity, match.key)
            await (self.creating(holder, new_id) if owner is None else self.updating(draft, owner))(unit)

        return await self.records.decisions.transact(work, asked)

    async def command(self, record_id: str, command: Any, asked: Asked) -> Committed:
        """Run one command on a record, keeping its unique keys in step; raises as the command's rule says."""
        target = await self._target(record_id)

        async def work(unit: Unit) -> None:
            await self.records.apply(unit, self.kind.entity, target, command)

        return await self.records.decisions.transact(work, asked)

    async def link(self, person_id: str, link: CompanyLink, asked: Asked) -> Committed:
        """Link a person to a company, or change that link.

        Raises:
            CompanyNotFound, LinkDatesReversed, RecordNotFound, RecordErased, RecordArchived.
        """
        target = await self._target(person_id)

        async def work(unit: Unit) -> None:
            await self.records.company_id(unit, CompanyRef(company_id=link.company_id), "company_id")
            await self.records.apply(unit, self.kind.entity, target, LinkCompany(link))

        return await self.records.decisions.transact(work, asked)

    async def erase(self, record_id: str, command: Erase, asked: Asked) -> Committed:
        """Erase what is personal: the fact first, then the key, so that a repetition completes it."""
        committed = await self.command(record_id, command, asked)
        await self.records.decisions.journal.vault.destroy(record_id)
        return committed

    def new_id(self, asked: Asked) -> str:
        """Derive the id of a new record from the command that creates it."""
        return derived_id(self.kind.entity, asked.command_id)

    async def draft(self, body: Body, asked: Asked, *, adding: bool) -> Draft:
        """Read a body; an unknown custom field is looked up once more before it is refused."""
        terms = await self.records.terms(self.kind.entity, asked, adding=adding)
        try:
            return self.kind.read(body, terms)
        except CustomFieldUnknown:
            terms = await self.records.terms(self.kind.entity, asked, adding=adding, newest=True)
            return self.kind.read(body, terms)

    async def _target(self, record_id: str) -> Target:
        return Target(self.kind.decider, record_id, await self.records.fields.current(self.kind.entity))

    def creating(self, draft: Draft, record_id: str) -> Work:
        """Make the unit of work that creates a record."""

        async def work(unit: Unit) -> None:
            unit.presume_new(self.kind.decider, record_id)
            await self._decide(unit, draft, record_id, new=True)

        return work

    def updating(self, draft: Draft, record_id: str) -> Work:
        """Make the unit of work that changes a record."""

        async def work(unit: Unit) -> None:
            await self._decide(unit, draft, record_id, new=False)

        return work

    async def _decide(self, unit: Unit, draft: Draft, record_id: str, *, new: bool) -> None:
        company_ids = await self._companies(unit, draft, record_id)
        command = self.kind.command(draft, company_ids, new)
        target = Target(self.kind.decider, record_id, draft.changes.definitions)
        await self.records.apply(unit, self.kind.entity, target, command)
        await self._create_named(unit, draft, company_ids)

    async def _companies(self, unit: Unit, draft: Draft, record_id: str) -> Sequence[str]:
        """Find the companies a draft names; one named by a name that nobody has gets the id it will have."""
        found: list[str] = []
        for path, ref, _ in draft.companies:
            name = draft.names.get(ref.external_id) if ref.external_id is not None else None
            key = None if ref.external_id is None else UniqueKey("external-id", ref.external_id)
            if name is not None and key is not None and await self.records.owner(unit, COMPANIES, key) is None:
                found.append(company_by_name(key))
            else:
                found.append(await self.records.company_id(unit, ref, path))
        if self.kind.entity == COMPANIES and record_id in found:
            raise CompanyIsOwnParent(field="parent")
        return found

    async def _create_named(self, unit: Unit, draft: Draft, company_ids: Sequence[str]) -> None:
        """Create the companies that are named and not known yet, with nothing but their name."""
        for company_id, (_, ref, _) in zip(company_ids, draft.companies, strict=True):
            name = None if ref.external_id is None else draft.names.get(ref.external_id)
            if name is None or ref.external_id is None or (await unit.state(COMPANY, company_id)).status != "absent":
                continue
            source, own = ref.external_id
            changes = Changes(
                facets={
                    events.CompanyNamed: {"name": name},
                    events.ExternalIdsChanged: {"external_ids": (events.ExternalId(source, own),)},
                },
                custom={},
                definitions={},
            )
            target = Target(COMPANY, company_id, {})
            await self.records.apply(unit, COMPANIES, target, CreateCompany(changes))
