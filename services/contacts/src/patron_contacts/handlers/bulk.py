"""Many records at once: each item is decided by itself, and all share the batches of the log."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from patron_contacts.domain.claim import CLAIM, taken
from patron_contacts.domain.company import COMPANY
from patron_contacts.domain.errors import KeyTaken, RepeatedInRequest
from patron_contacts.domain.record import Record, external_ids
from patron_contacts.handlers.changing import RecordHandlers
from patron_contacts.handlers.kinds import Draft
from patron_contacts.handlers.records import Body
from patron_events.catalog import contacts as events
from patron_events.decisions import Asked, Committed, Unit, Work
from patron_events.envelope import Position
from patron_events.journal import AnyDecider
from patron_events.rejections import Rejection
from patron_values.keys import COMPANIES, UniqueKey, company_by_name

CHUNK: Final = 500
STATUSES: Final = ("created", "updated", "unchanged", "duplicate", "rejected")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item; `refusal` where it is a duplicate or rejected."""

    status: str
    id: str | None = None
    version: int | None = None
    sequence: int = 0
    refusal: Rejection | None = None


def rejected(refusal: Rejection) -> Result:
    """Answer for an item that was refused."""
    return Result("duplicate" if isinstance(refusal, KeyTaken | RepeatedInRequest) else "rejected", refusal=refusal)


def counts(results: Sequence[Result]) -> Mapping[str, int]:
    """Count results by status."""
    counted = Counter(result.status for result in results)
    return {status: counted[status] for status in STATUSES}


def last_position(results: Sequence[Result]) -> Position | None:
    """Tell up to where a reader must have read to have seen all of it."""
    sequence = max((result.sequence for result in results), default=0)
    return Position("contacts", None, sequence) if sequence else None


def item_asked(asked: Asked, index: int) -> Asked:
    """Give an item of a bulk request a command id of its own, the same when the request is repeated."""
    return replace(asked, command_id=f"{asked.command_id}:{index}", expected_version=None)


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that items come from, by a name without personal data, and the row of each item."""

    file: str
    rows: Sequence[int]

    def marked(self, asked: Asked, index: int) -> Asked:
        """Write file and row of an item into its correlation id; an item beyond the rows keeps the request's."""
        if index >= len(self.rows):
            return asked
        cause = structs.replace(asked.cause, correlation_id=f"import:{self.file}:{self.rows[index]}")
        return replace(asked, cause=cause)


@dataclass(slots=True)
class RecordBulk:
    """Create or upsert many records of one kind. origin: where they come from, if that is to be kept."""

    handlers: RecordHandlers
    origin: Origin | None = None

    async def run(self, bodies: Sequence[Body | Rejection], asked: Asked, *, upsert: bool) -> Sequence[Result]:
        """Decide every item by itself; the answers are in the order of the items.

        bodies: a Rejection stands where an item was not even a body.
        A second item about the same record (by its first unique key) is a duplicate and not applied.
        """
        results: dict[int, Result] = {}
        waiting = range(len(bodies))
        while waiting:
            again: list[int] = []
            for index, first, key in await self._pass(bodies, waiting, asked, results, upsert=upsert):
                if results[first].refusal is None:
                    results[index] = rejected(RepeatedInRequest(field=key.field))
                else:  # nothing came of the first item, so this one is about nobody else's record
                    again.append(index)
            waiting = again
        return [results[index] for index in range(len(bodies))]

    async def _pass(
        self,
        bodies: Sequence[Body | Rejection],
        waiting: Sequence[int],
        asked: Asked,
        results: dict[int, Result],
        *,
        upsert: bool,
    ) -> Sequence[tuple[int, int, UniqueKey]]:
        """Decide the waiting items; answers those that repeat the first key of an earlier one: item, earlier, key."""
        first_with: dict[UniqueKey, int] = {}
        repeated: list[tuple[int, int, UniqueKey]] = []
        for start in range(0, len(waiting), CHUNK):
            drafts: dict[int, Draft] = {}
            for index in waiting[start : start + CHUNK]:
                try:
                    draft = await self._draft(bodies[index], asked, upsert=upsert)
                except Rejection as refusal:
                    results[index] = rejected(refusal)
                    continue
                key = next(iter(draft.unique_keys()), None)
                if key is not None and (first := first_with.setdefault(key, index)) != index:
                    repeated.append((index, first, key))
                else:
                    drafts[index] = draft
            results |= await self._chunk(drafts, asked, upsert=upsert)
            await asyncio.sleep(0)  # a long request must not keep others waiting
        return repeated

    async def _draft(self, body: Body | Rejection, asked: Asked, *, upsert: bool) -> Draft:
        if isinstance(body, Rejection):
            raise body
        return await self.handlers.draft(body, asked, adding=upsert)

    async def _chunk(self, drafts: Mapping[int, Draft], asked: Asked, *, upsert: bool) -> dict[int, Result]:
        records = self.handlers.records
        reads = await self._reads(list(drafts.values()))
        works: list[tuple[Work, Asked]] = []
        for index, draft in drafts.items():
            one = item_asked(asked, index)
            if self.origin is not None:
                one = self.origin.marked(one, index)
            works.append((self._upserting(draft, one) if upsert else self._creating(draft, one), one))
        committed = await records.decisions.transact_each(works, reads)
        return dict(zip(drafts, (self._result(one) for one in committed), strict=True))

    async def _reads(self, drafts: Sequence[Draft]) -> list[tuple[AnyDecider, str]]:
        """Fetch all claims that the drafts ask about, and name the records that they lead to."""
        records, entity, decider = self.handlers.records, self.handlers.kind.entity, self.handlers.kind.decider
        own = {key for draft in drafts for key in draft.unique_keys()}
        companies = {key for draft in drafts for key in draft.company_keys()}
        claims = [*records.claims(entity, own), *records.claims(COMPANIES, companies)]
        owner = {
            stream.id: loaded.state.owner
            for stream, loaded in (await records.decisions.journal.load_each(claims)).items()
        }
        found = {owner[claim] for _, claim in records.claims(entity, own)}
        named = {owner[records.claim_id(COMPANIES, key)] or company_by_name(key) for key in companies}
        reads: list[tuple[AnyDecider, str]] = [(decider, one) for one in sorted(one for one in found if one)]
        return reads + [(COMPANY, one) for one in sorted(named)]

    def _creating(self, draft: Draft, asked: Asked) -> Work:
        return self.handlers.creating(draft, self.handlers.new_id(asked))

    def _upserting(self, draft: Draft, asked: Asked) -> Work:
        async def work(unit: Unit) -> None:
            owner = await self._match(unit, draft)
            if owner is None:
                await self._creating(draft, asked)(unit)
            else:
                await self.handlers.updating(draft, owner)(unit)

        return work

    async def _match(self, unit: Unit, draft: Draft) -> str | None:
        """Find the record that an item is about: by external id, then e-mail, then unique custom fields.

        An e-mail match with another id of the same source is another record with the same address: refused.
        """
        for key in draft.unique_keys():
            owner = (await unit.state(CLAIM, self.handlers.records.claim_id(self.handlers.kind.entity, key))).owner
            if owner is None:
                continue
            if key.kind == "email" and self._another(await unit.state(self.handlers.kind.decider, owner), draft):
                raise taken(key)
            return owner
        return None

    @staticmethod
    def _another(record: Record, draft: Draft) -> bool:
        sources = {one.source for one in external_ids(record)}
        return any(one.source in sources for one in draft.changes.add_external_ids)

    def _result(self, answer: Committed | Rejection) -> Result:
        if isinstance(answer, Rejection):
            return rejected(answer)
        status = "unchanged"
        if answer.repeated:  # told as it was told the first time
            status = "created" if answer.version == 1 else "updated"
        elif answer.events:
            created = isinstance(answer.events[0], events.PersonCreated | events.CompanyCreated)
            status = "created" if created else "updated"
        return Result(status, answer.stream.id, answer.version, answer.last or answer.position.sequence)
